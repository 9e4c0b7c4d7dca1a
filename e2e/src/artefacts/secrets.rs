//! The Secrets of a cluster, taken in by the veil before anything is written down.

use std::time::Duration;

use k8s_openapi::api::core::v1::Secret;
use kube::Api;
use kube::api::ListParams;

use crate::artefacts::{Scene, Veil};
use crate::failure::sentence;

/// So many Secrets are asked for at once.
const PAGE: u32 = 500;

/// How long they may take to be listed.
const LIMIT: Duration = Duration::from_secs(15);

/// Takes in the Secrets of a failure's namespaces.
pub(crate) async fn learn(scene: &Scene) -> Result<(), String> {
    let Some(client) = &scene.client else { return Ok(()) };
    let all = async {
        for namespace in &scene.namespaces {
            take_in(&Api::namespaced(client.clone(), namespace), &scene.veil).await?;
        }
        Ok(())
    };
    tokio::time::timeout(LIMIT, all).await.unwrap_or_else(|_| Err("the API server did not answer".to_owned()))
}

/// Takes in those of all namespaces.
#[cfg(feature = "kind")]
pub(crate) async fn learn_all(client: &kube::Client, veil: &Veil) -> Result<(), String> {
    take_in(&Api::all(client.clone()), veil).await
}

async fn take_in(api: &Api<Secret>, veil: &Veil) -> Result<(), String> {
    let mut page = ListParams::default().limit(PAGE);
    loop {
        let list = api.list(&page).await.map_err(|error| sentence(&error))?;
        for secret in &list.items {
            veil.learn(
                &serde_json::to_value(secret).expect("an object that came as JSON can be written as JSON"),
            );
        }
        match list.metadata.continue_.filter(|token| !token.is_empty()) {
            Some(token) => page = page.continue_token(&token),
            None => return Ok(()),
        }
    }
}
