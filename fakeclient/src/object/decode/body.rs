//! Decoding of request bodies and patched objects into objects of the resource.
//!
//! Messages and the order of checks are those of kube-apiserver 1.37. Admission, defaults and validation come later.

use serde_json::Value;

use super::body_errors::{
    mistyped_header, no_header, remark_of, strict_text, unrecognized_object, unregistered,
};
use super::scalar::plain_numbers;
use super::typed::{GoDecoder, TypedDecoder};
use super::{text, yaml};
use crate::error::ApiError;
use crate::error::field::FieldError;
use crate::object::patch::outcome::{FieldValidation, Patched};
use crate::object::schema::components::Components;
use crate::object::schema::resource_schema::ResourceSchema;

const OBJECT_META: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta";

/// Format of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BodyFormat {
    /// `application/json`, also without a content type.
    Json,
    /// `application/yaml`
    Yaml,
}

/// The type of an object: group, version, kind and schema.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ObjectType<'a> {
    pub(crate) group: &'a str,
    pub(crate) version: &'a str,
    pub(crate) kind: &'a str,
    pub(crate) schema: &'a ResourceSchema,
}

impl ObjectType<'_> {
    fn api_version(&self) -> String {
        if self.group.is_empty() {
            self.version.to_owned()
        } else {
            format!("{}/{}", self.group, self.version)
        }
    }
}

/// A decoder of one type.
#[derive(Clone, Copy)]
pub(crate) struct Decoder<'a> {
    /// The type of the resource.
    pub(crate) object_type: ObjectType<'a>,
    /// Group/version and kind of the body, if a subresource has another kind than the resource.
    pub(crate) body_kind: Option<(&'a str, &'a str)>,
    /// The built-in schemas (custom resources need that of the metadata).
    pub(crate) components: &'a dyn Components,
    /// Returns true if the kind is built in, given its group/version and kind.
    pub(crate) is_builtin: &'a dyn Fn(&str, &str) -> bool,
    /// The handling of unknown and duplicate fields.
    pub(crate) validation: FieldValidation,
}

/// A decoded object in the resource's version, with warnings.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Decoded {
    /// The object.
    pub(crate) object: Value,
    /// Warnings of unknown and duplicate fields, unless they are ignored.
    pub(crate) warnings: Vec<String>,
}

/// Content type of protobuf bodies. Those of built-in kinds are converted to JSON before.
pub(crate) const PROTOBUF: &str = "application/vnd.kubernetes.protobuf";

/// The format of a content type, or 415.
pub(crate) fn media(content_type: Option<&str>) -> Result<BodyFormat, ApiError> {
    let name = content_type.unwrap_or_default().split(';').next().unwrap_or_default().trim();
    match name.to_ascii_lowercase().as_str() {
        "" | "application/json" => Ok(BodyFormat::Json),
        "application/yaml" => Ok(BodyFormat::Yaml),
        PROTOBUF => Err(ApiError::unsupported_media_type(
            "the body of the request was in an unknown format - accepted media types include: application/json, \
             application/yaml",
        )),
        _ => Err(ApiError::unsupported_media_type(
            "the body of the request was in an unknown format - accepted media types include: application/json, \
             application/yaml, application/vnd.kubernetes.protobuf",
        )),
    }
}

/// Kind and group/version in an object.
struct TypeMeta {
    api_version: String,
    kind: String,
}

impl TypeMeta {
    fn version(&self) -> &str {
        self.api_version.rsplit('/').next().unwrap_or_default()
    }

    fn group(&self) -> &str {
        self.api_version.split_once('/').map_or("", |(group, _)| group)
    }
}

impl Decoder<'_> {
    /// Decodes a body.
    pub(crate) fn body(&self, bytes: &[u8], media: BodyFormat) -> Result<Decoded, ApiError> {
        match self.object_type.schema {
            ResourceSchema::Builtin { component } if media == BodyFormat::Json => {
                let mut reading = TypedDecoder::new(self.components, GoDecoder::Json);
                reading.fields_as_text = true;
                let mut reader = serde_json::Deserializer::from_slice(bytes);
                let read = reading.read(&self.component(component), &mut reader);
                match read.and_then(|object| reader.end().map(|()| object)) {
                    Ok(object) if self.is_expected(&object) && is_clean(&reading) => {
                        self.finish_body(object, reading.remarks)
                    }
                    // The slower parser reports the errors.
                    _ => self.parsed_body(bytes, text::parse(bytes)),
                }
            }
            _ if media == BodyFormat::Json => self.parsed_body(bytes, text::parse(bytes)),
            _ => self.parsed_body(bytes, yaml::parse(bytes)),
        }
    }

    /// Decodes a patched object.
    pub(crate) fn patched(&self, patched: &Patched) -> Result<Decoded, ApiError> {
        let mut remarks = patched.remarks.clone();
        let object = match self.object_type.schema {
            ResourceSchema::Builtin { component } => {
                let by_map = patched.patch_shown.is_some();
                let reader = if by_map { GoDecoder::Map } else { GoDecoder::Json };
                if !by_map && !patched.object.is_object() {
                    return Err(patched.undecodable(&no_header(&patched.object)));
                }
                let claim = self.claim(&patched.object);
                if !by_map && (claim.kind != self.kind() || claim.api_version != self.api_version()) {
                    let unknown = unregistered(&claim.kind, &claim.api_version);
                    let known = self.is_registered(&claim);
                    let read = || self.unreadable(&claim, &patched.object);
                    let why =
                        if known { read().unwrap_or_else(|| self.unconvertible(&claim)) } else { unknown };
                    return Err(patched.undecodable(&why));
                }
                let mut reading = TypedDecoder::new(self.components, reader);
                let object = reading.read(&self.component(component), &patched.object);
                let object = object.expect("a value can always be read");
                if let Some(why) = reading.abort.or(reading.failure) {
                    return Err(patched.undecodable(&why));
                }
                remarks.append(&mut reading.remarks);
                self.with_header(object)
            }
            ResourceSchema::Custom { .. } => {
                if !patched.object.is_object() {
                    return Err(patched.undecodable(&no_header(&patched.object)));
                }
                if let Some(why) = mistyped_header(&patched.object) {
                    return Err(patched.undecodable(&why));
                }
                if patched.object.get("kind").and_then(Value::as_str).is_none_or(str::is_empty) {
                    let why = format!("Object 'Kind' is missing in '{}'", patched.object);
                    return Err(patched.undecodable(&why));
                }
                let mut object = patched.object.clone();
                let found = self.custom(&mut object).map_err(|why| patched.undecodable(&why))?;
                self.check_custom_header(&object, true)?;
                remarks.extend(found);
                object
            }
        };
        match self.validation {
            FieldValidation::Strict if !remarks.is_empty() => {
                Err(patched.undecodable(&strict_text(&remarks)))
            }
            FieldValidation::Ignore => Ok(Decoded { object, warnings: Vec::new() }),
            _ => Ok(Decoded { object, warnings: remarks }),
        }
    }

    /// Decodes a valid patched built-in object without copying it. `None` for an invalid one, whose errors
    /// [`patched`](Self::patched) reports.
    pub(crate) fn clean_patched(&self, patched: Patched) -> Option<Value> {
        let ResourceSchema::Builtin { component } = self.object_type.schema else { return None };
        let reader = if patched.patch_shown.is_some() { GoDecoder::Map } else { GoDecoder::Json };
        if !patched.remarks.is_empty() || !self.is_expected(&patched.object) {
            return None;
        }
        let mut reading = TypedDecoder::new(self.components, reader);
        let object = reading.read(&self.component(component), patched.object).ok()?;
        (is_clean(&reading) && reading.remarks.is_empty()).then(|| self.with_header(object))
    }

    /// Decodes the result of an apply.
    pub(crate) fn applied(&self, applied: &Value) -> Result<Value, String> {
        let component = match self.object_type.schema {
            ResourceSchema::Builtin { component } => component,
            ResourceSchema::Custom { schema } => {
                let mut object = applied.clone();
                self.custom_metadata(&mut object)?;
                plain_numbers(&mut object);
                schema.decode_applied(&mut object).map_err(|error| error.to_string())?;
                return Ok(object);
            }
        };
        let mut reading = TypedDecoder::new(self.components, GoDecoder::Map);
        let object = reading.read(&self.component(component), applied);
        let object = object.expect("a value can always be read");
        match reading.abort.or(reading.failure) {
            Some(why) => {
                let slash = if self.object_type.group.is_empty() { "/" } else { "" };
                let kind = format!("{slash}{}, Kind={}", self.api_version(), self.kind());
                // Only `[]byte` fields are decoded as JSON here.
                let reader =
                    if why.starts_with("illegal base64") { "error decoding from json: " } else { "" };
                Err(format!("unable to convert unstructured object to {kind}: {reader}{why}"))
            }
            None => Ok(self.with_header(object)),
        }
    }

    fn parsed_body(&self, bytes: &[u8], parsed: Result<text::Parsed, String>) -> Result<Decoded, ApiError> {
        let unrecognized = |why: &str| unrecognized_object(&self.kind(), why, bytes);
        let parsed = parsed.map_err(|why| {
            if why.starts_with("yaml: ") {
                unrecognized(&why)
            } else {
                unrecognized(&format!("couldn't get version/kind; json parse error: {why}"))
            }
        })?;
        let mut value = parsed.value;
        if !(value.is_object() || value.is_null()) {
            return Err(unrecognized(&no_header(&value)));
        }
        if let Some(why) = mistyped_header(&value) {
            return Err(unrecognized(&why));
        }
        let claim = self.claim(&value);
        if claim.api_version.matches('/').count() > 1 {
            return Err(unrecognized(&format!("unexpected GroupVersion string: {}", claim.api_version)));
        }
        let mut remarks: Vec<String> = parsed.duplicates.iter().map(|path| remark_of(path)).collect();
        match self.object_type.schema {
            ResourceSchema::Builtin { component } => {
                self.check_builtin_header(&claim, &value)?;
                let mut reading = TypedDecoder::new(self.components, GoDecoder::Json);
                let object = reading.read(&self.component(component), &value);
                let object = object.expect("a value can always be read");
                if let Some(why) = reading.abort.or(reading.failure) {
                    return Err(self.unhandled(&claim, &why));
                }
                remarks.append(&mut reading.remarks);
                self.finish_body(object, remarks)
            }
            ResourceSchema::Custom { .. } => {
                if claim.kind.is_empty() {
                    let body = String::from_utf8_lossy(bytes);
                    let why = format!("Object 'Kind' is missing in '{body}'");
                    // The lenient decoder takes an object without a type for one of the expected type.
                    if claim.api_version.is_empty() && self.validation == FieldValidation::Ignore {
                        let expected = TypeMeta { api_version: self.api_version(), kind: self.kind() };
                        return Err(self.unhandled(&expected, &why));
                    }
                    return Err(unrecognized(&why));
                }
                if value.get("apiVersion").is_some_and(Value::is_null) {
                    let why = ".apiVersion accessor error: <nil> is of the type <nil>, expected string";
                    return Err(self.unhandled(&claim, why));
                }
                remarks.extend(self.custom(&mut value).map_err(|why| self.unhandled(&claim, &why))?);
                self.check_custom_header(&value, false)?;
                self.finish_body(value, remarks)
            }
        }
    }

    fn finish_body(&self, object: Value, remarks: Vec<String>) -> Result<Decoded, ApiError> {
        let object = self.with_header(object);
        match self.validation {
            FieldValidation::Strict if !remarks.is_empty() => {
                let claim = self.claim(&object);
                Err(self.unhandled(&claim, &strict_text(&remarks)))
            }
            FieldValidation::Ignore => Ok(Decoded { object, warnings: Vec::new() }),
            _ => Ok(Decoded { object, warnings: remarks }),
        }
    }

    /// Decodes a custom resource's metadata and prunes the rest. Returns the warnings.
    fn custom(&self, object: &mut Value) -> Result<Vec<String>, String> {
        let mut remarks = self.custom_metadata(object)?;
        plain_numbers(object);
        if let ResourceSchema::Custom { schema } = self.object_type.schema {
            let unknown = schema.admit(object).map_err(|error| error.to_string())?;
            remarks.extend(unknown.iter().map(|path| format!("unknown field \"{path}\"")));
        }
        Ok(remarks)
    }

    fn custom_metadata(&self, object: &mut Value) -> Result<Vec<String>, String> {
        let mut remarks = Vec::new();
        let fields = object.as_object_mut().expect("a custom resource was seen to be an object");
        if let Some(metadata) = fields.remove("metadata") {
            let mut reading = TypedDecoder::new(self.components, GoDecoder::Json);
            let read = reading.read(OBJECT_META, &metadata).expect("a value can always be read");
            if let Some(why) = reading.abort.or(reading.failure) {
                return Err(why);
            }
            let below = reading.remarks.iter().map(|remark| remark.replacen('"', "\"metadata.", 1));
            remarks.extend(below);
            fields.insert("metadata".to_owned(), read);
        }
        Ok(remarks)
    }

    fn check_builtin_header(&self, claim: &TypeMeta, value: &Value) -> Result<(), ApiError> {
        if claim.kind == self.kind() && claim.api_version == self.api_version() {
            return Ok(());
        }
        if !self.is_registered(claim) {
            let why = unregistered(&claim.kind, &claim.api_version);
            return Err(self.unhandled(claim, &why));
        }
        if claim.kind == self.kind() {
            return Err(self.version_mismatch(&claim.api_version));
        }
        let why = self.unreadable(claim, value).unwrap_or_else(|| self.unconvertible(claim));
        Err(self.unhandled(claim, &why))
    }

    /// An object of another kind is decoded as that kind, before the kind is compared.
    fn unreadable(&self, claim: &TypeMeta, value: &Value) -> Option<String> {
        let component = component_of(&claim.api_version, &claim.kind);
        self.components.component(&component)?;
        let mut reading = TypedDecoder::new(self.components, GoDecoder::Json);
        reading.read(&component, value).expect("a value can always be read");
        reading.abort.or(reading.failure)
    }

    /// For a changed version, the message of a patch is that of the validation, the message of a body that of the
    /// decoder.
    fn check_custom_header(&self, object: &Value, patched: bool) -> Result<(), ApiError> {
        let text = |key: &str| object.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        let claim = TypeMeta { api_version: text("apiVersion"), kind: text("kind") };
        if patched && claim.api_version.is_empty() {
            let missing = "Object 'apiVersion' is missing in 'object has no apiVersion field'";
            return Err(ApiError::internal(missing));
        }
        let mut errors = Vec::new();
        if claim.kind != self.kind() {
            let detail = format!("must be {}", self.kind());
            errors.push(FieldError::invalid("kind", claim.kind.as_str().into(), detail));
        }
        if claim.api_version != self.api_version() {
            if !patched {
                return Err(self.version_mismatch(&claim.api_version));
            }
            let detail = format!("must be {}", self.api_version());
            errors.push(FieldError::invalid("apiVersion", claim.api_version.as_str().into(), detail));
        }
        if errors.is_empty() {
            return Ok(());
        }
        let name = crate::object::view::metadata::name(object);
        Err(ApiError::invalid(claim.group(), &claim.kind, name, &errors))
    }

    /// The type of the object; a built-in object without one has the expected type.
    fn claim(&self, object: &Value) -> TypeMeta {
        let builtin = matches!(self.object_type.schema, ResourceSchema::Builtin { .. });
        let text = |key: &str, expected: &str| match object.get(key).and_then(Value::as_str) {
            Some("") | None if builtin => expected.to_owned(),
            other => other.unwrap_or_default().to_owned(),
        };
        TypeMeta { api_version: text("apiVersion", &self.api_version()), kind: text("kind", &self.kind()) }
    }

    /// True if the server has the kind: built-in kinds, their lists, and those of every group.
    fn is_registered(&self, claim: &TypeMeta) -> bool {
        const EVERYWHERE: [&str; 7] = [
            "CreateOptions",
            "DeleteOptions",
            "GetOptions",
            "ListOptions",
            "PatchOptions",
            "UpdateOptions",
            "WatchEvent",
        ];
        const CORE: [&str; 6] =
            ["APIGroup", "APIGroupList", "APIResourceList", "APIVersions", "List", "Status"];
        let known = |kind: &str| (self.is_builtin)(&claim.api_version, kind);
        let kind = claim.kind.as_str();
        known(kind)
            || kind.strip_suffix("List").is_some_and(known)
            || (claim.api_version == self.api_version() && EVERYWHERE.contains(&kind))
            || (claim.api_version == "v1" && CORE.contains(&kind))
    }

    fn is_expected(&self, object: &Value) -> bool {
        let claim = self.claim(object);
        claim.kind == self.kind() && claim.api_version == self.api_version()
    }

    fn with_header(&self, mut object: Value) -> Value {
        if let (Some(fields), ResourceSchema::Builtin { .. }) =
            (object.as_object_mut(), self.object_type.schema)
        {
            fields.insert("apiVersion".to_owned(), self.api_version().into());
            fields.insert("kind".to_owned(), self.kind().into());
        }
        object
    }

    fn kind(&self) -> String {
        self.body_kind.map_or_else(|| self.object_type.kind.to_owned(), |(_, kind)| kind.to_owned())
    }

    fn api_version(&self) -> String {
        self.body_kind.map_or_else(|| self.object_type.api_version(), |(version, _)| version.to_owned())
    }

    /// Component of the body: the resource's, or that of a subresource's kind (all of which are in API groups under
    /// `io.k8s.api`).
    fn component(&self, resources: &str) -> String {
        let Some((api_version, kind)) = self.body_kind else {
            return resources.to_owned();
        };
        component_of(api_version, kind)
    }

    fn unhandled(&self, claim: &TypeMeta, why: &str) -> ApiError {
        ApiError::bad_request(format!(
            "{} in version {:?} cannot be handled as a {}: {why}",
            claim.kind,
            claim.version(),
            self.kind()
        ))
    }

    fn version_mismatch(&self, found: &str) -> ApiError {
        ApiError::bad_request(format!(
            "the API version in the data ({found}) does not match the expected API version ({})",
            self.api_version()
        ))
    }

    fn unconvertible(&self, claim: &TypeMeta) -> String {
        let group = self.object_type.group.split('.').next().filter(|g| !g.is_empty()).unwrap_or("core");
        let (version, kind) = (claim.version(), &claim.kind);
        format!("converting ({version}.{kind}) to ({group}.{}): unknown conversion", self.kind())
    }
}

/// Component of a kind in an API group under `io.k8s.api`.
fn component_of(api_version: &str, kind: &str) -> String {
    let (group, version) = api_version.split_once('/').unwrap_or(("core", api_version));
    format!("io.k8s.api.{}.{version}.{kind}", group.split('.').next().unwrap_or_default())
}

fn is_clean(reading: &TypedDecoder<'_>) -> bool {
    reading.abort.is_none() && reading.failure.is_none()
}
