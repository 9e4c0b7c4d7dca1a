//! Injected faults: rules that fail requests before they are parsed.

use std::sync::{Arc, Mutex, Weak};

use crate::error::ApiError;

/// A pattern of requests. Empty fields match everything.
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
/// let _fault = cluster.faults().on(gets).fail(ApiError::internal("etcd has no leader"));
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
    /// Name of the user, from `FakeCluster::client_as` or the credentials.
    pub user: Option<String>,
}

/// The attributes of a request that are matched.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RequestAttributes<'a> {
    pub(crate) verb: &'a str,
    pub(crate) resource: &'a str,
    pub(crate) subresource: &'a str,
    pub(crate) namespace: &'a str,
    pub(crate) name: &'a str,
    pub(crate) user: &'a str,
}

impl RequestMatch {
    /// Matches requests with this verb.
    pub fn verb(verb: &str) -> Self {
        Self { verb: Some(verb.to_owned()), ..Self::default() }
    }

    /// Matches requests for this resource.
    #[must_use]
    pub fn resource(mut self, plural: &str) -> Self {
        self.resource = Some(plural.to_owned());
        self
    }

    /// Matches requests for this subresource.
    #[must_use]
    pub fn subresource(mut self, name: &str) -> Self {
        self.subresource = Some(name.to_owned());
        self
    }

    /// Matches requests in this namespace.
    #[must_use]
    pub fn namespace(mut self, namespace: &str) -> Self {
        self.namespace = Some(namespace.to_owned());
        self
    }

    /// Matches requests for the object with this name.
    #[must_use]
    pub fn name(mut self, name: &str) -> Self {
        self.name = Some(name.to_owned());
        self
    }

    /// Matches requests of this user.
    #[must_use]
    pub fn user(mut self, name: &str) -> Self {
        self.user = Some(name.to_owned());
        self
    }

    fn matches(&self, attempt: &RequestAttributes<'_>) -> bool {
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
struct FaultRule {
    pattern: RequestMatch,
    occurrence: Occurrence,
    error: ApiError,
    seen: Mutex<u64>,
}

/// The matching requests that a rule fails, counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Occurrence {
    Every,
    Nth(u64),
    First(u64),
}

impl Occurrence {
    fn covers(self, count: u64) -> bool {
        match self {
            Self::Every => true,
            Self::Nth(nth) => nth == count,
            Self::First(first) => count <= first,
        }
    }
}

/// The faults of a cluster's requests, from [`FakeCluster::faults`](crate::FakeCluster::faults).
///
/// ```
/// use k8s_openapi::api::core::v1::ConfigMap;
/// use kube::Api;
/// use kube::api::PostParams;
/// use seatrial_fakeclient::{ApiError, FakeCluster, RequestMatch};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), kube::Error> {
/// let cluster = FakeCluster::new();
/// let creates = RequestMatch::verb("create").resource("configmaps");
/// let fault = cluster.faults().on(creates).nth(2).fail(ApiError::internal("disk full"));
///
/// let maps: Api<ConfigMap> = Api::default_namespaced(cluster.client());
/// let map = |name: &str| {
///     let mut map = ConfigMap::default();
///     map.metadata.name = Some(name.to_owned());
///     map
/// };
/// assert!(maps.create(&PostParams::default(), &map("a")).await.is_ok());
/// assert!(maps.create(&PostParams::default(), &map("b")).await.is_err());
/// assert!(maps.create(&PostParams::default(), &map("b")).await.is_ok());
/// assert_eq!(fault.matched(), 3);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default)]
pub struct Faults {
    rules: Arc<Mutex<Vec<Arc<FaultRule>>>>,
}

impl Faults {
    /// A fault of the requests that match this pattern: each of them, unless the fault is limited.
    pub fn on(&self, pattern: RequestMatch) -> FaultBuilder {
        FaultBuilder { faults: self.clone(), pattern, occurrence: Occurrence::Every }
    }

    /// Fails the request with the error of the first rule that covers it. Every matching rule counts the request.
    pub(crate) fn check(&self, attempt: &RequestAttributes<'_>) -> Result<(), ApiError> {
        let rules = self.rules.lock().expect("the rules' lock is held for a look only");
        let mut check = Ok(());
        for rule in rules.iter().filter(|rule| rule.pattern.matches(attempt)) {
            let mut seen = rule.seen.lock().expect("the counter's lock is held for a step only");
            *seen += 1;
            if check.is_ok() && rule.occurrence.covers(*seen) {
                check = Err(rule.error.clone());
            }
        }
        check
    }
}

/// A fault that is being described; [`fail`](Self::fail) puts it into force.
#[must_use = "nothing fails before `fail` is called"]
#[derive(Clone, Debug)]
pub struct FaultBuilder {
    faults: Faults,
    pattern: RequestMatch,
    occurrence: Occurrence,
}

impl FaultBuilder {
    /// Only the `nth` matching request from now on, counted from 1.
    ///
    /// # Panics
    /// If `nth` is 0.
    pub fn nth(mut self, nth: u64) -> Self {
        assert!(nth > 0, "requests are counted from 1: the first one is nth(1)");
        self.occurrence = Occurrence::Nth(nth);
        self
    }

    /// Only the first `count` matching requests from now on.
    pub fn first(mut self, count: u64) -> Self {
        self.occurrence = Occurrence::First(count);
        self
    }

    /// Fails these requests with `error` until the guard is dropped.
    pub fn fail(self, error: ApiError) -> FaultGuard {
        let Self { faults, pattern, occurrence } = self;
        let rule = Arc::new(FaultRule { pattern, occurrence, error, seen: Mutex::new(0) });
        faults.rules.lock().expect("the rules' lock is held for a look only").push(Arc::clone(&rule));
        FaultGuard { rule, rules: Arc::downgrade(&faults.rules) }
    }
}

/// A fault in force; it ends when the guard is dropped.
#[must_use = "the fault is removed when its guard is dropped"]
#[derive(Debug)]
pub struct FaultGuard {
    rule: Arc<FaultRule>,
    rules: Weak<Mutex<Vec<Arc<FaultRule>>>>,
}

impl FaultGuard {
    /// The number of requests that have matched so far, failed or not.
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

#[cfg(test)]
mod tests {
    use super::*;

    const GET_POD: RequestAttributes<'_> = RequestAttributes {
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
        let guard =
            faults.on(RequestMatch::verb("get").resource("pods")).nth(2).fail(ApiError::internal("boom"));
        let verdicts: Vec<bool> = (0..3).map(|_| faults.check(&GET_POD).is_ok()).collect();
        assert_eq!(verdicts, [true, false, true]);
        assert_eq!(guard.matched(), 3);
    }

    #[test]
    fn first_requests_fail_and_later_ones_do_not() {
        let faults = Faults::default();
        let _guard = faults.on(RequestMatch::default()).first(2).fail(ApiError::internal("boom"));
        let verdicts: Vec<bool> = (0..3).map(|_| faults.check(&GET_POD).is_ok()).collect();
        assert_eq!(verdicts, [false, false, true]);
    }

    #[test]
    #[should_panic(expected = "counted from 1")]
    fn nth_zero_panics() {
        drop(Faults::default().on(RequestMatch::default()).nth(0));
    }

    #[test]
    fn fault_ends_with_its_guard() {
        let faults = Faults::default();
        let guard = faults.on(RequestMatch::default()).fail(ApiError::internal("boom"));
        assert!(faults.check(&GET_POD).is_err());
        drop(guard);
        assert!(faults.check(&GET_POD).is_ok());
    }

    #[test]
    fn fault_of_one_user_does_not_match_others() {
        let faults = Faults::default();
        let guard =
            faults.on(RequestMatch::verb("get").user("operator")).first(1).fail(ApiError::internal("boom"));
        assert!(faults.check(&RequestAttributes { user: "spec", ..GET_POD }).is_ok());
        // Had the other one's request been counted, this would be the second.
        assert!(faults.check(&GET_POD).is_err());
        assert_eq!(guard.matched(), 1);
    }

    #[test]
    fn every_field_of_a_match_is_compared() {
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
