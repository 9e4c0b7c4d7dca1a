//! The first fault seam: what happens to a request before anybody reads it.
//!
//! A rule matches requests and gives a verdict on the n-th; its guard removes it.

use std::sync::{Arc, Mutex, Weak};

use crate::error::ApiError;

/// Which requests a rule is about. Empty fields match everything.
///
/// ```
/// use k8s_openapi::api::coordination::v1::Lease;
/// use kube::Api;
/// use seatrial_fakeclient::{ApiError, FakeCluster, RequestMatch};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), kube::Error> {
/// let cluster = FakeCluster::new();
/// let gets = RequestMatch::verb("get").resource("leases").user("operator");
/// let _fault = cluster.fail(gets, 0, ApiError::internal("etcd has no leader"));
/// let leases = |user: &str| Api::<Lease>::default_namespaced(cluster.client_as(user));
/// assert!(leases("operator").get_opt("leader").await.is_err());
/// assert!(leases("spec").get_opt("leader").await?.is_none());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default)]
pub struct RequestMatch {
    /// `get`, `list`, `watch`, `create`, `update`, `patch`, `delete`, `deletecollection`.
    pub verb: Option<String>,
    /// Plural, such as `pods`.
    pub resource: Option<String>,
    /// `status`, `scale` …
    pub subresource: Option<String>,
    /// Namespace of the request.
    pub namespace: Option<String>,
    /// Name of the object.
    pub name: Option<String>,
    /// Name of the user who asks, as given to `FakeCluster::client_as` or found in the credentials.
    pub user: Option<String>,
}

/// What a rule sees of a request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Attempt<'a> {
    pub(crate) verb: &'a str,
    pub(crate) resource: &'a str,
    pub(crate) subresource: &'a str,
    pub(crate) namespace: &'a str,
    pub(crate) name: &'a str,
    pub(crate) user: &'a str,
}

impl RequestMatch {
    /// Requests with this verb.
    pub fn verb(verb: &str) -> Self {
        Self { verb: Some(verb.to_owned()), ..Self::default() }
    }

    /// … on this resource.
    #[must_use]
    pub fn resource(mut self, plural: &str) -> Self {
        self.resource = Some(plural.to_owned());
        self
    }

    /// … on this subresource.
    #[must_use]
    pub fn subresource(mut self, name: &str) -> Self {
        self.subresource = Some(name.to_owned());
        self
    }

    /// … in this namespace.
    #[must_use]
    pub fn namespace(mut self, namespace: &str) -> Self {
        self.namespace = Some(namespace.to_owned());
        self
    }

    /// … of this object.
    #[must_use]
    pub fn name(mut self, name: &str) -> Self {
        self.name = Some(name.to_owned());
        self
    }

    /// … by this user.
    #[must_use]
    pub fn user(mut self, name: &str) -> Self {
        self.user = Some(name.to_owned());
        self
    }

    fn matches(&self, attempt: &Attempt<'_>) -> bool {
        let agrees = |wanted: &Option<String>, is: &str| wanted.as_deref().is_none_or(|wanted| wanted == is);
        agrees(&self.verb, attempt.verb)
            && agrees(&self.resource, attempt.resource)
            && agrees(&self.subresource, attempt.subresource)
            && agrees(&self.namespace, attempt.namespace)
            && agrees(&self.name, attempt.name)
            && agrees(&self.user, attempt.user)
    }
}

#[derive(Debug)]
struct Rule {
    of: RequestMatch,
    /// 1 is the first matching request; 0 is every one.
    nth: u64,
    error: ApiError,
    seen: Mutex<u64>,
}

/// Removes its rule when dropped, and tells how often it was met.
#[must_use = "the fault is removed when its guard is dropped"]
#[derive(Debug)]
pub struct FaultGuard {
    rule: Arc<Rule>,
    rules: Weak<Mutex<Vec<Arc<Rule>>>>,
}

impl FaultGuard {
    /// How many requests have matched so far, failed or not.
    pub fn matched(&self) -> u64 {
        *self.rule.seen.lock().expect("the counter's lock is held for a step only")
    }
}

impl Drop for FaultGuard {
    fn drop(&mut self) {
        if let Some(rules) = self.rules.upgrade() {
            rules
                .lock()
                .expect("the rules' lock is held for a look only")
                .retain(|r| !Arc::ptr_eq(r, &self.rule));
        }
    }
}

/// The rules in force.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    rules: Arc<Mutex<Vec<Arc<Rule>>>>,
}

impl Faults {
    pub(crate) fn fail(&self, of: RequestMatch, nth: u64, error: ApiError) -> FaultGuard {
        let rule = Arc::new(Rule { of, nth, error, seen: Mutex::new(0) });
        self.rules.lock().expect("the rules' lock is held for a look only").push(Arc::clone(&rule));
        FaultGuard { rule, rules: Arc::downgrade(&self.rules) }
    }

    /// The verdict on a request: the first rule that fails it wins, all that match count it.
    pub(crate) fn verdict(&self, attempt: &Attempt<'_>) -> Result<(), ApiError> {
        let rules = self.rules.lock().expect("the rules' lock is held for a look only");
        let mut verdict = Ok(());
        for rule in rules.iter().filter(|rule| rule.of.matches(attempt)) {
            let mut seen = rule.seen.lock().expect("the counter's lock is held for a step only");
            *seen += 1;
            if verdict.is_ok() && (rule.nth == 0 || rule.nth == *seen) {
                verdict = Err(rule.error.clone());
            }
        }
        verdict
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GET_POD: Attempt<'_> = Attempt {
        verb: "get",
        resource: "pods",
        subresource: "",
        namespace: "default",
        name: "a",
        user: "operator",
    };

    #[test]
    fn only_the_nth_matching_request_fails() {
        let faults = Faults::default();
        let guard = faults.fail(RequestMatch::verb("get").resource("pods"), 2, ApiError::internal("boom"));
        let verdicts: Vec<bool> = (0..3).map(|_| faults.verdict(&GET_POD).is_ok()).collect();
        assert_eq!(verdicts, [true, false, true]);
        assert_eq!(guard.matched(), 3);
    }

    #[test]
    fn a_rule_ends_with_its_guard() {
        let faults = Faults::default();
        let guard = faults.fail(RequestMatch::default(), 0, ApiError::internal("boom"));
        assert!(faults.verdict(&GET_POD).is_err());
        drop(guard);
        assert!(faults.verdict(&GET_POD).is_ok());
    }

    #[test]
    fn a_rule_about_a_user_leaves_others_alone() {
        let faults = Faults::default();
        let guard = faults.fail(RequestMatch::verb("get").user("operator"), 1, ApiError::internal("boom"));
        assert!(faults.verdict(&Attempt { user: "spec", ..GET_POD }).is_ok());
        // Had the other one's request been counted, this would be the second.
        assert!(faults.verdict(&GET_POD).is_err());
        assert_eq!(guard.matched(), 1);
    }

    #[test]
    fn each_part_of_a_match_is_looked_at() {
        let matching =
            || RequestMatch::verb("get").resource("pods").namespace("default").name("a").user("operator");
        assert!(matching().matches(&GET_POD));
        for other in [
            RequestMatch { verb: Some("list".to_owned()), ..matching() },
            matching().resource("secrets"),
            matching().subresource("status"),
            matching().namespace("kube-system"),
            matching().name("b"),
            matching().user("spec"),
        ] {
            assert!(!other.matches(&GET_POD), "{other:?}");
        }
    }
}
