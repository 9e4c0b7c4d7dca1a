//! Matcher of a field's manager, by `metadata.managedFields`.

use serde::Serialize;

use crate::expect::{Matcher, Mismatch};
use crate::managed_fields::{FieldOwner, managers};

/// Made by [`have_field_owner`].
pub struct HaveFieldOwner {
    path: String,
    manager: String,
}

/// A manager owns a field, alone or with others: `have_field_owner(".spec.replicas", "my-operator")`.
///
/// The path has the form of Kubernetes' conflict messages, as [`managers`](crate::managers) lists it:
/// `.spec.template.spec.containers[name="main"].image`. The dot at its begin may be left out.
pub fn have_field_owner(path: &str, manager: &str) -> HaveFieldOwner {
    let dot = if path.starts_with(['.', '[']) { "" } else { "." };
    HaveFieldOwner { path: format!("{dot}{path}"), manager: manager.to_owned() }
}

impl<T: Serialize> Matcher<T> for HaveFieldOwner {
    fn expected(&self) -> String {
        format!("have field {} owned by {}", self.path, self.manager)
    }

    fn check(&self, actual: Option<&T>) -> Result<(), Mismatch> {
        let owners = managers(actual.ok_or_else(Mismatch::absent)?);
        let of_field: Vec<_> = owners.iter().filter(|owner| owner.path == self.path).collect();
        if of_field.iter().any(|owner| owner.manager == self.manager) {
            return Ok(());
        }
        Err(Mismatch::new(self.instead(&owners, &of_field)))
    }
}

impl HaveFieldOwner {
    /// The field's actual owners, or the owned fields if it has none.
    fn instead(&self, owners: &[FieldOwner], of_field: &[&FieldOwner]) -> String {
        let path = &self.path;
        if !of_field.is_empty() {
            return format!("{path} is owned by {}", listed(of_field));
        }
        if owners.is_empty() {
            return "it has no managed fields".to_owned();
        }
        let around =
            owners.iter().filter(|owner| is_around(&owner.path, path)).max_by_key(|owner| owner.path.len());
        if let Some(around) = around {
            let same: Vec<_> = owners.iter().filter(|owner| owner.path == around.path).collect();
            return format!("{path} has no owner; {} around it is owned by {}", around.path, listed(&same));
        }
        let of_manager = owners.iter().filter(|owner| owner.manager == self.manager);
        let of_manager: Vec<_> = of_manager.map(|owner| owner.path.as_str()).collect();
        match of_manager.as_slice() {
            [] => format!("{path} has no owner, and {} owns nothing", self.manager),
            fields => format!("{path} has no owner; {} owns {}", self.manager, fields.join(", ")),
        }
    }
}

fn is_around(outer: &str, inner: &str) -> bool {
    inner.strip_prefix(outer).is_some_and(|rest| rest.starts_with(['.', '[']))
}

fn listed(owners: &[&FieldOwner]) -> String {
    let told: Vec<_> = owners.iter().map(|owner| owner.who()).collect();
    told.join("; ")
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn object() -> Value {
        let main = json!({".": {}, "f:image": {}});
        json!({"metadata": {"managedFields": [
            {"manager": "crew", "operation": "Apply", "fieldsV1": {"f:spec": {
                "f:replicas": {}, "f:containers": {r#"k:{"name":"main"}"#: main}, "f:taints": {},
            }}},
            {"manager": "pilot", "operation": "Update", "subresource": "scale", "fieldsV1": {"f:spec": {"f:replicas": {}}}},
        ]}})
    }

    #[track_caller]
    fn check(path: &str, manager: &str, expected: Result<(), &str>) {
        let result = have_field_owner(path, manager).check(Some(&object()));
        assert_eq!(result.map_err(|mismatch| mismatch.why().to_owned()), expected.map_err(str::to_owned));
    }

    #[test]
    fn a_field_may_be_owned_with_others_and_its_path_be_given_without_a_dot() {
        check(".spec.replicas", "crew", Ok(()));
        check("spec.replicas", "pilot", Ok(()));
        check(r#".spec.containers[name="main"].image"#, "crew", Ok(()));
    }

    #[test]
    fn the_owners_that_a_field_has_instead_are_reported() {
        check(
            ".spec.replicas",
            "kubectl",
            Err(".spec.replicas is owned by crew, Apply; pilot, Update, /scale"),
        );
    }

    #[test]
    fn mismatch_lists_owned_fields_when_the_field_has_no_owner() {
        let around = ".spec.taints[0].key has no owner; .spec.taints around it is owned by crew, Apply";
        check(".spec.taints[0].key", "crew", Err(around));
        check(".spec.paused", "pilot", Err(".spec.paused has no owner; pilot owns .spec.replicas"));
        check(".spec.paused", "kubectl", Err(".spec.paused has no owner, and kubectl owns nothing"));
        let bare = have_field_owner(".a", "b").check(Some(&json!({})));
        assert_eq!(bare.unwrap_err().why(), "it has no managed fields");
        assert!(have_field_owner(".a", "b").check(None::<&Value>).unwrap_err().is_absent());
    }
}
