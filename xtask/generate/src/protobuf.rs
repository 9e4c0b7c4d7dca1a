//! The field numbers of built-in kinds in protobuf, from the `.proto` files of Kubernetes' Go modules.
//!
//! kube-apiserver does not publish field numbers, so the Go toolchain downloads the modules. Messages have the names of
//! their `OpenAPI` components, and only those reachable from a served kind are written.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use protobuf::descriptor::FileDescriptorProto;
use protobuf::descriptor::field_descriptor_proto::{Label, Type};
use protobuf::descriptor::{DescriptorProto, FieldDescriptorProto};
use serde_json::json;

use super::openapi::Documents;
use super::server::KUBERNETES;

/// The modules that hold `generated.proto` files of served kinds.
const MODULES: [&str; 4] = ["api", "apimachinery", "apiextensions-apiserver", "kube-aggregator"];

/// Types whose JSON form differs from the fields of their message; code handles them by name.
const SPECIAL: [&str; 11] = [
    "io.k8s.apimachinery.pkg.api.resource.Quantity",
    "io.k8s.apimachinery.pkg.apis.meta.v1.Duration",
    "io.k8s.apimachinery.pkg.apis.meta.v1.FieldsV1",
    "io.k8s.apimachinery.pkg.apis.meta.v1.MicroTime",
    "io.k8s.apimachinery.pkg.apis.meta.v1.Time",
    "io.k8s.apimachinery.pkg.runtime.RawExtension",
    "io.k8s.apimachinery.pkg.util.intstr.IntOrString",
    "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSON",
    "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaPropsOrArray",
    "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaPropsOrBool",
    "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaPropsOrStringArray",
];

/// Number, name (none where the field's own fields stand in the parent) and type of a field.
type Field = (i32, String, String);

/// The text of `protobuf.jsonl`.
pub(crate) fn file(documents: &Documents) -> Result<String> {
    let messages = messages(&sources()?)?;
    let kept = reachable(&messages, documents)?;
    let mut text = String::new();
    for (name, fields) in &kept {
        text.push_str(&serde_json::to_string(&json!([name, fields]))?);
        text.push('\n');
    }
    Ok(text)
}

/// A folder in which each module stands under its import path, as the `.proto` files name each other.
fn sources() -> Result<tempfile::TempDir> {
    let folder = tempfile::tempdir().context("failed to make a temporary folder")?;
    let version = KUBERNETES.split_once('.').context("a Kubernetes version has a dot")?.1;
    for module in MODULES {
        let root = downloaded(folder.path(), &format!("k8s.io/{module}@v0.{version}"))?;
        copy(&root, &folder.path().join("k8s.io").join(module))?;
    }
    Ok(folder)
}

fn downloaded(folder: &Path, module: &str) -> Result<PathBuf> {
    let output =
        Command::new("go")
            .args(["mod", "download", "-json", module])
            .current_dir(folder)
            .output()
            .context("failed to run go; the protobuf field numbers stand in Kubernetes' Go modules only")?;
    let told = String::from_utf8_lossy(&output.stdout);
    let answer: serde_json::Value = serde_json::from_str(&told).with_context(|| {
        format!("failed to download {module}: {}", String::from_utf8_lossy(&output.stderr))
    })?;
    let root = answer["Dir"].as_str().with_context(|| format!("failed to download {module}: {told}"))?;
    Ok(root.into())
}

/// Copies the `generated.proto` files below a folder.
fn copy(from: &Path, to: &Path) -> Result<()> {
    for entry in std::fs::read_dir(from).with_context(|| format!("failed to read {}", from.display()))? {
        let entry = entry?;
        let (path, to) = (entry.path(), to.join(entry.file_name()));
        if entry.file_type()?.is_dir() {
            copy(&path, &to)?;
        } else if entry.file_name() == "generated.proto" {
            std::fs::create_dir_all(to.parent().context("a file stands in a folder")?)?;
            std::fs::write(&to, std::fs::read(&path)?)
                .with_context(|| format!("failed to copy {}", path.display()))?;
        }
    }
    Ok(())
}

fn found(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            found(&entry.path(), files)?;
        } else {
            files.push(entry.path());
        }
    }
    Ok(())
}

/// All messages of the files, by their component's name.
fn messages(folder: &tempfile::TempDir) -> Result<BTreeMap<String, DescriptorProto>> {
    let mut files = Vec::new();
    found(folder.path(), &mut files)?;
    let parsed = protobuf_parse::Parser::new()
        .pure()
        .include(folder.path())
        .inputs(&files)
        .file_descriptor_set()
        .context("failed to read the .proto files")?;
    let named = |file: &FileDescriptorProto| {
        let package = file.package().to_owned();
        let messages = file.message_type.iter().cloned();
        messages.map(move |message| (component(&format!(".{package}.{}", message.name())), message)).collect()
    };
    Ok(parsed.file.iter().flat_map::<Vec<_>, _>(named).collect())
}

/// `.k8s.io.api.core.v1.Pod` as the `OpenAPI` components call it: `io.k8s.api.core.v1.Pod`.
fn component(proto: &str) -> String {
    let name = proto.trim_start_matches('.').replacen("k8s.io.", "io.k8s.", 1);
    name.replace("apiextensions_apiserver", "apiextensions-apiserver")
        .replace("kube_aggregator", "kube-aggregator")
}

/// The components reachable from the served kinds.
fn reachable(
    messages: &BTreeMap<String, DescriptorProto>,
    documents: &Documents,
) -> Result<BTreeMap<String, Vec<Field>>> {
    let mut wanted: Vec<String> =
        messages.keys().filter(|name| documents.schema(name).is_some()).cloned().collect();
    let mut kept = BTreeMap::new();
    while let Some(name) = wanted.pop() {
        if kept.contains_key(&name) || SPECIAL.contains(&name.as_str()) {
            continue;
        }
        let message = messages.get(&name).with_context(|| format!("no .proto file has {name}"))?;
        let fields = fields(&name, message, documents)?;
        for (_, _, kind) in &fields {
            wanted.extend(kind.split_once('.').map(|(_, name)| name.to_owned()));
        }
        kept.insert(name, fields);
    }
    // What OR-types hold is reached through code.
    Ok(kept)
}

fn fields(name: &str, message: &DescriptorProto, documents: &Documents) -> Result<Vec<Field>> {
    let schema = documents.schema(name).and_then(|schema| schema["properties"].as_object());
    // By what is the same in their fields' names.
    let properties: Option<BTreeMap<String, &str>> =
        schema.map(|properties| properties.keys().map(|name| (plain(name), name.as_str())).collect());
    let mut seen: BTreeSet<&str> = BTreeSet::new();
    let mut fields = Vec::new();
    for field in &message.field {
        let kind = kind(field, message).with_context(|| format!("field {} of {name}", field.name()))?;
        let name = match &properties {
            Some(properties) => properties.get(&plain(field.name())).copied(),
            None => Some(field.name()),
        };
        if name.is_none() && !kind.starts_with('.') {
            // A field that JSON does not have.
            continue;
        }
        seen.extend(name);
        fields.push((field.number(), name.unwrap_or_default().to_owned(), kind));
    }
    let all_here = fields.iter().all(|(_, name, _)| !name.is_empty());
    for property in schema.into_iter().flatten().map(|(property, _)| property) {
        let header = property == "apiVersion" || property == "kind";
        ensure!(
            header || !all_here || seen.contains(property.as_str()),
            "{name} has a property {property} and no such field in its .proto file"
        );
    }
    Ok(fields)
}

/// The common form of the names of a property and of its field: `$ref` is `ref` in a `.proto` file,
/// `x-kubernetes-list-type` is `xKubernetesListType`, `apiGroup` is `aPIGroup`.
fn plain(name: &str) -> String {
    name.replace(['$', '-'], "").to_lowercase()
}

/// `string`, `bool`, `int`, `double`, `bytes` or `.` and a message's name; before it `[]` for a list, `{}` for a map
/// from strings.
fn kind(field: &FieldDescriptorProto, within: &DescriptorProto) -> Result<String> {
    let one = match field.type_() {
        Type::TYPE_STRING => "string".to_owned(),
        Type::TYPE_BOOL => "bool".to_owned(),
        Type::TYPE_INT32 | Type::TYPE_INT64 | Type::TYPE_UINT32 | Type::TYPE_UINT64 => "int".to_owned(),
        Type::TYPE_DOUBLE => "double".to_owned(),
        Type::TYPE_BYTES => "bytes".to_owned(),
        Type::TYPE_MESSAGE => {
            let of = field.type_name();
            let entry = within.nested_type.iter().find(|nested| of.ends_with(&format!(".{}", nested.name())));
            if let Some(entry) = entry.filter(|entry| entry.options.map_entry()) {
                let value = entry.field.iter().find(|field| field.number() == 2);
                return Ok(format!("{{}}{}", kind(value.context("a map has values")?, entry)?));
            }
            format!(".{}", component(of))
        }
        other => bail!("nobody knows how {other:?} is written as JSON"),
    };
    Ok(if field.label() == Label::LABEL_REPEATED { format!("[]{one}") } else { one })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(proto: &str, documents: &serde_json::Value) -> Result<BTreeMap<String, Vec<Field>>> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("generated.proto"), proto).unwrap();
        reachable(&messages(&folder)?, &Documents::of(documents))
    }

    #[test]
    fn a_message_has_the_name_of_its_component() {
        let proto = "syntax = \"proto2\"; package k8s.io.api.core.v1;\n\
             message Pod { optional string name = 1; repeated Port ports = 2; map<string, int32> sizes = 3; }\n\
             message Port { optional bool open = 7; }\n\
             message Unused { optional string name = 1; }";
        let pod = json!({"properties": {"kind": {}, "name": {}, "ports": {}, "sizes": {}}});
        let kept = read(proto, &json!({"io.k8s.api.core.v1.Pod": pod})).unwrap();
        let field = |number, name: &str, kind: &str| (number, name.to_owned(), kind.to_owned());
        let ports = field(2, "ports", "[].io.k8s.api.core.v1.Port");
        assert_eq!(
            kept["io.k8s.api.core.v1.Pod"],
            [field(1, "name", "string"), ports, field(3, "sizes", "{}int")]
        );
        assert_eq!(kept["io.k8s.api.core.v1.Port"], [field(7, "open", "bool")]);
        assert_eq!(kept.len(), 2);
    }

    #[test]
    fn a_message_without_a_component_is_inlined() {
        let proto = "syntax = \"proto2\"; package k8s.io.api.core.v1;\n\
             message Volume { optional string name = 1; optional Source source = 2; }\n\
             message Source { optional string path = 1; }";
        let volume = json!({"properties": {"name": {}, "path": {}}});
        let kept = read(proto, &json!({"io.k8s.api.core.v1.Volume": volume})).unwrap();
        assert_eq!(kept["io.k8s.api.core.v1.Volume"][1].1, "");
    }

    #[test]
    fn a_property_without_a_field_number_is_an_error_that_names_it() {
        let proto =
            "syntax = \"proto2\"; package k8s.io.api.core.v1;\n message Pod { optional string name = 1; }";
        let pod = json!({"properties": {"name": {}, "sizes": {}}});
        let error = read(proto, &json!({"io.k8s.api.core.v1.Pod": pod})).unwrap_err();
        assert!(error.to_string().contains("property sizes"), "{error}");
    }
}
