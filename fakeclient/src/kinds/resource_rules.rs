//! Rules of built-in kinds that no published document contains: field selectors, generation, status, scale, shared
//! storage.
//!
//! `data/rules.json` is hand-written, one line for each kind that differs from the default, compared with
//! kube-apiserver 1.37.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;

use crate::object::apply::field_set::FieldSet;
use crate::object::selector::field::SelectableField;
use crate::registry::resource::{Generation, ScalePaths};

/// The server's message for an unsupported field label, for kinds without a message of their own.
const UNSELECTABLE: &str =
    "\"{}\" is not a known field selector: only \"metadata.name\", \"metadata.namespace\"";

/// The rule of one kind.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub(crate) struct ResourceRule {
    generation: Option<GenerationEntry>,
    select: Option<Vec<SelectableEntry>>,
    unselectable: Option<String>,
    scale: Option<ScaleEntry>,
    /// Storage key, if another resource has the same objects.
    storage: Option<String>,
    /// Storage version, if several are served.
    storage_version: Option<String>,
    /// Dotted paths of the fields that a write through a subresource resets.
    reset: BTreeMap<String, Vec<String>>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
enum GenerationEntry {
    Spec,
    All,
    Once,
    SpecAndAnnotations,
    AllAndLabels,
    SpecAfterCreate,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
enum SelectableEntry {
    Path(String),
    FieldEntry(FieldEntry),
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct FieldEntry {
    label: String,
    paths: Vec<String>,
    #[serde(default)]
    absent: String,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ScaleEntry {
    spec: String,
    status: String,
    selector: Option<String>,
}

static RULES: LazyLock<BTreeMap<String, ResourceRule>> = LazyLock::new(|| {
    serde_json::from_str(include_str!("../../data/rules.json")).expect("data/rules.json is of this form")
});

/// The rule of a resource such as `deployments.apps`; the default without a line.
pub(crate) fn rule_of(group_resource: &str) -> ResourceRule {
    RULES.get(group_resource).cloned().unwrap_or_default()
}

/// All kinds with a line, to test their names.
#[cfg(test)]
pub(crate) fn resources_with_rules() -> impl Iterator<Item = &'static str> {
    RULES.keys().map(String::as_str)
}

impl ResourceRule {
    /// The generation rule.
    pub(crate) fn generation(&self) -> Generation {
        match self.generation {
            None => Generation::Never,
            Some(GenerationEntry::Spec) => Generation::Spec,
            Some(GenerationEntry::All) => Generation::AllButMetadata,
            Some(GenerationEntry::Once) => Generation::Once,
            Some(GenerationEntry::SpecAndAnnotations) => Generation::SpecAndAnnotations,
            Some(GenerationEntry::AllAndLabels) => Generation::ContentAndLabels,
            Some(GenerationEntry::SpecAfterCreate) => Generation::SpecAfterCreate,
        }
    }

    /// The supported field labels.
    pub(crate) fn selectable_fields(&self) -> Vec<SelectableField> {
        let Some(select) = &self.select else {
            return vec![SelectableField::at("metadata.name"), SelectableField::at("metadata.namespace")];
        };
        select.iter().map(SelectableEntry::field).collect()
    }

    /// The message for an unsupported field label.
    pub(crate) fn unselectable(&self) -> String {
        self.unselectable.as_deref().unwrap_or(UNSELECTABLE).to_owned()
    }

    /// Paths of the scale subresource.
    pub(crate) fn scale(&self) -> Option<ScalePaths> {
        self.scale.as_ref().map(|scale| ScalePaths {
            spec_replicas: scale.spec.clone(),
            status_replicas: scale.status.clone(),
            label_selector: scale.selector.clone(),
        })
    }

    /// Fields that a write to the object, or through a subresource, resets (`GetResetFields` of kube-apiserver's
    /// strategies): the status for the object, all but the status for `status`.
    pub(crate) fn reset_fields(&self, has_status: bool) -> Vec<(String, FieldSet)> {
        let mut reset: BTreeMap<&str, FieldSet> = BTreeMap::new();
        if has_status {
            reset.insert("", FieldSet::of_fields(&[&["status"]]));
            reset.insert("status", FieldSet::of_fields(&[&["spec"]]));
        }
        for (subresource, paths) in &self.reset {
            let paths: Vec<Vec<&str>> = paths.iter().map(|path| path.split('.').collect()).collect();
            let paths: Vec<&[&str]> = paths.iter().map(Vec::as_slice).collect();
            reset.insert(subresource, FieldSet::of_fields(&paths));
        }
        reset.into_iter().map(|(subresource, fields)| (subresource.to_owned(), fields)).collect()
    }

    /// Storage key, if it is not the resource's own.
    pub(crate) fn storage(&self) -> Option<&str> {
        self.storage.as_deref()
    }

    /// Storage version, if several are served.
    pub(crate) fn storage_version(&self) -> Option<&str> {
        self.storage_version.as_deref()
    }
}

impl SelectableEntry {
    fn field(&self) -> SelectableField {
        match self {
            Self::Path(path) => SelectableField::at(path),
            Self::FieldEntry(field) => SelectableField {
                label: field.label.clone(),
                paths: field.paths.clone(),
                absent: field.absent.clone(),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn default_rule_selects_name_and_namespace_without_generation() {
        let rule = rule_of("configmaps");
        let labels: Vec<String> = rule.selectable_fields().into_iter().map(|f| f.label).collect();
        assert_eq!(labels, ["metadata.name", "metadata.namespace"]);
        assert_eq!(rule.generation(), Generation::Never);
    }

    #[test]
    fn job_selects_successful_from_succeeded_with_default_zero() {
        let fields = rule_of("jobs.batch").selectable_fields();
        let successful = fields.iter().find(|f| f.label == "status.successful").unwrap();
        assert_eq!(successful.paths, ["status.succeeded"]);
        assert_eq!(successful.absent, "0");
    }
}
