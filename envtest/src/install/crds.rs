//! Installation of `CustomResourceDefinitions`: created or replaced, then awaited until they are served.
//!
//! `kube::runtime::conditions::is_crd_established` is not used: it waits until the timeout for names that are not accepted.

use std::{path::PathBuf, time::Duration};

use kube::{
    Api, Client,
    api::{ApiResource, DynamicObject, GroupVersionKind, PostParams},
    runtime::wait::{Condition, await_condition},
};
use serde_json::Value;

use super::documents::{self, ReadError};

/// The timeout for one CRD to be established and served.
const CRD_TIMEOUT: Duration = Duration::from_secs(30);

/// The error of an installation.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InstallError {
    /// A file cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The paths have no CRDs.
    #[error("no CustomResourceDefinition of apiextensions.k8s.io/v1 in {}", display(paths))]
    NoCrds {
        /// The searched paths.
        paths: Vec<PathBuf>,
    },
    /// A CRD lacks a field.
    #[error("a CustomResourceDefinition without {field}")]
    Malformed {
        /// The missing field.
        field: &'static str,
    },
    /// The server rejected a CRD.
    #[error("cannot install the CustomResourceDefinition {name}: {source}")]
    Rejected {
        /// The name of the CRD.
        name: String,
        /// The error of the request.
        source: Box<kube::Error>,
    },
    /// The condition `NamesAccepted` is false: the names belong to another CRD.
    #[error("the CustomResourceDefinition {name} is not accepted: {message}")]
    NamesNotAccepted {
        /// The name of the CRD.
        name: String,
        /// The message of the condition.
        message: String,
    },
    /// A CRD was not established in time.
    #[error("the CustomResourceDefinition {name} was not established within {} s; its last conditions: {conditions}", CRD_TIMEOUT.as_secs())]
    Timeout {
        /// The name of the CRD.
        name: String,
        /// The last conditions.
        conditions: String,
    },
    /// The watch failed.
    #[error("cannot wait for the CustomResourceDefinition {name}: {source}")]
    Wait {
        /// The name of the CRD.
        name: String,
        /// The error of the watch.
        source: Box<kube::runtime::wait::Error>,
    },
}

fn display(paths: &[PathBuf]) -> String {
    paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ")
}

/// Installs all CRDs in the paths and waits until they are served. Returns their names.
pub(crate) async fn install(client: Client, paths: &[PathBuf]) -> Result<Vec<String>, InstallError> {
    let mut definitions = Vec::new();
    for path in paths {
        definitions.extend(documents::read(path)?.into_iter().filter(is_crd));
    }
    if definitions.is_empty() {
        return Err(InstallError::NoCrds { paths: paths.to_owned() });
    }
    let kind = GroupVersionKind::gvk("apiextensions.k8s.io", "v1", "CustomResourceDefinition");
    let api: Api<DynamicObject> = Api::all_with(client.clone(), &ApiResource::from_gvk(&kind));
    let mut names = Vec::new();
    for definition in &definitions {
        names.push(create_or_replace(&api, definition).await?);
    }
    for (name, definition) in names.iter().zip(&definitions) {
        wait_until_established(&api, name).await?;
        wait_until_served(&client, name, definition).await?;
    }
    Ok(names)
}

fn is_crd(object: &Value) -> bool {
    object["kind"] == "CustomResourceDefinition"
        && object["apiVersion"].as_str().is_some_and(|version| version.starts_with("apiextensions.k8s.io/"))
}

async fn create_or_replace(api: &Api<DynamicObject>, definition: &Value) -> Result<String, InstallError> {
    let mut object: DynamicObject = serde_json::from_value(definition.clone())
        .map_err(|_| InstallError::Malformed { field: "metadata" })?;
    let name = object.metadata.name.clone().ok_or(InstallError::Malformed { field: "metadata.name" })?;
    let rejected = |source| InstallError::Rejected { name: name.clone(), source: Box::new(source) };
    let params = PostParams::default();
    match api.create(&params, &object).await {
        Ok(_) => {}
        Err(kube::Error::Api(status)) if status.reason == "AlreadyExists" => {
            // The given CRD replaces the existing one, whatever its revision.
            object.metadata.resource_version =
                api.get(&name).await.map_err(rejected)?.metadata.resource_version;
            api.replace(&name, &params, &object).await.map_err(rejected)?;
        }
        Err(error) => return Err(rejected(error)),
    }
    Ok(name)
}

/// The state of a CRD by its conditions.
#[derive(Debug, PartialEq, Eq)]
enum CrdState {
    Pending,
    Established,
    NamesNotAccepted(String),
}

fn crd_state(object: &DynamicObject) -> CrdState {
    let conditions = object.data["status"]["conditions"].as_array().map(Vec::as_slice).unwrap_or_default();
    let find = |kind: &str, status: &str| {
        conditions.iter().find(|condition| condition["type"] == kind && condition["status"] == status)
    };
    if let Some(condition) = find("NamesAccepted", "False") {
        return CrdState::NamesNotAccepted(
            condition["message"].as_str().unwrap_or("its names conflict").to_owned(),
        );
    }
    if find("Established", "True").is_some() { CrdState::Established } else { CrdState::Pending }
}

async fn wait_until_established(api: &Api<DynamicObject>, name: &str) -> Result<(), InstallError> {
    let condition = EstablishedOrRejected;
    let established = await_condition(api.clone(), name, condition);
    match tokio::time::timeout(CRD_TIMEOUT, established).await {
        Ok(Ok(object)) => match object.as_ref().map(crd_state) {
            Some(CrdState::NamesNotAccepted(message)) => {
                Err(InstallError::NamesNotAccepted { name: name.to_owned(), message })
            }
            _ => Ok(()),
        },
        Ok(Err(source)) => Err(InstallError::Wait { name: name.to_owned(), source: Box::new(source) }),
        Err(_) => {
            let last = api.get_opt(name).await.ok().flatten();
            let conditions = last.map_or(Value::Null, |object| object.data["status"]["conditions"].clone());
            Err(InstallError::Timeout { name: name.to_owned(), conditions: conditions.to_string() })
        }
    }
}

/// The condition to wait for: established, or names not accepted.
struct EstablishedOrRejected;

impl Condition<DynamicObject> for EstablishedOrRejected {
    fn matches_object(&self, object: Option<&DynamicObject>) -> bool {
        object.is_some_and(|object| crd_state(object) != CrdState::Pending)
    }
}

/// Waits until the resources are served, which is shortly after the condition `Established`.
async fn wait_until_served(client: &Client, name: &str, definition: &Value) -> Result<(), InstallError> {
    let spec = &definition["spec"];
    let group = spec["group"].as_str().ok_or(InstallError::Malformed { field: "spec.group" })?;
    let plural =
        spec["names"]["plural"].as_str().ok_or(InstallError::Malformed { field: "spec.names.plural" })?;
    let versions = spec["versions"].as_array().map(Vec::as_slice).unwrap_or_default();
    let deadline = tokio::time::Instant::now() + CRD_TIMEOUT;
    for version in
        versions.iter().filter(|version| version["served"] == true).filter_map(|v| v["name"].as_str())
    {
        for path in [format!("/apis/{group}/{version}"), format!("/apis/{group}/{version}/{plural}?limit=1")]
        {
            loop {
                let request =
                    http::Request::get(&path).body(Vec::new()).expect("a path of names that the server took");
                match client.request_text(request).await {
                    Ok(_) => break,
                    Err(kube::Error::Api(status))
                        if status.code == 404 && tokio::time::Instant::now() < deadline =>
                    {
                        tokio::time::sleep(Duration::from_millis(5)).await;
                    }
                    Err(source) => {
                        return Err(InstallError::Rejected {
                            name: name.to_owned(),
                            source: Box::new(source),
                        });
                    }
                }
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn with_conditions(conditions: &Value) -> DynamicObject {
        serde_json::from_value(json!({"metadata": {"name": "x"}, "status": {"conditions": conditions}}))
            .unwrap()
    }

    #[test]
    fn a_crd_without_status_is_pending() {
        assert_eq!(crd_state(&with_conditions(&Value::Null)), CrdState::Pending);
    }

    #[test]
    fn an_established_crd_with_conflicting_new_names_is_not_accepted() {
        let conditions = json!([
            {"type": "Established", "status": "True"},
            {"type": "NamesAccepted", "status": "False", "message": "\"machines\" is already in use"},
        ]);
        assert_eq!(
            crd_state(&with_conditions(&conditions)),
            CrdState::NamesNotAccepted("\"machines\" is already in use".to_owned())
        );
    }

    #[test]
    fn other_kinds_are_no_crds() {
        assert!(!is_crd(&json!({"kind": "ConfigMap", "apiVersion": "v1"})));
        assert!(is_crd(
            &json!({"kind": "CustomResourceDefinition", "apiVersion": "apiextensions.k8s.io/v1"})
        ));
    }
}
