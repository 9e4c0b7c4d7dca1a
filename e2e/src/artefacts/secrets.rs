//! The Secrets of a cluster, taken in by the veil before anything is written down.

use k8s_openapi::api::core::v1::Secret;
use kube::api::ListParams;
use kube::{Api, Client};

use crate::artefacts::Veil;
use crate::failure::sentence;

/// So many Secrets of a namespace, or of a cluster, are asked for, at most.
const MOST: u32 = 2000;

/// Takes in the Secrets of these namespaces.
pub(crate) async fn learn(client: &Client, namespaces: &[String], veil: &Veil) -> Result<(), String> {
    for namespace in namespaces {
        take_in(&Api::namespaced(client.clone(), namespace), veil).await?;
    }
    Ok(())
}

/// Takes in those of all namespaces.
pub(crate) async fn learn_all(client: &Client, veil: &Veil) -> Result<(), String> {
    take_in(&Api::all(client.clone()), veil).await
}

async fn take_in(api: &Api<Secret>, veil: &Veil) -> Result<(), String> {
    let list = api.list(&ListParams::default().limit(MOST)).await.map_err(|error| sentence(&error))?;
    for secret in &list.items {
        veil.learn(
            &serde_json::to_value(secret).expect("an object that came as JSON can be written as JSON"),
        );
    }
    Ok(())
}
