//! The field manager: managed fields after each write, and objects after an apply.
//!
//! The steps and their order are those of apimachinery's `managedfields` (Kubernetes 1.37): managed fields in the
//! request, `before-first-apply`, the cap of update managers, times, and untracked fields.

use std::sync::{Arc, LazyLock};

use serde_json::Value;

use super::conflict::{self, Conflict};
use super::field_set::FieldSet;
use super::last_applied;
use super::managed_fields::{ManagedFields, ManagedFieldsEntry, Manager, Operation, RequestManagedFields};
use super::updater::{UpdateError, Updater, Versions, updating};
use super::validate::validate;
use crate::error::ApiError;
use crate::object::decode::scalar;
use crate::object::go_format::shown_kind;
use crate::object::view::metadata;

/// Maximum number of update entries of an object; above it, the oldest are merged.
const UPDATE_MANAGERS: usize = 10;
const OLDEST: &str = "ancient-changes";
const BEFORE_APPLY: &str = "before-first-apply";
/// The manager whose applies update kubectl's last-applied annotation.
const KUBECTL: &str = "kubectl";

/// Fields that are never tracked.
static UNTRACKED: LazyLock<FieldSet> = LazyLock::new(|| {
    let metadata = [
        "name",
        "namespace",
        "creationTimestamp",
        "selfLink",
        "uid",
        "clusterName",
        "generation",
        "managedFields",
        "resourceVersion",
    ];
    let mut untracked = FieldSet::of_fields(&[&["apiVersion"], &["kind"], &["metadata"]]);
    for field in metadata {
        untracked = untracked.union(&FieldSet::of_fields(&[&["metadata", field]]));
    }
    untracked
});

/// The field manager of one kind and subresource, at a time.
pub(crate) struct FieldManager<'v> {
    pub(crate) versions: &'v dyn Versions,
    pub(crate) api_version: &'v str,
    pub(crate) kind: &'v str,
    /// Empty for the main resource.
    pub(crate) subresource: &'v str,
    /// The time of the write: RFC 3339, whole seconds, UTC.
    pub(crate) now: &'v str,
}

/// The stored object before a write.
pub(crate) struct Live<'o> {
    /// In the version of the write; an empty object on create.
    pub(crate) object: &'o Value,
    pub(crate) managed_fields: &'o ManagedFields,
}

impl Live<'_> {
    fn exists(&self) -> bool {
        !metadata::uid(self.object).is_empty()
    }
}

/// The result of an apply.
pub(crate) struct Applied {
    pub(crate) object: Value,
    pub(crate) managed_fields: ManagedFields,
}

/// Failure of an apply.
#[derive(Debug)]
pub(crate) enum ApplyError {
    Conflicts(Vec<Conflict>),
    BadRequest(String),
    Other(String),
}

impl From<ApplyError> for ApiError {
    fn from(error: ApplyError) -> Self {
        match error {
            ApplyError::Conflicts(conflicts) => conflict::error(&conflicts),
            ApplyError::BadRequest(message) => Self::bad_request(message),
            // The server gives this error no reason.
            ApplyError::Other(message) => Self::new(500, "", message),
        }
    }
}

impl FieldManager<'_> {
    /// The managed fields after a create, update or patch. On an error, the stored ones are kept.
    pub(crate) fn update(
        &self,
        live: &Live<'_>,
        new: &Value,
        sent: RequestManagedFields,
        manager: &str,
    ) -> ManagedFields {
        let before = match sent {
            RequestManagedFields::Reset if self.subresource.is_empty() => ManagedFields::default(),
            // Most clients send back the entries that they received, which are shared with the stored object.
            RequestManagedFields::Entries(entries)
                if self.subresource.is_empty() && entries != *live.managed_fields =>
            {
                entries
            }
            // A write to a subresource does not change them.
            RequestManagedFields::Reset
            | RequestManagedFields::Entries(_)
            | RequestManagedFields::Nothing => live.managed_fields.clone(),
        };
        if before.is_empty() && live.exists() {
            return before;
        }
        let made = self.updated(live.object, new, before.by_manager(), manager);
        made.map_or_else(|_| live.managed_fields.clone(), ManagedFields::sorted)
    }

    fn updated(
        &self,
        live: &Value,
        new: &Value,
        mut entries: Vec<ManagedFieldsEntry>,
        manager: &str,
    ) -> Result<Vec<ManagedFieldsEntry>, UpdateError> {
        // Objects of a Go type are valid by decoding.
        if !self.versions.have_go_types() {
            for object in [new, live] {
                self.check(object, true).map_err(UpdateError::Other)?;
            }
        }
        let manager = updating(manager, self.api_version, self.subresource);
        let mut changed = self.updater().update(live, new, &mut entries, &manager)?;
        changed.remove_all(&UNTRACKED);
        if !changed.is_empty() {
            match entries.iter_mut().find(|entry| entry.manager.is(&manager)) {
                Some(entry) => {
                    if !entry.fields.contains(&changed) {
                        entry.fields = Arc::new(entry.fields.union(&changed).into());
                    }
                    entry.time = Some(self.now.into());
                }
                None => {
                    entries.push(ManagedFieldsEntry {
                        manager,
                        time: Some(self.now.into()),
                        fields: Arc::new(changed.into()),
                    });
                }
            }
        }
        cap(&mut entries);
        Ok(entries)
    }

    fn updater(&self) -> Updater<'_> {
        Updater { versions: self.versions, api_version: self.api_version }
    }

    fn check(&self, object: &Value, duplicates: bool) -> Result<(), String> {
        let Some(value_type) = self.versions.type_of(self.api_version)? else {
            return Err(format!("no corresponding type for {}", self.api_version));
        };
        validate(object, value_type, duplicates).map_err(|errors| errors.to_string())
    }

    /// Applies a configuration, as the client sent it, not decoded.
    pub(crate) fn apply(
        &self,
        live: &Live<'_>,
        config: &Value,
        manager: &str,
        force: bool,
    ) -> Result<Applied, ApplyError> {
        self.check_kind(config)?;
        let mut applied = match self.applied(live, config, manager, force) {
            Err(ApplyError::Conflicts(conflicts)) if manager == KUBECTL => {
                let value_type = self.versions.type_of(self.api_version).map_err(ApplyError::Other)?;
                let allowed = value_type
                    .and_then(|value_type| last_applied::fields(live.object, self.api_version, value_type));
                let Some(allowed) = allowed else { return Err(ApplyError::Conflicts(conflicts)) };
                let left: Vec<Conflict> =
                    conflicts.into_iter().filter(|conflict| !allowed.has(&conflict.path)).collect();
                if !left.is_empty() {
                    return Err(ApplyError::Conflicts(left));
                }
                self.applied(live, config, manager, true)?
            }
            other => other?,
        };
        if manager == KUBECTL {
            last_applied::refresh(&mut applied.object, config);
        }
        Ok(applied)
    }

    /// 400 for a configuration of another kind.
    pub(crate) fn check_kind(&self, config: &Value) -> Result<(), ApplyError> {
        let text = |key: &str| config.get(key).and_then(Value::as_str).unwrap_or_default();
        if text("apiVersion") == self.api_version && text("kind") == self.kind {
            return Ok(());
        }
        let malformed = text("apiVersion").matches('/').count() > 1;
        let kind = if malformed { shown_kind("", "") } else { shown_kind(text("apiVersion"), text("kind")) };
        Err(ApplyError::BadRequest(format!("invalid object type: {kind}")))
    }

    fn applied(
        &self,
        live: &Live<'_>,
        config: &Value,
        manager: &str,
        force: bool,
    ) -> Result<Applied, ApplyError> {
        let mut entries = live.managed_fields.by_manager();
        if entries.is_empty() && live.exists() {
            let empty = self.versions.empty(self.api_version);
            entries = self.updated(&empty, live.object, entries, BEFORE_APPLY).map_err(|error| {
                ApplyError::Other(format!("failed to create manager for existing fields: {}", text_of(error)))
            })?;
        }
        let sent = config.pointer("/metadata/managedFields").and_then(Value::as_array);
        if sent.is_some_and(|entries| entries.iter().all(is_readable_entry)) {
            return Err(ApplyError::BadRequest("metadata.managedFields must be nil".to_owned()));
        }
        let about = |what: &str, object: &Value, why: String| {
            let place = metadata::place(object);
            let kind = shown_kind(self.api_version, self.kind);
            ApplyError::Other(format!("failed to create typed {what} object ({place}; {kind}): {why}"))
        };
        self.check(config, false).map_err(|why| about("patch", config, why))?;
        self.check(live.object, true).map_err(|why| about("live", live.object, why))?;
        let manager = Manager {
            name: manager.into(),
            operation: Operation::Apply,
            api_version: self.api_version.into(),
            subresource: self.subresource.into(),
        };
        let new = self.updater().apply(live.object, config, &mut entries, &manager, force);
        let new = new.map_err(|error| match error {
            UpdateError::Conflicts(conflicts) => ApplyError::Conflicts(conflicts),
            UpdateError::Other(why) => ApplyError::Other(why),
        })?;
        if let Some(at) = entries.iter().position(|entry| entry.manager.is(&manager)) {
            let fields = entries[at].fields.difference(&UNTRACKED);
            if fields.is_empty() {
                entries.remove(at);
            } else {
                entries[at].fields = Arc::new(fields.into());
                // An apply that changes no value keeps its time; a new manager that changes no value has no time.
                if new.is_some() {
                    entries[at].time = Some(self.now.into());
                }
            }
        }
        let object = new.unwrap_or_else(|| live.object.clone());
        Ok(Applied { object, managed_fields: ManagedFields::sorted(entries) })
    }
}

/// True if Go's converter reads the value as an entry of `managedFields`; the server takes unreadable ones for none.
fn is_readable_entry(entry: &Value) -> bool {
    let Some(fields) = entry.as_object() else { return false };
    let is_text = |name: &str| fields.get(name).is_none_or(|value| value.is_string() || value.is_null());
    ["manager", "operation", "apiVersion", "fieldsType", "subresource", "time"].into_iter().all(is_text)
        && fields.get("time").and_then(Value::as_str).is_none_or(|text| scalar::time(text).is_ok())
}

fn text_of(error: UpdateError) -> String {
    match error {
        UpdateError::Conflicts(conflicts) => format!("{} conflicts", conflicts.len()),
        UpdateError::Other(why) => why,
    }
}

/// Merges the oldest update entries by version, until there are at most ten.
fn cap(entries: &mut Vec<ManagedFieldsEntry>) {
    let is_update = |entry: &ManagedFieldsEntry| entry.manager.operation == Operation::Update;
    let mut count = entries.iter().filter(|entry| is_update(entry)).count();
    if count <= UPDATE_MANAGERS {
        return;
    }
    let mut oldest: Vec<Manager> =
        entries.iter().filter(|entry| is_update(entry)).map(|entry| entry.manager.clone()).collect();
    let time_of = |entries: &[ManagedFieldsEntry], manager: &Manager| {
        entries.iter().find(|entry| entry.manager.is(manager)).and_then(|entry| entry.time.clone())
    };
    oldest.sort_by_cached_key(|manager| (time_of(entries, manager).unwrap_or_default(), manager.identity()));
    let mut first: Vec<Manager> = Vec::new();
    for manager in oldest {
        if count <= UPDATE_MANAGERS {
            return;
        }
        let Some(kept) = first.iter().find(|kept| kept.api_version == manager.api_version).cloned() else {
            first.push(manager);
            continue;
        };
        let bucket = Manager { name: OLDEST.into(), subresource: "".into(), ..manager.clone() };
        if !entries.iter().any(|entry| entry.manager.is(&bucket))
            && let Some(entry) = entries.iter_mut().find(|entry| entry.manager.is(&kept))
        {
            entry.manager = bucket.clone();
        }
        let Some(at) = entries.iter().position(|entry| entry.manager.is(&manager)) else { continue };
        let merged = entries.remove(at);
        if let Some(entry) = entries.iter_mut().find(|entry| entry.manager.is(&bucket)) {
            entry.fields = Arc::new(merged.fields.union(&entry.fields).into());
            entry.time = merged.time;
        }
        count -= 1;
    }
}
