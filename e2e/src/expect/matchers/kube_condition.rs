//! Conditions of kube's as matchers.

use std::any::type_name;
use std::marker::PhantomData;

use kube::runtime::wait::Condition;

use crate::expect::{Matcher, Mismatch};

/// Made by [`meet`].
pub struct Meet<K, C> {
    condition: C,
    object: PhantomData<fn(&K)>,
}

/// The object meets a [`Condition`] of kube's: one of [`kube::runtime::conditions`], or a function
/// `Fn(Option<&K>) -> bool`. A condition decides itself about an object that is absent.
///
/// `cx.eventually(&crd).should(meet(conditions::is_crd_established()))`
pub fn meet<K, C: Condition<K>>(condition: C) -> Meet<K, C> {
    Meet { condition, object: PhantomData }
}

impl<K, C: Condition<K>> Matcher<K> for Meet<K, C> {
    fn expected(&self) -> String {
        format!("meet {}", condition_name(type_name::<C>()))
    }

    fn check(&self, actual: Option<&K>) -> Result<(), Mismatch> {
        if self.condition.matches_object(actual) {
            return Ok(());
        }
        // Not `Mismatch::absent`: a condition may be met by an absent object, and so may its opposite.
        let state = if actual.is_some() { "it does not meet it" } else { "it is not there" };
        Err(Mismatch::new(state))
    }
}

/// `is_crd_established` of the type of what the function of this name returned.
fn condition_name(type_name: &str) -> &str {
    let without_arguments = type_name.split('<').next().unwrap_or(type_name);
    let mut segments = without_arguments.rsplit("::");
    segments.find(|segment| !segment.starts_with('{')).unwrap_or(type_name)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
    use kube::runtime::conditions;
    use serde_json::json;

    use super::*;
    use crate::context::Cx;
    use crate::mins;
    use crate::spec::{Suite, endings_of, run_on};
    use crate::tier::Fake;

    #[test]
    fn eventually_waits_until_a_condition_is_met() {
        let mut suite = Suite::new();
        suite.describe("A definition", |s| {
            s.it("is established", async |cx: &mut Cx| {
                let schema = json!({"openAPIV3Schema": {"type": "object"}});
                let version = json!({"name": "v1", "served": true, "storage": true, "schema": schema});
                let mut definition = crd("False");
                definition.status = None;
                definition.metadata.uid = None;
                definition.spec.versions = vec![serde_json::from_value(version)?];
                let definition = cx.create(&definition).await?;
                cx.eventually(&definition).should(meet(conditions::is_crd_established())).await?;
                Ok(())
            });
        });
        let limits = (mins(1), mins(1));
        for ending in endings_of(&suite, run_on(Arc::new(Fake), limits, &Arc::default())) {
            assert!(!ending.failed(), "{}", ending.story());
        }
    }

    fn crd(established: &str) -> CustomResourceDefinition {
        let names = json!({"kind": "Boat", "plural": "boats"});
        serde_json::from_value(json!({
            "metadata": {"name": "boats.sea.test", "uid": "1"},
            "spec": {"group": "sea.test", "scope": "Namespaced", "names": names, "versions": []},
            "status": {"conditions": [{"type": "Established", "status": established}]},
        }))
        .unwrap()
    }

    #[test]
    fn condition_of_kube_is_a_matcher_and_named_in_the_expectation() {
        let established = meet(conditions::is_crd_established());
        assert_eq!(established.expected(), "meet is_crd_established");
        assert_eq!(established.check(Some(&crd("True"))), Ok(()));
        assert_eq!(established.check(Some(&crd("False"))), Err(Mismatch::new("it does not meet it")));
        assert_eq!(established.check(None), Err(Mismatch::new("it is not there")));
    }

    #[test]
    fn condition_decides_about_an_absent_object() {
        let gone = meet::<CustomResourceDefinition, _>(conditions::is_deleted("1"));
        assert_eq!((gone.check(None), gone.check(Some(&crd("True"))).is_err()), (Ok(()), true));
    }
}
