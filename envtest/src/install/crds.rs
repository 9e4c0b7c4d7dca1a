//! Custom resource definitions: created or replaced, then waited for until their resources can be used.
//!
//! Established is waited for by watch. It knows the definitions' status, not their schemas: the server judges those.

use std::{path::PathBuf, time::Duration};

use kube::{
    Api, Client,
    api::{ApiResource, DynamicObject, GroupVersionKind, PostParams},
    runtime::wait::{Condition, await_condition},
};
use serde_json::Value;

use super::documents::{self, ReadError};

/// How long one definition may take. It takes milliseconds, unless its names are taken.
const PATIENCE: Duration = Duration::from_secs(30);

/// Definitions that could not be installed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InstallError {
    /// A file.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// Nothing to install.
    #[error("no CustomResourceDefinition of apiextensions.k8s.io/v1 in {}", display(paths))]
    Nothing {
        /// Where it was looked for.
        paths: Vec<PathBuf>,
    },
    /// A document that says it is a definition and is not one.
    #[error("a CustomResourceDefinition without {field}")]
    Malformed {
        /// What is missing.
        field: &'static str,
    },
    /// The server's refusal.
    #[error("cannot install the CustomResourceDefinition {name}: {source}")]
    Refused {
        /// The definition's name.
        name: String,
        /// The answer.
        source: Box<kube::Error>,
    },
    /// Its names belong to another definition.
    #[error("the CustomResourceDefinition {name} is not accepted: {message}")]
    NamesTaken {
        /// The definition's name.
        name: String,
        /// The server's words.
        message: String,
    },
    /// It was not usable in time.
    #[error("the CustomResourceDefinition {name} was not established within {} s; its last conditions: {conditions}", PATIENCE.as_secs())]
    Late {
        /// The definition's name.
        name: String,
        /// What its status said last.
        conditions: String,
    },
    /// The watch broke.
    #[error("cannot wait for the CustomResourceDefinition {name}: {source}")]
    Wait {
        /// The definition's name.
        name: String,
        /// Why.
        source: Box<kube::runtime::wait::Error>,
    },
}

fn display(paths: &[PathBuf]) -> String {
    paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ")
}

/// Installs all definitions found, then waits for all of them. Returns their names.
pub(crate) async fn install(client: Client, paths: &[PathBuf]) -> Result<Vec<String>, InstallError> {
    let mut definitions = Vec::new();
    for path in paths {
        definitions.extend(documents::read(path)?.into_iter().filter(is_definition));
    }
    if definitions.is_empty() {
        return Err(InstallError::Nothing { paths: paths.to_owned() });
    }
    let kind = GroupVersionKind::gvk("apiextensions.k8s.io", "v1", "CustomResourceDefinition");
    let api: Api<DynamicObject> = Api::all_with(client.clone(), &ApiResource::from_gvk(&kind));
    let mut names = Vec::new();
    for definition in &definitions {
        names.push(put(&api, definition).await?);
    }
    for (name, definition) in names.iter().zip(&definitions) {
        wait(&api, name).await?;
        wait_until_served(&client, name, definition).await?;
    }
    Ok(names)
}

fn is_definition(object: &Value) -> bool {
    object["kind"] == "CustomResourceDefinition"
        && object["apiVersion"].as_str().is_some_and(|version| version.starts_with("apiextensions.k8s.io/"))
}

async fn put(api: &Api<DynamicObject>, definition: &Value) -> Result<String, InstallError> {
    let mut object: DynamicObject = serde_json::from_value(definition.clone())
        .map_err(|_| InstallError::Malformed { field: "metadata" })?;
    let name = object.metadata.name.clone().ok_or(InstallError::Malformed { field: "metadata.name" })?;
    let refused = |source| InstallError::Refused { name: name.clone(), source: Box::new(source) };
    let params = PostParams::default();
    match api.create(&params, &object).await {
        Ok(_) => {}
        Err(kube::Error::Api(status)) if status.reason == "AlreadyExists" => {
            // The definition given is the one that shall be, so the revision that is there does not matter.
            object.metadata.resource_version =
                api.get(&name).await.map_err(refused)?.metadata.resource_version;
            api.replace(&name, &params, &object).await.map_err(refused)?;
        }
        Err(error) => return Err(refused(error)),
    }
    Ok(name)
}

/// What a definition's status says.
#[derive(Debug, PartialEq, Eq)]
enum State {
    Pending,
    Established,
    NamesTaken(String),
}

fn state(object: &DynamicObject) -> State {
    let conditions = object.data["status"]["conditions"].as_array().map(Vec::as_slice).unwrap_or_default();
    let find = |kind: &str, status: &str| {
        conditions.iter().find(|condition| condition["type"] == kind && condition["status"] == status)
    };
    if let Some(condition) = find("NamesAccepted", "False") {
        return State::NamesTaken(condition["message"].as_str().unwrap_or("its names conflict").to_owned());
    }
    if find("Established", "True").is_some() { State::Established } else { State::Pending }
}

async fn wait(api: &Api<DynamicObject>, name: &str) -> Result<(), InstallError> {
    let settled = Settled;
    let waiting = await_condition(api.clone(), name, settled);
    match tokio::time::timeout(PATIENCE, waiting).await {
        Ok(Ok(object)) => match object.as_ref().map(state) {
            Some(State::NamesTaken(message)) => {
                Err(InstallError::NamesTaken { name: name.to_owned(), message })
            }
            _ => Ok(()),
        },
        Ok(Err(source)) => Err(InstallError::Wait { name: name.to_owned(), source: Box::new(source) }),
        Err(_) => {
            let last = api.get_opt(name).await.ok().flatten();
            let conditions = last.map_or(Value::Null, |object| object.data["status"]["conditions"].clone());
            Err(InstallError::Late { name: name.to_owned(), conditions: conditions.to_string() })
        }
    }
}

/// True once the status says anything final.
struct Settled;

impl Condition<DynamicObject> for Settled {
    fn matches_object(&self, object: Option<&DynamicObject>) -> bool {
        object.is_some_and(|object| state(object) != State::Pending)
    }
}

/// The server's handler sees Established a moment after a watcher does; until then its resources are not found.
async fn wait_until_served(client: &Client, name: &str, definition: &Value) -> Result<(), InstallError> {
    let spec = &definition["spec"];
    let group = spec["group"].as_str().ok_or(InstallError::Malformed { field: "spec.group" })?;
    let plural =
        spec["names"]["plural"].as_str().ok_or(InstallError::Malformed { field: "spec.names.plural" })?;
    let versions = spec["versions"].as_array().map(Vec::as_slice).unwrap_or_default();
    let deadline = tokio::time::Instant::now() + PATIENCE;
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
                        return Err(InstallError::Refused {
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
    fn a_definition_without_status_is_pending() {
        assert_eq!(state(&with_conditions(&Value::Null)), State::Pending);
    }

    #[test]
    fn an_established_definition_whose_new_names_are_taken_is_not_accepted() {
        let conditions = json!([
            {"type": "Established", "status": "True"},
            {"type": "NamesAccepted", "status": "False", "message": "\"machines\" is already in use"},
        ]);
        assert_eq!(
            state(&with_conditions(&conditions)),
            State::NamesTaken("\"machines\" is already in use".to_owned())
        );
    }

    #[test]
    fn other_kinds_are_no_definitions() {
        assert!(!is_definition(&json!({"kind": "ConfigMap", "apiVersion": "v1"})));
        assert!(is_definition(
            &json!({"kind": "CustomResourceDefinition", "apiVersion": "apiextensions.k8s.io/v1"})
        ));
    }
}
