//! Observation of fields in responses that were not sent, by component.
//!
//! Each field that was left out is an observation, whether the server filled it in or not. A value is only a default of the
//! component if all observations agree.

use std::collections::BTreeMap;

use serde_json::Value;

use super::openapi::Documents;

/// One place where a field was left out.
pub(crate) struct Observation {
    /// The value that the server filled in, if any.
    pub(crate) value: Option<Value>,
    /// Number of the manifest.
    pub(crate) manifest: usize,
    /// Kind of the whole object.
    pub(crate) root: String,
    /// JSON pointer of the object that has the field.
    pub(crate) pointer: String,
}

/// Component and field → every place where the field was left out.
pub(crate) type Observations = BTreeMap<(String, String), Vec<Observation>>;

/// Walks what was sent and what came back side by side.
pub(crate) struct Observer<'d> {
    documents: &'d Documents,
    observations: Observations,
    manifest: usize,
    root: String,
}

impl<'d> Observer<'d> {
    /// An observer that has seen nothing.
    pub(crate) fn new(documents: &'d Documents) -> Self {
        Self { documents, observations: BTreeMap::new(), manifest: 0, root: String::new() }
    }

    /// The observations so far.
    pub(crate) fn finish(self) -> Observations {
        self.observations
    }

    /// Records the observations of a response. Metadata of the object itself has no defaults.
    pub(crate) fn see(&mut self, manifest: usize, component: &str, sent: &Value, got: &Value) {
        self.manifest = manifest;
        sent["kind"].as_str().unwrap_or_default().clone_into(&mut self.root);
        self.component(component, sent, got, "");
    }

    /// Takes one field of an object and of its answer, and nothing else of them.
    pub(crate) fn see_field(
        &mut self,
        manifest: usize,
        component: &str,
        field: &str,
        sent: &Value,
        got: &Value,
    ) {
        self.manifest = manifest;
        sent["kind"].as_str().unwrap_or_default().clone_into(&mut self.root);
        let documents = self.documents;
        if let Some(schema) = documents.schema(component) {
            self.value(&schema["properties"][field], &sent[field], &got[field], &below("", field));
        }
    }

    fn component(&mut self, name: &str, sent: &Value, got: &Value, pointer: &str) {
        let documents = self.documents;
        let Some(schema) = documents.schema(name) else { return };
        let (Some(sent), Some(got)) = (sent.as_object(), got.as_object()) else { return };
        for (field, schema) in schema["properties"].as_object().into_iter().flatten() {
            if pointer.is_empty() && field == "metadata" {
                continue;
            }
            match (sent.get(field), got.get(field)) {
                (Some(sent), Some(got)) => self.value(schema, sent, got, &below(pointer, field)),
                (Some(_), None) => {}
                (None, value) => {
                    let observation = Observation {
                        value: value.cloned(),
                        manifest: self.manifest,
                        root: self.root.clone(),
                        pointer: pointer.to_owned(),
                    };
                    let key = (name.to_owned(), field.clone());
                    self.observations.entry(key).or_default().push(observation);
                }
            }
        }
    }

    fn value(&mut self, schema: &Value, sent: &Value, got: &Value, pointer: &str) {
        if let Some(name) = reference(schema) {
            self.component(name, sent, got, pointer);
            return;
        }
        match (sent, got) {
            (Value::Array(sent), Value::Array(got)) => {
                for (at, (sent, got)) in sent.iter().zip(got).enumerate() {
                    self.value(&schema["items"], sent, got, &below(pointer, &at.to_string()));
                }
            }
            (Value::Object(sent), Value::Object(got)) => {
                for (key, sent) in sent {
                    if let Some(got) = got.get(key) {
                        self.value(&schema["additionalProperties"], sent, got, &below(pointer, key));
                    }
                }
            }
            _ => {}
        }
    }
}

/// The component that a field's schema names, alone or wrapped beside a default.
fn reference(schema: &Value) -> Option<&str> {
    let name = schema["$ref"].as_str().or_else(|| schema["allOf"][0]["$ref"].as_str())?;
    name.rsplit('/').next()
}

fn below(pointer: &str, segment: &str) -> String {
    format!("{pointer}/{}", segment.replace('~', "~0").replace('/', "~1"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_absent_field_is_an_observation_of_its_component() {
        let documents = Documents::of(&json!({
            "Pod": {"properties": {"kind": {}, "metadata": {}, "spec": {"allOf": [{"$ref": "#/c/Spec"}]}}},
            "Spec": {"properties": {"list": {"items": {"$ref": "#/c/Item"}}, "policy": {}}},
            "Item": {"properties": {"name": {}, "mode": {}}},
        }));
        let mut observer = Observer::new(&documents);
        let sent = json!({"kind": "Pod", "spec": {"list": [{"name": "a"}, {"name": "b"}]}});
        let got = json!({"kind": "Pod", "metadata": {"uid": "u"},
            "spec": {"policy": "Always", "list": [{"name": "a", "mode": 1}, {"name": "b"}]}});
        observer.see(0, "Pod", &sent, &got);
        let seen = observer.finish();
        let of = |component: &str, field: &str| -> Vec<(Option<Value>, String)> {
            let found = &seen[&(component.to_owned(), field.to_owned())];
            found.iter().map(|o| (o.value.clone(), o.pointer.clone())).collect()
        };
        assert_eq!(of("Spec", "policy"), [(Some(json!("Always")), "/spec".to_owned())]);
        assert_eq!(
            of("Item", "mode"),
            [(Some(json!(1)), "/spec/list/0".to_owned()), (None, "/spec/list/1".to_owned())]
        );
        assert!(!seen.contains_key(&("Pod".to_owned(), "metadata".to_owned())));
    }
}
