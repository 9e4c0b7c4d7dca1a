//! POST to a collection.

use std::sync::Arc;

use serde_json::Value;

use super::metadata;
use super::scope::{Scope, SnapshotPeers};
use super::update::Made;
use crate::admission::attributes::Operation;
use crate::endpoint::options::WriteOptions;
use crate::endpoint::response::Reply;
use crate::error::ApiError;
use crate::kinds::pod_spec::disabled::drop_disabled;
use crate::object::apply::managed_fields::ManagedFields;
use crate::object::meta;
use crate::registry::custom::establish;
use crate::store::{Change, CommitError, Content, Expect, Key, Object, Snapshot, Write};

/// Where definitions are stored, under the storage keys of their objects.
const DEFINITIONS: &str = "customresourcedefinitions.apiextensions.k8s.io";

/// How often a generated name that is taken is replaced by another (apiserver's registry, since Kubernetes 1.32).
const NAME_ATTEMPTS: usize = 8;

pub(crate) fn create(scope: &mut Scope<'_>) -> Result<Reply, ApiError> {
    let options = WriteOptions::parse(&scope.query, "CreateOptions")?;
    let object = scope.intake(options.field_validation)?;
    let created = create_object(scope, Made::Updated(object), &options)?;
    scope.reply(201, &created)
}

/// Creates a decoded object: also what an update does that creates.
pub(crate) fn create_object(
    scope: &mut Scope<'_>,
    made: Made,
    options: &WriteOptions,
) -> Result<Arc<Object>, ApiError> {
    let (mut object, given) = match made {
        Made::Updated(object) => (object, None),
        Made::Managed(object, managed_fields) => (object, Some(managed_fields)),
    };
    if scope.name.is_empty() {
        meta::text(&object, "name").clone_into(&mut scope.name);
    }
    meta::settle_namespace(&mut object, &scope.namespace)?;
    let revision = meta::text(&object, "resourceVersion").to_owned();
    if given.is_some() && !revision.is_empty() && revision.parse::<u64>().is_err() {
        return Err(ApiError::new(
            500,
            "",
            format!("strconv.ParseUint: parsing {revision:?}: invalid syntax"),
        ));
    }
    if !matches!(revision.as_str(), "" | "0") && !options.dry_run {
        return Err(ApiError::new(500, "", "resourceVersion should not be set on objects to be created"));
    }
    metadata::remove(&mut object, "resourceVersion");
    // A dry run of an apply that creates shows what the client said.
    let shown = Some(revision).filter(|revision| given.is_some() && options.dry_run && !revision.is_empty());
    let sent = ManagedFields::take(&mut object);
    meta::wipe_system_fields(&mut object);
    let managed_fields = given.unwrap_or_else(|| {
        let manager = scope.manager(options);
        scope.field_managers().created(&object, sent, &manager)
    });
    let generated = scope.name.is_empty() && !meta::text(&object, "generateName").is_empty();
    let attempts = if generated { NAME_ATTEMPTS } else { 1 };
    let mut last = None;
    let noticed = scope.warnings.borrow().len();
    for _ in 0..attempts {
        scope.warnings.borrow_mut().truncate(noticed);
        match attempt(scope, object.clone(), managed_fields.clone(), options) {
            Err(error) if generated && error.reason == "AlreadyExists" => {
                last = Some(error);
                scope.name.clear();
            }
            Ok(created) => return Ok(with_revision(created, shown)),
            other => return other,
        }
    }
    Err(last.expect("the loop ran, and only a taken name goes on"))
}

/// The object with the resourceVersion that a dry run shows, if it shows one.
fn with_revision(created: Arc<Object>, shown: Option<String>) -> Arc<Object> {
    let Some(revision) = shown else { return created };
    let mut content = created.content().clone();
    metadata::set(&mut content.value, "resourceVersion", revision.into());
    Arc::new(Object::unstored(content))
}

fn attempt(
    scope: &mut Scope<'_>,
    mut object: Value,
    managed_fields: ManagedFields,
    options: &WriteOptions,
) -> Result<Arc<Object>, ApiError> {
    let core = scope.core;
    let snapshot = core.store.snapshot();
    let now = core.clock.seconds();
    let user = Arc::clone(&scope.user);
    let peers = SnapshotPeers {
        snapshot: &snapshot,
        ids: &core.ids,
        user: &user,
        now: now.clone(),
        dry_run: options.dry_run,
    };
    let resource = Arc::clone(&scope.resource);
    refuse_while_terminating(scope, &snapshot)?;
    core.admission.admit(&scope.attributes(Operation::Create, None, &peers), &mut object)?;
    meta::begin(&mut object, &core.ids.uid(), &now);
    if scope.name.is_empty() {
        let base = meta::text(&object, "generateName");
        if !base.is_empty() {
            let name = generated(base, &core.ids.suffix());
            metadata::set(&mut object, "name", name.clone().into());
            scope.name = name;
        }
    }
    if resource.status_isolated
        && !resource.strategy.keeps_status_on_create()
        && let Some(map) = object.as_object_mut()
    {
        map.remove("status");
    }
    if resource.generation.starts_at_one() {
        metadata::set(&mut object, "generation", 1.into());
    }
    scope.warnings.borrow_mut().extend(resource.strategy.warnings_as_sent(&object));
    drop_disabled(&resource.group, &resource.plural, &mut object);
    resource.strategy.prepare_create(&mut object);
    super::intake::complete(&resource, &mut object);
    resource.strategy.stamp(&mut object, None, &now);
    resource.strategy.allocate(&mut object, None, &peers)?;
    scope.check_create(&object)?;
    scope.warnings.borrow_mut().extend(resource.strategy.warnings(&object, None));
    core.admission.validate(&scope.attributes(Operation::Create, None, &peers), &object)?;
    let content = Content { value: core.stored(&resource, object)?, managed_fields };
    if options.dry_run {
        if let Some(existing) = snapshot.get(&scope.key()) {
            return Err(taken(scope, meta::is_deleting(existing.value())));
        }
        return Ok(Arc::new(Object::unstored(content)));
    }
    let write = Write { key: scope.key(), expect: Expect::Absent, change: Change::Put(content) };
    match core.commit(vec![write]) {
        Ok(events) => Ok(Arc::clone(&events[0].new)),
        Err(CommitError::Exists(key) | CommitError::Changed(key)) => {
            let existing = core.store.snapshot().get(&key).cloned();
            Err(taken(scope, existing.is_some_and(|o| meta::is_deleting(o.value()))))
        }
    }
}

/// 403 for a new custom resource whose definition is being deleted and waits for the objects that are left.
fn refuse_while_terminating(scope: &Scope<'_>, snapshot: &Snapshot) -> Result<(), ApiError> {
    let resource = &scope.resource;
    if resource.is_builtin() {
        return Ok(());
    }
    let definition = Key::new(DEFINITIONS, "", &resource.storage.key);
    if snapshot.get(&definition).is_some_and(|found| establish::is_true(found.value(), "Terminating")) {
        let why = "create not allowed while custom resource definition is terminating";
        return Err(ApiError::forbidden(&resource.group, &resource.plural, &scope.name, why));
    }
    Ok(())
}

/// apiserver's `SimpleNameGenerator`: the base is cut so that the whole fits a label.
fn generated(base: &str, suffix: &str) -> String {
    const LONGEST: usize = 63;
    let room = LONGEST - suffix.len();
    let cut = (0..=room.min(base.len())).rev().find(|at| base.is_char_boundary(*at)).unwrap_or(0);
    format!("{}{suffix}", &base[..cut])
}

fn taken(scope: &Scope<'_>, deleting: bool) -> ApiError {
    let mut error = ApiError::already_exists(&scope.resource.group, &scope.resource.plural, &scope.name);
    if deleting {
        error.message = format!("object is being deleted: {}", error.message);
    }
    error
}
