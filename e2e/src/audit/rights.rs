//! Comparison of requests with RBAC rules: denied requests, and rules that no request used.
//!
//! A rule stands for each of its verbs on each of its resources, and each of these must have been needed: least
//! privilege is a fact of a run, not a claim. Pure.

use std::collections::BTreeMap;

use k8s_openapi::api::rbac::v1::PolicyRule;

use crate::audit::{Request, Trail};
use crate::expect::{Matcher, Mismatch};

/// Made by [`deny_nothing`].
pub struct DenyNothing;

/// Made by [`use_every_rule`].
pub struct UseEveryRule {
    rules: Vec<PolicyRule>,
}

/// Requests were made, and none of them was denied.
pub fn deny_nothing() -> DenyNothing {
    DenyNothing
}

/// Every verb on every resource that the rules grant was asked for, and granted, at least once.
pub fn use_every_rule(rules: &[PolicyRule]) -> UseEveryRule {
    UseEveryRule { rules: rules.to_vec() }
}

impl Matcher<Trail> for DenyNothing {
    fn expected(&self) -> String {
        "deny nothing".into()
    }

    fn check(&self, actual: Option<&Trail>) -> Result<(), Mismatch> {
        let trail = actual.ok_or_else(Mismatch::absent)?;
        if trail.is_empty() {
            return Err(Mismatch::new("the audit log has no request of these accounts"));
        }
        let mut denied = BTreeMap::new();
        for request in trail.requests().iter().filter(|request| request.denied) {
            *denied.entry(denial(request)).or_insert(0) += 1;
        }
        if denied.is_empty() {
            return Ok(());
        }
        let told: Vec<_> = denied.iter().map(|(what, times)| format!("\n  {what} ({times} times)")).collect();
        Err(Mismatch::new(format!("it has {} denials:{}", denied.len(), told.concat())))
    }
}

impl Matcher<Trail> for UseEveryRule {
    fn expected(&self) -> String {
        "use every rule".into()
    }

    fn check(&self, actual: Option<&Trail>) -> Result<(), Mismatch> {
        let trail = actual.ok_or_else(Mismatch::absent)?;
        let grants: Vec<_> = self.rules.iter().flat_map(grants_of).collect();
        let served =
            |grant: &Grant| trail.requests().iter().any(|request| !request.denied && grant.covers(request));
        let unused: Vec<_> = grants
            .iter()
            .filter(|grant| !served(grant))
            .map(|grant| format!("\n  {}", grant.describe()))
            .collect();
        if unused.is_empty() {
            return Ok(());
        }
        Err(Mismatch::new(format!(
            "{} of {} granted rights were never used, in {} requests; take them out of the rules:{}",
            unused.len(),
            grants.len(),
            trail.len(),
            unused.concat()
        )))
    }
}

/// The smallest part of a rule: one verb on one thing.
#[derive(Debug, Default)]
pub(crate) struct Grant {
    pub(crate) verb: String,
    pub(crate) group: String,
    /// With its subresource: `machines/status`.
    pub(crate) resource: String,
    pub(crate) name: Option<String>,
    /// Instead of the three above, a path that is no resource.
    pub(crate) path: Option<String>,
}

/// Each right that a rule grants.
pub(crate) fn grants_of(rule: &PolicyRule) -> Vec<Grant> {
    let list = |words: &Option<Vec<String>>| words.clone().unwrap_or_default();
    let mut grants = Vec::new();
    for verb in &rule.verbs {
        for path in list(&rule.non_resource_urls) {
            grants.push(Grant { verb: verb.clone(), path: Some(path), ..Grant::default() });
        }
        for group in list(&rule.api_groups) {
            for resource in list(&rule.resources) {
                let grant = |name| Grant {
                    verb: verb.clone(),
                    group: group.clone(),
                    resource: resource.clone(),
                    name,
                    path: None,
                };
                let names = list(&rule.resource_names);
                if names.is_empty() {
                    grants.push(grant(None));
                }
                grants.extend(names.into_iter().map(|name| grant(Some(name))));
            }
        }
    }
    grants
}

impl Grant {
    fn covers(&self, request: &Request) -> bool {
        let same = |granted: &str, asked: &str| granted == "*" || granted == asked;
        let creates = request.created && same(&self.verb, "create");
        if !same(&self.verb, &request.verb) && !creates {
            return false;
        }
        if let Some(path) = &self.path {
            let asked = request.uri.split('?').next().unwrap_or_default();
            let below = path.strip_suffix('*').is_some_and(|begin| asked.starts_with(begin));
            return request.resource.is_empty() && (below || path == asked);
        }
        let named = self.name.as_ref().is_none_or(|name| *name == request.name);
        let of_any = self.resource.strip_prefix("*/").is_some_and(|subresource| {
            request.resource.split_once('/').is_some_and(|(_, asked)| asked == subresource)
        });
        let resource = !request.resource.is_empty() && (same(&self.resource, &request.resource) || of_any);
        same(&self.group, &request.group) && resource && named
    }

    fn describe(&self) -> String {
        match (&self.path, &self.name) {
            (Some(path), _) => format!("{} {path}", self.verb),
            (None, Some(name)) => format!("{} {} {name}", self.verb, full(&self.resource, &self.group)),
            (None, None) => format!("{} {}", self.verb, full(&self.resource, &self.group)),
        }
    }
}

/// `machines.fleet.seatrial.dev/status`; the core group has no name.
fn full(resource: &str, group: &str) -> String {
    let (resource, subresource) = resource.split_once('/').unwrap_or((resource, ""));
    let group = if group.is_empty() { String::new() } else { format!(".{group}") };
    let subresource = if subresource.is_empty() { String::new() } else { format!("/{subresource}") };
    format!("{resource}{group}{subresource}")
}

fn denial(request: &Request) -> String {
    let what = if request.resource.is_empty() {
        request.uri.split('?').next().unwrap_or_default().to_owned()
    } else {
        full(&request.resource, &request.group)
    };
    let place = if request.namespace.is_empty() {
        "in all namespaces".into()
    } else {
        format!("in {}", request.namespace)
    };
    format!("{} may not {} {what} {place}", request.user, request.verb)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn trail(requests: &[(&str, &str, &str, bool)]) -> Trail {
        let line = |(verb, group, resource, allowed): &(&str, &str, &str, bool)| {
            let (resource, subresource) = resource.split_once('/').unwrap_or((resource, ""));
            let decision = if *allowed { "allow" } else { "forbid" };
            let event = json!({
                "requestURI": "/x?limit=1", "verb": verb, "user": {"username": "operator"},
                "objectRef": {"resource": resource, "subresource": subresource, "apiGroup": group, "name": "a"},
                "annotations": {"authorization.k8s.io/decision": decision},
            });
            format!("{event}\n")
        };
        Trail::parse(&requests.iter().map(line).collect::<Vec<_>>().concat()).unwrap()
    }

    fn rules(rules: Value) -> Vec<PolicyRule> {
        serde_json::from_value(rules).unwrap()
    }

    #[track_caller]
    fn check_unused(rule: &Value, requests: &[(&str, &str, &str, bool)], expected: &[&str]) {
        let result = use_every_rule(&rules(json!([rule]))).check(Some(&trail(requests)));
        let why = result.err().map(|mismatch| mismatch.why().to_owned()).unwrap_or_default();
        let unused: Vec<_> = why.lines().skip(1).map(str::trim).collect();
        assert_eq!(unused, expected, "{why}");
    }

    #[test]
    fn each_verb_on_each_resource_must_have_been_needed() {
        let rule = json!({"apiGroups": ["fleet"], "resources": ["machines", "machines/status"], "verbs": ["get", "update"]});
        let asked = [("get", "fleet", "machines", true), ("update", "fleet", "machines/status", true)];
        check_unused(&rule, &asked, &["get machines.fleet/status", "update machines.fleet"]);
    }

    #[test]
    fn an_apply_that_creates_its_object_needs_both_rights() {
        let rule = json!({"apiGroups": ["fleet"], "resources": ["machines"], "verbs": ["create", "patch"]});
        let applied = |code: u16| {
            let event = json!({
                "requestURI": "/x", "verb": "patch", "user": {"username": "operator"},
                "objectRef": {"resource": "machines", "apiGroup": "fleet", "name": "a"},
                "responseStatus": {"code": code}, "annotations": {"authorization.k8s.io/decision": "allow"},
            });
            let trail = Trail::parse(&format!("{event}\n")).unwrap();
            use_every_rule(&rules(json!([rule]))).check(Some(&trail)).is_ok()
        };
        assert!(applied(201) && !applied(200));
    }

    #[test]
    fn a_request_that_was_denied_uses_no_right() {
        let rule = json!({"apiGroups": [""], "resources": ["pods"], "verbs": ["list"]});
        check_unused(&rule, &[("list", "", "pods", false)], &["list pods"]);
    }

    #[test]
    fn the_same_resource_of_another_group_is_another_one() {
        let rule = json!({"apiGroups": ["events.k8s.io"], "resources": ["events"], "verbs": ["create"]});
        check_unused(&rule, &[("create", "", "events", true)], &["create events.events.k8s.io"]);
    }

    #[test]
    fn wildcards_are_used_by_whatever_they_cover() {
        let rule = json!({"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]});
        check_unused(&rule, &[("get", "", "pods", true)], &[]);
        check_unused(&rule, &[("get", "", "", true)], &["* *.*"]);
        let status = json!({"apiGroups": ["fleet"], "resources": ["*/status"], "verbs": ["update"]});
        check_unused(&status, &[("update", "fleet", "machines/status", true)], &[]);
        check_unused(&status, &[("update", "fleet", "machines", true)], &["update *.fleet/status"]);
    }

    #[test]
    fn a_rule_for_one_object_is_used_by_that_object_alone() {
        let rule = |name: &str| json!({"apiGroups": [""], "resources": ["secrets"], "resourceNames": [name], "verbs": ["get"]});
        check_unused(&rule("a"), &[("get", "", "secrets", true)], &[]);
        check_unused(&rule("b"), &[("get", "", "secrets", true)], &["get secrets b"]);
    }

    #[test]
    fn a_path_that_is_no_resource_is_used_by_that_path() {
        let rule = |path: &str| json!({"nonResourceURLs": [path], "verbs": ["get"]});
        check_unused(&rule("/x"), &[("get", "", "", true)], &[]);
        check_unused(&rule("/*"), &[("get", "", "", true)], &[]);
        check_unused(&rule("/y"), &[("get", "", "", true)], &["get /y"]);
    }

    #[test]
    fn denials_are_reported_once_each_with_how_often() {
        let denied = ("list", "fleet", "machines", false);
        let mismatch = deny_nothing().check(Some(&trail(&[denied, denied]))).unwrap_err();
        assert_eq!(
            mismatch.why(),
            "it has 1 denials:\n  operator may not list machines.fleet in all namespaces (2 times)"
        );
        assert_eq!(deny_nothing().check(Some(&trail(&[("list", "fleet", "machines", true)]))), Ok(()));
    }

    #[test]
    fn a_trail_of_nobody_proves_nothing() {
        assert!(deny_nothing().check(Some(&Trail::default())).is_err());
    }
}
