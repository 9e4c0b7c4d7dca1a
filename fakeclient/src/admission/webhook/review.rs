//! `AdmissionReview` requests.

use serde_json::{Value, json};

use super::matching::operation;
use crate::admission::attributes::{Attributes, Operation};
use crate::registry::user;

/// The `request` of a review.
pub(crate) fn request(attributes: &Attributes<'_>, object: &Value, uid: &str) -> Value {
    let resource = attributes.resource;
    let kind = json!({"group": resource.group, "version": resource.version, "kind": resource.kind});
    let place = json!({"group": resource.group, "version": resource.version, "resource": resource.plural});
    let user = attributes.store_view.user();
    let is_delete = attributes.operation == Operation::Delete;
    let mut request = json!({
        "uid": uid, "kind": kind, "resource": place, "requestKind": kind, "requestResource": place,
        "operation": operation(attributes),
        "userInfo": {"username": user, "groups": user::groups(user)},
        "object": if is_delete { &Value::Null } else { object },
        "oldObject": attributes.old.unwrap_or(&Value::Null),
        "dryRun": attributes.store_view.dry_run(),
        "options": options(attributes),
    });
    let texts = [
        ("name", attributes.name),
        ("namespace", attributes.namespace),
        ("subResource", attributes.subresource),
        ("requestSubResource", attributes.subresource),
    ];
    for (key, text) in texts.into_iter().filter(|(_, text)| !text.is_empty()) {
        request[key] = text.into();
    }
    if attributes.resource.plural == "namespaces" && attributes.resource.group.is_empty() {
        request["namespace"] = attributes.name.into();
    }
    request
}

fn options(attributes: &Attributes<'_>) -> Value {
    let kind = match attributes.operation {
        Operation::Create => "CreateOptions",
        Operation::Update => "UpdateOptions",
        Operation::Delete => "DeleteOptions",
    };
    let mut options = json!({"kind": kind, "apiVersion": "meta.k8s.io/v1"});
    if attributes.store_view.dry_run() {
        options["dryRun"] = json!(["All"]);
    }
    options
}
