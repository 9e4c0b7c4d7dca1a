//! The components of all `/openapi/v3` documents, without descriptions.
//!
//! A component is the same in each document, except `DeleteOptions` and `WatchEvent`: each group version lists the core
//! version and its own. The core form is kept.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, bail};
use serde_json::{Map, Value, json};

use super::server::Server;

/// The extension with the group, version and kind of a component.
const GVK: &str = "x-kubernetes-group-version-kind";

/// All components of all documents.
#[derive(Default)]
pub(crate) struct Documents {
    components: BTreeMap<String, Value>,
    /// Paths such as `/api/v1/pods` whose delete answers with the object, where others answer with a Status.
    delete_gives_object: BTreeSet<String>,
}

impl Documents {
    /// The component that stands for a kind.
    pub(crate) fn component_of(&self, group: &str, version: &str, kind: &str) -> Option<&str> {
        let wanted = json!({"group": group, "version": version, "kind": kind});
        let stands_for = |schema: &Value| {
            schema.get(GVK).and_then(Value::as_array).is_some_and(|kinds| kinds.contains(&wanted))
        };
        self.components.iter().find(|(_, schema)| stands_for(schema)).map(|(name, _)| name.as_str())
    }

    /// The schema of a component.
    pub(crate) fn schema(&self, component: &str) -> Option<&Value> {
        self.components.get(component)
    }

    /// Documents with these components, for tests.
    #[cfg(test)]
    pub(crate) fn of(components: &Value) -> Self {
        let components = components.as_object().cloned().unwrap_or_default();
        Self { components: components.into_iter().collect(), ..Self::default() }
    }

    /// True if a delete at this path (without namespace and name) answers with the object.
    pub(crate) fn delete_gives_object(&self, path: &str) -> bool {
        self.delete_gives_object.contains(path)
    }
}

/// Reads the index and each document in it.
pub(crate) async fn read(server: &Server) -> Result<Documents> {
    let index = server.get("/openapi/v3").await?;
    let paths = index["paths"].as_object().context("the index has no paths")?;
    let mut documents = Documents::default();
    for (name, entry) in paths {
        let url = entry["serverRelativeURL"].as_str().with_context(|| format!("{name} has no address"))?;
        let document = server.get(url).await?;
        if let Some(schemas) = document["components"]["schemas"].as_object() {
            add(&mut documents, schemas).with_context(|| format!("failed to take {name}"))?;
        }
        for (path, item) in document["paths"].as_object().into_iter().flatten() {
            if gives_object(&item["delete"]) {
                let resource = path.replace("/namespaces/{namespace}", "").replace("/{name}", "");
                documents.delete_gives_object.insert(resource);
            }
        }
    }
    Ok(documents)
}

fn add(documents: &mut Documents, schemas: &Map<String, Value>) -> Result<()> {
    for (name, schema) in schemas {
        let mut schema = without_prose(schema);
        let everywhere = name.ends_with(".meta.v1.DeleteOptions") || name.ends_with(".meta.v1.WatchEvent");
        if everywhere && let Some(Value::Array(kinds)) = schema.get_mut(GVK) {
            kinds.retain(|kind| kind["group"] == "");
        }
        match documents.components.get(name) {
            Some(known) if *known != schema => bail!("component {name} differs between documents"),
            Some(_) => {}
            None => {
                documents.components.insert(name.clone(), schema);
            }
        }
    }
    Ok(())
}

fn gives_object(delete: &Value) -> bool {
    let schema = &delete["responses"]["200"]["content"]["application/json"]["schema"]["$ref"];
    let status = schema.as_str().is_none_or(|reference| reference.ends_with(".meta.v1.Status"));
    delete["x-kubernetes-action"] == "delete" && !status
}

/// The schema without descriptions. A property that is *called* description stays.
fn without_prose(schema: &Value) -> Value {
    let Value::Object(keywords) = schema else { return schema.clone() };
    let mut kept = Map::new();
    for (keyword, value) in keywords {
        let value = match (keyword.as_str(), value) {
            ("description", Value::String(_)) => continue,
            ("properties", Value::Object(properties)) => {
                properties.iter().map(|(name, s)| (name.clone(), without_prose(s))).collect()
            }
            ("items" | "additionalProperties" | "not", schema) => without_prose(schema),
            ("allOf" | "anyOf" | "oneOf", Value::Array(schemas)) => {
                schemas.iter().map(without_prose).collect()
            }
            (_, value) => value.clone(),
        };
        kept.insert(keyword.clone(), value);
    }
    Value::Object(kept)
}

/// The text of `schemas.jsonl`.
pub(crate) fn file(documents: &Documents) -> Result<String> {
    let mut text = String::new();
    for (name, schema) in &documents.components {
        text.push_str(&serde_json::to_string(&json!({"name": name, "schema": schema}))?);
        text.push('\n');
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn descriptions_are_removed_but_not_a_property_of_that_name() {
        let schema = json!({"description": "x", "properties": {"description": {"type": "string", "description": "y"}},
            "items": {"allOf": [{"$ref": "a", "description": "z"}], "default": {"description": "kept"}}});
        let expected = json!({"properties": {"description": {"type": "string"}},
            "items": {"allOf": [{"$ref": "a"}], "default": {"description": "kept"}}});
        assert_eq!(without_prose(&schema), expected);
    }

    #[test]
    fn a_component_that_differs_between_documents_is_an_error_that_names_it() {
        let mut documents = Documents::default();
        add(&mut documents, json!({"a.B": {"type": "string"}}).as_object().unwrap()).unwrap();
        add(&mut documents, json!({"a.B": {"type": "string", "description": "d"}}).as_object().unwrap())
            .unwrap();
        let error =
            add(&mut documents, json!({"a.B": {"type": "integer"}}).as_object().unwrap()).unwrap_err();
        assert!(error.to_string().contains("a.B"));
    }

    #[test]
    fn types_registered_by_each_group_keep_their_core_form() {
        let mut documents = Documents::default();
        let kinds = json!([{"group": "", "kind": "WatchEvent", "version": "v1"},
            {"group": "apps", "kind": "WatchEvent", "version": "v1"}]);
        let schemas = json!({"io.k8s.apimachinery.pkg.apis.meta.v1.WatchEvent": {GVK: kinds}});
        add(&mut documents, schemas.as_object().unwrap()).unwrap();
        let kept = &documents.components["io.k8s.apimachinery.pkg.apis.meta.v1.WatchEvent"];
        assert_eq!(kept[GVK].as_array().unwrap().len(), 1);
        assert_eq!(
            documents.component_of("", "v1", "WatchEvent"),
            Some("io.k8s.apimachinery.pkg.apis.meta.v1.WatchEvent")
        );
    }
}
