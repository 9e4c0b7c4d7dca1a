//! Delete of an object: preconditions, finalizers, grace period and propagation policy.

use std::sync::Arc;

use serde_json::Value;

use super::options::{DeleteOptions, Propagation};
use super::outcome::ServedObject;
use super::scope::RequestScope;
use crate::admission::attributes::{Attributes, Operation};
use crate::error::ApiError;
use crate::instruments::clock;
use crate::object::view::metadata;
use crate::registry::strategy::GracePeriod;
use crate::store::{Change, CommitError, Content, Expect, Object, Write};

const ORPHAN: &str = "orphan";
const FOREGROUND: &str = "foregroundDeletion";

/// Outcome of a delete.
pub(crate) enum DeleteOutcome {
    /// The object is removed. Contains its last state.
    Removed(ServedObject),
    /// The object has a deletionTimestamp and still exists.
    Terminating(ServedObject),
}

/// The first write of a delete.
enum FirstWrite {
    /// No write: the object is being deleted already.
    AlreadyDeleting,
    Mark(Value),
    /// Sets the deletionTimestamp, then removes the object: for kinds with a grace period, watches see both writes.
    MarkFirst(Value),
    Remove(Value),
}

/// Deletes the object of the scope.
pub(crate) async fn delete(scope: &RequestScope, options: &DeleteOptions) -> Result<DeleteOutcome, ApiError> {
    match delete_object(scope, options).await? {
        (object, true) => Ok(DeleteOutcome::Removed(scope.served(object).await?)),
        (object, false) => Ok(DeleteOutcome::Terminating(scope.served(object).await?)),
    }
}

/// Adds the warning of a kind that has one for requests without a propagation policy.
pub(crate) fn warn(scope: &RequestScope, options: &DeleteOptions) {
    if let (None, None, Some(warning)) =
        (options.orphan_dependents, options.propagation, scope.resource.strategy.delete_warning())
    {
        scope.warnings.push(warning);
    }
}

/// Deletes the object, with retries after concurrent writes.
async fn delete_object(
    scope: &RequestScope,
    options: &DeleteOptions,
) -> Result<(Arc<Object>, bool), ApiError> {
    let mut marked = false;
    loop {
        let snapshot = scope.state.store.snapshot();
        let current = scope.stored(&snapshot)?;
        let old = scope.state.served(&scope.resource, current.value()).await;
        let old = old.map_err(|error| scope.unreadable(error))?.into_owned();
        if !marked {
            preconditions(scope, options, &old)?;
        }
        let store_view = scope.store_view(&snapshot, options.dry_run);
        let attributes =
            Attributes { subresource: "", ..scope.attributes(Operation::Delete, Some(&old), &store_view) };
        let mut object = old.clone();
        scope.state.admission.admit(&attributes, &mut object).await?;
        scope.state.admission.validate(&attributes, &object).await?;
        let step = first_write(scope, options, &old);
        let (object, next) = match step {
            FirstWrite::AlreadyDeleting => return Ok((current, false)),
            FirstWrite::Mark(object) if !options.dry_run && metadata::same(&object, &old) => {
                return Ok((current, false));
            }
            FirstWrite::Mark(object) => (object, AfterWrite::Terminating),
            FirstWrite::MarkFirst(object) => (object, AfterWrite::Remove),
            FirstWrite::Remove(object) => (object, AfterWrite::Removed),
        };
        // A delete never changes managed fields.
        let managed_fields = current.managed_fields().clone();
        let content = Content { value: scope.state.stored(&scope.resource, object).await?, managed_fields };
        if options.dry_run {
            return Ok((Arc::new(Object::uncommitted(content)), next != AfterWrite::Terminating));
        }
        let change = if next == AfterWrite::Removed { Change::Delete(content) } else { Change::Put(content) };
        let Some(object) = commit(scope, &current, change) else { continue };
        match next {
            AfterWrite::Terminating => return Ok((object, false)),
            AfterWrite::Removed => return Ok((object, true)),
            AfterWrite::Remove => marked = true,
        }
    }
}

/// The next step after a write.
#[derive(Clone, Copy, PartialEq, Eq)]
enum AfterWrite {
    Terminating,
    Remove,
    Removed,
}

/// Commits the change. Returns the written object, or for a deletion the object of its event; `None` after a concurrent
/// write.
fn commit(scope: &RequestScope, current: &Arc<Object>, change: Change) -> Option<Arc<Object>> {
    let write = Write { key: scope.key(), expect: Expect::At(current.revision()), change };
    match scope.state.commit(vec![write]) {
        Ok(events) => Some(Arc::clone(&events[0].new)),
        Err(CommitError::Changed(_) | CommitError::Exists(_)) => None,
    }
}

fn preconditions(scope: &RequestScope, options: &DeleteOptions, old: &Value) -> Result<(), ApiError> {
    let conflict =
        |why: String| Err(ApiError::conflict(&scope.resource.group, &scope.resource.kind, &scope.name, &why));
    let uid = metadata::text(old, "uid");
    if let Some(expected) = options.uid.as_deref().filter(|expected| *expected != uid) {
        return conflict(format!(
            "the UID in the precondition ({expected}) does not match the UID in record ({uid}). The object might have \
             been deleted and then recreated"
        ));
    }
    let revision = metadata::text(old, "resourceVersion");
    if let Some(expected) = options.resource_version.as_deref().filter(|expected| *expected != revision) {
        return conflict(format!(
            "the ResourceVersion in the precondition ({expected}) does not match the ResourceVersion in record \
             ({revision}). The object might have been modified"
        ));
    }
    Ok(())
}

fn first_write(scope: &RequestScope, options: &DeleteOptions, old: &Value) -> FirstWrite {
    let now = scope.state.clock.now();
    let strategy = &scope.resource.strategy;
    let mut object = old.clone();
    if !metadata::is_deleting(old) && strategy.begin_deletion(&mut object, &clock::seconds(now)) {
        return FirstWrite::Mark(object);
    }
    if metadata::is_deleting(old) && strategy.keeps_object(old) {
        return FirstWrite::AlreadyDeleting;
    }
    let graceful = match graceful_deletion(scope, options, &mut object, now) {
        GracefulDeletion::Pending => return FirstWrite::AlreadyDeleting,
        GracefulDeletion::Marked(seconds) => Some(seconds),
        GracefulDeletion::No => None,
    };
    let finalizers = collection_finalizers(scope, options, old);
    metadata::set_finalizers(&mut object, &finalizers);
    match (finalizers.is_empty(), graceful) {
        (false, None) => {
            mark_as_deleting(&mut object, now);
            FirstWrite::Mark(object)
        }
        (false, Some(_)) => FirstWrite::Mark(object),
        (true, Some(seconds)) if seconds > 0 => FirstWrite::Mark(object),
        (true, Some(_)) => FirstWrite::MarkFirst(object),
        (true, None) => FirstWrite::Remove(object),
    }
}

enum GracefulDeletion {
    /// The kind has no grace period, or the object's is over.
    No,
    /// The object is in graceful deletion already, and the request does not shorten its grace period.
    Pending,
    /// The deletionTimestamp is set, with the grace period in seconds.
    Marked(i64),
}

/// apiserver's `rest.BeforeDelete`.
fn graceful_deletion(
    scope: &RequestScope,
    options: &DeleteOptions,
    object: &mut Value,
    now: jiff::Timestamp,
) -> GracefulDeletion {
    let requested = options.grace_period_seconds.map(|seconds| if seconds < 0 { 1 } else { seconds });
    let supports = matches!(scope.resource.strategy.grace(object, requested), GracePeriod::Seconds(_));
    if metadata::is_deleting(object) {
        let left = metadata::get(object, "deletionGracePeriodSeconds").and_then(Value::as_i64).unwrap_or(0);
        if left == 0 {
            return GracefulDeletion::No;
        }
        return match requested {
            Some(seconds) if seconds < left => shorten_grace_period(object, left, seconds, now),
            _ => GracefulDeletion::Pending,
        };
    }
    let GracePeriod::Seconds(seconds) = scope.resource.strategy.grace(object, requested) else {
        return GracefulDeletion::No;
    };
    debug_assert!(supports, "a strategy's answer does not change between two calls");
    let at = now + jiff::SignedDuration::from_secs(seconds);
    metadata::set(object, "deletionTimestamp", clock::seconds(at).into());
    metadata::set(object, "deletionGracePeriodSeconds", seconds.into());
    let generation = metadata::generation(object);
    if generation > 0 {
        metadata::set(object, "generation", (generation + 1).into());
    }
    GracefulDeletion::Marked(seconds)
}

fn shorten_grace_period(
    object: &mut Value,
    left: i64,
    seconds: i64,
    now: jiff::Timestamp,
) -> GracefulDeletion {
    let was: jiff::Timestamp = metadata::text(object, "deletionTimestamp").parse().unwrap_or(now);
    let mut at = was + jiff::SignedDuration::from_secs(seconds - left);
    let mut seconds = seconds;
    if at < now {
        at = now;
        seconds = seconds.min(1);
    }
    metadata::set(object, "deletionTimestamp", clock::seconds(at).into());
    metadata::set(object, "deletionGracePeriodSeconds", seconds.into());
    GracefulDeletion::Marked(seconds)
}

/// apiserver's `markAsDeleting`: for objects that wait for their finalizers.
fn mark_as_deleting(object: &mut Value, now: jiff::Timestamp) {
    let generation = metadata::generation(object);
    if !metadata::is_deleting(object) {
        if generation > 0 {
            metadata::set(object, "generation", (generation + 1).into());
        }
        metadata::set(object, "deletionTimestamp", clock::seconds(now).into());
    }
    metadata::set(object, "deletionGracePeriodSeconds", 0.into());
}

/// The finalizers after the request's propagation policy is applied.
fn collection_finalizers(scope: &RequestScope, options: &DeleteOptions, old: &Value) -> Vec<String> {
    let present = metadata::finalizers(old);
    if !scope.resource.strategy.supports_propagation() {
        return present.into_iter().map(str::to_owned).collect();
    }
    let asked = match (options.orphan_dependents, options.propagation) {
        (Some(true), _) | (None, Some(Propagation::Orphan)) => Some(ORPHAN),
        (None, Some(Propagation::Foreground)) => Some(FOREGROUND),
        (Some(false), _) | (None, Some(Propagation::Background)) => None,
        (None, None) => {
            let kept = present.iter().find(|f| matches!(**f, ORPHAN | FOREGROUND)).copied();
            kept.or(scope.resource.strategy.orphans_by_default().then_some(ORPHAN))
        }
    };
    let others = present.iter().filter(|f| !matches!(**f, ORPHAN | FOREGROUND));
    others.copied().chain(asked).map(str::to_owned).collect()
}
