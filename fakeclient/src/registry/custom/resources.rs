//! Resources of a definition, one for each served version.

use std::sync::{Arc, OnceLock};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::convert::ConversionWebhook;
use super::instance::CustomResource;
use crate::object::apply::field_set::FieldSet;
use crate::object::schema::resource_schema::ResourceSchema;
use crate::object::schema::structural::Structural;
use crate::object::selector::field::{SelectableField, SelectableFields};
use crate::object::table::printer::Column;
use crate::object::view::fields::FieldAccess;
use crate::registry::resource::{Generation, Resource, ScalePaths, Storage, Subresource};

const NAME: &str = "Name must be unique within a namespace. Is required when creating resources, although some resources \
    may allow a client to request the generation of an appropriate name automatically. Name is primarily intended for \
    creation idempotence and configuration definition. Cannot be updated. More info: \
    https://kubernetes.io/docs/concepts/overview/working-with-objects/names#names";
const AGE: &str = "CreationTimestamp is a timestamp representing the server time when this object was created. It is not \
    guaranteed to be set in happens-before order across separate operations. Clients may not set this value. It is \
    represented in RFC3339 form and is in UTC.\n\nPopulated by the system. Read-only. Null for lists. More info: \
    https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#metadata";

/// The served resources of a stored definition, in the order of its versions.
pub(crate) fn resources(definition: &Value) -> Vec<Resource> {
    let versions = definition["spec"].list("versions");
    versions.iter().filter(|v| v.flag("served") == Some(true)).map(|v| resource(definition, v)).collect()
}

/// One version of a stored definition, served or not.
pub(crate) fn version(definition: &Value, name: &str) -> Option<Resource> {
    let versions = definition["spec"].list("versions");
    versions.iter().find(|version| version.text("name") == name).map(|found| resource(definition, found))
}

/// The warning for a deprecated version; `None` if it is not deprecated.
fn deprecation(definition: &Value, version: &str) -> Option<String> {
    let spec = &definition["spec"];
    let versions = spec.list("versions");
    let found = versions.iter().find(|v| v.text("name") == version)?;
    if found.flag("deprecated") != Some(true) {
        return None;
    }
    if let Some(text) = found.get("deprecationWarning").and_then(Value::as_str) {
        return Some(text.to_owned());
    }
    let (group, kind) = (spec.text("group"), spec["names"].text("kind"));
    let old = format!("{group}/{version} {kind} is deprecated");
    let better = versions
        .iter()
        .filter(|v| v.flag("served") == Some(true) && v.flag("deprecated") != Some(true))
        .map(|v| v.text("name"))
        .max_by_key(|name| stability(name))
        .filter(|name| stability(name) > stability(version));
    Some(better.map_or(old.clone(), |name| format!("{old}; use {group}/{name} {kind}")))
}

/// Sort key of versions: v2 > v1 > v1beta2 > v1beta1 > v1alpha1 > all others.
fn stability(version: &str) -> (u8, u64, u64) {
    let parse = || {
        let rest = version.strip_prefix('v')?;
        let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let major: u64 = rest[..digits].parse().ok()?;
        let (level, minor) = match &rest[digits..] {
            "" => (3, "0"),
            rest if rest.starts_with("beta") => (2, &rest[4..]),
            rest if rest.starts_with("alpha") => (1, &rest[5..]),
            _ => return None,
        };
        Some((level, major, minor.parse().ok()?))
    };
    parse().unwrap_or((0, 0, 0))
}

fn resource(definition: &Value, version: &Value) -> Resource {
    let spec = &definition["spec"];
    let (group, name) = (spec.text("group").to_owned(), version.text("name").to_owned());
    let names = if definition["status"]["acceptedNames"].text("plural").is_empty() {
        &spec["names"]
    } else {
        &definition["status"]["acceptedNames"]
    };
    let plural = spec["names"].text("plural").to_owned();
    let kind = spec["names"].text("kind").to_owned();
    let stored = spec.list("versions").iter().find(|v| v.flag("storage") == Some(true));
    let stored = stored.map_or(name.as_str(), |v| v.text("name"));
    let namespaced = spec.text("scope") == "Namespaced";
    let raw = &version["schema"]["openAPIV3Schema"];
    let schema = Arc::new(Structural::parse(raw));
    let scale = scale_paths(version);
    let has_status_subresource = version["subresources"].has("status");
    let strategy = CustomResource::new(raw, Arc::clone(&schema), scale.clone(), has_status_subresource);
    let strategy = Arc::new(strategy.converted_by(ConversionWebhook::of(definition)));
    Resource {
        subresources: subresources(&group, &name, &kind, has_status_subresource, scale.is_some()),
        storage: Storage {
            key: format!("{plural}.{group}"),
            group: group.clone(),
            version: stored.to_owned(),
        },
        storage_version_hash: storage_hash(&group, stored, &kind),
        selectable: SelectableFields {
            fields: selectable(version, namespaced),
            refusal: "field label not supported: {}".to_owned(),
        },
        reset: reset_fields(has_status_subresource),
        generation: Generation::AllButMetadata,
        has_status_subresource,
        columns: columns(version),
        verbs: texts(&["delete", "deletecollection", "get", "list", "patch", "create", "update", "watch"]),
        singular: names.text("singular").to_owned(),
        list_kind: spec["names"].text("listKind").to_owned(),
        namespaced,
        short_names: strings(names.list("shortNames")),
        categories: strings(names.list("categories")),
        schema: ResourceSchema::Custom { schema },
        delete_gives_object: false,
        deprecation: deprecation(definition, &name),
        empty: OnceLock::new(),
        document: raw.is_object().then(|| Arc::new(raw.clone())),
        group,
        version: name,
        plural,
        kind,
        scale,
        strategy,
    }
}

/// Reset fields: the status for the main resource, and all but the status for the status subresource.
fn reset_fields(status: bool) -> Vec<(String, FieldSet)> {
    if !status {
        return Vec::new();
    }
    let all_but_status = FieldSet::of_fields(&[&["metadata"], &["spec"]]);
    vec![(String::new(), FieldSet::of_fields(&[&["status"]])), ("status".to_owned(), all_but_status)]
}

fn texts(values: &[&str]) -> Vec<String> {
    values.iter().map(|v| (*v).to_owned()).collect()
}

fn strings(values: &[Value]) -> Vec<String> {
    values.iter().filter_map(Value::as_str).map(str::to_owned).collect()
}

fn subresources(group: &str, version: &str, kind: &str, status: bool, scale: bool) -> Vec<Subresource> {
    let one = |name: &str, group: &str, version: &str, kind: &str| Subresource {
        name: name.to_owned(),
        verbs: texts(&["get", "patch", "update"]),
        group: group.to_owned(),
        version: version.to_owned(),
        kind: kind.to_owned(),
    };
    let status = status.then(|| one("status", group, version, kind));
    let scale = scale.then(|| one("scale", "autoscaling", "v1", "Scale"));
    status.into_iter().chain(scale).collect()
}

fn scale_paths(version: &Value) -> Option<ScalePaths> {
    let scale = version.pointer("/subresources/scale").filter(|s| s.is_object())?;
    let selector = scale.text("labelSelectorPath");
    Some(ScalePaths {
        spec_replicas: scale.text("specReplicasPath").to_owned(),
        status_replicas: scale.text("statusReplicasPath").to_owned(),
        label_selector: (!selector.is_empty()).then(|| selector.to_owned()),
    })
}

fn selectable(version: &Value, namespaced: bool) -> Vec<SelectableField> {
    let mut fields = vec![SelectableField::at("metadata.name")];
    if namespaced {
        fields.push(SelectableField::at("metadata.namespace"));
    }
    let declared = version.list("selectableFields").iter().map(|field| field.text("jsonPath"));
    fields.extend(declared.map(|path| SelectableField::at(path.strip_prefix('.').unwrap_or(path))));
    fields
}

fn columns(version: &Value) -> Vec<Column> {
    let mut columns = vec![Column {
        name: "Name".into(),
        kind: "string".into(),
        format: "name".into(),
        description: NAME.into(),
        priority: 0,
        json_path: ".metadata.name".into(),
    }];
    let declared = version.list("additionalPrinterColumns");
    if declared.is_empty() {
        columns.push(Column {
            name: "Age".into(),
            kind: "date".into(),
            format: String::new(),
            description: AGE.into(),
            priority: 0,
            json_path: ".metadata.creationTimestamp".into(),
        });
    }
    columns.extend(declared.iter().map(|column| {
        let path = column.text("jsonPath");
        let description = match column.text("description") {
            "" => format!("Custom resource definition column (in JSONPath format): {path}"),
            given => given.to_owned(),
        };
        Column {
            name: column.text("name").into(),
            kind: column.text("type").into(),
            format: column.text("format").into(),
            description,
            priority: column.number("priority").unwrap_or(0),
            json_path: path.into(),
        }
    }));
    columns
}

/// The base64 of the first eight bytes of the SHA-256 of `group/version/Kind` of the storage version.
fn storage_hash(group: &str, version: &str, kind: &str) -> String {
    let digest = Sha256::digest(format!("{group}/{version}/{kind}"));
    STANDARD.encode(&digest[..8])
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn definition() -> Value {
        json!({"spec": {"group": "t.example.com", "scope": "Namespaced",
            "names": {"plural": "discos", "singular": "disco", "kind": "Disco", "listKind": "DiscoList",
                "shortNames": ["dc"], "categories": ["all"]},
            "versions": [
                {"name": "v1", "served": true, "storage": true, "schema": {"openAPIV3Schema": {"type": "object"}},
                    "subresources": {"status": {}, "scale": {"specReplicasPath": ".spec.replicas",
                        "statusReplicasPath": ".status.replicas"}},
                    "selectableFields": [{"jsonPath": ".spec.a"}]},
                {"name": "v2", "served": true, "storage": false, "schema": {"openAPIV3Schema": {"type": "object"}},
                    "additionalPrinterColumns": [{"name": "A", "type": "string", "jsonPath": ".spec.a"}]},
                {"name": "v1beta1", "served": true, "storage": false, "deprecated": true},
                {"name": "v1alpha1", "served": false, "storage": false}]}})
    }

    #[test]
    fn every_served_version_is_a_resource() {
        let resources = resources(&definition());
        let versions: Vec<&str> = resources.iter().map(|r| r.version.as_str()).collect();
        assert_eq!(versions, ["v1", "v2", "v1beta1"]);
        let first = &resources[0];
        assert_eq!(first.storage.key, "discos.t.example.com");
        assert_eq!(first.storage_version_hash, "uT7hNi6hJrs=");
        assert_eq!(resources[1].storage_version_hash, first.storage_version_hash);
        let names: Vec<&str> = first.subresources.iter().map(|s| s.name.as_str()).collect();
        assert_eq!(names, ["status", "scale"]);
        assert!(first.selectable.get("spec.a").is_ok());
        assert_eq!(first.selectable.get("spec.b").unwrap_err(), "field label not supported: spec.b");
    }

    #[test]
    fn declared_columns_replace_age() {
        let resources = resources(&definition());
        let headings = |index: usize| -> Vec<&str> {
            resources[index].columns.iter().map(|c: &Column| c.name.as_str()).collect()
        };
        assert_eq!(headings(0), ["Name", "Age"]);
        assert_eq!(headings(1), ["Name", "A"]);
    }

    #[test]
    fn deprecation_warning_names_the_best_version() {
        let expected = "t.example.com/v1beta1 Disco is deprecated; use t.example.com/v2 Disco";
        assert_eq!(deprecation(&definition(), "v1beta1").as_deref(), Some(expected));
        assert_eq!(deprecation(&definition(), "v1"), None);
    }
}
