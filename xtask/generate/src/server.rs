//! The real kube-apiserver that the data is read from, with a check of its version.

use std::path::Path;

use anyhow::{Context, Result, bail};
use kube::Client;
use seatrial_envtest::Environment;
use serde_json::{Map, Value};

use super::text;

/// The version whose data is committed.
pub(crate) const KUBERNETES: &str = "v1.37.2";

/// The fields of `/version` that do not depend on the build of the binary.
const VERSION_FIELDS: [&str; 7] = [
    "major",
    "minor",
    "emulationMajor",
    "emulationMinor",
    "minCompatibilityMajor",
    "minCompatibilityMinor",
    "gitVersion",
];

/// A running kube-apiserver.
pub(crate) struct Server {
    client: Client,
    version: Value,
    /// `None` for the server of a kubeconfig.
    environment: Option<Environment>,
}

impl Server {
    /// Starts a server, or connects to that of a kubeconfig. Fails for another than the pinned version.
    pub(crate) async fn start(kubeconfig: Option<&Path>) -> Result<Self> {
        let (client, environment) = if let Some(path) = kubeconfig {
            (connect(path).await?, None)
        } else {
            let version = KUBERNETES.trim_start_matches('v');
            let environment = Environment::builder().version(version).start().await?;
            (environment.client()?, Some(environment))
        };
        let mut server = Self { client, version: Value::Null, environment };
        server.version = server.get("/version").await?;
        pinned(&server.version)?;
        let custom = server.get("/apis/apiextensions.k8s.io/v1/customresourcedefinitions?limit=1").await?;
        if custom["items"].as_array().is_none_or(|items| !items.is_empty()) {
            bail!(
                "the server has custom resources; only a server without them shows the built-in kinds alone"
            );
        }
        Ok(server)
    }

    /// Stops the server, if `start` started one.
    pub(crate) async fn stop(self) {
        if let Some(environment) = self.environment {
            environment.stop().await;
        }
    }

    /// `GET` as plain JSON.
    pub(crate) async fn get(&self, path: &str) -> Result<Value> {
        self.get_as(path, "application/json").await
    }

    /// `GET` in the form that `accept` names.
    pub(crate) async fn get_as(&self, path: &str, accept: &str) -> Result<Value> {
        let request = http::Request::get(path).header(http::header::ACCEPT, accept).body(Vec::new())?;
        let body =
            self.client.request_text(request).await.with_context(|| format!("failed to get {path}"))?;
        serde_json::from_str(&body).with_context(|| format!("{path} did not answer with JSON"))
    }

    /// The response of a create with dry run.
    pub(crate) async fn dry_run(&self, collection: &str, validation: &str, object: &Value) -> Result<Value> {
        self.send("POST", &format!("{collection}?dryRun=All&fieldValidation={validation}"), object).await
    }

    /// The response of a status update with dry run. The object is created before and deleted after.
    pub(crate) async fn status_dry_run(&self, collection: &str, object: &Value) -> Result<Value> {
        let name = object["metadata"]["name"].as_str().context("a manifest has a name")?;
        let created = self.send("POST", collection, object).await?;
        let mut update = object.clone();
        update["metadata"]["resourceVersion"] = created["metadata"]["resourceVersion"].clone();
        let got = self.send("PUT", &format!("{collection}/{name}/status?dryRun=All"), &update).await;
        let options = serde_json::json!({"gracePeriodSeconds": 0, "propagationPolicy": "Background"});
        self.send("DELETE", &format!("{collection}/{name}"), &options).await?;
        got
    }

    async fn send(&self, method: &str, address: &str, body: &Value) -> Result<Value> {
        let request = http::Request::builder()
            .method(method)
            .uri(address)
            .header(http::header::CONTENT_TYPE, "application/json")
            .body(serde_json::to_vec(body)?)?;
        let text = self.client.request_text(request).await?;
        serde_json::from_str(&text).with_context(|| format!("{method} {address} did not answer with JSON"))
    }

    /// The text of `version.json`.
    pub(crate) fn version_file(&self) -> Result<String> {
        let mut kept = Map::new();
        for field in VERSION_FIELDS {
            let value = self.version.get(field).with_context(|| format!("/version has no {field}"))?;
            kept.insert(field.to_owned(), value.clone());
        }
        text::object_lines(&kept)
    }
}

async fn connect(path: &Path) -> Result<Client> {
    let kubeconfig = kube::config::Kubeconfig::read_from(path)
        .with_context(|| format!("failed to read {}", path.display()))?;
    let config =
        kube::Config::from_custom_kubeconfig(kubeconfig, &kube::config::KubeConfigOptions::default()).await?;
    Ok(Client::try_from(config)?)
}

/// Fails if the server has another version than the data.
fn pinned(version: &Value) -> Result<()> {
    let found = version["gitVersion"].as_str().unwrap_or_default();
    if found != KUBERNETES {
        bail!("the server says it is {found:?}; the data is pinned to {KUBERNETES}");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_data_has_the_version_of_the_comparison() {
        assert_eq!(KUBERNETES, format!("v{}", seatrial_fixtures::conformance::server_config::KUBERNETES));
    }

    #[test]
    fn a_server_of_another_version_is_rejected() {
        assert!(pinned(&json!({"gitVersion": KUBERNETES})).is_ok());
        let error = pinned(&json!({"gitVersion": "v1.37.3"})).unwrap_err().to_string();
        assert!(error.contains("\"v1.37.3\"") && error.contains(KUBERNETES), "{error}");
        assert!(pinned(&json!({})).is_err(), "what says nothing is no server of this version");
    }
}
