//! The containers of kind clusters, as Docker lists them.
//!
//! It knows kind's labels; not what a cluster is.

use std::collections::HashMap;

use bollard::Docker;
use bollard::models::ContainerSummary;
use bollard::query_parameters::ListContainersOptions;

use super::error::KindError;
use crate::docker::{connect_to, host};

/// kind's label for the cluster that a container belongs to.
pub(super) const CLUSTER_LABEL: &str = "io.x-k8s.kind.cluster";

/// kind's label for what a container is in its cluster.
pub(super) const ROLE_LABEL: &str = "io.x-k8s.kind.role";

/// A connection to Docker, for the runtime that this is called on.
pub(super) async fn connect() -> Result<Docker, KindError> {
    Ok(connect_to(&host()).await?)
}

/// The containers of one cluster, or of all that kind made, running or not.
pub(super) async fn containers(
    docker: &Docker,
    cluster: Option<&str>,
) -> Result<Vec<ContainerSummary>, KindError> {
    let label = match cluster {
        Some(cluster) => format!("{CLUSTER_LABEL}={cluster}"),
        None => CLUSTER_LABEL.to_owned(),
    };
    let filters = HashMap::from([("label".to_owned(), vec![label])]);
    let options =
        ListContainersOptions { all: true, filters: Some(filters), ..ListContainersOptions::default() };
    docker.list_containers(Some(options)).await.map_err(KindError::docker("listing kind's containers"))
}

/// A container's name as people write it.
pub(super) fn name_of(container: &ContainerSummary) -> String {
    let name = container.names.as_ref().and_then(|names| names.first());
    name.map(|name| name.trim_start_matches('/').to_owned())
        .or_else(|| container.id.clone())
        .unwrap_or_default()
}

/// A label of a container.
pub(super) fn label<'c>(container: &'c ContainerSummary, label: &str) -> Option<&'c str> {
    container.labels.as_ref()?.get(label).map(String::as_str)
}
