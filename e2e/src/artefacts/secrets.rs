//! Lookup of a cluster's Secrets, for redaction before anything is written.

use std::time::Duration;

use k8s_openapi::api::core::v1::Secret;
use kube::Api;
use kube::api::ListParams;

use crate::artefacts::FailureScene;
use crate::failure::sentence;
use crate::redaction::Redactor;

/// Secrets in a page of a list.
const PAGE: u32 = 500;

/// Longest time that they may take to be listed.
const LIMIT: Duration = Duration::from_secs(15);

/// Takes in the Secrets of a failure's namespaces.
pub(crate) async fn add_secrets(scene: &FailureScene) -> Result<(), String> {
    let Some(client) = &scene.client else { return Ok(()) };
    let all = async {
        for namespace in &scene.namespaces {
            extend(&Api::namespaced(client.clone(), namespace), &scene.redactor).await?;
        }
        Ok(())
    };
    tokio::time::timeout(LIMIT, all).await.unwrap_or_else(|_| Err("the API server did not answer".to_owned()))
}

/// Takes in those of all namespaces.
#[cfg(feature = "kind")]
pub(crate) async fn add_all_secrets(client: &kube::Client, redactor: &Redactor) -> Result<(), String> {
    extend(&Api::all(client.clone()), redactor).await
}

async fn extend(api: &Api<Secret>, redactor: &Redactor) -> Result<(), String> {
    let mut page = ListParams::default().limit(PAGE);
    loop {
        let list = api.list(&page).await.map_err(|error| sentence(&error))?;
        for secret in &list.items {
            redactor.add_secret(
                &serde_json::to_value(secret).expect("an object that came as JSON can be written as JSON"),
            );
        }
        match list.metadata.continue_.filter(|token| !token.is_empty()) {
            Some(token) => page = page.continue_token(&token),
            None => return Ok(()),
        }
    }
}
