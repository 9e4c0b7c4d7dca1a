//! Cells of `RoleBinding` and `ClusterRoleBinding`: role and subjects.

use jiff::Timestamp;
use serde_json::Value;

use crate::object::table::age;
use crate::object::view::metadata;
use crate::object::view::path::{list, text};

/// Name, role, age, users, groups, service accounts.
pub(super) fn binding(object: &Value, now: Timestamp) -> Vec<Value> {
    let role = format!("{}/{}", text(object, &["roleRef", "kind"]), text(object, &["roleRef", "name"]));
    let named = |kind: &str| -> String {
        let subjects = list(object, &["subjects"]).iter().filter(|subject| text(subject, &["kind"]) == kind);
        let names = subjects.map(|subject| match text(subject, &["namespace"]) {
            "" => text(subject, &["name"]).to_owned(),
            namespace => format!("{namespace}/{}", text(subject, &["name"])),
        });
        names.collect::<Vec<_>>().join(", ")
    };
    vec![
        metadata::name(object).into(),
        role.into(),
        age::of(object, now).into(),
        named("User").into(),
        named("Group").into(),
        named("ServiceAccount").into(),
    ]
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn subjects_are_grouped_by_kind() {
        let object = json!({
            "metadata": {"name": "b", "creationTimestamp": "2026-11-22T18:36:00Z"},
            "roleRef": {"kind": "Role", "name": "r"},
            "subjects": [{"kind": "User", "name": "u"}, {"kind": "User", "name": "v"},
                {"kind": "ServiceAccount", "namespace": "n", "name": "s"}],
        });
        let now = "2026-11-22T18:36:21Z".parse().unwrap();
        assert_eq!(binding(&object, now), ["b", "Role/r", "21s", "u, v", "", "n/s"]);
    }
}
