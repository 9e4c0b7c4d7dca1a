//! Tests of the order in which verbs call the strategy of a kind.

use std::borrow::Cow;
use std::sync::{Arc, Mutex};

use futures::FutureExt;
use serde_json::{Value, json};

use super::create::create;
use super::delete::delete;
use super::options::{DeleteOptions, WriteOptions};
use super::scope::RequestScope;
use super::update::{Part, Proposed, guaranteed_update, update};
use crate::error::ApiError;
use crate::error::field::FieldError;
use crate::error::warnings::Warnings;
use crate::instruments::clock::Clock;
use crate::object::names::NameRule;
use crate::registry::resource::Resource;
use crate::registry::strategy::{
    CreateStrategy, DeleteStrategy, GracePeriod, StatusStrategy, StoreView, Strategy, UpdateStrategy,
};
use crate::registry::webhook::NoWebhooks;
use crate::state::ClusterState;

const CREATE: &[&str] = &[
    "for_field_management",
    "keeps_status_on_create",
    "warnings_before_prepare",
    "drop_disabled_fields",
    "prepare_create",
    "defaults_after_prepare",
    "apply_defaults",
    "set_times",
    "allocate",
    "name_rule",
    "has_apiextensions_validation",
    "validate_create",
    "warnings",
];

const UPDATE: &[&str] = &[
    "creates_on_update",
    "for_field_management",
    "unconditional_update",
    "drop_disabled_fields",
    "prepare_update",
    "defaults_after_prepare",
    "apply_defaults",
    "set_times",
    "allocate",
    "bumps_generation",
    "name_rule",
    "has_apiextensions_validation",
    "validate_update",
    "warnings",
];

const STATUS: &[&str] = &[
    "for_field_management",
    "prepare_status_update",
    "defaults_after_prepare",
    "apply_defaults",
    "set_times",
    "name_rule",
    "has_apiextensions_validation",
    "validate_status_update",
];

const FINALIZE: &[&str] = &[
    "for_field_management",
    "defaults_after_prepare",
    "apply_defaults",
    "set_times",
    "name_rule",
    "has_apiextensions_validation",
    "validate_finalize_update",
];

const DELETE: &[&str] = &["begin_deletion", "grace", "grace", "supports_propagation", "orphans_by_default"];

/// A strategy without rules that records its calls.
#[derive(Debug, Default)]
struct RecordingStrategy(Mutex<Vec<&'static str>>);

impl RecordingStrategy {
    fn note(&self, step: &'static str) {
        self.0.lock().expect("no test panics while it notes a call").push(step);
    }

    fn take(&self) -> Vec<&'static str> {
        std::mem::take(&mut self.0.lock().expect("no test panics while it notes a call"))
    }
}

impl Strategy for RecordingStrategy {
    fn name_rule(&self) -> NameRule {
        self.note("name_rule");
        NameRule::DnsSubdomain
    }

    fn has_apiextensions_validation(&self) -> bool {
        self.note("has_apiextensions_validation");
        false
    }

    fn defaults_after_prepare(&self) -> bool {
        self.note("defaults_after_prepare");
        true
    }

    fn apply_defaults(&self, _object: &mut Value) {
        self.note("apply_defaults");
    }

    fn for_field_management<'o>(&self, object: &'o Value, _now: &str) -> Cow<'o, Value> {
        self.note("for_field_management");
        Cow::Borrowed(object)
    }

    fn set_times(&self, _object: &mut Value, _old: Option<&Value>, _now: &str) {
        self.note("set_times");
    }

    fn allocate(&self, _: &mut Value, _old: Option<&Value>, _: &dyn StoreView) -> Result<(), ApiError> {
        self.note("allocate");
        Ok(())
    }

    fn drop_disabled_fields(&self, _object: &mut Value) {
        self.note("drop_disabled_fields");
    }

    fn warnings(&self, _object: &Value, _old: Option<&Value>) -> Vec<String> {
        self.note("warnings");
        Vec::new()
    }
}

impl CreateStrategy for RecordingStrategy {
    fn keeps_status_on_create(&self) -> bool {
        self.note("keeps_status_on_create");
        false
    }

    fn warnings_before_prepare(&self, _object: &Value) -> Vec<String> {
        self.note("warnings_before_prepare");
        Vec::new()
    }

    fn prepare_create(&self, _object: &mut Value) {
        self.note("prepare_create");
    }

    fn validate_create(&self, _object: &Value) -> Vec<FieldError> {
        self.note("validate_create");
        Vec::new()
    }
}

impl UpdateStrategy for RecordingStrategy {
    fn creates_on_update(&self) -> bool {
        self.note("creates_on_update");
        false
    }

    fn unconditional_update(&self) -> bool {
        self.note("unconditional_update");
        true
    }

    fn prepare_update(&self, _object: &mut Value, _old: &Value) {
        self.note("prepare_update");
    }

    fn validate_update(&self, _object: &Value, _old: &Value) -> Vec<FieldError> {
        self.note("validate_update");
        Vec::new()
    }

    fn bumps_generation(&self, _object: &Value, _old: &Value) -> bool {
        self.note("bumps_generation");
        false
    }
}

impl StatusStrategy for RecordingStrategy {
    fn prepare_status_update(&self, _object: &mut Value, _old: &Value) {
        self.note("prepare_status_update");
    }

    fn validate_finalize_update(&self, _object: &Value) -> Vec<FieldError> {
        self.note("validate_finalize_update");
        Vec::new()
    }

    fn validate_status_update(&self, _object: &Value, _old: &Value) -> Vec<FieldError> {
        self.note("validate_status_update");
        Vec::new()
    }
}

impl DeleteStrategy for RecordingStrategy {
    fn begin_deletion(&self, _object: &mut Value, _now: &str) -> bool {
        self.note("begin_deletion");
        false
    }

    fn keeps_object(&self, _object: &Value) -> bool {
        self.note("keeps_object");
        false
    }

    fn supports_propagation(&self) -> bool {
        self.note("supports_propagation");
        true
    }

    fn orphans_by_default(&self) -> bool {
        self.note("orphans_by_default");
        false
    }

    fn grace(&self, _object: &Value, _requested: Option<i64>) -> GracePeriod {
        self.note("grace");
        GracePeriod::Immediate
    }
}

fn scope(state: &Arc<ClusterState>, recorder: &Arc<RecordingStrategy>) -> RequestScope {
    let found = state.registry().resource("rbac.authorization.k8s.io", "v1", "clusterroles");
    let mut resource = Resource::clone(&found.expect("cluster roles are built in"));
    resource.strategy = Arc::clone(recorder) as Arc<dyn Strategy>;
    resource.has_status_subresource = true;
    RequestScope {
        state: Arc::clone(state),
        resource: Arc::new(resource),
        user: "somebody".into(),
        namespace: String::new(),
        name: "a".into(),
        subresource: String::new(),
        warnings: Warnings::default(),
    }
}

fn object(value: &str) -> Value {
    json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole",
        "metadata": {"name": "a", "labels": {"a": value}},
    })
}

fn ready<T>(future: impl Future<Output = Result<T, ApiError>>) -> T {
    future.now_or_never().expect("nothing waits here").expect("nothing is refused")
}

#[test]
fn verbs_call_the_strategy_in_the_documented_order() {
    let state = Arc::new(ClusterState::new(0, Clock::system(), Arc::new(NoWebhooks)));
    let recorder = Arc::new(RecordingStrategy::default());
    let options = WriteOptions::default();

    ready(create(&mut scope(&state, &recorder), Proposed::Object(object("1")), &options));
    assert_eq!(recorder.take(), CREATE);

    ready(update(&mut scope(&state, &recorder), Part::Main, object("2"), &options));
    assert_eq!(recorder.take(), UPDATE);

    let relabelled = |part, label: &'static str| {
        let scope = scope(&state, &recorder);
        ready(guaranteed_update(&scope, part, &options, |old| {
            let mut new = old.object.clone();
            new["metadata"]["labels"]["a"] = label.into();
            Ok(Proposed::Object(new))
        }));
        recorder.take()
    };
    assert_eq!(relabelled(Part::Status, "3"), STATUS);
    assert_eq!(relabelled(Part::Finalize, "4"), FINALIZE);

    ready(delete(&scope(&state, &recorder), &DeleteOptions::default()));
    assert_eq!(recorder.take(), DELETE);
}
