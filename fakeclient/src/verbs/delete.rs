//! DELETE of one object: preconditions, finalizers, grace, propagation.

use std::sync::Arc;

use serde_json::{Value, json};

use super::metadata;
use super::scope::{Scope, SnapshotPeers};
use crate::admission::attributes::{Attributes, Operation};
use crate::endpoint::body;
use crate::endpoint::options::{DeleteOptions, Propagation};
use crate::endpoint::response::Reply;
use crate::error::ApiError;
use crate::instruments::clock;
use crate::object::meta;
use crate::registry::strategy::Grace;
use crate::store::{Change, CommitError, Content, Expect, Object, Write};

const ORPHAN: &str = "orphan";
const FOREGROUND: &str = "foregroundDeletion";

/// What became of the object.
pub(crate) enum Deleted {
    /// Gone; the last state.
    Gone(Arc<Object>),
    /// Marked, and still there.
    Marked(Arc<Object>),
}

/// What is written.
enum Step {
    /// Nothing: it is being deleted already.
    Nothing,
    Mark(Value),
    /// The mark is seen by watches before the object goes: kube-apiserver writes it for kinds with a grace period.
    MarkFirst(Value),
    Remove(Value),
}

pub(crate) fn delete(scope: &mut Scope<'_>) -> Result<Reply, ApiError> {
    let body = body::delete_options(&scope.body, &scope.content_type)?;
    let options = DeleteOptions::parse(&scope.query, body.as_ref())?;
    warn(scope, &options);
    let deleted = delete_object(scope, &options)?;
    let (object, gone) = match deleted {
        Deleted::Gone(object) => (object, true),
        Deleted::Marked(object) => (object, false),
    };
    let code = if !gone && options.orphan_dependents == Some(false) { 202 } else { 200 };
    if !gone || scope.resource.delete_gives_object {
        return scope.reply(code, &object);
    }
    Ok(Reply::value(code, &success(scope, object.value())))
}

/// Warns who leaves open what becomes of the dependents, where the kind has a word for that.
pub(crate) fn warn(scope: &Scope<'_>, options: &DeleteOptions) {
    if let (None, None, Some(warning)) =
        (options.orphan_dependents, options.propagation, scope.resource.strategy.delete_warning())
    {
        scope.warnings.borrow_mut().push(warning.to_owned());
    }
}

/// `metav1.Status` of a delete that is done.
fn success(scope: &Scope<'_>, object: &Value) -> Value {
    let mut details = json!({
        "name": scope.name, "kind": scope.resource.plural, "uid": meta::text(object, "uid"),
    });
    if !scope.resource.group.is_empty() {
        details["group"] = scope.resource.group.as_str().into();
    }
    json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details})
}

/// Deletes the object of the scope; tries again if it was changed in between.
pub(crate) fn delete_object(scope: &Scope<'_>, options: &DeleteOptions) -> Result<Deleted, ApiError> {
    let mut marked = false;
    loop {
        let snapshot = scope.core.store.snapshot();
        let current = scope.stored(&snapshot)?;
        let old = scope.core.served(&scope.resource, current.value())?.into_owned();
        if !marked {
            preconditions(scope, options, &old)?;
        }
        let peers = SnapshotPeers {
            snapshot: &snapshot,
            ids: &scope.core.ids,
            user: &scope.user,
            now: scope.core.clock.seconds(),
            dry_run: options.dry_run,
        };
        let attributes =
            Attributes { subresource: "", ..scope.attributes(Operation::Delete, Some(&old), &peers) };
        let mut object = old.clone();
        scope.core.admission.admit(&attributes, &mut object)?;
        scope.core.admission.validate(&attributes, &object)?;
        // A delete leaves the managed fields alone, whatever it writes.
        let content = |object| -> Result<Content, ApiError> {
            let managed_fields = current.managed_fields().clone();
            Ok(Content { value: scope.core.stored(&scope.resource, object)?, managed_fields })
        };
        let unstored = |object| Ok::<_, ApiError>(Arc::new(Object::unstored(content(object)?)));
        let (change, next) = match step(scope, options, &old) {
            Step::Nothing => return Ok(Deleted::Marked(current)),
            Step::Mark(object) if options.dry_run => return Ok(Deleted::Marked(unstored(object)?)),
            Step::MarkFirst(object) | Step::Remove(object) if options.dry_run => {
                return Ok(Deleted::Gone(unstored(object)?));
            }
            Step::Mark(object) if metadata::same(&object, &old) => return Ok(Deleted::Marked(current)),
            Step::Mark(object) => (Change::Put(content(object)?), Next::Marked),
            Step::MarkFirst(object) => (Change::Put(content(object)?), Next::Remove),
            Step::Remove(object) => (Change::Delete(content(object)?), Next::Gone),
        };
        let Some(object) = commit(scope, &current, change) else { continue };
        match next {
            Next::Marked => return Ok(Deleted::Marked(object)),
            Next::Gone => return Ok(Deleted::Gone(object)),
            Next::Remove => marked = true,
        }
    }
}

/// What follows a write.
enum Next {
    Marked,
    Remove,
    Gone,
}

/// The object as it was written, or as the event of its deletion shows it. Nothing: somebody else was faster.
fn commit(scope: &Scope<'_>, current: &Arc<Object>, change: Change) -> Option<Arc<Object>> {
    let write = Write { key: scope.key(), expect: Expect::At(current.revision()), change };
    match scope.core.commit(vec![write]) {
        Ok(events) => Some(Arc::clone(&events[0].new)),
        Err(CommitError::Changed(_) | CommitError::Exists(_)) => None,
    }
}

fn preconditions(scope: &Scope<'_>, options: &DeleteOptions, old: &Value) -> Result<(), ApiError> {
    let conflict =
        |why: String| Err(ApiError::conflict(&scope.resource.group, &scope.resource.kind, &scope.name, &why));
    let uid = meta::text(old, "uid");
    if let Some(expected) = options.uid.as_deref().filter(|expected| *expected != uid) {
        return conflict(format!(
            "the UID in the precondition ({expected}) does not match the UID in record ({uid}). The object might have \
             been deleted and then recreated"
        ));
    }
    let revision = meta::text(old, "resourceVersion");
    if let Some(expected) = options.resource_version.as_deref().filter(|expected| *expected != revision) {
        return conflict(format!(
            "the ResourceVersion in the precondition ({expected}) does not match the ResourceVersion in record \
             ({revision}). The object might have been modified"
        ));
    }
    Ok(())
}

fn step(scope: &Scope<'_>, options: &DeleteOptions, old: &Value) -> Step {
    let now = scope.core.clock.now();
    let strategy = &scope.resource.strategy;
    let mut object = old.clone();
    if !meta::is_deleting(old) && strategy.begin_deletion(&mut object, &clock::seconds(now)) {
        return Step::Mark(object);
    }
    if meta::is_deleting(old) && strategy.holds(old) {
        return Step::Nothing;
    }
    let graceful = match grace(scope, options, &mut object, now) {
        Graceful::Pending => return Step::Nothing,
        Graceful::Marked(seconds) => Some(seconds),
        Graceful::No => None,
    };
    let finalizers = collection_finalizers(scope, options, old);
    metadata::set_finalizers(&mut object, &finalizers);
    match (finalizers.is_empty(), graceful) {
        (false, None) => {
            mark(&mut object, now);
            Step::Mark(object)
        }
        (false, Some(_)) => Step::Mark(object),
        (true, Some(seconds)) if seconds > 0 => Step::Mark(object),
        (true, Some(_)) => Step::MarkFirst(object),
        (true, None) => Step::Remove(object),
    }
}

enum Graceful {
    /// The kind has no grace, or the object's is over.
    No,
    /// Under way, and not to be shortened by this request.
    Pending,
    /// Marked with that many seconds.
    Marked(i64),
}

/// apiserver's `rest.BeforeDelete`.
fn grace(scope: &Scope<'_>, options: &DeleteOptions, object: &mut Value, now: jiff::Timestamp) -> Graceful {
    let requested = options.grace_period_seconds.map(|seconds| if seconds < 0 { 1 } else { seconds });
    let supports = matches!(scope.resource.strategy.grace(object, requested), Grace::Seconds(_));
    if meta::is_deleting(object) {
        let left = metadata::get(object, "deletionGracePeriodSeconds").and_then(Value::as_i64).unwrap_or(0);
        if left == 0 {
            return Graceful::No;
        }
        return match requested {
            Some(seconds) if seconds < left => shorten(object, left, seconds, now),
            _ => Graceful::Pending,
        };
    }
    let Grace::Seconds(seconds) = scope.resource.strategy.grace(object, requested) else {
        return Graceful::No;
    };
    debug_assert!(supports, "a strategy's answer does not change between two calls");
    let at = now + jiff::SignedDuration::from_secs(seconds);
    metadata::set(object, "deletionTimestamp", clock::seconds(at).into());
    metadata::set(object, "deletionGracePeriodSeconds", seconds.into());
    let generation = meta::generation(object);
    if generation > 0 {
        metadata::set(object, "generation", (generation + 1).into());
    }
    Graceful::Marked(seconds)
}

fn shorten(object: &mut Value, left: i64, seconds: i64, now: jiff::Timestamp) -> Graceful {
    let was: jiff::Timestamp = meta::text(object, "deletionTimestamp").parse().unwrap_or(now);
    let mut at = was + jiff::SignedDuration::from_secs(seconds - left);
    let mut seconds = seconds;
    if at < now {
        at = now;
        seconds = seconds.min(1);
    }
    metadata::set(object, "deletionTimestamp", clock::seconds(at).into());
    metadata::set(object, "deletionGracePeriodSeconds", seconds.into());
    Graceful::Marked(seconds)
}

/// apiserver's `markAsDeleting`: for objects that wait for their finalizers.
fn mark(object: &mut Value, now: jiff::Timestamp) {
    let generation = meta::generation(object);
    if !meta::is_deleting(object) {
        if generation > 0 {
            metadata::set(object, "generation", (generation + 1).into());
        }
        metadata::set(object, "deletionTimestamp", clock::seconds(now).into());
    }
    metadata::set(object, "deletionGracePeriodSeconds", 0.into());
}

/// The finalizers after the request's propagation policy was written into them.
fn collection_finalizers(scope: &Scope<'_>, options: &DeleteOptions, old: &Value) -> Vec<String> {
    let present = metadata::finalizers(old);
    if !scope.resource.strategy.collectable() {
        return present.into_iter().map(str::to_owned).collect();
    }
    let asked = match (options.orphan_dependents, options.propagation) {
        (Some(true), _) | (None, Some(Propagation::Orphan)) => Some(ORPHAN),
        (None, Some(Propagation::Foreground)) => Some(FOREGROUND),
        (Some(false), _) | (None, Some(Propagation::Background)) => None,
        (None, None) => {
            let kept = present.iter().find(|f| matches!(**f, ORPHAN | FOREGROUND)).copied();
            kept.or(scope.resource.strategy.orphans().then_some(ORPHAN))
        }
    };
    let others = present.iter().filter(|f| !matches!(**f, ORPHAN | FOREGROUND));
    others.copied().chain(asked).map(str::to_owned).collect()
}
