//! The served resources, one entry for each resource and version, in the order of the server.
//!
//! Aggregated discovery has the order and the subresources, plain discovery the storage version hashes, lists the list
//! kinds, and the `OpenAPI` documents the components.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use serde_json::{Map, Value, json};

use super::openapi::Documents;
use super::server::Server;
use super::text;

const AGGREGATED: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";

/// One resource in one version: its entry in the file.
pub(crate) struct Resource {
    /// `/api/v1/pods`, `/apis/apps/v1/deployments`.
    pub(crate) path: String,
    /// `pods` or `deployments.apps`, then `/` and the version.
    pub(crate) id: String,
    /// True if it can be listed.
    pub(crate) listable: bool,
    entry: Map<String, Value>,
}

impl Resource {
    fn text(&self, key: &str) -> &str {
        self.entry.get(key).and_then(Value::as_str).unwrap_or_default()
    }

    /// True if its objects have this `apiVersion` and `kind`.
    pub(crate) fn is(&self, api_version: &str, kind: &str) -> bool {
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        (self.text("group"), self.text("version"), self.text("kind")) == (group, version, kind)
    }

    /// True if discovery lists the verb.
    pub(crate) fn can(&self, verb: &str) -> bool {
        self.entry["verbs"].as_array().is_some_and(|verbs| verbs.iter().any(|known| known == verb))
    }

    /// The component of its objects.
    pub(crate) fn component(&self) -> &str {
        self.text("component")
    }

    /// The path of the collection, in namespace `default` if it is namespaced.
    pub(crate) fn collection(&self) -> String {
        match self.path.rsplit_once('/') {
            Some((root, plural)) if self.entry["namespaced"] == true => {
                format!("{root}/namespaces/default/{plural}")
            }
            _ => self.path.clone(),
        }
    }
}

/// Reads discovery.
pub(crate) async fn read(server: &Server, documents: &Documents) -> Result<Vec<Resource>> {
    let mut resources = Vec::new();
    for root in ["/api", "/apis"] {
        let discovery = server.get_as(root, AGGREGATED).await?;
        for group in discovery["items"].as_array().context("discovery has no items")? {
            let name = group["metadata"]["name"].as_str().unwrap_or_default();
            for version in group["versions"].as_array().context("a group has no versions")? {
                resources.extend(read_version(server, documents, name, version).await?);
            }
        }
    }
    Ok(resources)
}

async fn read_version(
    server: &Server,
    documents: &Documents,
    group: &str,
    discovery: &Value,
) -> Result<Vec<Resource>> {
    let version = text_of(discovery, "version")?;
    let root = if group.is_empty() { format!("/api/{version}") } else { format!("/apis/{group}/{version}") };
    let hashes = storage_version_hashes(&server.get(&root).await?);
    let mut resources = Vec::new();
    for found in discovery["resources"].as_array().context("a version has no resources")? {
        let plural = text_of(found, "resource")?;
        let mut resource = describe(documents, group, &version, found)
            .with_context(|| format!("failed to describe {root}/{plural}"))?;
        resource.path = format!("{root}/{plural}");
        if resource.listable {
            let list = server.get(&format!("{}?limit=1", resource.path)).await?;
            resource.entry.insert("listKind".into(), list["kind"].clone());
        }
        if documents.delete_gives_object(&resource.path) {
            resource.entry.insert("deleteGivesObject".into(), true.into());
        }
        if let Some(hash) = hashes.get(&plural) {
            resource.entry.insert("storageVersionHash".into(), hash.as_str().into());
        }
        resources.push(resource);
    }
    Ok(resources)
}

fn storage_version_hashes(list: &Value) -> BTreeMap<String, String> {
    let resources = list["resources"].as_array().map(Vec::as_slice).unwrap_or_default();
    let of = |r: &Value| Some((r["name"].as_str()?.to_owned(), r["storageVersionHash"].as_str()?.to_owned()));
    resources.iter().filter_map(of).collect()
}

fn describe(documents: &Documents, group: &str, version: &str, found: &Value) -> Result<Resource> {
    let plural = text_of(found, "resource")?;
    let kind = text_of(&found["responseKind"], "kind")?;
    let component = documents.component_of(group, version, &kind);
    let verbs = found["verbs"].as_array().context("no verbs")?;
    let mut entry = Map::from_iter([
        ("group".to_owned(), Value::from(group)),
        ("version".to_owned(), version.into()),
        ("plural".to_owned(), plural.as_str().into()),
        ("singular".to_owned(), text_of(found, "singularResource")?.into()),
        ("namespaced".to_owned(), (found["scope"] == "Namespaced").into()),
        ("verbs".to_owned(), found["verbs"].clone()),
        ("component".to_owned(), component.with_context(|| format!("no component for {kind}"))?.into()),
        ("kind".to_owned(), kind.into()),
    ]);
    for optional in ["shortNames", "categories"] {
        if let Some(names) = found.get(optional) {
            entry.insert(optional.to_owned(), names.clone());
        }
    }
    if let Some(subresources) = found.get("subresources").and_then(Value::as_array) {
        let entries: Result<Vec<Value>> = subresources.iter().map(describe_subresource).collect();
        entry.insert("subresources".to_owned(), entries?.into());
    }
    let qualified = if group.is_empty() { plural } else { format!("{plural}.{group}") };
    Ok(Resource {
        path: String::new(),
        id: format!("{qualified}/{version}"),
        listable: verbs.iter().any(|verb| verb == "list"),
        entry,
    })
}

/// The kind's group and version are left out where they are those of the parent.
fn describe_subresource(found: &Value) -> Result<Value> {
    let kind = &found["responseKind"];
    let mut entry = json!({
        "name": text_of(found, "subresource")?, "verbs": found["verbs"], "kind": text_of(kind, "kind")?,
    });
    for key in ["group", "version"] {
        if kind[key].as_str().is_some_and(|text| !text.is_empty()) {
            entry[key] = kind[key].clone();
        }
    }
    Ok(entry)
}

fn text_of(value: &Value, key: &str) -> Result<String> {
    value[key].as_str().map(str::to_owned).with_context(|| format!("no {key} in {value}"))
}

/// The text of `resources.json`.
pub(crate) fn file(resources: &[Resource]) -> Result<String> {
    let entries: Vec<Value> = resources.iter().map(|r| Value::Object(r.entry.clone())).collect();
    text::array_lines(&entries)
}
