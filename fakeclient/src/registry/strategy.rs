//! Strategies: the code of one kind, called by the verbs (the mirror of apiserver's `registry/rest` strategies).
//!
//! A verb calls the steps of its trait in this order; a test of the verbs records it:
//!
//! | create | update | status, finalize |
//! |---|---|---|
//! | admission that changes | admission that changes | admission that changes |
//! | `warnings_as_sent` | | |
//! | `drop_disabled_fields` | `drop_disabled_fields` | |
//! | `prepare_create` | `prepare_update` | `prepare_status_update` (status alone) |
//! | `apply_defaults` | `apply_defaults` | `apply_defaults` |
//! | `stamp` | `stamp` | `stamp` |
//! | `allocate` | `allocate` | |
//! | | `bumps_generation` | |
//! | `validate_create` | `validate_update` | `validate_status_update`, `validate_finalize_update` |
//! | `warnings` | `warnings` | |
//! | admission that validates | admission that validates | admission that validates |
//!
//! A delete asks `begin_deletion`, `holds`, `grace`, `collectable` and `orphans`. All objects are JSON in the served
//! version, already decoded. Implementations are pure: their arguments decide the result. An update is tried again if
//! another write comes in between, so every step may run more than once.

use std::borrow::Cow;

use serde_json::Value;

use crate::error::ApiError;
use crate::error::field::FieldError;
use crate::object::names::NameRule;

/// Read access to what is stored, as of one snapshot.
pub(crate) trait Peers: Sync {
    /// The object of `group_resource` (`pods`, `deployments.apps`), or nothing. `namespace` is empty for
    /// cluster-scoped resources.
    fn get(&self, group_resource: &str, namespace: &str, name: &str) -> Option<&Value>;
    /// All objects of `group_resource`, in one namespace or (`None`) everywhere, in key order.
    fn list<'a>(
        &'a self,
        group_resource: &str,
        namespace: Option<&str>,
    ) -> Box<dyn Iterator<Item = &'a Value> + 'a>;
    /// A number in `0..bound` from the cluster's seeded source, where a real server picks at random.
    fn pick(&self, bound: u64) -> u64;
    /// Name from `metadata.generateName`-like sources is not the strategy's; this is the time of the request,
    /// RFC 3339 with seconds, as `metav1.Time` prints it.
    fn now(&self) -> String;
    /// Who asks.
    fn user(&self) -> &str;
    /// Whether the request is a dry run: allocators then hand out placeholders.
    fn dry_run(&self) -> bool {
        false
    }
}

/// What a delete does to an object that has no finalizers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Grace {
    /// Gone at once (every kind but Pod).
    Immediate,
    /// Marked and left for that many seconds for somebody (a kubelet) to delete with 0.
    Seconds(i64),
}

/// The code of one kind: what every write asks, and the steps of each verb. Every method has the generic behaviour as its
/// default.
pub(crate) trait Strategy:
    CreateStrategy + UpdateStrategy + StatusStrategy + DeleteStrategy + Send + Sync + std::fmt::Debug
{
    /// How `metadata.name` is checked on create.
    fn name_rule(&self) -> NameRule {
        NameRule::default()
    }

    /// Whether metadata is checked as that of custom resources is: any finalizer, and an error of an update once for
    /// each time that the server looks. Their definitions are checked so, too, by the same part of kube-apiserver.
    fn is_checked_as_custom(&self) -> bool {
        false
    }

    /// Defaults that data cannot say (they depend on other fields). Runs after the data's defaults, on every write
    /// and on what is read back from storage; must be idempotent.
    fn apply_defaults(&self, _object: &mut Value) {}

    /// Whether defaults are applied once more after the steps that prepare an object: false where these leave nothing to
    /// default.
    fn defaults_after_prepare(&self) -> bool {
        true
    }

    /// A decoded object as managed fields see it: with what kube-apiserver fills in while it decodes, where that is
    /// filled in by a later step here.
    fn tracked<'o>(&self, object: &'o Value, _now: &str) -> Cow<'o, Value> {
        Cow::Borrowed(object)
    }

    /// Times that a write sets, after the defaults of every write; `now` is as `metav1.Time` prints it.
    fn stamp(&self, _object: &mut Value, _old: Option<&Value>, _now: &str) {}

    /// Values that come from what is stored (cluster IPs, node ports). May fail the request.
    fn allocate(
        &self,
        _object: &mut Value,
        _old: Option<&Value>,
        _peers: &dyn Peers,
    ) -> Result<(), ApiError> {
        Ok(())
    }

    /// Whether objects can be brought from one version to another here; an error says what would have to do it.
    fn converts(&self) -> Result<(), ApiError> {
        Ok(())
    }

    /// Makes a stored object, already under the served `apiVersion`, one of the served version. `false` says that this
    /// is not modelled.
    fn convert_to_served(&self, _object: &mut Value) -> Result<bool, ApiError> {
        Ok(false)
    }

    /// Makes a served object, already under the stored `apiVersion`, one of the stored version. `false` says that this
    /// is not modelled.
    fn convert_to_stored(&self, _object: &mut Value) -> Result<bool, ApiError> {
        Ok(false)
    }

    /// Drops fields whose feature is off by default in Kubernetes 1.37. Runs first of all steps of a create and of an
    /// update.
    fn drop_disabled_fields(&self, _object: &mut Value) {}

    /// Texts for `Warning` headers about an object that is being written; `old` is what an update changes.
    fn warnings(&self, _object: &Value, _old: Option<&Value>) -> Vec<String> {
        Vec::new()
    }
}

/// The steps of a create.
pub(crate) trait CreateStrategy {
    /// A create keeps the status in the body although the kind has a status subresource (Node).
    fn keeps_status_on_create(&self) -> bool {
        false
    }

    /// Before defaults on create: drop or set what clients may not choose. Status is already dropped where isolated.
    fn prepare_create(&self, _object: &mut Value) {}

    /// Errors of a new object, beyond metadata and schema.
    fn validate_create(&self, _object: &Value) -> Vec<FieldError> {
        Vec::new()
    }

    /// Texts for `Warning` headers about a new object as it was sent, before `prepare_create` changes it.
    fn warnings_as_sent(&self, _object: &Value) -> Vec<String> {
        Vec::new()
    }
}

/// The steps of an update of the object itself.
pub(crate) trait UpdateStrategy {
    /// Whether an update of a missing object creates it (Lease, Endpoints, Event …).
    fn creates_on_update(&self) -> bool {
        false
    }

    /// Whether an update without `metadata.resourceVersion` is taken (most built-ins; custom resources refuse it).
    fn unconditional_update(&self) -> bool {
        true
    }

    /// Before defaults on update. Status is already the old one where isolated.
    fn prepare_update(&self, _object: &mut Value, _old: &Value) {}

    /// Errors of a change, beyond metadata and schema.
    fn validate_update(&self, _object: &Value, _old: &Value) -> Vec<FieldError> {
        Vec::new()
    }

    /// Whether a change of the main resource bumps `metadata.generation` beside the resource's generation rule.
    fn bumps_generation(&self, _object: &Value, _old: &Value) -> bool {
        false
    }
}

/// The steps of a write of a part: the status, or a namespace's finalizers.
pub(crate) trait StatusStrategy {
    /// Before validation of an update to the status subresource. Everything but status (and the metadata that a
    /// status update may change) is already the old one.
    fn prepare_status_update(&self, _object: &mut Value, _old: &Value) {}

    /// Errors of a change of what holds the object, by the subresource `finalize`.
    fn validate_finalize_update(&self, _object: &Value) -> Vec<FieldError> {
        Vec::new()
    }

    /// Errors of a status change.
    fn validate_status_update(&self, _object: &Value, _old: &Value) -> Vec<FieldError> {
        Vec::new()
    }
}

/// The rules of a delete.
pub(crate) trait DeleteStrategy {
    /// The first delete of an object that goes only when a controller has cleaned up after it (Namespace,
    /// CustomResourceDefinition): marks it and returns true; finalizers and grace periods are then not looked at.
    fn begin_deletion(&self, _object: &mut Value, _now: &str) -> bool {
        false
    }

    /// Whether an object that is being deleted and has no finalizers is still held by something else (a Namespace
    /// by `spec.finalizers`).
    fn holds(&self, _object: &Value) -> bool {
        false
    }

    /// Whether garbage collection can wait for or spare this kind's dependents by finalizers on it (not for Event).
    fn collectable(&self) -> bool {
        true
    }

    /// Whether a delete that names no propagation policy leaves the object's dependents alone (`Job`,
    /// `ReplicationController`).
    fn orphans(&self) -> bool {
        false
    }

    /// Text for a `Warning` header of a delete that names no propagation policy.
    fn delete_warning(&self) -> Option<&'static str> {
        None
    }

    /// What deletion does, given the `gracePeriodSeconds` of the request.
    fn grace(&self, _object: &Value, _requested: Option<i64>) -> Grace {
        Grace::Immediate
    }
}

/// A kind without code of its own, for tests.
#[cfg(test)]
#[derive(Debug)]
pub(crate) struct Generic;

#[cfg(test)]
impl Strategy for Generic {}
#[cfg(test)]
impl CreateStrategy for Generic {}
#[cfg(test)]
impl UpdateStrategy for Generic {}
#[cfg(test)]
impl StatusStrategy for Generic {}
#[cfg(test)]
impl DeleteStrategy for Generic {}
