//! Update of an object, and the guaranteed update below every change of a stored object: read, change, validate,
//! compare and swap.

use crate::object::system_fields;
use std::sync::{Arc, Mutex};

use serde_json::Value;

use super::create::create;
use super::options::WriteOptions;
use super::outcome::{ServedObject, Written};
use super::scope::{RequestScope, SnapshotView};
use crate::admission::attributes::Operation;
use crate::error::ApiError;
use crate::error::field::FieldError;
use crate::object::apply::field_manager::Live;
use crate::object::apply::managed_fields::ManagedFields;
use crate::object::view::metadata;
use crate::registry::resource::{Generation, Resource};
use crate::registry::strategy::StoreView;
use crate::store::{Change, CommitError, Content, Expect, Object, Write};

/// The part of an object that a write may change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// All fields but those of the other parts.
    Main,
    /// Status, and the metadata that a status update may change.
    Status,
    /// A namespace's `spec.finalizers`.
    Finalize,
}

/// The object of a write, in the version of the request.
pub(crate) enum Proposed {
    /// A client's object, perhaps with managed fields. The request's manager becomes the owner of changed fields.
    Object(Value),
    /// An object with its final managed fields.
    WithManagedFields(Value, ManagedFields),
}

/// Replaces the stored object, or creates it if the kind allows create on update.
pub(crate) async fn update(
    scope: &mut RequestScope,
    part: Part,
    mut object: Value,
    options: &WriteOptions,
) -> Result<Written, ApiError> {
    system_fields::set_namespace(&mut object, &scope.namespace)?;
    system_fields::check_name(&object, &scope.name)?;
    let uid = metadata::text(&object, "uid").to_owned();
    let creates = scope.resource.strategy.creates_on_update();
    if creates && scope.state.store.snapshot().get(&scope.key()).is_none() {
        if !metadata::text(&object, "resourceVersion").is_empty() && !uid.is_empty() {
            return Err(scope.not_found());
        }
        // The client's resourceVersion does not matter for a create.
        metadata::remove(&mut object, "resourceVersion");
        // A status update that creates its object owns what a status update may set.
        let proposed = match part {
            Part::Main => Proposed::Object(object),
            Part::Status | Part::Finalize => {
                let sent = ManagedFields::take(&mut object, &ManagedFields::default());
                let managers = scope.field_managers();
                let managed_fields = managers.created(part, &object, sent, &options.field_manager);
                Proposed::WithManagedFields(object, managed_fields)
            }
        };
        let object = create(scope, proposed, options).await?;
        return Ok(Written { object, created: true });
    }
    // With a resourceVersion, the update is not retried: after a concurrent write it is a conflict.
    let is_conditional = !matches!(metadata::text(&object, "resourceVersion"), "" | "0");
    let object = Mutex::new(Some(object));
    let object = guaranteed_update(scope, part, options, |old| {
        check_uid(scope, &uid, old.object)?;
        let mut object = object.lock().expect("nobody panics while the object is taken");
        let proposed = if is_conditional { object.take() } else { object.clone() };
        let stale = || ApiError::stale(&scope.resource.group, &scope.resource.plural, &scope.name);
        proposed.map(Proposed::Object).ok_or_else(stale)
    })
    .await?;
    Ok(Written { object, created: false })
}

/// 409 if the object in the request has another uid.
fn check_uid(scope: &RequestScope, uid: &str, old: &Value) -> Result<(), ApiError> {
    let stored = metadata::text(old, "uid");
    if uid.is_empty() || uid == stored {
        return Ok(());
    }
    Err(system_fields::uid_conflict(
        &scope.resource.group,
        &scope.resource.plural,
        &scope.etcd_key(),
        uid,
        old,
    ))
}

/// Changes the stored object by `propose`, which gets it in the version of the request, and is called again after a
/// concurrent write (apiserver's `GuaranteedUpdate`).
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
            Proposed::WithManagedFields(object, managed_fields) => (object, managed_fields),
            Proposed::Object(mut object) => {
                let sent = ManagedFields::take(&mut object, live.managed_fields);
                let managers = scope.field_managers();
                let managed_fields = managers.updated(part, &live, &object, sent, &options.field_manager);
                (object, managed_fields)
            }
        };
        let store_view = scope.store_view(&snapshot, options.dry_run);
        let object = prepared(scope, part, object, old, &store_view).await?;
        // A write that changes only timestamps is no change.
        let unchanged =
            managed_fields.same_but_times(current.managed_fields()) && metadata::same(&object, old);
        if unchanged
            && !removes_object(scope, &object, old)
            && !drops_fields(scope, &object, &current).await?
        {
            return Ok(scope.served(current).await?);
        }
        if let Some(written) = commit(scope, options, (object, managed_fields), old, &current).await? {
            return Ok(scope.served(written).await?);
        }
    }
}

/// The prepared and validated object.
async fn prepared(
    scope: &RequestScope,
    part: Part,
    mut object: Value,
    old: &Value,
    store_view: &SnapshotView<'_>,
) -> Result<Value, ApiError> {
    let resource = &scope.resource;
    let attributes = scope.attributes(Operation::Update, Some(old), store_view);
    scope.state.admission.admit(&attributes, &mut object).await?;
    check_revision(scope, &mut object, old)?;
    if !store_view.dry_run() {
        // It is dropped where an object is stored.
        metadata::remove(&mut object, "selfLink");
    }
    match part {
        Part::Main => {
            system_fields::keep_system_fields(&mut object, old);
            if resource.has_status_subresource {
                copy_field(&mut object, old, "status");
            }
            resource.strategy.drop_disabled_fields(&mut object);
            resource.strategy.prepare_update(&mut object, old);
        }
        Part::Status => {
            object = status_of(resource, &object, old);
            system_fields::keep_system_fields(&mut object, old);
            resource.strategy.prepare_status_update(&mut object, old);
        }
        Part::Finalize => system_fields::keep_system_fields(&mut object, old),
    }
    super::decode::default_after_prepare(resource, &mut object);
    resource.strategy.set_times(&mut object, Some(old), &store_view.now);
    if part == Part::Main {
        resource.strategy.allocate(&mut object, Some(old), store_view)?;
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

/// 409 for an outdated resourceVersion, 422 for a missing one. Sets the stored one if the kind allows unconditional
/// updates.
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
        // The server gives this error no reason.
        return Err(ApiError::new(500, "", format!("strconv.ParseUint: parsing {said:?}: invalid syntax")));
    }
    Err(ApiError::stale(&scope.resource.group, &scope.resource.plural, &scope.name))
}

/// The stored object with the new status. For built-in kinds, the metadata may change, too.
fn status_of(resource: &Resource, new: &Value, old: &Value) -> Value {
    let mut object = old.clone();
    copy_field(&mut object, new, "status");
    let mut metadata_of_new = new.get("metadata").cloned().unwrap_or_default();
    if !resource.is_builtin() {
        // apiextensions keeps labels, annotations and finalizers; only managedFields may change.
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
                if resource.has_status_subresource {
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

/// True if the write stores a custom resource in another version than before, or drops fields that are unknown to the
/// request's version.
async fn drops_fields(scope: &RequestScope, object: &Value, current: &Object) -> Result<bool, ApiError> {
    let stored = current.value();
    let resource = &scope.resource;
    if resource.is_builtin() || (resource.is_storage_version() && resource.has_version_of(stored)) {
        return Ok(false);
    }
    Ok(!metadata::same(&scope.state.stored(resource, object.clone()).await?, stored))
}

/// True if nothing prevents the removal after this write: no finalizer, and no condition of the kind's strategy.
fn removes_object(scope: &RequestScope, object: &Value, old: &Value) -> bool {
    removes_last_finalizer(object, old) && !scope.resource.strategy.keeps_object(object)
}

/// True if this write removes the last finalizer of an object in deletion.
fn removes_last_finalizer(object: &Value, old: &Value) -> bool {
    let grace = metadata::get(old, "deletionGracePeriodSeconds").and_then(Value::as_i64).unwrap_or(0);
    metadata::finalizers(object).is_empty() && metadata::is_deleting(old) && grace == 0
}

/// Stores the object, or removes it once nothing prevents that. Returns `None` after a concurrent write.
async fn commit(
    scope: &RequestScope,
    options: &WriteOptions,
    (object, managed_fields): (Value, ManagedFields),
    old: &Value,
    current: &Arc<Object>,
) -> Result<Option<Arc<Object>>, ApiError> {
    let gone = removes_object(scope, &object, old);
    // What is removed is answered in the version of the request, not converted to the storage version and back.
    let removed = gone.then(|| Content { value: object.clone(), managed_fields: managed_fields.clone() });
    let content = Content { value: scope.state.stored(&scope.resource, object).await?, managed_fields };
    if options.dry_run {
        return Ok(Some(Arc::new(Object::uncommitted(content))));
    }
    // A deletion shows the object as it was stored. Only the response shows the change that removed the finalizer.
    let (change, answer) = match removed {
        Some(removed) => {
            (Change::Delete(current.content().clone()), Some(Arc::new(Object::uncommitted(removed))))
        }
        None => (Change::Put(content), None),
    };
    let write = Write { key: scope.key(), expect: Expect::At(current.revision()), change };
    match scope.state.commit(vec![write]) {
        Ok(events) => Ok(Some(answer.unwrap_or_else(|| Arc::clone(&events[0].new)))),
        Err(CommitError::Changed(_) | CommitError::Exists(_)) => Ok(None),
    }
}
