//! Conversion webhooks of a CRD: reviews and their answers.

use serde_json::{Map, Value, json};

use crate::object::go_format::shown_kind;
use crate::object::view::fields::FieldAccess;
use crate::object::view::metadata;
use crate::registry::webhook::{ClientConfig, review_version};

/// The conversion webhook of a CRD.
#[derive(Debug)]
pub(crate) struct ConversionWebhook {
    pub(crate) config: ClientConfig,
    /// `v1` or `v1beta1`, the first in the CRD's list that the server speaks.
    version: String,
}

impl ConversionWebhook {
    /// The webhook of a definition; `None` for strategy `None`.
    pub(crate) fn of(definition: &Value) -> Option<Self> {
        let conversion = &definition["spec"]["conversion"];
        if conversion.text("strategy") != "Webhook" {
            return None;
        }
        let webhook = &conversion["webhook"];
        let version = review_version(webhook.list("conversionReviewVersions"));
        Some(Self {
            config: ClientConfig::of(&webhook["clientConfig"]),
            version: version.unwrap_or("v1").to_owned(),
        })
    }

    /// The review that asks for one object in another version.
    pub(crate) fn review(&self, object: &Value, api_version: &str, uid: &str) -> Value {
        json!({
            "kind": "ConversionReview", "apiVersion": format!("apiextensions.k8s.io/{}", self.version),
            "request": {"uid": uid, "desiredAPIVersion": api_version, "objects": [object]},
        })
    }

    /// The converted object of an answer, with the metadata of the original apart from labels and annotations.
    ///
    /// # Errors
    /// As apiextensions-apiserver words them, with the kind of the original.
    pub(crate) fn converted(
        &self,
        answer: &[u8],
        original: &Value,
        api_version: &str,
        uid: &str,
    ) -> Result<Value, String> {
        let of = format!(
            "conversion webhook for {}",
            shown_kind(original.text("apiVersion"), original.text("kind"))
        );
        let objects = self.objects(answer, uid).map_err(|why| format!("{of} failed: {why}"))?;
        let [object] = objects.as_slice() else {
            return Err(format!("{of} returned {} objects, expected 1", objects.len()));
        };
        let found = object.text("apiVersion");
        if found != api_version {
            return Err(format!(
                "{of} returned invalid object at index 0: invalid groupVersion (expected {api_version}, received {found})"
            ));
        }
        let (kind, found) = (original.text("kind"), object.text("kind"));
        if kind != found {
            return Err(format!(
                "{of} returned invalid object at index 0: invalid kind (expected {kind}, received {found})"
            ));
        }
        for (what, key) in [("name", "name"), ("namespace", "namespace"), ("UID", "uid")] {
            let (before, after) = (metadata::text(original, key), metadata::text(object, key));
            if before != after {
                return Err(format!(
                    "{of} returned invalid object: must have the same {what}: {before} != {after}"
                ));
            }
        }
        let mut object = object.clone();
        restore_metadata(&mut object, original)
            .map_err(|why| format!("{of} returned invalid metadata: {why}"))?;
        Ok(object)
    }

    fn objects(&self, answer: &[u8], uid: &str) -> Result<Vec<Value>, String> {
        let review: Value = serde_json::from_slice(answer).map_err(|error| error.to_string())?;
        let response = &review["response"];
        let (api_version, kind) = (review.text("apiVersion"), review.text("kind"));
        if self.version == "v1" && (api_version, kind) != ("apiextensions.k8s.io/v1", "ConversionReview") {
            return Err(format!(
                "expected webhook response of apiextensions.k8s.io/v1, Kind=ConversionReview, got {}",
                shown_kind(api_version, kind)
            ));
        }
        if !response.is_object() {
            return Err("no response provided".to_owned());
        }
        if self.version == "v1" && response.text("uid") != uid {
            return Err(format!("expected response.uid={uid:?}, got {:?}", response.text("uid")));
        }
        let result = &response["result"];
        match (result.text("status"), result.text("message")) {
            ("Success", _) => Ok(response.list("convertedObjects").to_vec()),
            (status, "") => Err(format!("response.result.status was '{status}', not 'Success'")),
            (_, message) => Err(message.to_owned()),
        }
    }
}

/// Takes the original's metadata, with the labels and annotations of the converted object.
fn restore_metadata(object: &mut Value, original: &Value) -> Result<(), String> {
    let Some(answered) = object.get("metadata") else {
        return Err("missing metadata in converted object".to_owned());
    };
    let mut restored = original["metadata"].as_object().cloned().unwrap_or_else(Map::new);
    for bag in ["labels", "annotations"] {
        match answered.get(bag).filter(|found| !found.is_null()) {
            None => {
                restored.remove(bag);
            }
            Some(Value::Object(texts)) => {
                if let Some((key, value)) = texts.iter().find(|(_, value)| !value.is_string()) {
                    let found = crate::object::patch::outcome::go_type(value);
                    return Err(format!(
                        "metadata.{bag}[{key}] must be a string, but is {found} in converted object"
                    ));
                }
                restored.insert(bag.to_owned(), Value::Object(texts.clone()));
            }
            Some(_) => return Err(format!("invalid metadata.{bag} in converted object")),
        }
    }
    object["metadata"] = Value::Object(restored);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const V1: &str = "t.example.com/v1";
    const V2: &str = "t.example.com/v2";

    fn object(api_version: &str, metadata: &Value) -> Value {
        json!({"apiVersion": api_version, "kind": "Thing", "metadata": metadata})
    }

    fn answered(response: &Value) -> Result<Value, String> {
        let definition = json!({"spec": {"conversion": {"strategy": "Webhook", "webhook": {
            "conversionReviewVersions": ["v9", "v1"], "clientConfig": {"url": "https://localhost"}}}}});
        let webhook = ConversionWebhook::of(&definition).expect("a webhook converts");
        let original = object(V1, &json!({"name": "a", "uid": "1", "labels": {"x": "1"}}));
        let review = json!({"kind": "ConversionReview", "apiVersion": "apiextensions.k8s.io/v1", "response": response});
        webhook.converted(review.to_string().as_bytes(), &original, V2, "u")
    }

    fn converted(object: &Value) -> Result<Value, String> {
        answered(&json!({"uid": "u", "result": {"status": "Success"}, "convertedObjects": [object]}))
    }

    #[test]
    fn metadata_is_that_of_the_original_but_for_labels_and_annotations() {
        let metadata = json!({"name": "a", "uid": "1", "generation": 7, "annotations": {"y": "2"}});
        let expected = json!({"name": "a", "uid": "1", "annotations": {"y": "2"}});
        assert_eq!(converted(&object(V2, &metadata)).expect("it is valid"), object(V2, &expected));
    }

    #[test]
    fn invalid_answers_are_named() {
        let of = "conversion webhook for t.example.com/v1, Kind=Thing";
        let error = |result: Result<Value, String>| result.expect_err("an invalid answer");
        assert_eq!(
            error(answered(&json!({"uid": "other"}))),
            format!("{of} failed: expected response.uid=\"u\", got \"other\"")
        );
        assert_eq!(
            error(answered(&json!({"uid": "u", "result": {"status": "Failed", "message": "no"}}))),
            format!("{of} failed: no")
        );
        assert_eq!(
            error(answered(&json!({"uid": "u", "result": {"status": "Success"}}))),
            format!("{of} returned 0 objects, expected 1")
        );
        let same = json!({"name": "a", "uid": "1"});
        assert_eq!(
            error(converted(&object(V1, &same))),
            format!(
                "{of} returned invalid object at index 0: invalid groupVersion (expected {V2}, received {V1})"
            )
        );
        assert_eq!(
            error(converted(&object(V2, &json!({"name": "b", "uid": "1"})))),
            format!("{of} returned invalid object: must have the same name: a != b")
        );
    }
}
