//! `ServiceAccount`: a name that is a DNS subdomain, and no other rule (kube-apiserver 1.37 does not look at the names
//! of its secrets).

use crate::registry::strategy::Strategy;

/// `serviceaccounts`
#[derive(Debug)]
pub(crate) struct ServiceAccount;

impl Strategy for ServiceAccount {}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_names_of_secrets_are_not_looked_at() {
        let account =
            json!({"metadata": {"name": "s.a"}, "secrets": [{"name": "BAD NAME"}], "imagePullSecrets": [{}]});
        assert!(ServiceAccount.validate_create(&account).is_empty());
    }
}
