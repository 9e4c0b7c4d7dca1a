//! Check that one manager writes each kind's status, for suites that ask for it.

use kube::Client;
use kube::api::ListParams;
use serde_json::Value;

use crate::artefacts::{DiscoveredKind, discover};
use crate::failure::{Failure, SpecResult, sentence};
use crate::managed_fields::several_status_writers;

/// Fails if two field managers have written the status of objects of one kind, by the objects that are in the
/// namespace.
pub(crate) async fn check(client: &Client, namespace: &str) -> SpecResult {
    let unread = |what: &str, error: &str| {
        Failure::nowhere(format!("the writers of status fields cannot be known: {what}: {error}"))
    };
    let kinds = discover(client).await.map_err(|error| unread("discovery", &error))?;
    let mut found = Vec::new();
    for kind in kinds.iter().filter(|kind| kind.namespaced && kind.has_status) {
        let objects =
            objects(client, kind, namespace).await.map_err(|error| unread(&kind.label(), &error))?;
        found.extend(several_status_writers(&kind.label(), &objects));
    }
    if found.is_empty() {
        return Ok(());
    }
    Err(Failure::nowhere(found.join("\n")))
}

/// The objects of a kind by their names. A kind that is gone meanwhile, or that may not be read, has none.
async fn objects(
    client: &Client,
    kind: &DiscoveredKind,
    namespace: &str,
) -> Result<Vec<(String, Value)>, String> {
    let list = match kind.api(client, namespace).list(&ListParams::default()).await {
        Ok(list) => list,
        Err(kube::Error::Api(status)) if matches!(status.code, 403..=405) => return Ok(Vec::new()),
        Err(error) => return Err(sentence(&error)),
    };
    let objects = list.items.into_iter().map(|object| {
        let name = object.metadata.name.clone().unwrap_or_default();
        (name, serde_json::to_value(object).expect("an object that came as JSON can be written as JSON"))
    });
    Ok(objects.collect())
}
