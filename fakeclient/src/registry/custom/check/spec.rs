//! Validation of `spec`: group, scope, versions and names; and by the other modules, schemas and conversion.
//!
//! Parts that all versions share are reported outside of them, as in the server's internal type:
//! `spec.validation.openAPIV3Schema` for a definition with one version.

use serde_json::Value;

use super::go_print::{self, SharedParts};
use super::{conversion, names, root, served};
use crate::error::field::FieldError;
use crate::error::path::Path;
use crate::object::names::{dns_subdomain_errors, dns1035_label_errors};
use crate::object::schema::structural::Type;
use crate::object::schema::validate::is_known_format;
use crate::object::view::fields::FieldAccess;

pub(crate) fn check(spec: &Value) -> Vec<FieldError> {
    let path = Path::new("spec");
    let versions = spec.list("versions");
    let shared = SharedParts::of(versions);
    let mut errors: Vec<FieldError> =
        check_group(spec.text("group"), &path.child("group")).into_iter().collect();
    errors.extend(check_scope(spec.text("scope"), &path.child("scope")));
    for (index, version) in versions.iter().enumerate() {
        if !version["schema"]["openAPIV3Schema"].is_object() {
            let at = path.child("versions").index(index).child("schema.openAPIV3Schema");
            errors.push(FieldError::required(at, ""));
        }
    }
    for (index, version) in versions.iter().enumerate() {
        let at = path.child("versions").index(index);
        let broken = dns1035_label_errors(version.text("name"));
        if !broken.is_empty() {
            errors.push(FieldError::invalid(at.child("name"), version["name"].clone(), broken.join(",")));
        }
        errors.extend(check_deprecation(version, &at));
        let own = |shared: bool| !shared;
        let wanted = SharedParts {
            schema: own(shared.schema),
            subresources: own(shared.subresources),
            columns: own(shared.columns),
            selectable: own(shared.selectable),
        };
        errors.extend(check_parts(version, wanted, &at, "schema", version["subresources"].has("status")));
    }
    errors.extend(check_versions(versions, shared, &path.child("versions")));
    // The server also validates the first version's name as the deprecated field `spec.version`.
    let first = versions.first().map(|version| version.text("name")).filter(|name| !name.is_empty());
    if let Some(broken) = first.map(dns1035_label_errors).filter(|broken| !broken.is_empty()) {
        errors.push(FieldError::invalid(path.child("version"), first.into(), broken.join(",")));
    }
    errors.extend(check_names(&spec["names"], &path.child("names")));
    if let Some(first) = versions.first() {
        let status = versions.iter().any(|v| v["subresources"].has("status"));
        errors.extend(check_parts(first, shared, &path, "validation", status));
    }
    errors.extend(conversion::check(&spec["conversion"], &path.child("conversion")));
    errors
}

fn check_group(group: &str, path: &Path) -> Option<FieldError> {
    if group.is_empty() {
        return Some(FieldError::required(path, ""));
    }
    let broken = dns_subdomain_errors(group);
    if !broken.is_empty() {
        return Some(FieldError::invalid(path, group.into(), broken.join(",")));
    }
    let why = "should be a domain with at least one dot";
    (!group.contains('.')).then(|| FieldError::invalid(path, group.into(), why))
}

fn check_scope(scope: &str, path: &Path) -> Option<FieldError> {
    match scope {
        "" => Some(FieldError::required(path, "")),
        "Cluster" | "Namespaced" => None,
        other => Some(FieldError::not_supported(path, other.into(), &["Cluster", "Namespaced"])),
    }
}

fn check_deprecation(version: &Value, path: &Path) -> Vec<FieldError> {
    let Some(warning) = version.get("deprecationWarning").and_then(Value::as_str) else { return Vec::new() };
    let mut broken = Vec::new();
    if version.flag("deprecated") == Some(true) {
        if warning.len() > 256 {
            broken.push("must be <= 256 characters long".to_owned());
        }
        if warning.is_empty() {
            broken.push("must not be an empty string".to_owned());
        }
        if let Some((index, _)) = warning.char_indices().find(|(_, c)| c.is_control()) {
            broken.push(format!(
                "must only contain printable UTF-8 characters; non-printable character found at index {index}"
            ));
        }
    } else {
        broken.push("can only be set for deprecated versions".to_owned());
    }
    let at = path.child("deprecationWarning");
    broken.into_iter().map(|why| FieldError::invalid(&at, warning.into(), why)).collect()
}

/// Errors of the selected parts of one version, or of those that all versions share.
fn check_parts(
    version: &Value,
    wanted: SharedParts,
    path: &Path,
    schema_key: &str,
    status: bool,
) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let schema = &version["schema"]["openAPIV3Schema"];
    if wanted.schema && schema.is_object() {
        errors.extend(root::check(schema, status, &path.child(schema_key)));
    }
    if wanted.subresources {
        errors.extend(served::check_subresources(&version["subresources"], &path.child("subresources")));
    }
    if wanted.columns {
        let columns = version.list("additionalPrinterColumns");
        errors.extend(served::check_columns(columns, &path.child("additionalPrinterColumns")));
    }
    if wanted.selectable {
        let fields = version.list("selectableFields");
        errors.extend(served::check_selectable(fields, schema, &path.child("selectableFields")));
    }
    errors
}

fn check_versions(versions: &[Value], shared: SharedParts, path: &Path) -> Vec<FieldError> {
    let printed = || go_print::versions(versions, shared);
    let mut errors = Vec::new();
    let repeated =
        versions.iter().enumerate().any(|(i, v)| versions[..i].iter().any(|w| w["name"] == v["name"]));
    if repeated {
        errors.push(
            FieldError::invalid(path, Value::Null, "must contain unique version names").shown_as(printed()),
        );
    }
    if versions.iter().filter(|v| v.flag("storage") == Some(true)).count() != 1 {
        let why = "must have exactly one version marked as storage version";
        errors.push(FieldError::invalid(path, Value::Null, why).shown_as(printed()));
    }
    errors
}

fn check_names(given: &Value, path: &Path) -> Vec<FieldError> {
    let missing = ["plural", "singular", "kind", "listKind"].into_iter().filter(|k| given.text(k).is_empty());
    let mut errors: Vec<FieldError> = missing.map(|k| FieldError::required(path.child(k), "")).collect();
    errors.extend(names::check(given, path));
    errors
}

/// Errors of changes to immutable fields. `established` is true if custom resources may exist.
pub(crate) fn check_immutable(spec: &Value, old: &Value, established: bool) -> Vec<FieldError> {
    let fields = [
        ("spec.scope", "/scope", true),
        ("spec.names.kind", "/names/kind", true),
        ("spec.group", "/group", false),
        ("spec.names.plural", "/names/plural", false),
    ];
    let changed = fields
        .into_iter()
        .filter(|(_, _, once_established)| established || !once_established)
        .filter(|(_, at, _)| spec.pointer(at) != old.pointer(at));
    changed
        .map(|(path, at, _)| {
            let value = spec.pointer(at).cloned().unwrap_or_default();
            FieldError::invalid(path, value, "field is immutable")
        })
        .collect()
}

pub(crate) fn check_accepted_names(status: &Value) -> Vec<FieldError> {
    names::check(&status["acceptedNames"], &Path::new("status.acceptedNames"))
}

/// Warnings of unrecognized formats, and of sets whose items have no identity.
pub(crate) fn warnings(spec: &Value) -> Vec<String> {
    let versions = spec.list("versions");
    let schemas: Vec<&Value> = match versions.first() {
        Some(first) if SharedParts::of(versions).schema => vec![&first["schema"]["openAPIV3Schema"]],
        _ => versions.iter().map(|v| &v["schema"]["openAPIV3Schema"]).collect(),
    };
    let (mut formats, mut sets) = (Vec::new(), Vec::new());
    for schema in schemas {
        visit(schema, &mut |node| {
            let format = node.text("format");
            if !format.is_empty() && !is_known_format(Type::parse(node.text("type")), format) {
                formats.push(format!("unrecognized format {format:?}"));
            }
            let item = node["items"].text("type");
            if node.text("x-kubernetes-list-type") == "set" && matches!(item, "object" | "array") {
                let text = format!(
                    "x-kubernetes-list-type: set for items of type {item:?} is not supported by server-side apply or \
                     CEL validation rules"
                );
                if !sets.contains(&text) {
                    sets.push(text);
                }
            }
        });
    }
    sets.sort();
    formats.extend(sets);
    formats
}

/// Calls `see` with each schema of a schema, itself included.
fn visit(schema: &Value, see: &mut dyn FnMut(&Value)) {
    if !schema.is_object() {
        return;
    }
    see(schema);
    for key in ["items", "not", "additionalProperties"] {
        visit(&schema[key], see);
    }
    for key in ["allOf", "anyOf", "oneOf"] {
        schema.list(key).iter().for_each(|s| visit(s, see));
    }
    schema.entries("properties").for_each(|(_, s)| visit(s, see));
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn spec() -> Value {
        json!({"group": "t.example.com", "scope": "Cluster", "conversion": {"strategy": "None"},
            "names": {"plural": "things", "singular": "thing", "kind": "Thing", "listKind": "ThingList"},
            "versions": [{"name": "v1", "served": true, "storage": true,
                "schema": {"openAPIV3Schema": {"type": "object"}}}]})
    }

    #[track_caller]
    fn check_texts(spec: &Value, expected: &[&str]) {
        let texts: Vec<String> = check(spec).iter().map(ToString::to_string).collect();
        assert_eq!(texts, expected);
    }

    #[test]
    fn group_is_a_domain() {
        let mut spec = spec();
        spec["group"] = "nodot".into();
        check_texts(
            &spec,
            &["spec.group: Invalid value: \"nodot\": should be a domain with at least one dot"],
        );
    }

    #[test]
    fn unknown_scope_is_rejected() {
        let mut spec = spec();
        spec["scope"] = "Foo".into();
        check_texts(
            &spec,
            &[r#"spec.scope: Unsupported value: "Foo": supported values: "Cluster", "Namespaced""#],
        );
    }

    #[test]
    fn one_storage_version_and_unique_names_are_required() {
        let mut spec = spec();
        let twice = spec["versions"][0].clone();
        spec["versions"].as_array_mut().unwrap().push(twice);
        let version = r#"{"Name":"v1","Served":true,"Storage":true,"Deprecated":false,"DeprecationWarning":null,"Schema":null,"Subresources":null,"AdditionalPrinterColumns":null,"SelectableFields":null}"#;
        let value = format!("spec.versions: Invalid value: [{version},{version}]");
        check_texts(
            &spec,
            &[
                &format!("{value}: must contain unique version names"),
                &format!("{value}: must have exactly one version marked as storage version"),
            ],
        );
    }

    #[test]
    fn every_version_requires_a_schema() {
        let mut spec = spec();
        let schema = json!({"openAPIV3Schema": {"type": "object", "properties": {"spec": {}}}});
        let second = json!({"name": "V2", "served": true, "storage": false, "schema": schema});
        spec["versions"].as_array_mut().unwrap().push(second);
        let name = "spec.versions[1].name: Invalid value: \"V2\": a DNS-1035 label must consist of lower case \
            alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character \
            (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')";
        let kind = "spec.versions[1].schema.openAPIV3Schema.properties[spec].type: Required value: must not be empty \
            for specified object fields";
        check_texts(&spec, &[name, kind]);
        spec["versions"] = json!([{"name": "v1", "storage": true}]);
        check_texts(&spec, &["spec.versions[0].schema.openAPIV3Schema: Required value"]);
    }

    #[test]
    fn unrecognized_formats_cause_warnings() {
        let mut spec = spec();
        spec["versions"][0]["schema"]["openAPIV3Schema"]["properties"] =
            json!({"a": {"type": "string", "format": "foo"}, "b": {"type": "string", "format": "date"}});
        assert_eq!(warnings(&spec), ["unrecognized format \"foo\""]);
    }
}
