//! `ServiceAccount`: kube-apiserver 1.37 keeps only the names of its secrets, without validation.

use serde_json::{Value, json};

use crate::object::view::fields::{FieldAccess, items_mut};
use crate::registry::strategy::{CreateStrategy, DeleteStrategy, StatusStrategy, Strategy, UpdateStrategy};

const MOUNTABLE: &str = "kubernetes.io/enforce-mountable-secrets";

/// `serviceaccounts`
#[derive(Debug)]
pub(crate) struct ServiceAccount;

impl Strategy for ServiceAccount {
    /// Warns when the annotation is added.
    fn warnings(&self, object: &Value, old: Option<&Value>) -> Vec<String> {
        let noted = |account: &Value| account["metadata"]["annotations"].has(MOUNTABLE);
        let added = noted(object) && !old.is_some_and(noted);
        let text = format!(
            "metadata.annotations[{MOUNTABLE}]: deprecated in v1.32+; prefer separate namespaces to isolate access to \
             mounted secrets"
        );
        added.then_some(text).into_iter().collect()
    }
}

impl CreateStrategy for ServiceAccount {
    fn prepare_create(&self, object: &mut Value) {
        keep_secret_names(object);
    }
}

impl UpdateStrategy for ServiceAccount {
    fn prepare_update(&self, object: &mut Value, _old: &Value) {
        keep_secret_names(object);
    }
}

impl StatusStrategy for ServiceAccount {}
impl DeleteStrategy for ServiceAccount {}

fn keep_secret_names(account: &mut Value) {
    for secret in items_mut(account, "secrets") {
        let name = secret.text("name");
        *secret = if name.is_empty() { json!({}) } else { json!({"name": name}) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secret_names_are_not_validated() {
        let account =
            json!({"metadata": {"name": "s.a"}, "secrets": [{"name": "BAD NAME"}], "imagePullSecrets": [{}]});
        assert!(ServiceAccount.validate_create(&account).is_empty());
    }

    #[test]
    fn other_secret_fields_are_dropped() {
        let mut account =
            json!({"secrets": [{"name": "s", "namespace": "other", "uid": "1"}, {"kind": "Secret"}]});
        ServiceAccount.prepare_create(&mut account);
        assert_eq!(account["secrets"], json!([{"name": "s"}, {}]));
    }
}
