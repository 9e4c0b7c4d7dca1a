//! Update of an object, and the guaranteed update that every change of a stored object is: read, change, check, compare
//! and swap.

use crate::object::system_fields;
use std::sync::{Arc, Mutex};

use serde_json::Value;

use super::create::create;
use super::options::WriteOptions;
use super::outcome::{ServedObject, Written};
use super::scope::{RequestScope, SnapshotPeers};
use crate::admission::attributes::Operation;
use crate::error::ApiError;
use crate::error::field::FieldError;
use crate::object::apply::field_manager::Live;
use crate::object::apply::managed_fields::ManagedFields;
use crate::object::view::metadata;
use crate::registry::resource::{Generation, Resource};
use crate::store::{Change, CommitError, Content, Expect, Object, Write};

/// The part of an object that a write may change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// All but what is isolated.
    Main,
    /// Status, and the metadata that a status write may change.
    Status,
    /// A namespace's `spec.finalizers`.
    Finalize,
}

/// The object that a write proposes, in the version of the request.
pub(crate) enum Proposed {
    /// A client's object; it may carry managed fields. What it changes is its manager's from now on.
    Updated(Value),
    /// An object and the managed fields that it has from now on.
    Managed(Value, ManagedFields),
}

/// Replaces the stored object, or creates it where the kind allows that.
pub(crate) async fn update(
    scope: &mut RequestScope,
    part: Part,
    mut object: Value,
    options: &WriteOptions,
) -> Result<Written, ApiError> {
    system_fields::settle_namespace(&mut object, &scope.namespace)?;
    system_fields::check_name(&object, &scope.name)?;
    let uid = metadata::text(&object, "uid").to_owned();
    let creates = scope.resource.strategy.creates_on_update();
    if creates && scope.state.store.snapshot().get(&scope.key()).is_none() {
        if !metadata::text(&object, "resourceVersion").is_empty() && !uid.is_empty() {
            return Err(scope.not_found());
        }
        // Which revision the client had thought of no longer matters.
        metadata::remove(&mut object, "resourceVersion");
        // A status that creates its object does so past the field managers.
        let proposed = match part {
            Part::Main => Proposed::Updated(object),
            Part::Status | Part::Finalize => {
                ManagedFields::take(&mut object, &ManagedFields::default());
                Proposed::Managed(object, ManagedFields::default())
            }
        };
        let object = create(scope, proposed, options).await?;
        return Ok(Written { object, created: true });
    }
    // An object that names its revision is proposed once: after another write it is stale.
    let is_conditional = !matches!(metadata::text(&object, "resourceVersion"), "" | "0");
    let object = Mutex::new(Some(object));
    let object = guaranteed_update(scope, part, options, |old| {
        check_uid(scope, &uid, old.object)?;
        let mut object = object.lock().expect("nobody panics while the object is taken");
        let proposed = if is_conditional { object.take() } else { object.clone() };
        let stale = || ApiError::stale(&scope.resource.group, &scope.resource.plural, &scope.name);
        proposed.map(Proposed::Updated).ok_or_else(stale)
    })
    .await?;
    Ok(Written { object, created: false })
}

/// 409 if the client means another object of that name.
fn check_uid(scope: &RequestScope, uid: &str, old: &Value) -> Result<(), ApiError> {
    let stored = metadata::text(old, "uid");
    if uid.is_empty() || uid == stored {
        return Ok(());
    }
    Err(system_fields::uid_conflict(
        &scope.resource.group,
        &scope.resource.plural,
        &etcd_key(scope),
        uid,
        old,
    ))
}

/// The object's key in etcd, which this error text shows.
fn etcd_key(scope: &RequestScope) -> String {
    let resource = &scope.resource;
    let group = if resource.is_builtin() { String::new() } else { format!("{}/", resource.group) };
    let namespace = if scope.namespace.is_empty() { String::new() } else { format!("{}/", scope.namespace) };
    // The oldest kinds are stored under other names.
    let place = match (resource.group.as_str(), resource.plural.as_str()) {
        ("", "services") => "services/specs",
        ("", "endpoints") => "services/endpoints",
        ("", "nodes") => "minions",
        ("", "replicationcontrollers") => "controllers",
        ("networking.k8s.io", "ingresses") => "ingress",
        (_, plural) => plural,
    };
    format!("/registry/{group}{place}/{namespace}{}", scope.name)
}

/// Changes the stored object by `propose`, which gets it in the version of the request. If another write comes in between,
/// it is called again with what is stored then (apiserver's `GuaranteedUpdate`).
pub(crate) async fn guaranteed_update(
    scope: &RequestScope,
    part: Part,
    options: &WriteOptions,
    propose: impl Fn(&Live<'_>) -> Result<Proposed, ApiError> + Sync,
) -> Result<ServedObject, ApiError> {
    let noticed = scope.warnings.len();
    loop {
        scope.warnings.truncate(noticed);
        let snapshot = scope.state.store.snapshot();
        let current = scope.stored(&snapshot)?;
        let old = scope.state.served(&scope.resource, current.value()).await?;
        let old = old.as_ref();
        let live = Live { object: old, managed_fields: current.managed_fields() };
        let (object, managed_fields) = match propose(&live)? {
            Proposed::Managed(object, managed_fields) => (object, managed_fields),
            Proposed::Updated(mut object) => {
                let sent = ManagedFields::take(&mut object, live.managed_fields);
                let managers = scope.field_managers();
                let managed_fields = managers.updated(part, &live, &object, sent, &options.field_manager);
                (object, managed_fields)
            }
        };
        let peers = scope.peers(&snapshot, options.dry_run);
        let object = prepared(scope, part, object, old, &peers).await?;
        // A write that changes nothing but times changes nothing.
        let unchanged =
            managed_fields.same_but_times(current.managed_fields()) && metadata::same(&object, old);
        if unchanged && !lets_go(scope, &object, old) && !loses(scope, &object, &current).await? {
            return scope.served(current).await;
        }
        if let Some(written) = commit(scope, options, (object, managed_fields), old, &current).await? {
            return scope.served(written).await;
        }
    }
}

/// The new object, complete and checked.
async fn prepared(
    scope: &RequestScope,
    part: Part,
    mut object: Value,
    old: &Value,
    peers: &SnapshotPeers<'_>,
) -> Result<Value, ApiError> {
    let resource = &scope.resource;
    let attributes = scope.attributes(Operation::Update, Some(old), peers);
    scope.state.admission.admit(&attributes, &mut object).await?;
    check_revision(scope, &mut object, old)?;
    match part {
        Part::Main => {
            system_fields::carry_over(&mut object, old);
            if resource.status_isolated {
                copy_field(&mut object, old, "status");
            }
            resource.strategy.drop_disabled_fields(&mut object);
            resource.strategy.prepare_update(&mut object, old);
        }
        Part::Status => {
            object = status_of(resource, &object, old);
            system_fields::carry_over(&mut object, old);
            resource.strategy.prepare_status_update(&mut object, old);
        }
        Part::Finalize => system_fields::carry_over(&mut object, old),
    }
    super::decode::complete(resource, &mut object);
    resource.strategy.stamp(&mut object, Some(old), &peers.now);
    if part == Part::Main {
        resource.strategy.allocate(&mut object, Some(old), peers)?;
        bump_generation(resource, &mut object, old);
        scope.check_update(&object, old)?;
        scope.warnings.extend(resource.strategy.warnings(&object, Some(old)));
    } else if part == Part::Finalize {
        scope.check_finalize(&object, old)?;
    } else {
        scope.check_status(&object, old)?;
    }
    scope.state.admission.validate(&attributes, &object).await?;
    Ok(object)
}

/// 409 for a stale revision, 422 where one is needed and missing; the stored one where it may be left out.
fn check_revision(scope: &RequestScope, object: &mut Value, old: &Value) -> Result<(), ApiError> {
    let stored = metadata::text(old, "resourceVersion").to_owned();
    let said = metadata::text(object, "resourceVersion");
    if said == stored {
        return Ok(());
    }
    if said.is_empty() || said == "0" {
        if scope.resource.strategy.unconditional_update() {
            metadata::set(object, "resourceVersion", stored.into());
            return Ok(());
        }
        let error =
            FieldError::invalid("metadata.resourceVersion", 0.into(), "must be specified for an update");
        let resource = &scope.resource;
        return Err(ApiError::invalid(&resource.group, &resource.plural, &scope.name, &[error]));
    }
    if said.parse::<u64>().is_err() {
        // An error that nobody gave a reason, so the server gives none either.
        return Err(ApiError::new(500, "", format!("strconv.ParseUint: parsing {said:?}: invalid syntax")));
    }
    Err(ApiError::stale(&scope.resource.group, &scope.resource.plural, &scope.name))
}

/// The stored object with the new status; a custom resource's status write may change nothing else at all, a
/// built-in's may change its metadata.
fn status_of(resource: &Resource, new: &Value, old: &Value) -> Value {
    let mut object = old.clone();
    copy_field(&mut object, new, "status");
    let mut metadata_of_new = new.get("metadata").cloned().unwrap_or_default();
    if !resource.is_builtin() {
        // apiextensions: labels, annotations and finalizers stay; managedFields alone may follow.
        metadata_of_new = old.get("metadata").cloned().unwrap_or_default();
    }
    if let Some(map) = object.as_object_mut() {
        map.insert("metadata".into(), metadata_of_new);
    }
    object
}

fn copy_field(to: &mut Value, from: &Value, field: &str) {
    let Some(map) = to.as_object_mut() else { return };
    match from.get(field) {
        Some(value) => {
            map.insert(field.to_owned(), value.clone());
        }
        None => {
            map.remove(field);
        }
    }
}

fn bump_generation(resource: &Resource, object: &mut Value, old: &Value) {
    let bumped = match resource.generation {
        Generation::Never | Generation::Once => false,
        Generation::Spec | Generation::SpecAfterCreate => object.get("spec") != old.get("spec"),
        Generation::SpecAndAnnotations => {
            let annotations = |value: &Value| metadata::get(value, "annotations").cloned();
            object.get("spec") != old.get("spec") || annotations(object) != annotations(old)
        }
        Generation::ContentAndLabels | Generation::AllButMetadata => {
            let labels = |value: &Value| metadata::get(value, "labels").cloned();
            let relabelled =
                resource.generation == Generation::ContentAndLabels && labels(object) != labels(old);
            let without = |value: &Value| {
                let mut map = value.as_object().cloned().unwrap_or_default();
                map.remove("metadata");
                if resource.status_isolated {
                    map.remove("status");
                }
                map
            };
            relabelled || without(object) != without(old)
        }
    };
    if bumped || resource.strategy.bumps_generation(object, old) {
        metadata::set(object, "generation", (metadata::generation(old) + 1).into());
    }
}

/// Whether the write removes fields of a custom resource that its own version does not know.
async fn loses(scope: &RequestScope, object: &Value, current: &Object) -> Result<bool, ApiError> {
    let stored = current.value();
    let resource = &scope.resource;
    if resource.is_builtin()
        || stored.get("apiVersion").is_some_and(|stored| *stored == resource.api_version())
    {
        return Ok(false);
    }
    Ok(!metadata::same(&scope.state.stored(resource, object.clone()).await?, stored))
}

/// Whether nothing holds the object after this write: no finalizer, and nothing of its kind's own.
fn lets_go(scope: &RequestScope, object: &Value, old: &Value) -> bool {
    gone_with_finalizers(object, old) && !scope.resource.strategy.holds(object)
}

/// Whether this write takes the last finalizer from an object that waits for just that.
fn gone_with_finalizers(object: &Value, old: &Value) -> bool {
    let grace = metadata::get(old, "deletionGracePeriodSeconds").and_then(Value::as_i64).unwrap_or(0);
    metadata::finalizers(object).is_empty() && metadata::is_deleting(old) && grace == 0
}

/// Stores the object, or removes it if nothing holds it any more. Nothing: somebody else was faster.
async fn commit(
    scope: &RequestScope,
    options: &WriteOptions,
    (object, managed_fields): (Value, ManagedFields),
    old: &Value,
    current: &Arc<Object>,
) -> Result<Option<Arc<Object>>, ApiError> {
    let gone = lets_go(scope, &object, old);
    let content = Content { value: scope.state.stored(&scope.resource, object).await?, managed_fields };
    if options.dry_run {
        return Ok(Some(Arc::new(Object::unstored(content))));
    }
    // What goes is the object as it was stored; the change that let it go is never seen, but in the answer.
    let (change, answer) = if gone {
        (Change::Delete(current.content().clone()), Some(Arc::new(Object::unstored(content))))
    } else {
        (Change::Put(content), None)
    };
    let write = Write { key: scope.key(), expect: Expect::At(current.revision()), change };
    match scope.state.commit(vec![write]) {
        Ok(events) => Ok(Some(answer.unwrap_or_else(|| Arc::clone(&events[0].new)))),
        Err(CommitError::Changed(_) | CommitError::Exists(_)) => Ok(None),
    }
}
