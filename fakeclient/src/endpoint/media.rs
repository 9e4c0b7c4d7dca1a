//! Content negotiation: a client's choice of object, `Table` or metadata-only responses.

use crate::error::ApiError;
use crate::registry::resource::Resource;

/// The form of a response; for tables and metadata with the version of `meta.k8s.io`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum ResponseForm {
    #[default]
    Object,
    Table(&'static str),
    Metadata(&'static str),
}

/// The requested resource and response, which decide the supported forms and the error message.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RequestedResponse<'a> {
    /// True if the route can answer with a watch.
    pub(crate) watchable: bool,
    /// True if the response is a list.
    pub(crate) list: bool,
    /// The resource; discovery documents have none.
    pub(crate) resource: Option<&'a Resource>,
}

impl RequestedResponse<'_> {
    /// The Go type of the response, which error messages name.
    fn go_type(self) -> String {
        let Some(resource) = self.resource else { return "*v1.APIGroupList".to_owned() };
        let kind = if self.list { &resource.list_kind } else { &resource.kind };
        if !resource.is_builtin() {
            return format!("*unstructured.Unstructured{}", if self.list { "List" } else { "" });
        }
        let package = match resource.group.as_str() {
            "" | "events.k8s.io" => "core",
            "internal.apiserver.k8s.io" => "apiserverinternal",
            group => group.split('.').next().unwrap_or_default(),
        };
        format!("*{package}.{kind}")
    }

    /// True if go-restful checks the Accept header before the handler does (built-in resources only).
    fn is_routed_by_go_restful(self) -> bool {
        self.resource.is_some_and(Resource::is_builtin)
    }
}

/// One entry of an Accept header.
struct Accept<'a> {
    media: &'a str,
    parameters: Vec<(&'a str, &'a str)>,
}

fn entries(accept: &str) -> Vec<Accept<'_>> {
    let mut entries: Vec<(u32, Accept<'_>)> = accept
        .split(',')
        .map(|entry| {
            let mut parts = entry.split(';').map(str::trim);
            let media = parts.next().unwrap_or_default();
            let parameters: Vec<_> = parts.filter_map(|part| part.split_once('=')).collect();
            let quality =
                parameters.iter().find(|(key, _)| *key == "q").and_then(|(_, q)| q.parse::<f32>().ok());
            // In thousandths, so that sorting needs no floats (RFC 9110 allows three decimals).
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "clamped to 0..=1000"
            )]
            let rank = (quality.unwrap_or(1.0).clamp(0.0, 1.0) * 1000.0) as u32;
            (rank, Accept { media, parameters })
        })
        .collect();
    entries.sort_by_key(|(rank, _)| std::cmp::Reverse(*rank));
    entries.into_iter().map(|(_, entry)| entry).collect()
}

impl Accept<'_> {
    fn parameter(&self, key: &str) -> &str {
        self.parameters.iter().find(|(k, _)| *k == key).map_or("", |(_, value)| value)
    }

    fn is_json(&self) -> bool {
        matches!(self.media, "application/json" | "*/*" | "application/*" | "")
    }

    /// The form of the response. The error is a message, if this media type is one that the server names in it.
    fn form(&self, asked: RequestedResponse<'_>) -> Result<ResponseForm, Option<String>> {
        let version = match (self.parameter("g"), self.parameter("v")) {
            ("meta.k8s.io", "v1") => Some("v1"),
            ("meta.k8s.io", "v1beta1") => Some("v1beta1"),
            _ => None,
        };
        match (self.parameter("as"), version) {
            ("", _) => Ok(ResponseForm::Object),
            ("Table", Some(version)) if asked.resource.is_some() => Ok(ResponseForm::Table(version)),
            ("PartialObjectMetadata", Some(_)) if asked.list => Err(Some(format!(
                "you requested PartialObjectMetadata, but the requested object is a list ({})",
                asked.go_type()
            ))),
            ("PartialObjectMetadataList", Some(_)) if !asked.list => Err(Some(format!(
                "you requested PartialObjectMetadataList, but the requested object is not a list ({})",
                asked.go_type()
            ))),
            ("PartialObjectMetadata" | "PartialObjectMetadataList", Some(version)) => {
                Ok(ResponseForm::Metadata(version))
            }
            _ => Err(None),
        }
    }
}

const SUPPORTED_MEDIA_TYPES: &str = "only the following media types are accepted: application/json, application/yaml, \
                       application/vnd.kubernetes.protobuf";

/// go-restful's error for built-in kinds, if no route can produce an accepted media type.
fn not_producible(asked: RequestedResponse<'_>) -> ApiError {
    let mut available = "application/json, application/yaml, application/vnd.kubernetes.protobuf".to_owned();
    if asked.watchable {
        available
            .push_str(", application/json;stream=watch, application/vnd.kubernetes.protobuf;stream=watch");
    }
    let message = format!("406: Not Acceptable\n\nAvailable representations: {available}");
    let mut error = ApiError::not_acceptable(message);
    error.details = Some(Box::default());
    error
}

/// The form of a response; 406 if no accepted media type is supported. The fake supports JSON only, not protobuf or
/// YAML.
pub(crate) fn negotiate(
    accept: Option<&str>,
    asked: RequestedResponse<'_>,
) -> Result<ResponseForm, ApiError> {
    let Some(accept) = accept.filter(|a| !a.trim().is_empty()) else { return Ok(ResponseForm::Object) };
    let entries = entries(accept);
    let known = ["application/yaml", "application/vnd.kubernetes.protobuf"];
    // go-restful matches `*/*`, but not `application/*`.
    let routes = |entry: &&Accept<'_>| {
        known.contains(&entry.media) || entry.is_json() && entry.media != "application/*"
    };
    if asked.is_routed_by_go_restful() && entries.iter().find(routes).is_none() {
        return Err(not_producible(asked));
    }
    let mut refusal = None;
    for entry in entries.iter().filter(|entry| entry.is_json()) {
        match entry.form(asked) {
            Ok(form) => return Ok(form),
            Err(why) => refusal = refusal.or(why),
        }
    }
    if let Some(entry) = entries.iter().find(|entry| known.contains(&entry.media)) {
        return Err(ApiError::not_modelled(&format!("answers in {}", entry.media)));
    }
    Err(ApiError::not_acceptable(refusal.unwrap_or_else(|| SUPPORTED_MEDIA_TYPES.to_owned())))
}

/// The first accepted group discovery form, as `(version, true)` where aggregated discovery is wanted.
pub(crate) fn aggregated_discovery(accept: Option<&str>) -> Option<&'static str> {
    let entries = entries(accept.unwrap_or_default());
    for entry in entries.iter().filter(|entry| entry.is_json()) {
        match (entry.parameter("as"), entry.parameter("g"), entry.parameter("v")) {
            ("APIGroupDiscoveryList", "apidiscovery.k8s.io", "v2") => return Some("v2"),
            ("", ..) => return None,
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(accept: &str, list: bool, expected: Result<ResponseForm, &str>) {
        let namespaces =
            crate::kinds::registry().resource("", "v1", "namespaces").expect("namespaces are built in");
        let asked = RequestedResponse { watchable: list, list, resource: Some(&namespaces) };
        let form = negotiate(Some(accept), asked).map_err(|error| error.message);
        assert_eq!(form, expected.map_err(str::to_owned), "{accept}");
    }

    #[test]
    fn table_is_negotiated_by_the_accept_header() {
        let accept = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json";
        check(accept, true, Ok(ResponseForm::Table("v1")));
        check("application/json;as=Table;v=v1beta1;g=meta.k8s.io", false, Ok(ResponseForm::Table("v1beta1")));
        check("application/vnd.kubernetes.protobuf,application/json", false, Ok(ResponseForm::Object));
        check("application/json;foo=bar", false, Ok(ResponseForm::Object));
    }

    #[test]
    fn metadata_of_lists_and_objects_have_different_kinds() {
        let one = "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io";
        let many = "application/json;as=PartialObjectMetadataList;v=v1beta1;g=meta.k8s.io";
        check(one, false, Ok(ResponseForm::Metadata("v1")));
        check(many, true, Ok(ResponseForm::Metadata("v1beta1")));
        let text =
            "you requested PartialObjectMetadata, but the requested object is a list (*core.NamespaceList)";
        check(one, true, Err(text));
        let text = "you requested PartialObjectMetadataList, but the requested object is not a list (*core.Namespace)";
        check(many, false, Err(text));
    }

    #[test]
    fn unsupported_media_type_is_not_acceptable() {
        let text = "406: Not Acceptable\n\nAvailable representations: application/json, application/yaml, \
                    application/vnd.kubernetes.protobuf";
        check("text/html", false, Err(text));
        check("application/*", false, Err(text));
        check("text/html, application/*;q=0.9, */*;q=0.1", false, Ok(ResponseForm::Object));
        let streams = ", application/json;stream=watch, application/vnd.kubernetes.protobuf;stream=watch";
        check("garbage", true, Err(&format!("{text}{streams}")));
        check("application/json;as=Table;v=v2;g=meta.k8s.io", true, Err(SUPPORTED_MEDIA_TYPES));
        check("application/json;as=Foo", false, Err(SUPPORTED_MEDIA_TYPES));
        let discovery = RequestedResponse { watchable: false, list: false, resource: None };
        assert_eq!(
            negotiate(Some("text/html"), discovery).expect_err("no HTML here").message,
            SUPPORTED_MEDIA_TYPES
        );
        assert_eq!(negotiate(Some("application/yaml"), discovery).expect_err("not modelled").code, 501);
    }
}
