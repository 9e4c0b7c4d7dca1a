//! Which form a client accepts: JSON as it is, a `Table`, or metadata alone.

use crate::error::ApiError;

/// The form of an answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Form {
    #[default]
    Object,
    Table,
    Metadata,
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
            // Thousandths, so that the sort needs no floats; one decimal more than RFC 9110 allows is lost.
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

    fn form(&self) -> Option<Form> {
        let meta = self.parameter("g") == "meta.k8s.io" && self.parameter("v") == "v1";
        match self.parameter("as") {
            "" => Some(Form::Object),
            "Table" if meta => Some(Form::Table),
            "PartialObjectMetadata" | "PartialObjectMetadataList" if meta => Some(Form::Metadata),
            _ => None,
        }
    }
}

const OFFERED: &str = "only the following media types are accepted: application/json, application/yaml, \
                       application/vnd.kubernetes.protobuf";

/// The form of an object's or a list's answer; 406 where nothing that is accepted can be given. The fake gives JSON
/// only: a client that insists on protobuf or YAML is told so.
pub(crate) fn negotiate(accept: Option<&str>, tables: bool) -> Result<Form, ApiError> {
    let Some(accept) = accept.filter(|a| !a.trim().is_empty()) else { return Ok(Form::Object) };
    let entries = entries(accept);
    for entry in entries.iter().filter(|entry| entry.is_json()) {
        match entry.form() {
            Some(Form::Table) if !tables => {}
            Some(form) => return Ok(form),
            None => {}
        }
    }
    let known = ["application/yaml", "application/vnd.kubernetes.protobuf"];
    if let Some(entry) = entries.iter().find(|entry| known.contains(&entry.media)) {
        return Err(ApiError::not_modelled(&format!("answers in {}", entry.media)));
    }
    Err(ApiError::not_acceptable(OFFERED))
}

/// The first accepted group discovery form, as `(version, true)` where aggregated discovery is wanted.
pub(crate) fn aggregated_discovery(accept: Option<&str>) -> Option<&'static str> {
    let entries = entries(accept.unwrap_or_default());
    for entry in entries.iter().filter(|entry| entry.is_json()) {
        match (entry.parameter("as"), entry.parameter("g"), entry.parameter("v")) {
            ("APIGroupDiscoveryList", "apidiscovery.k8s.io", "v2") => return Some("v2"),
            ("APIGroupDiscoveryList", "apidiscovery.k8s.io", "v2beta1") => return Some("v2beta1"),
            ("", ..) => return None,
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kubectl_gets_a_table_first_and_an_object_else() {
        let accept = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json";
        assert_eq!(negotiate(Some(accept), true), Ok(Form::Table));
        assert_eq!(negotiate(Some(accept), false), Ok(Form::Object));
    }

    #[test]
    fn a_client_that_prefers_protobuf_and_takes_json_gets_json() {
        assert_eq!(
            negotiate(Some("application/vnd.kubernetes.protobuf,application/json"), true),
            Ok(Form::Object)
        );
    }

    #[test]
    fn what_nobody_offers_is_not_acceptable() {
        assert_eq!(negotiate(Some("text/html"), true).expect_err("no HTML here").code, 406);
        assert_eq!(negotiate(Some("application/yaml"), true).expect_err("not modelled").code, 501);
    }
}
