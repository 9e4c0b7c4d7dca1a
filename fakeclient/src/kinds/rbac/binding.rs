//! `RoleBinding` and `ClusterRoleBinding`: subjects, and the immutable role reference.

use serde_json::Value;

use crate::error::field::{FieldError, invalid_each};
use crate::error::path::Path;
use crate::kinds::rules::names::dns_subdomain;
use crate::object::names::NameRule;
use crate::object::view::fields::{FieldAccess, items_mut, object_mut, set, set_default};
use crate::registry::strategy::{CreateStrategy, DeleteStrategy, StatusStrategy, Strategy, UpdateStrategy};

const GROUP: &str = "rbac.authorization.k8s.io";

/// `rolebindings.rbac.authorization.k8s.io`, `clusterrolebindings.rbac.authorization.k8s.io`
#[derive(Debug)]
pub(crate) struct Binding {
    /// True for a `RoleBinding`, which may refer to a Role.
    pub(crate) namespaced: bool,
}

impl Strategy for Binding {
    fn name_rule(&self) -> NameRule {
        NameRule::PathSegment
    }

    fn apply_defaults(&self, object: &mut Value) {
        if object.has("roleRef") {
            set_default(object_mut(object, "roleRef"), "apiGroup", GROUP);
        }
        let people = |subject: &&mut Value| ["User", "Group"].contains(&subject.text("kind"));
        for subject in items_mut(object, "subjects").filter(people) {
            if subject.text("apiGroup").is_empty() {
                set(subject, "apiGroup", GROUP);
            }
        }
    }
}

impl CreateStrategy for Binding {
    fn validate_create(&self, object: &Value) -> Vec<FieldError> {
        self.validate(object)
    }
}

impl UpdateStrategy for Binding {
    fn creates_on_update(&self) -> bool {
        true
    }

    fn validate_update(&self, object: &Value, old: &Value) -> Vec<FieldError> {
        let mut errors = self.validate(object);
        let role = &object["roleRef"];
        if *role != old["roleRef"] {
            let shown = format!(
                r#"{{"APIGroup":{},"Kind":{},"Name":{}}}"#,
                role["apiGroup"], role["kind"], role["name"]
            );
            errors.push(FieldError::invalid("roleRef", role.clone(), "field is immutable").shown_as(shown));
        }
        errors
    }
}

impl StatusStrategy for Binding {}
impl DeleteStrategy for Binding {}

impl Binding {
    fn validate(&self, object: &Value) -> Vec<FieldError> {
        let role = &object["roleRef"];
        let known: &[&str] = if self.namespaced { &["Role", "ClusterRole"] } else { &["ClusterRole"] };
        let mut errors = Vec::new();
        let group = role.text("apiGroup");
        if group != GROUP {
            errors.push(FieldError::not_supported("roleRef.apiGroup", group.into(), &[GROUP]));
        }
        let kind = role.text("kind");
        if !known.contains(&kind) {
            errors.push(FieldError::not_supported("roleRef.kind", kind.into(), known));
        }
        let name = role.text("name");
        if name.contains('/') {
            errors.push(FieldError::invalid("roleRef.name", name.into(), "may not contain '/'"));
        }
        let path = Path::new("subjects");
        let subjects = object.list("subjects");
        for (index, subject) in subjects.iter().enumerate() {
            errors.extend(self.subject(&path.index(index), subject));
        }
        // The server's generated validation runs after the hand-written one.
        for (index, subject) in subjects.iter().enumerate() {
            if subject.text("name").is_empty() {
                errors.push(FieldError::required(path.index(index).child("name"), ""));
            }
        }
        if name.is_empty() {
            errors.push(FieldError::required("roleRef.name", ""));
        }
        errors
    }

    fn subject(&self, path: &Path, subject: &Value) -> Vec<FieldError> {
        let (name, group) = (subject.text("name"), subject.text("apiGroup"));
        let mut errors = Vec::new();
        let mut expect_group = |expected: &str| {
            if group != expected {
                errors.push(FieldError::not_supported(path.child("apiGroup"), group.into(), &[expected]));
            }
        };
        match subject.text("kind") {
            "ServiceAccount" => {
                expect_group("");
                if !name.is_empty() {
                    let wrong = invalid_each(&path.child("name"), name, dns_subdomain(name));
                    errors.splice(0..0, wrong);
                }
                if !self.namespaced && subject.text("namespace").is_empty() {
                    errors.push(FieldError::required(path.child("namespace"), ""));
                }
            }
            "User" | "Group" => expect_group(GROUP),
            other => {
                let known = ["ServiceAccount", "User", "Group"];
                errors.push(FieldError::not_supported(path.child("kind"), other.into(), &known));
            }
        }
        errors
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn binding(object: &Value) -> Value {
        let mut object = object.clone();
        Binding { namespaced: true }.apply_defaults(&mut object);
        object
    }

    #[test]
    fn unknown_role_and_subject_kinds_are_rejected() {
        let object = binding(&json!({"roleRef": {"kind": "Foo", "name": "", "apiGroup": "x"}, "subjects": [
            {"kind": "User", "name": ""}, {"kind": "ServiceAccount", "name": "a"},
            {"kind": "ServiceAccount", "name": "b", "apiGroup": "x"}, {"kind": "Z", "name": "q"},
            {"kind": "Group", "name": "g", "apiGroup": "y"}]}));
        let texts: Vec<_> =
            Binding { namespaced: true }.validate_create(&object).iter().map(ToString::to_string).collect();
        assert_eq!(
            texts,
            [
                "roleRef.apiGroup: Unsupported value: \"x\": supported values: \"rbac.authorization.k8s.io\"",
                "roleRef.kind: Unsupported value: \"Foo\": supported values: \"Role\", \"ClusterRole\"",
                "subjects[2].apiGroup: Unsupported value: \"x\": supported values: \"\"",
                "subjects[3].kind: Unsupported value: \"Z\": supported values: \"ServiceAccount\", \"User\", \"Group\"",
                "subjects[4].apiGroup: Unsupported value: \"y\": supported values: \"rbac.authorization.k8s.io\"",
                "subjects[0].name: Required value",
                "roleRef.name: Required value",
            ]
        );
    }

    #[test]
    fn role_ref_is_immutable() {
        let with = |role: &str| binding(&json!({"roleRef": {"kind": "Role", "name": role}}));
        let errors = Binding { namespaced: true }.validate_update(&with("b"), &with("a"));
        assert_eq!(
            errors.iter().map(ToString::to_string).collect::<Vec<_>>(),
            [
                "roleRef: Invalid value: {\"APIGroup\":\"rbac.authorization.k8s.io\",\"Kind\":\"Role\",\"Name\":\"b\"}: field is immutable"
            ]
        );
    }
}
