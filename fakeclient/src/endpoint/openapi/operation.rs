//! Operations and path items as kube-openapi prints them: parameters sorted by name, and shared ones moved to the path.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

/// A parameter of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Parameter {
    name: &'static str,
    place: &'static str,
}

const INTEGERS: [&str; 7] =
    ["gracePeriodSeconds", "limit", "limitBytes", "ports", "sinceSeconds", "tailLines", "timeoutSeconds"];
const BOOLEANS: [&str; 15] = [
    "allowWatchBookmarks",
    "follow",
    "force",
    "ignoreStoreReadErrorWithClusterBreakingPotential",
    "insecureSkipTLSVerifyBackend",
    "orphanDependents",
    "previous",
    "sendInitialEvents",
    "stderr",
    "stdin",
    "stdout",
    "timestamps",
    "tty",
    "watch",
    "resume",
];

impl Parameter {
    pub(super) const fn query(name: &'static str) -> Self {
        Self { name, place: "query" }
    }

    pub(super) const fn path(name: &'static str) -> Self {
        Self { name, place: "path" }
    }

    fn to_value(self) -> Value {
        let kind = if INTEGERS.contains(&self.name) {
            "integer"
        } else if BOOLEANS.contains(&self.name) {
            "boolean"
        } else {
            "string"
        };
        let mut value =
            json!({"name": self.name, "in": self.place, "schema": {"type": kind, "uniqueItems": true}});
        if self.place == "path" {
            value["required"] = true.into();
        }
        value
    }
}

/// Responses of an operation, besides 401.
#[derive(Debug)]
pub(super) struct Responses {
    codes: Vec<u16>,
    content: Value,
}

impl Responses {
    pub(super) fn new(codes: &[u16], media: &[&'static str], schema: &Value) -> Self {
        Self { codes: codes.to_vec(), content: content(media, schema) }
    }

    fn to_value(&self) -> Value {
        let mut responses = Map::from_iter([("401".to_owned(), json!({"description": "Unauthorized"}))]);
        for code in &self.codes {
            let description = match code {
                201 => "Created",
                202 => "Accepted",
                _ => "OK",
            };
            responses.insert(code.to_string(), json!({"description": description, "content": self.content}));
        }
        Value::Object(responses)
    }
}

/// Media type → schema, the same schema for each.
pub(super) fn content(media: &[&'static str], schema: &Value) -> Value {
    media.iter().map(|media| ((*media).to_owned(), json!({"schema": schema}))).collect::<Map<_, _>>().into()
}

/// The operation of one HTTP method.
#[derive(Debug)]
pub(super) struct Operation {
    method: &'static str,
    tag: String,
    id: String,
    responses: Responses,
    parameters: BTreeSet<Parameter>,
    body: Option<Value>,
    extensions: Map<String, Value>,
}

impl Operation {
    pub(super) fn new(method: &'static str, tag: &str, id: &str, responses: Responses) -> Self {
        Self {
            method,
            tag: tag.to_owned(),
            id: id.to_owned(),
            responses,
            parameters: BTreeSet::new(),
            body: None,
            extensions: Map::new(),
        }
    }

    pub(super) fn takes(mut self, parameters: impl IntoIterator<Item = Parameter>) -> Self {
        self.parameters.extend(parameters);
        self
    }

    pub(super) fn body(mut self, content: &Value, required: bool) -> Self {
        let mut body = json!({"content": content});
        if required {
            body["required"] = true.into();
        }
        self.body = Some(body);
        self
    }

    /// The extensions `x-kubernetes-action` and `x-kubernetes-group-version-kind`, which tools such as kubectl read.
    pub(super) fn acts(mut self, action: &str, kind: Value) -> Self {
        self.extensions.insert("x-kubernetes-action".to_owned(), action.into());
        self.extensions.insert("x-kubernetes-group-version-kind".to_owned(), kind);
        self
    }

    fn into_value(self, shared: &BTreeSet<Parameter>) -> Value {
        let mut value = self.extensions;
        value.insert("tags".to_owned(), json!([self.tag]));
        value.insert("operationId".to_owned(), self.id.into());
        value.insert("responses".to_owned(), self.responses.to_value());
        let own: Vec<Value> = self.parameters.difference(shared).map(|p| p.to_value()).collect();
        if !own.is_empty() {
            value.insert("parameters".to_owned(), own.into());
        }
        if let Some(body) = self.body {
            value.insert("requestBody".to_owned(), body);
        }
        Value::Object(value)
    }
}

/// A path item.
pub(super) fn item(operations: Vec<Operation>) -> Value {
    let sets = operations.iter().map(|operation| operation.parameters.clone());
    let shared = sets.reduce(|all, next| all.intersection(&next).copied().collect()).unwrap_or_default();
    let mut item = Map::new();
    for operation in operations {
        item.insert(operation.method.to_owned(), operation.into_value(&shared));
    }
    if !shared.is_empty() {
        let shared: Vec<Value> = shared.into_iter().map(Parameter::to_value).collect();
        item.insert("parameters".to_owned(), shared.into());
    }
    Value::Object(item)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shared_parameters_are_moved_to_the_path() {
        let operation = |method, extra: &[Parameter]| {
            let responses = Responses::new(&[200], &["application/json"], &json!({"type": "string"}));
            let shared = [Parameter::query("pretty"), Parameter::path("name")];
            Operation::new(method, "t", method, responses).takes(shared).takes(extra.iter().copied())
        };
        let item = item(vec![operation("get", &[]), operation("put", &[Parameter::query("dryRun")])]);
        let names = |value: &Value| -> Vec<String> {
            let parameters = value.as_array().map(Vec::as_slice).unwrap_or_default();
            parameters.iter().map(|p| p["name"].as_str().unwrap().to_owned()).collect()
        };
        assert_eq!(names(&item["parameters"]), ["name", "pretty"]);
        assert_eq!(names(&item["put"]["parameters"]), ["dryRun"]);
        assert_eq!(item["get"].get("parameters"), None);
        assert_eq!(item["parameters"][0]["required"], true);
    }
}
