//! OpenAPI documents: paths, and the components that they reference.
//!
//! Built-in components come from the generated data. Descriptions are left out, except of responses, where OpenAPI
//! requires them.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::custom;
use super::operation::{Operation, Responses, item};
use super::paths::{self, OperationNamer};
use crate::endpoint::version::minor;
use crate::kinds::schemas;
use crate::object::schema::resource_schema::ResourceSchema;
use crate::registry::lookup::GroupVersion;

const PREFIX: &str = "#/components/schemas/";
const META: &str = "io.k8s.apimachinery.pkg.apis.meta.v1";

/// The document of a group version.
pub(super) fn version(group: &str, version: &GroupVersion) -> Value {
    let built_in = version.resources.iter().any(|r| matches!(r.schema, ResourceSchema::Builtin { .. }));
    let mut paths = BTreeMap::new();
    let mut own = BTreeMap::new();
    for resource in &version.resources {
        paths::add(&mut paths, resource);
        if matches!(resource.schema, ResourceSchema::Custom { .. }) {
            own.extend(custom::components(resource));
        }
    }
    if built_in {
        let root = paths::root(group, &version.name);
        let namer = OperationNamer::new(group, &version.name);
        let id = namer.id("get", "APIResources");
        paths.insert(format!("{root}/"), discovery_path(&namer.tag, &id, &format!("{META}.APIResourceList")));
    }
    let mut components = referenced_components(&paths, &own);
    if built_in {
        add_group_version(&mut components, group, &version.name);
        built_in_document(&paths, &components)
    } else {
        json!({
            "openapi": "3.0.0",
            "info": {"title": "Kubernetes CRD Swagger", "version": "v0.1.0"},
            "paths": paths,
            "components": {"schemas": components},
        })
    }
}

/// The document of a built-in group, with its discovery path.
pub(super) fn group(name: &str) -> Value {
    let namer = OperationNamer::new(name, "");
    let id = namer.id("get", "APIGroup");
    let item = discovery_path(&namer.tag, &id, &format!("{META}.APIGroup"));
    single_path(&format!("/apis/{name}/"), item)
}

/// A document that belongs to no group.
pub(super) fn ungrouped(name: &str) -> Value {
    let path = format!("/{name}/");
    let text = json!({"type": "string"});
    let item = match name {
        "api" => discovery_path("core", "getCoreAPIVersions", &format!("{META}.APIVersions")),
        "apis" => discovery_path("apis", "getAPIVersions", &format!("{META}.APIGroupList")),
        "version" => {
            let schema = json!({"$ref": format!("{PREFIX}io.k8s.apimachinery.pkg.version.Info")});
            get_operation("version", "getCodeVersion", &["application/json"], &schema)
        }
        "openid/v1/jwks" => {
            let id = "getServiceAccountIssuerOpenIDKeyset";
            get_operation("openid", id, &["application/jwk-set+json"], &text)
        }
        _ => {
            let id = "getServiceAccountIssuerOpenIDConfiguration";
            get_operation("WellKnown", id, &["application/json"], &text)
        }
    };
    single_path(&path, item)
}

fn single_path(path: &str, item: Value) -> Value {
    let paths = BTreeMap::from([(path.to_owned(), item)]);
    let components = referenced_components(&paths, &BTreeMap::new());
    built_in_document(&paths, &components)
}

fn built_in_document(paths: &BTreeMap<String, Value>, schemas: &BTreeMap<String, Value>) -> Value {
    let mut components = json!({
        "securitySchemes": {"BearerToken": {"type": "apiKey", "name": "authorization", "in": "header"}},
    });
    if !schemas.is_empty() {
        components["schemas"] = json!(schemas);
    }
    json!({
        "openapi": "3.0.0",
        "info": {"title": "Kubernetes", "version": minor()},
        "paths": paths,
        "components": components,
    })
}

/// The path item of a discovery path.
fn discovery_path(tag: &str, id: &str, component: &str) -> Value {
    let schema = json!({"$ref": format!("{PREFIX}{component}")});
    let media = ["application/json", "application/yaml", "application/vnd.kubernetes.protobuf"];
    get_operation(tag, id, &media, &schema)
}

fn get_operation(tag: &str, id: &str, media: &[&'static str], schema: &Value) -> Value {
    let responses = Responses::new(&[200], media, schema);
    item(vec![Operation::new("get", tag, id, responses)])
}

/// All components that the paths reference, transitively. `own` has precedence over built-in components of the same
/// name.
fn referenced_components(
    paths: &BTreeMap<String, Value>,
    own: &BTreeMap<String, Value>,
) -> BTreeMap<String, Value> {
    let mut wanted = Vec::new();
    for item in paths.values() {
        references(item, &mut wanted);
    }
    let mut found: BTreeMap<String, Value> = BTreeMap::new();
    while let Some(name) = wanted.pop() {
        if found.contains_key(&name) {
            continue;
        }
        if let Some(schema) = own.get(&name).cloned().or_else(|| schemas::document(&name)) {
            references(&schema, &mut wanted);
            found.insert(name, schema);
        }
    }
    found
}

/// Collects every `$ref` below. A property named `$ref` is a schema, not a string, and is passed through.
fn references(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                match value {
                    Value::String(text) if key == "$ref" => {
                        found.extend(text.strip_prefix(PREFIX).map(str::to_owned));
                    }
                    value => references(value, found),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, found)),
        _ => {}
    }
}

/// Adds the document's group version to `DeleteOptions` and `WatchEvent`, which are registered in every group version;
/// a document lists the core one and its own.
fn add_group_version(components: &mut BTreeMap<String, Value>, group: &str, version: &str) {
    for kind in ["DeleteOptions", "WatchEvent"] {
        let Some(schema) = components.get_mut(&format!("{META}.{kind}")) else { continue };
        if let Some(Value::Array(kinds)) = schema.get_mut("x-kubernetes-group-version-kind") {
            let own = json!({"group": group, "version": version, "kind": kind});
            if !kinds.contains(&own) {
                kinds.push(own);
            }
        }
    }
}

/// A reference to a component.
pub(super) fn reference(component: &str) -> Value {
    Value::Object(Map::from_iter([("$ref".to_owned(), format!("{PREFIX}{component}").into())]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn apps() -> Value {
        let groups = crate::kinds::registry().groups();
        let group = groups.iter().find(|group| group.name == "apps").unwrap();
        version("apps", &group.versions[0])
    }

    #[test]
    fn patch_has_the_field_validation_parameter() {
        let document = apps();
        let patch = &document["paths"]["/apis/apps/v1/namespaces/{namespace}/deployments/{name}"]["patch"];
        assert_eq!(patch["x-kubernetes-group-version-kind"]["kind"], "Deployment");
        let parameters = patch["parameters"].as_array().unwrap();
        assert!(parameters.iter().any(|parameter| parameter["name"] == "fieldValidation"));
    }

    #[test]
    fn document_contains_all_referenced_components() {
        let document = apps();
        let mut wanted = Vec::new();
        references(&document, &mut wanted);
        assert!(!wanted.is_empty());
        for name in wanted {
            assert!(document["components"]["schemas"].get(&name).is_some(), "{name}");
        }
    }

    #[test]
    fn delete_options_list_core_and_own_group_version() {
        let document = apps();
        let name = format!("{META}.DeleteOptions");
        let kinds = &document["components"]["schemas"][&name]["x-kubernetes-group-version-kind"];
        assert_eq!(
            *kinds,
            json!([{"group": "", "kind": "DeleteOptions", "version": "v1"},
                {"group": "apps", "kind": "DeleteOptions", "version": "v1"}])
        );
    }
}
