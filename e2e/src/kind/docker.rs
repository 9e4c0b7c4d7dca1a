//! The way to Docker: where it listens, which version it speaks, what machine it runs on.
//!
//! A connection belongs to the runtime that it was made on, so each spec makes its own. It knows no clusters.

use std::collections::HashMap;
use std::path::Path;

use bollard::models::{ContainerSummary, SystemInfo};
use bollard::query_parameters::ListContainersOptions;
use bollard::{API_DEFAULT_VERSION, Docker};

use super::error::{KindError, reason};

/// Where Docker listens unless `DOCKER_HOST` says otherwise.
const DEFAULT_HOST: &str = "unix:///var/run/docker.sock";

/// Seconds until an answer must have begun: stopping a node, uploading and committing take long.
const PATIENCE: u64 = 600;

/// kind's label for the cluster that a container belongs to.
pub(super) const CLUSTER_LABEL: &str = "io.x-k8s.kind.cluster";

/// kind's label for what a container is in its cluster.
pub(super) const ROLE_LABEL: &str = "io.x-k8s.kind.role";

/// A connection to Docker.
pub(super) async fn connect() -> Result<Docker, KindError> {
    connect_to(&host()).await
}

/// `DOCKER_HOST`, or the default socket.
pub(super) fn host() -> String {
    std::env::var("DOCKER_HOST")
        .ok()
        .filter(|host| !host.is_empty())
        .unwrap_or_else(|| DEFAULT_HOST.to_owned())
}

async fn connect_to(host: &str) -> Result<Docker, KindError> {
    let refused = |reason: String| KindError::NoDocker { host: host.to_owned(), reason };
    let path = match host.split_once("://") {
        Some(("unix", path)) => path,
        None => host,
        Some((scheme, _)) => {
            return Err(refused(format!(
                "only sockets of this machine are spoken to, and this is {scheme}://"
            )));
        }
    };
    if !Path::new(path).exists() {
        return Err(refused("there is no such socket".into()));
    }
    let docker = Docker::connect_with_unix(path, PATIENCE, API_DEFAULT_VERSION);
    let docker = docker.map_err(|error| refused(reason(&error)))?;
    docker.negotiate_version().await.map_err(|error| refused(reason(&error)))
}

/// What the machine says of itself that runs the containers.
pub(super) async fn machine(docker: &Docker) -> Result<SystemInfo, KindError> {
    docker.info().await.map_err(KindError::docker("asking Docker about its machine"))
}

/// Docker's machine's architecture as images name it.
pub(super) fn architecture(info: &SystemInfo) -> Option<&str> {
    match info.architecture.as_deref()? {
        "x86_64" => Some("amd64"),
        "aarch64" => Some("arm64"),
        other => Some(other),
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn without_docker_the_error_names_the_socket_and_the_next_step() {
        let error = connect_to("unix:///nowhere/docker.sock").await.unwrap_err().to_string();
        assert!(
            error.starts_with(
                "Docker does not answer at unix:///nowhere/docker.sock: there is no such socket"
            ),
            "{error}"
        );
        assert!(error.contains("next: start Docker, or point DOCKER_HOST"), "{error}");
    }

    #[tokio::test]
    async fn a_socket_that_nobody_listens_on_is_no_docker() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("docker.sock");
        drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
        let error = connect_to(&format!("unix://{}", path.display())).await.unwrap_err().to_string();
        assert!(error.starts_with("Docker does not answer at unix://"), "{error}");
    }

    #[tokio::test]
    async fn an_address_of_another_machine_is_refused_by_its_scheme() {
        let error = connect_to("tcp://10.0.0.1:2375").await.unwrap_err().to_string();
        assert!(error.contains("this is tcp://"), "{error}");
    }
}
