//! Ownership of fields after a write: structured-merge-diff's `merge.Updater`.

use std::sync::Arc;

use serde_json::Value;

use super::compare::{Comparison, compare};
use super::conflict::Conflict;
use super::field_set::FieldSet;
use super::field_set_of::field_set_of;
use super::managed_fields::{ManagedFieldsEntry, Manager, Operation};
use super::merge::merge;
use super::path_element::equal;
use super::reconcile::reconcile;
use super::remove::remove;
use super::validate::{TypeErrors, validate};
use super::value_type::ValueType;

/// The versions of one kind: types, and conversion of objects.
pub(crate) trait Versions {
    /// The type of objects in an `apiVersion`. `None` if the version does not exist (any more) and its entries are to
    /// be removed; an error if the write must fail.
    fn type_of(&self, api_version: &str) -> Result<Option<ValueType<'_>>, String>;
    /// True if objects are decoded as Go types, which guarantees the types of values.
    fn have_go_types(&self) -> bool {
        false
    }
    /// Converts an object to another version.
    fn convert(&self, object: &Value, api_version: &str) -> Result<Value, String>;
    /// An empty object of the version.
    fn empty(&self, api_version: &str) -> Value;
    /// Fields that a write through the subresource never changes.
    fn reset_fields(&self, api_version: &str) -> Option<&FieldSet>;
}

/// Failure to compute managed fields.
#[derive(Debug)]
pub(super) enum UpdateError {
    Conflicts(Vec<Conflict>),
    Other(String),
}

impl UpdateError {
    fn because(what: &str) -> impl FnOnce(TypeErrors) -> Self + '_ {
        move |errors| Self::Other(format!("{what}: {errors}"))
    }
}

/// The manager of a write.
#[derive(Clone, Copy)]
enum Writer<'m> {
    Applier(&'m Manager),
    Updater(&'m Manager),
}

/// The state of a write: its version, and the entries so far.
pub(super) struct Updater<'v> {
    pub(super) versions: &'v dyn Versions,
    pub(super) api_version: &'v str,
}

impl Updater<'_> {
    fn value_type(&self) -> Result<ValueType<'_>, UpdateError> {
        let found = self.versions.type_of(self.api_version).map_err(UpdateError::Other)?;
        found.ok_or_else(|| UpdateError::Other(format!("no corresponding type for {}", self.api_version)))
    }

    /// The entries after a create, update or patch. The manager owns the changed fields; others lose them.
    pub(super) fn update(
        &self,
        live: &Value,
        new: &Value,
        entries: &mut Vec<ManagedFieldsEntry>,
        manager: &Manager,
    ) -> Result<FieldSet, UpdateError> {
        self.reconcile(live, entries)?;
        let comparison = self.take(live, new, entries, Writer::Updater(manager), true)?;
        Ok(comparison.modified.into_union(comparison.added))
    }

    /// The object with the applied configuration; `None` if it is unchanged.
    pub(super) fn apply(
        &self,
        live: &Value,
        config: &Value,
        entries: &mut Vec<ManagedFieldsEntry>,
        manager: &Manager,
        force: bool,
    ) -> Result<Option<Value>, UpdateError> {
        let value_type = self.value_type()?;
        self.reconcile(live, entries)?;
        let merged =
            merge(live, config, value_type).map_err(UpdateError::because("failed to merge config"))?;
        let owned =
            field_set_of(config, value_type).map_err(UpdateError::because("failed to get field set"))?;
        let owned = match self.versions.reset_fields(self.api_version) {
            Some(reset) => owned.recursive_difference(reset),
            None => owned,
        };
        let last = replace(entries, manager, owned);
        let new = match last.filter(|last| !last.fields.is_empty()) {
            Some(last) => self
                .prune(&merged, entries, manager, &last)
                .map_err(|why| UpdateError::Other(format!("failed to prune fields: {why}")))?,
            None => merged,
        };
        self.take(live, &new, entries, Writer::Applier(manager), force)?;
        Ok((!equal(live, &new)).then_some(new))
    }

    /// Compares the objects, and removes changed and removed fields from all managers but the writer: the fields of an
    /// applier are known, and an updater owns what it changes.
    fn take(
        &self,
        live: &Value,
        new: &Value,
        entries: &mut Vec<ManagedFieldsEntry>,
        writer: Writer<'_>,
        force: bool,
    ) -> Result<Comparison, UpdateError> {
        let failed = "failed to compare objects";
        let here = compare(live, new, self.value_type()?).map_err(UpdateError::because(failed))?;
        let here = self.filtered(here, self.api_version);
        let mut others: Vec<(&str, Option<Comparison>)> = Vec::new();
        let versions: Vec<String> =
            entries.iter().map(|entry| entry.manager.api_version.to_string()).collect();
        for version in versions.iter().filter(|version| **version != self.api_version) {
            if others.iter().all(|(known, _)| known != version) {
                others.push((version, self.compare_in(live, new, version)?));
            }
        }
        let of = |version: &str| {
            if version == self.api_version {
                return Some(&here);
            }
            others.iter().find(|(known, _)| *known == version).and_then(|(_, found)| found.as_ref())
        };
        let is_applier =
            |entry: &ManagedFieldsEntry| matches!(writer, Writer::Applier(own) if entry.manager.is(own));
        let is_updater =
            |entry: &ManagedFieldsEntry| matches!(writer, Writer::Updater(own) if entry.manager.is(own));
        // Entries of versions that are no longer served are removed.
        entries.retain(|entry| is_applier(entry) || of(&entry.manager.api_version).is_some());
        let mut conflicts = Vec::new();
        let mut left = Vec::with_capacity(entries.len());
        for entry in entries.iter() {
            let Some(comparison) = of(&entry.manager.api_version).filter(|_| !is_applier(entry)) else {
                left.push(None);
                continue;
            };
            let conflict = if is_updater(entry) {
                FieldSet::default()
            } else {
                let modified = entry.fields.intersection(&comparison.modified);
                modified.into_union(entry.fields.intersection(&comparison.added))
            };
            if !force {
                let paths = conflict.paths().into_iter();
                conflicts.extend(paths.map(|path| Conflict { manager: entry.manager.clone(), path }));
            }
            let removed = entry.fields.intersection(&comparison.removed);
            // Most entries are not affected by most writes.
            let touched = !(conflict.is_empty() && removed.is_empty());
            left.push(touched.then(|| entry.fields.difference(&conflict).difference(&removed)));
        }
        if !conflicts.is_empty() {
            conflicts.sort_by_cached_key(|conflict| conflict.manager.identity());
            return Err(UpdateError::Conflicts(conflicts));
        }
        for (entry, fields) in entries.iter_mut().zip(left) {
            if let Some(fields) = fields {
                entry.fields = Arc::new(fields.into());
            }
        }
        entries.retain(|entry| !entry.fields.is_empty());
        Ok(here)
    }

    fn filtered(&self, comparison: Comparison, api_version: &str) -> Comparison {
        match self.versions.reset_fields(api_version) {
            Some(reset) => comparison.excluding(reset),
            None => comparison,
        }
    }

    /// The comparison in another version; `None` if that is not served.
    fn compare_in(
        &self,
        live: &Value,
        new: &Value,
        version: &str,
    ) -> Result<Option<Comparison>, UpdateError> {
        let found = self.versions.type_of(version).map_err(UpdateError::Other)?;
        let Some(value_type) = found else { return Ok(None) };
        let convert = |object: &Value, which: &str| {
            let converted = self.in_version(object, self.api_version, version);
            converted.map_err(|why| UpdateError::Other(format!("failed to convert {which} object: {why}")))
        };
        let (live, new) = (convert(live, "old")?, convert(new, "new")?);
        let found = compare(&live, &new, value_type);
        let found = found.map_err(UpdateError::because("failed to compare objects"))?;
        Ok(Some(self.filtered(found, version)))
    }

    /// Reconciles the entries with the current schema.
    fn reconcile(&self, live: &Value, entries: &mut Vec<ManagedFieldsEntry>) -> Result<(), UpdateError> {
        let mut kept: Vec<ManagedFieldsEntry> = Vec::with_capacity(entries.len());
        for mut entry in std::mem::take(entries) {
            let version = &entry.manager.api_version;
            // Entries of unknown versions are removed.
            let found = self.versions.type_of(version).map_err(UpdateError::Other)?;
            let Some(value_type) = found else { continue };
            let known = |other: &ManagedFieldsEntry| other.manager.api_version == *version;
            if *version != self.api_version && !kept.iter().any(known) {
                self.in_version(live, self.api_version, version).map_err(UpdateError::Other)?;
            }
            if let Some(fields) = reconcile(&entry.fields, value_type) {
                entry.fields = Arc::new(fields.into());
            }
            kept.push(entry);
        }
        *entries = kept;
        Ok(())
    }

    /// Removes fields that the manager applied before but not now, unless another manager owns them.
    fn prune(
        &self,
        merged: &Value,
        entries: &[ManagedFieldsEntry],
        applier: &Manager,
        last: &ManagedFieldsEntry,
    ) -> Result<Value, String> {
        let version = last.manager.api_version.as_str();
        let Some(value_type) = self.versions.type_of(version)? else { return Ok(merged.clone()) };
        let merged = self
            .in_version(merged, self.api_version, version)
            .map_err(|why| format!("failed to convert merged object to last applied version: {why}"))?;
        let gone = last.fields.with_named_fields(value_type);
        let pruned = remove(&merged, &gone, value_type);
        let pruned = self
            .add_back_owned(&merged, pruned, version, entries)
            .map_err(|why| format!("failed add back owned items: {why}"))?;
        let pruned = add_back_dangling(&merged, &pruned, &last.fields, value_type)
            .map_err(|why| format!("failed add back dangling items: {why}"))?;
        debug_assert!(entries.iter().any(|entry| entry.manager.is(applier)), "the applier has an entry");
        self.in_version(&pruned, version, self.api_version)
    }

    fn in_version(&self, object: &Value, from: &str, to: &str) -> Result<Value, String> {
        if from == to {
            return Ok(object.clone());
        }
        let converted = self.versions.convert(object, to)?;
        if let Some(value_type) = self.versions.type_of(to)? {
            validate(&converted, value_type, false).map_err(|errors| errors.to_string())?;
        }
        Ok(converted)
    }

    /// Adds back fields that any manager owns.
    fn add_back_owned(
        &self,
        merged: &Value,
        pruned: Value,
        version: &str,
        entries: &[ManagedFieldsEntry],
    ) -> Result<Value, String> {
        let mut owned: Vec<(&str, FieldSet)> = Vec::new();
        for entry in entries {
            let of = entry.manager.api_version.as_str();
            match owned.iter_mut().find(|(known, _)| *known == of) {
                Some((_, fields)) => *fields = fields.union(&entry.fields),
                None => owned.push((of, (**entry.fields).clone())),
            }
        }
        // Fields in the version of the pruned object are first: a conversion may need them.
        owned.sort_by_key(|(of, _)| *of != version);
        let (mut merged, mut pruned, mut at) = (merged.clone(), pruned, version);
        for (of, fields) in owned {
            let Some(value_type) = self.versions.type_of(of)? else { continue };
            let convert = |object: &Value, which: &str| {
                let converted = self.in_version(object, at, of);
                converted.map_err(|why| format!("failed to convert {which} object at version {of}: {why}"))
            };
            (merged, pruned) = (convert(&merged, "merged")?, convert(&pruned, "pruned")?);
            at = of;
            let all = paths_of(&merged, value_type)?.with_named_fields(value_type);
            let kept = paths_of(&pruned, value_type)?.with_named_fields(value_type);
            let kept = kept.union(&fields.with_named_fields(value_type));
            pruned = remove(&merged, &all.difference(&kept), value_type);
        }
        self.in_version(&pruned, at, version)
    }
}

/// Replaces the manager's fields and keeps its time. Returns the previous entry.
fn replace(
    entries: &mut Vec<ManagedFieldsEntry>,
    manager: &Manager,
    fields: FieldSet,
) -> Option<ManagedFieldsEntry> {
    let entry = ManagedFieldsEntry { manager: manager.clone(), time: None, fields: Arc::new(fields.into()) };
    if let Some(known) = entries.iter_mut().find(|entry| entry.manager.is(manager)) {
        let time = known.time.clone();
        return Some(std::mem::replace(known, ManagedFieldsEntry { time, ..entry }));
    }
    entries.push(entry);
    None
}

fn paths_of(value: &Value, value_type: ValueType<'_>) -> Result<FieldSet, String> {
    field_set_of(value, value_type).map_err(|errors| format!("failed to create field set: {errors}"))
}

/// Adds back fields that the manager never owned, within fields that it owned.
fn add_back_dangling(
    merged: &Value,
    pruned: &Value,
    last: &FieldSet,
    value_type: ValueType<'_>,
) -> Result<Value, String> {
    let kept = paths_of(pruned, value_type)?.with_named_fields(value_type);
    let all = paths_of(merged, value_type)?.with_named_fields(value_type);
    let last = last.with_named_fields(value_type);
    Ok(remove(merged, &all.difference(&kept).intersection(&last), value_type))
}

/// The manager of a write other than an apply.
pub(super) fn updating(name: &str, api_version: &str, subresource: &str) -> Manager {
    Manager {
        name: if name.is_empty() { "unknown".into() } else { name.into() },
        operation: Operation::Update,
        api_version: api_version.into(),
        subresource: subresource.into(),
    }
}
