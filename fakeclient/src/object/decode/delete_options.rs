//! `DeleteOptions` in a request body: a type of every resource, in any group version.
//!
//! Messages are those of kube-apiserver 1.37, which decodes it with a separate codec.

use serde_json::Value;

use super::body::BodyFormat;
use super::body_errors::{no_header, unregistered};
use super::typed::{GoDecoder, TypedDecoder};
use super::{text, yaml};
use crate::object::patch::outcome::go_type;
use crate::object::schema::components::Components;

const COMPONENT: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions";

/// Group and version of options without an `apiVersion`.
const DEFAULT_API_VERSION: &str = "meta.k8s.io/v1";

/// Kinds that the codec supports in every version.
const UNVERSIONED: [&str; 7] = [
    "APIGroup",
    "APIGroupList",
    "APIResourceList",
    "APIVersions",
    "CreateOptions",
    "Status",
    "UpdateOptions",
];

/// Kinds that the codec supports in one version.
const VERSIONED: [&str; 7] = [
    "GetOptions",
    "ListOptions",
    "PartialObjectMetadata",
    "PartialObjectMetadataList",
    "PatchOptions",
    "Table",
    "TableOptions",
];

/// Decodes a non-empty body. The error is the message of a 400.
pub(crate) fn read(bytes: &[u8], media: BodyFormat, components: &dyn Components) -> Result<Value, String> {
    let parsed = match media {
        BodyFormat::Json => text::parse(bytes),
        BodyFormat::Yaml => yaml::parse(bytes),
    };
    let value = match parsed {
        Ok(parsed) => parsed.value,
        Err(why) if why.starts_with("yaml: ") => return Err(why),
        Err(why) => return Err(format!("couldn't get version/kind; json parse error: {why}")),
    };
    if !(value.is_object() || value.is_null()) {
        return Err(no_header(&value));
    }
    check_header(&value)?;
    let mut reading = TypedDecoder::new(components, GoDecoder::Json);
    let options = reading.read(COMPONENT, &value).expect("a value can always be read");
    reading.abort.or(reading.failure).map_or(Ok(options), Err)
}

fn check_header(value: &Value) -> Result<(), String> {
    let text = |key: &str| match value.get(key) {
        None | Some(Value::Null) => Ok(String::new()),
        Some(Value::String(text)) => Ok(text.clone()),
        Some(wrong) => Err(format!(
            "couldn't get version/kind; json parse error: json: cannot unmarshal {} into Go struct field .{key} of type \
             string",
            go_type(wrong)
        )),
    };
    let (mut api_version, kind) = (text("apiVersion")?, text("kind")?);
    if api_version.matches('/').count() > 1 {
        return Err(format!("unexpected GroupVersion string: {api_version}"));
    }
    if api_version.is_empty() {
        DEFAULT_API_VERSION.clone_into(&mut api_version);
    }
    if matches!(kind.as_str(), "" | "DeleteOptions") {
        return Ok(());
    }
    let own = api_version == DEFAULT_API_VERSION && VERSIONED.contains(&kind.as_str());
    if own || UNVERSIONED.contains(&kind.as_str()) {
        return Err(format!("converting (v1.{kind}) to (v1.DeleteOptions): unknown conversion"));
    }
    Err(unregistered(&kind, &api_version))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinds::schemas::BuiltinSchemas;
    use serde_json::json;

    #[track_caller]
    fn check(body: &str, expected: Result<Value, &str>) {
        let read = read(body.as_bytes(), BodyFormat::Json, &BuiltinSchemas);
        assert_eq!(read, expected.map_err(str::to_owned), "{body}");
    }

    #[test]
    fn options_of_any_group_are_decoded() {
        check(r#"{"gracePeriodSeconds": 3}"#, Ok(json!({"gracePeriodSeconds": 3})));
        let body = r#"{"kind": "DeleteOptions", "apiVersion": "apps/v1", "propagationPolicy": "Orphan"}"#;
        let read = json!({"kind": "DeleteOptions", "apiVersion": "apps/v1", "propagationPolicy": "Orphan"});
        check(body, Ok(read));
    }

    #[test]
    fn other_kinds_have_the_message_of_the_codec() {
        let unknown =
            "no kind \"ConfigMap\" is registered for version \"v1\" in scheme \"pkg/runtime/scheme.go:111\"";
        check(r#"{"kind": "ConfigMap", "apiVersion": "v1"}"#, Err(unknown));
        let other = "converting (v1.CreateOptions) to (v1.DeleteOptions): unknown conversion";
        check(r#"{"kind": "CreateOptions", "apiVersion": "v1"}"#, Err(other));
    }

    #[test]
    fn field_of_another_type_is_rejected() {
        let why = "json: cannot unmarshal string into Go struct field DeleteOptions.gracePeriodSeconds of type int64";
        check(r#"{"gracePeriodSeconds": "long"}"#, Err(why));
    }
}
