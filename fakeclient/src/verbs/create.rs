//! Create of an object: admission, name, defaults, allocation, validation, commit.

use crate::object::system_fields;
use std::sync::Arc;

use serde_json::Value;

use super::options::WriteOptions;
use super::outcome::ServedObject;
use super::scope::RequestScope;
use super::update::{Part, Proposed};
use crate::admission::attributes::Operation;
use crate::error::ApiError;
use crate::object::apply::managed_fields::ManagedFields;
use crate::object::view::metadata;
use crate::registry::custom::{DEFINITIONS, establish};
use crate::store::{Change, CommitError, Content, Expect, Key, Object, Snapshot, Write};

/// Attempts to find a generated name that is free (apiserver's `generic/registry`, since Kubernetes 1.32).
const NAME_ATTEMPTS: usize = 8;

/// Creates a decoded object. Also called by an update or an apply whose object does not exist.
pub(crate) async fn create(
    scope: &mut RequestScope,
    proposed: Proposed,
    options: &WriteOptions,
) -> Result<ServedObject, ApiError> {
    let created = create_object(scope, proposed, options).await?;
    Ok(scope.served(created).await?)
}

async fn create_object(
    scope: &mut RequestScope,
    proposed: Proposed,
    options: &WriteOptions,
) -> Result<Arc<Object>, ApiError> {
    let (mut object, applied_fields) = match proposed {
        Proposed::Object(object) => (object, None),
        Proposed::WithManagedFields(object, managed_fields) => (object, Some(managed_fields)),
    };
    if scope.name.is_empty() {
        metadata::text(&object, "name").clone_into(&mut scope.name);
    }
    system_fields::set_namespace(&mut object, &scope.namespace)?;
    let revision = metadata::text(&object, "resourceVersion").to_owned();
    if applied_fields.is_some() && !revision.is_empty() && revision.parse::<u64>().is_err() {
        return Err(ApiError::new(
            500,
            "",
            format!("strconv.ParseUint: parsing {revision:?}: invalid syntax"),
        ));
    }
    // A text that is no number is ignored. An apply creates by a guaranteed update, which ignores a number, too.
    let says_revision = revision.parse::<u64>().is_ok_and(|revision| revision != 0);
    if applied_fields.is_none() && says_revision && !options.dry_run {
        return Err(ApiError::new(500, "", "resourceVersion should not be set on objects to be created"));
    }
    metadata::remove(&mut object, "resourceVersion");
    // The response of a dry run shows the client's resourceVersion.
    let response_version = Some(revision).filter(|revision| options.dry_run && !revision.is_empty());
    let client_fields = ManagedFields::take(&mut object, &ManagedFields::default());
    system_fields::wipe_system_fields(&mut object);
    let managed_fields = applied_fields.unwrap_or_else(|| {
        scope.field_managers().created(Part::Main, &object, client_fields, &options.field_manager)
    });
    let generated = scope.name.is_empty() && !metadata::text(&object, "generateName").is_empty();
    let warnings_before = scope.warnings.len();
    // Only a generated name is tried again; the last attempt's error is the answer.
    let retries = if generated { NAME_ATTEMPTS - 1 } else { 0 };
    for _ in 0..retries {
        match try_create(scope, object.clone(), managed_fields.clone(), options).await {
            Err(error) if error.reason == "AlreadyExists" => scope.name.clear(),
            Ok(created) => return Ok(with_response_version(created, response_version)),
            other => return other,
        }
        scope.warnings.truncate(warnings_before);
    }
    try_create(scope, object, managed_fields, options)
        .await
        .map(|created| with_response_version(created, response_version))
}

/// The created object, with the resourceVersion that the response of a dry run shows.
fn with_response_version(created: Arc<Object>, response_version: Option<String>) -> Arc<Object> {
    let Some(revision) = response_version else { return created };
    let mut content = created.content().clone();
    metadata::set(&mut content.value, "resourceVersion", revision.into());
    Arc::new(Object::uncommitted(content))
}

async fn try_create(
    scope: &mut RequestScope,
    mut object: Value,
    managed_fields: ManagedFields,
    options: &WriteOptions,
) -> Result<Arc<Object>, ApiError> {
    let state = Arc::clone(&scope.state);
    let resource = Arc::clone(&scope.resource);
    let snapshot = state.store.snapshot();
    refuse_while_terminating(scope, &snapshot)?;
    {
        let store_view = scope.store_view(&snapshot, options.dry_run);
        let attributes = scope.attributes(Operation::Create, None, &store_view);
        state.admission.admit(&attributes, &mut object).await?;
    }
    // A mutating webhook may have named the object.
    let named = metadata::name(&object);
    if !named.is_empty() && named != scope.name {
        named.clone_into(&mut scope.name);
    }
    system_fields::set_namespace(&mut object, &scope.namespace)?;
    let now = state.clock.seconds();
    system_fields::set_system_fields(&mut object, &state.ids.uid(), &now);
    if scope.name.is_empty() {
        let base = metadata::text(&object, "generateName");
        if !base.is_empty() {
            let name = generate_name(base, &state.ids.suffix());
            metadata::set(&mut object, "name", name.clone().into());
            scope.name = name;
        }
    }
    if resource.has_status_subresource
        && !resource.strategy.keeps_status_on_create()
        && let Some(map) = object.as_object_mut()
    {
        map.remove("status");
    }
    if resource.generation.starts_at_one() {
        metadata::set(&mut object, "generation", 1.into());
    }
    scope.warnings.extend(resource.strategy.warnings_before_prepare(&object));
    resource.strategy.drop_disabled_fields(&mut object);
    resource.strategy.prepare_create(&mut object);
    super::decode::default_after_prepare(&resource, &mut object);
    let store_view = scope.store_view(&snapshot, options.dry_run);
    resource.strategy.set_times(&mut object, None, &now);
    if scope.subresource.is_empty() {
        resource.strategy.allocate(&mut object, None, &store_view)?;
    }
    scope.check_create(&object)?;
    scope.warnings.extend(resource.strategy.warnings(&object, None));
    state.admission.validate(&scope.attributes(Operation::Create, None, &store_view), &object).await?;
    let content = Content { value: state.stored(&resource, object).await?, managed_fields };
    if options.dry_run {
        if let Some(existing) = snapshot.get(&scope.key()) {
            return Err(name_in_use(scope, metadata::is_deleting(existing.value())));
        }
        return Ok(Arc::new(Object::uncommitted(content)));
    }
    let write = Write { key: scope.key(), expect: Expect::Absent, change: Change::Put(content) };
    match state.commit(vec![write]) {
        Ok(events) => Ok(Arc::clone(&events[0].new)),
        Err(CommitError::Exists(key) | CommitError::Changed(key)) => {
            let existing = state.store.snapshot().get(&key).cloned();
            Err(name_in_use(scope, existing.is_some_and(|o| metadata::is_deleting(o.value()))))
        }
    }
}

/// 403 for a custom resource whose definition is terminating.
fn refuse_while_terminating(scope: &RequestScope, snapshot: &Snapshot) -> Result<(), ApiError> {
    let resource = &scope.resource;
    if resource.is_builtin() {
        return Ok(());
    }
    let definition = Key::new(DEFINITIONS, "", &resource.storage.key);
    if snapshot.get(&definition).is_some_and(|found| establish::has_condition(found.value(), "Terminating")) {
        let why = "create not allowed while custom resource definition is terminating";
        return Err(ApiError::forbidden(&resource.group, &resource.plural, &scope.name, why));
    }
    Ok(())
}

/// apiserver's `SimpleNameGenerator`: truncates the base so that the name is at most 63 bytes.
fn generate_name(base: &str, suffix: &str) -> String {
    const LONGEST: usize = 63;
    let room = LONGEST - suffix.len();
    let cut = (0..=room.min(base.len())).rev().find(|at| base.is_char_boundary(*at)).unwrap_or(0);
    format!("{}{suffix}", &base[..cut])
}

fn name_in_use(scope: &RequestScope, deleting: bool) -> ApiError {
    let mut error = ApiError::already_exists(&scope.resource.group, &scope.resource.plural, &scope.name);
    if deleting {
        error.message = format!("object is being deleted: {}", error.message);
    }
    error
}
