//! Strategies: the rules of one kind, called by the verbs (apiserver's `registry/rest` strategies).
//!
//! The verbs call the steps in this order, which the test `verbs::step_order` records:
//!
//! | create | update | status, finalize |
//! |---|---|---|
//! | mutating admission | mutating admission | mutating admission |
//! | `warnings_before_prepare` | | |
//! | `drop_disabled_fields` | `drop_disabled_fields` | |
//! | `prepare_create` | `prepare_update` | `prepare_status_update` (status only) |
//! | `apply_defaults` | `apply_defaults` | `apply_defaults` |
//! | `set_times` | `set_times` | `set_times` |
//! | `allocate` | `allocate` | |
//! | | `bumps_generation` | |
//! | `validate_create` | `validate_update` | `validate_status_update`, `validate_finalize_update` |
//! | `warnings` | `warnings` | |
//! | validating admission | validating admission | validating admission |
//!
//! A delete calls `begin_deletion`, `keeps_object`, `grace`, `supports_propagation` and `orphans_by_default`. All objects are decoded JSON in the
//! served version. Implementations are pure functions of their arguments. An update is retried after a concurrent write,
//! so every step may run more than once.

use std::borrow::Cow;

use serde_json::Value;

use crate::error::ApiError;
use crate::error::field::FieldError;
use crate::object::names::NameRule;
use crate::registry::custom::convert::ConversionWebhook;

/// Read access to a snapshot of the stored objects.
pub(crate) trait StoreView: Sync {
    /// An object of `group_resource` (`pods`, `deployments.apps`). `namespace` is empty for cluster-scoped resources.
    fn get(&self, group_resource: &str, namespace: &str, name: &str) -> Option<&Value>;
    /// All objects of `group_resource` in one namespace or (`None`) in all, in key order.
    fn list<'a>(
        &'a self,
        group_resource: &str,
        namespace: Option<&str>,
    ) -> Box<dyn Iterator<Item = &'a Value> + 'a>;
    /// A number in `0..bound` from the cluster's seed, for the server's random choices.
    fn pick(&self, bound: u64) -> u64;
    /// A new UID.
    fn uid(&self) -> String;
    /// The time of the request as `metav1.Time` prints it (RFC 3339, whole seconds).
    fn now(&self) -> String;
    /// Name of the requesting user.
    fn user(&self) -> &str;
    /// True for a dry run, in which allocators return placeholders.
    fn dry_run(&self) -> bool {
        false
    }
}

/// The deletion of an object without finalizers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum GracePeriod {
    /// The object is removed at once (every kind but Pod).
    Immediate,
    /// The object is removed after this many seconds, or by a delete with 0 (from a kubelet).
    Seconds(i64),
}

/// The rules of one kind: those of all writes here, and the steps of each verb in the supertraits. Every method
/// defaults to the generic behaviour.
pub(crate) trait Strategy:
    CreateStrategy + UpdateStrategy + StatusStrategy + DeleteStrategy + Send + Sync + std::fmt::Debug
{
    /// The validation rule of `metadata.name`.
    fn name_rule(&self) -> NameRule {
        NameRule::default()
    }

    /// True if metadata is validated as apiextensions does: any finalizer is valid, and each pass of an update reports
    /// its errors again. This applies to custom resources and their definitions.
    fn has_apiextensions_validation(&self) -> bool {
        false
    }

    /// Sets defaults that depend on other fields. Called after the recorded defaults, on every write and on objects
    /// read from storage. Must be idempotent.
    fn apply_defaults(&self, _object: &mut Value) {}

    /// True if defaults are applied again after the prepare step: false if that leaves no field to default.
    fn defaults_after_prepare(&self) -> bool {
        true
    }

    /// A decoded object for field management, with the defaults that kube-apiserver sets while it decodes, if a later
    /// step sets them here.
    fn for_field_management<'o>(&self, object: &'o Value, _now: &str) -> Cow<'o, Value> {
        Cow::Borrowed(object)
    }

    /// Sets times of a write, after the defaults. `now` is a `metav1.Time`.
    fn set_times(&self, _object: &mut Value, _old: Option<&Value>, _now: &str) {}

    /// Allocates values that must not be in use (cluster IPs, node ports). May fail the request.
    fn allocate(
        &self,
        _object: &mut Value,
        _old: Option<&Value>,
        _peers: &dyn StoreView,
    ) -> Result<(), ApiError> {
        Ok(())
    }

    /// The webhook that converts objects between versions.
    fn conversion_webhook(&self) -> Option<&ConversionWebhook> {
        None
    }

    /// Converts a stored object, whose `apiVersion` is already changed, to the served version. Returns `false` if the
    /// conversion is not modelled.
    fn convert_to_served(&self, _object: &mut Value) -> Result<bool, ApiError> {
        Ok(false)
    }

    /// Converts a served object, whose `apiVersion` is already changed, to the storage version. Returns `false` if the
    /// conversion is not modelled.
    fn convert_to_stored(&self, _object: &mut Value) -> Result<bool, ApiError> {
        Ok(false)
    }

    /// Drops fields whose feature gate is off by default in Kubernetes 1.37. The first step of a create and an update.
    fn drop_disabled_fields(&self, _object: &mut Value) {}

    /// Warnings of a written object. `old` is the stored object of an update.
    fn warnings(&self, _object: &Value, _old: Option<&Value>) -> Vec<String> {
        Vec::new()
    }
}

/// The steps of a create.
pub(crate) trait CreateStrategy {
    /// True if a create keeps the status in its body although the kind has a status subresource (Node).
    fn keeps_status_on_create(&self) -> bool {
        false
    }

    /// Sets or drops fields that clients must not choose, before the defaults. An isolated status is dropped already.
    fn prepare_create(&self, _object: &mut Value) {}

    /// Errors of a new object, in addition to those of metadata and schema.
    fn validate_create(&self, _object: &Value) -> Vec<FieldError> {
        Vec::new()
    }

    /// Warnings of a new object as the client sent it, before `prepare_create`.
    fn warnings_before_prepare(&self, _object: &Value) -> Vec<String> {
        Vec::new()
    }
}

/// The steps of an update of the main resource.
pub(crate) trait UpdateStrategy {
    /// True if an update of an absent object creates it (Lease, Endpoints, Event …).
    fn creates_on_update(&self) -> bool {
        false
    }

    /// True if an update without `metadata.resourceVersion` is accepted (most built-in kinds, but not custom
    /// resources).
    fn unconditional_update(&self) -> bool {
        true
    }

    /// Sets or drops fields, before the defaults. An isolated status is the stored one already.
    fn prepare_update(&self, _object: &mut Value, _old: &Value) {}

    /// Errors of an update, in addition to those of metadata and schema.
    fn validate_update(&self, _object: &Value, _old: &Value) -> Vec<FieldError> {
        Vec::new()
    }

    /// True if an update bumps `metadata.generation`, in addition to the resource's generation rule.
    fn bumps_generation(&self, _object: &Value, _old: &Value) -> bool {
        false
    }
}

/// The steps of an update through `status` or `finalize`.
pub(crate) trait StatusStrategy {
    /// Sets or drops fields before the validation of a status update. All but the status, and the metadata that may
    /// change with it, is the stored one already.
    fn prepare_status_update(&self, _object: &mut Value, _old: &Value) {}

    /// Errors of an update through `finalize`.
    fn validate_finalize_update(&self, _object: &Value) -> Vec<FieldError> {
        Vec::new()
    }

    /// Errors of a status update.
    fn validate_status_update(&self, _object: &Value, _old: &Value) -> Vec<FieldError> {
        Vec::new()
    }
}

/// The steps of a delete.
pub(crate) trait DeleteStrategy {
    /// Marks an object that is only removed after a controller's clean-up (Namespace, CustomResourceDefinition), on its
    /// first delete. Returns true if so; finalizers and grace period are then not considered.
    fn begin_deletion(&self, _object: &mut Value, _now: &str) -> bool {
        false
    }

    /// True if an object in deletion without `metadata.finalizers` must stay, such as a Namespace with
    /// `spec.finalizers`.
    fn keeps_object(&self, _object: &Value) -> bool {
        false
    }

    /// True if deletion propagation applies to the kind, by finalizers on its objects (not to Event).
    fn supports_propagation(&self) -> bool {
        true
    }

    /// True if a delete without a propagation policy orphans the dependents (`Job`, `ReplicationController`).
    fn orphans_by_default(&self) -> bool {
        false
    }

    /// The warning of a delete without a propagation policy.
    fn delete_warning(&self) -> Option<&'static str> {
        None
    }

    /// The grace period of a delete, given its `gracePeriodSeconds`.
    fn grace(&self, _object: &Value, _requested: Option<i64>) -> GracePeriod {
        GracePeriod::Immediate
    }
}

/// A kind with generic behaviour only, for tests.
#[cfg(test)]
#[derive(Debug)]
pub(crate) struct GenericStrategy;

#[cfg(test)]
impl Strategy for GenericStrategy {}
#[cfg(test)]
impl CreateStrategy for GenericStrategy {}
#[cfg(test)]
impl UpdateStrategy for GenericStrategy {}
#[cfg(test)]
impl StatusStrategy for GenericStrategy {}
#[cfg(test)]
impl DeleteStrategy for GenericStrategy {}
