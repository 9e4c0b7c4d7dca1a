//! Installation of a suite's `CustomResourceDefinition`s before a cluster's first spec.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{Patch, PatchParams, PostParams};
use kube::core::{ApiResource, DynamicObject};
use kube::{Api, Client, ResourceExt as _};
use serde_json::Value;
use tokio::sync::Mutex;

use crate::deploy::established;
use crate::failure::{Failure, SpecResult};
use crate::tier::Connection;

/// A suite's definitions, and whether the shared cluster has them yet.
pub(crate) struct SuiteDefinitions {
    crds: Vec<Value>,
    // Held while they are installed: specs that start at the same time wait for the first one.
    shared_done: Mutex<bool>,
}

impl SuiteDefinitions {
    pub(crate) fn new(crds: Vec<Value>) -> Self {
        Self { crds, shared_done: Mutex::new(false) }
    }

    /// Installs the definitions, on a shared cluster once.
    pub(crate) async fn install(&self, connection: &Connection) -> SpecResult {
        if !connection.shared {
            return self.install_now(&connection.client).await;
        }
        let mut done = self.shared_done.lock().await;
        if !*done {
            self.install_now(&connection.client).await?;
            *done = true;
        }
        Ok(())
    }
}

impl SuiteDefinitions {
    async fn install_now(&self, client: &Client) -> SpecResult {
        // As they were written, not through the typed CustomResourceDefinition: nothing in them is lost.
        let api: Api<DynamicObject> =
            Api::all_with(client.clone(), &ApiResource::erase::<CustomResourceDefinition>(&()));
        for crd in &self.crds {
            let crd: DynamicObject = serde_json::from_value(crd.clone())
                .map_err(|error| Failure::from(error).during("reading a CustomResourceDefinition"))?;
            let name = crd.name_any();
            put(&api, &name, &crd).await.map_err(|error| {
                Failure::from(error).during(&format!("installing CustomResourceDefinition {name}"))
            })?;
            established(&api, &name).await?;
        }
        Ok(())
    }
}

/// Creates the definition, or brings one that is there to this state.
async fn put(api: &Api<DynamicObject>, name: &str, crd: &DynamicObject) -> Result<(), kube::Error> {
    match api.create(&PostParams::default(), crd).await {
        Err(kube::Error::Api(status)) if status.reason == "AlreadyExists" => {
            api.patch(name, &PatchParams::default(), &Patch::Merge(crd)).await.map(drop)
        }
        other => other.map(drop),
    }
}
