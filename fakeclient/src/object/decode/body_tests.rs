//! Tests of bodies and patches of built-in kinds, with the responses of kube-apiserver 1.37.2.

use std::sync::Arc;

use rstest::rstest;
use serde_json::{Value, json};

use super::body::{BodyFormat, Decoded, Decoder, media};
use crate::error::ApiError;
use crate::kinds::schemas::BuiltinSchemas;
use crate::object::patch::document::text_patch;
use crate::object::patch::outcome::FieldValidation;
use crate::object::schema::resource_schema::ResourceSchema;
use crate::object::schema::structural::Structural;
use crate::registry::resource::Resource;

fn builtin(group: &str, version: &str, plural: &str) -> Arc<Resource> {
    crate::kinds::registry().resource(group, version, plural).expect("the data has this resource")
}

fn widgets() -> Arc<Resource> {
    let mut widget = (*builtin("", "v1", "configmaps")).clone();
    let schema = json!({"type": "object", "properties": {"spec": {"type": "object", "properties": {
        "a": {"type": "string"}, "n": {"type": "integer"},
    }}}});
    widget.group = "example.com".into();
    widget.plural = "widgets".into();
    widget.kind = "Widget".into();
    widget.schema = ResourceSchema::Custom { schema: Arc::new(Structural::parse(&schema)) };
    Arc::new(widget)
}

fn with<T>(
    resource: &Resource,
    validation: FieldValidation,
    act: impl FnOnce(Decoder<'_>) -> Result<T, ApiError>,
) -> Result<T, ApiError> {
    let registry = crate::kinds::registry();
    let is_builtin = |api_version: &str, kind: &str| {
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        registry.kind(group, version, kind).is_some()
    };
    act(Decoder {
        object_type: resource.object_type(),
        body_kind: None,
        components: &BuiltinSchemas,
        is_builtin: &is_builtin,
        validation,
    })
}

fn read(resource: &Resource, body: &str, media: BodyFormat) -> Result<Decoded, ApiError> {
    with(resource, FieldValidation::Warn, |decoder| decoder.body(body.as_bytes(), media))
}

fn config_map(body: &str) -> Result<Decoded, ApiError> {
    read(&builtin("", "v1", "configmaps"), body, BodyFormat::Json)
}

fn deployment(change: impl FnOnce(&mut Value)) -> Result<Decoded, ApiError> {
    let mut body = json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "x"},
        "spec": {"selector": {"matchLabels": {"a": "b"}}, "template": {
            "metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "c", "image": "i"}]},
        }},
    });
    change(&mut body);
    read(&builtin("apps", "v1", "deployments"), &body.to_string(), BodyFormat::Json)
}

fn container(field: &str, value: Value) -> Result<Decoded, ApiError> {
    deployment(|body| body["spec"]["template"]["spec"]["containers"][0][field] = value)
}

#[rstest]
#[case("", "couldn't get version/kind; json parse error: unexpected end of JSON input (<empty>)")]
#[case(" ", "couldn't get version/kind; json parse error: unexpected end of JSON input (20)")]
#[case(
    "nonsense",
    "couldn't get version/kind; json parse error: invalid character 'o' in literal null (expecting 'u') (6e6f6e73656e7365)"
)]
#[case(
    "[]",
    "couldn't get version/kind; json parse error: json: cannot unmarshal array into Go value of type struct { APIVersion string \"json:\\\"apiVersion,omitempty\\\"\"; Kind string \"json:\\\"kind,omitempty\\\"\" } (5b5d)"
)]
#[case(
    "{\"apiVersion\":3,\"kind\":\"Widget\"}",
    "couldn't get version/kind; json parse error: json: cannot unmarshal number into Go struct field .apiVersion of type string ({\"apiVersion\":3,\"kind\":\"Widget ...)"
)]
#[case(
    "{\"apiVersion\":\"a/b/c\",\"kind\":\"Widget\"}",
    "unexpected GroupVersion string: a/b/c ({\"apiVersion\":\"a/b/c\",\"kind\":\" ...)"
)]
fn body_that_is_not_an_object_is_unrecognized(#[case] body: &str, #[case] message: &str) {
    for (resource, kind) in [(builtin("", "v1", "configmaps"), "ConfigMap"), (widgets(), "Widget")] {
        let error = read(&resource, body, BodyFormat::Json).unwrap_err();
        assert_eq!(error.code, 400);
        assert_eq!(
            error.message,
            format!("the object provided is unrecognized (must be of type {kind}): {message}")
        );
    }
}

#[rstest]
#[case(
    "{\"apiVersion\":\"v1\",\"kind\":\"Foo\"}",
    "Foo in version \"v1\" cannot be handled as a ConfigMap: no kind \"Foo\" is registered for version \"v1\" in scheme \"pkg/runtime/scheme.go:111\""
)]
#[case(
    "{\"apiVersion\":\"apps/v1\",\"kind\":\"Deployment\"}",
    "Deployment in version \"v1\" cannot be handled as a ConfigMap: converting (v1.Deployment) to (core.ConfigMap): unknown conversion"
)]
#[case(
    "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMapList\",\"items\":[]}",
    "ConfigMapList in version \"v1\" cannot be handled as a ConfigMap: converting (v1.ConfigMapList) to (core.ConfigMap): unknown conversion"
)]
#[case(
    "{\"kind\":\"DeleteOptions\",\"apiVersion\":\"v1\"}",
    "DeleteOptions in version \"v1\" cannot be handled as a ConfigMap: converting (v1.DeleteOptions) to (core.ConfigMap): unknown conversion"
)]
#[case(
    "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":[]}",
    "ConfigMap in version \"v1\" cannot be handled as a ConfigMap: json: cannot unmarshal array into Go struct field ConfigMap.metadata of type v1.ObjectMeta"
)]
#[case(
    "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"x\",\"labels\":{\"a\":3}}}",
    "ConfigMap in version \"v1\" cannot be handled as a ConfigMap: json: cannot unmarshal number into Go struct field ObjectMeta.metadata.labels of type string"
)]
#[case(
    "{\"metadata\":{\"name\":\"x\"},\"binaryData\":{\"a\":\"@@\"}}",
    "ConfigMap in version \"v1\" cannot be handled as a ConfigMap: illegal base64 data at input byte 0"
)]
fn body_of_another_kind_or_type_has_the_message_of_kube_apiserver(#[case] body: &str, #[case] message: &str) {
    assert_eq!(config_map(body).unwrap_err().message, message);
}

#[rstest]
#[case("null")]
#[case("{}")]
#[case("{\"kind\":\"ConfigMap\"}")]
fn built_in_object_does_not_require_its_type(#[case] body: &str) {
    assert_eq!(
        config_map(body).unwrap().object,
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {}})
    );
}

#[rstest]
#[case(
    "null",
    "the object provided is unrecognized (must be of type Widget): Object 'Kind' is missing in 'null' (6e756c6c)"
)]
#[case(
    "{\"kind\":\"ConfigMap\"}",
    "the API version in the data () does not match the expected API version (example.com/v1)"
)]
#[case(
    "{\"apiVersion\":\"example.com/v2\",\"kind\":\"Widget\"}",
    "the API version in the data (example.com/v2) does not match the expected API version (example.com/v1)"
)]
#[case(
    "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":[]}",
    "ConfigMap in version \"v1\" cannot be handled as a Widget: json: cannot unmarshal array into Go value of type v1.ObjectMeta"
)]
#[case(
    "{\"apiVersion\":\"example.com/v1\",\"kind\":\"Widget\",\"metadata\":{\"name\":3}}",
    "Widget in version \"v1\" cannot be handled as a Widget: json: cannot unmarshal number into Go struct field ObjectMeta.name of type string"
)]
#[case(
    "{\"apiVersion\":\"example.com/v1\",\"kind\":\"Foo\",\"metadata\":{\"name\":\"x\"}}",
    "Foo.example.com \"x\" is invalid: kind: Invalid value: \"Foo\": must be Widget"
)]
fn custom_resource_requires_its_type(#[case] body: &str, #[case] message: &str) {
    assert_eq!(read(&widgets(), body, BodyFormat::Json).unwrap_err().message, message);
}

#[rstest]
#[case("replicas", json!("3"), "string into Go struct field DeploymentSpec.spec.replicas of type int32")]
#[case("replicas", json!(1.5), "number 1.5 into Go struct field DeploymentSpec.spec.replicas of type int32")]
#[case("replicas", json!(99_999_999_999_i64), "number 99999999999 into Go struct field DeploymentSpec.spec.replicas of type int32")]
#[case("template", json!(3), "number into Go struct field DeploymentSpec.spec.template of type v1.PodTemplateSpec")]
#[case("selector", json!([]), "array into Go struct field DeploymentSpec.spec.selector of type v1.LabelSelector")]
#[case("paused", json!("x"), "string into Go struct field DeploymentSpec.spec.paused of type bool")]
fn type_error_contains_the_go_type(#[case] field: &str, #[case] value: Value, #[case] message: &str) {
    let error = deployment(|body| body["spec"][field] = value).unwrap_err();
    let prefix = "Deployment in version \"v1\" cannot be handled as a Deployment: json: cannot unmarshal";
    assert_eq!(error.message, format!("{prefix} {message}"));
}

#[rstest]
#[case("name", json!(3), "json: cannot unmarshal number into Go struct field Container.spec.template.spec.containers.name of type string")]
#[case("ports", json!({}), "json: cannot unmarshal object into Go struct field Container.spec.template.spec.containers.ports of type []v1.ContainerPort")]
#[case("ports", json!([{"containerPort": "x"}]), "json: cannot unmarshal string into Go struct field ContainerPort.spec.template.spec.containers.ports.containerPort of type int32")]
#[case("env", json!(["x"]), "json: cannot unmarshal string into Go struct field Container.spec.template.spec.containers.env of type v1.EnvVar")]
#[case("command", json!([3]), "json: cannot unmarshal number into Go struct field Container.spec.template.spec.containers.command of type string")]
#[case("resources", json!({"limits": []}), "json: cannot unmarshal array into Go struct field ResourceRequirements.spec.template.spec.containers.resources.limits of type v1.ResourceList")]
#[case("resources", json!({"limits": {"cpu": true}}), "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'")]
#[case("livenessProbe", json!({"httpGet": {"port": true}}), "json: cannot unmarshal bool into Go struct field HTTPGetAction.spec.template.spec.containers.livenessProbe.ProbeHandler.httpGet.port of type int32")]
#[case("livenessProbe", json!({"httpGet": {"port": 1.5}}), "json: cannot unmarshal number 1.5 into Go struct field HTTPGetAction.spec.template.spec.containers.livenessProbe.ProbeHandler.httpGet.port of type int32")]
fn type_error_contains_the_path_to_the_container(
    #[case] field: &str,
    #[case] value: Value,
    #[case] message: &str,
) {
    let error = container(field, value).unwrap_err();
    let prefix = "Deployment in version \"v1\" cannot be handled as a Deployment: ";
    assert_eq!(error.message, format!("{prefix}{message}"));
}

#[test]
fn empty_values_are_printed_by_their_go_types() {
    let decoded = deployment(|body| {
        body["spec"]["replicas"] = json!(0);
        body["spec"]["paused"] = json!(false);
        body["spec"]["minReadySeconds"] = json!(0);
        body["metadata"]["labels"] = json!({});
        body["spec"]["template"]["spec"]["nodeName"] = json!("");
        body["spec"]["template"]["spec"]["securityContext"] = json!({});
        body["spec"]["template"]["spec"]["containers"][0]["resources"] =
            json!({"limits": {"cpu": 1.5, "memory": "1024Mi"}});
    });
    assert_eq!(
        decoded.unwrap().object,
        json!({
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "x"},
            "spec": {
                "replicas": 0, "selector": {"matchLabels": {"a": "b"}}, "strategy": {},
                "template": {"metadata": {"labels": {"a": "b"}}, "spec": {
                    "containers": [{"name": "c", "image": "i", "resources": {"limits": {"cpu": "1500m", "memory": "1Gi"}}}],
                    "securityContext": {},
                }},
            },
            "status": {},
        })
    );
}

#[test]
fn unknown_and_duplicate_fields_are_reported_in_order() {
    let body = r#"{"apiVersion":"v1","zz":{"a":1,"a":2},"kind":"ConfigMap","metadata":{"name":"x","name":"y","bogus":1},"spec":{"zz":1},"kind":"ConfigMap","Data":{"a":"b"},"data":{"a":"1","a":"2"},"data":{"b":"1"}}"#;
    let resource = builtin("", "v1", "configmaps");
    let error =
        with(&resource, FieldValidation::Strict, |d| d.body(body.as_bytes(), BodyFormat::Json)).unwrap_err();
    assert_eq!(
        error.message,
        "ConfigMap in version \"v1\" cannot be handled as a ConfigMap: strict decoding error: unknown field \"zz\", duplicate field \"metadata.name\", unknown field \"metadata.bogus\", unknown field \"spec\", duplicate field \"kind\", unknown field \"Data\", duplicate field \"data.a\", duplicate field \"data\""
    );
    let ignored =
        with(&resource, FieldValidation::Ignore, |d| d.body(body.as_bytes(), BodyFormat::Json)).unwrap();
    assert!(ignored.warnings.is_empty());
    assert_eq!(ignored.object["metadata"], json!({"name": "y"}));
}

#[test]
fn custom_resource_warnings_are_in_the_order_of_kube_apiserver() {
    let body = r#"{"apiVersion":"example.com/v1","zz":{"a":1,"a":2},"kind":"Widget","metadata":{"name":"x","name":"y","bogus":1},"spec":{"zz":1},"kind":"Widget","Data":{"a":"b"},"data":{"a":"1","a":"2"},"data":{"b":"1"}}"#;
    let error =
        with(&widgets(), FieldValidation::Strict, |d| d.body(body.as_bytes(), BodyFormat::Json)).unwrap_err();
    assert_eq!(
        error.message,
        "Widget in version \"v1\" cannot be handled as a Widget: strict decoding error: duplicate field \"zz.a\", duplicate field \"metadata.name\", duplicate field \"kind\", duplicate field \"data.a\", duplicate field \"data\", unknown field \"metadata.bogus\", unknown field \"Data\", unknown field \"data\", unknown field \"spec.zz\", unknown field \"zz\""
    );
}

#[test]
fn integer_with_a_fraction_of_zero_is_printed_without() {
    let body = r#"{"apiVersion":"example.com/v1","kind":"Widget","metadata":{"name":"x"},"spec":{"n":1.0}}"#;
    assert_eq!(read(&widgets(), body, BodyFormat::Json).unwrap().object["spec"], json!({"n": 1}));
}

#[test]
fn yaml_1_1_booleans_are_decoded() {
    let resource = builtin("", "v1", "configmaps");
    let error = read(&resource, "kind: ConfigMap\nmetadata: {name: y}\n", BodyFormat::Yaml).unwrap_err();
    assert_eq!(
        error.message,
        "ConfigMap in version \"v1\" cannot be handled as a ConfigMap: json: cannot unmarshal bool into Go struct field ObjectMeta.metadata.name of type string"
    );
    let body = "apiVersion: v1\nkind: ConfigMap\nkind: ConfigMap\nmetadata: {name: yy}\nzz: 1\n";
    let decoded = read(&resource, body, BodyFormat::Yaml).unwrap();
    assert_eq!(decoded.warnings, ["line 3: key \"kind\" already set in map", "unknown field \"zz\""]);
    let strict =
        with(&resource, FieldValidation::Strict, |d| d.body(body.as_bytes(), BodyFormat::Yaml)).unwrap_err();
    assert_eq!(
        strict.message,
        "ConfigMap in version \"v1\" cannot be handled as a ConfigMap: strict decoding error: yaml: unmarshal errors:\n  line 3: key \"kind\" already set in map, unknown field \"zz\""
    );
}

#[test]
fn unsupported_media_type_is_rejected() {
    assert_eq!(media(Some("application/json; charset=utf-8")).unwrap(), BodyFormat::Json);
    assert_eq!(media(None).unwrap(), BodyFormat::Json);
    assert_eq!(media(Some("application/vnd.kubernetes.protobuf")).unwrap_err().code, 415);
}

#[test]
fn merge_patch_result_is_decoded() {
    let object = config_map(r#"{"metadata":{"name":"c"},"data":{"a":"1"}}"#).unwrap().object;
    let resource = builtin("", "v1", "configmaps");
    let patch = |body: &str, validation| {
        let patched = text_patch::merge(body.as_bytes(), &object, validation)?;
        with(&resource, validation, |decoder| decoder.patched(&patched))
    };
    let warned = patch(r#"{"data":{"b":"2"},"zz":1}"#, FieldValidation::Warn).unwrap();
    assert_eq!(warned.object["data"], json!({"a": "1", "b": "2"}));
    assert_eq!(warned.warnings, ["unknown field \"zz\""]);
    let refused = patch(r#"{"zz":1}"#, FieldValidation::Strict).unwrap_err();
    assert_eq!(
        refused.message,
        " \"\" is invalid: patch: Invalid value: \"{\\\"apiVersion\\\":\\\"v1\\\",\\\"data\\\":{\\\"a\\\":\\\"1\\\"},\\\"kind\\\":\\\"ConfigMap\\\",\\\"metadata\\\":{\\\"name\\\":\\\"c\\\"},\\\"zz\\\":1}\": strict decoding error: unknown field \"zz\""
    );
}

#[test]
fn patched_custom_resource_keeps_its_type() {
    let object = json!({"apiVersion": "example.com/v1", "kind": "Widget", "metadata": {"name": "w"}});
    let error = |patch: &str| {
        let patched = text_patch::json(patch.as_bytes(), &object, FieldValidation::Warn).unwrap();
        with(&widgets(), FieldValidation::Warn, |decoder| decoder.patched(&patched)).unwrap_err()
    };
    assert_eq!(
        error(r#"[{"op":"replace","path":"/kind","value":"zz"}]"#).message,
        "zz.example.com \"w\" is invalid: kind: Invalid value: \"zz\": must be Widget"
    );
    assert_eq!(
        error(r#"[{"op":"remove","path":"/apiVersion"}]"#).message,
        "Internal error occurred: Object 'apiVersion' is missing in 'object has no apiVersion field'"
    );
    assert!(error(r#"[{"op":"replace","path":"","value":[]}]"#).message.starts_with(
        " \"\" is invalid: patch: Invalid value: \"[]\": couldn't get version/kind; json parse error: json: cannot unmarshal array into Go value"
    ));
}

#[rstest]
#[case(json!({"spec": {"template": {"spec": "x"}}}), " \"\" is invalid: patch: Invalid value: \"map[spec:map[template:map[spec:x]]]\": cannot restore struct from: string")]
#[case(json!({"spec": {"template": {"spec": {"containers": {"a": "b"}}}}}), " \"\" is invalid: patch: Invalid value: \"map[spec:map[template:map[spec:map[containers:map[a:b]]]]]\": cannot restore slice from map")]
#[case(json!({"spec": {"replicas": "x"}}), " \"\" is invalid: patch: Invalid value: \"map[spec:map[replicas:x]]\": unrecognized type: int32")]
#[case(json!({"metadata": {"labels": {"a": 3}}}), " \"\" is invalid: patch: Invalid value: \"map[metadata:map[labels:map[a:3]]]\": cannot convert int64 to string")]
fn strategic_patch_result_has_messages_of_the_unstructured_converter(
    #[case] patch: Value,
    #[case] message: &str,
) {
    let object = deployment(|_| ()).unwrap().object;
    let resource = builtin("apps", "v1", "deployments");
    let body = patch.to_string();
    let component = "io.k8s.api.apps.v1.Deployment";
    let patched =
        text_patch::strategic(body.as_bytes(), &object, component, &BuiltinSchemas, FieldValidation::Warn)
            .unwrap();
    let error = with(&resource, FieldValidation::Warn, |decoder| decoder.patched(&patched)).unwrap_err();
    assert_eq!(error.message, message);
}
