//! Resources of the built-in kinds, parsed from the generated data once per process.
//!
//! Parsing is lazy: a fake cluster parses no columns before the first table, and schemas one component at a time
//! (`schemas.rs`).

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock, OnceLock};

use serde::Deserialize;

use super::resource_rules::{ResourceRule, rule_of};
use super::strategies::strategy_of;
use crate::error::qualified;
use crate::object::schema::resource_schema::ResourceSchema;
use crate::object::selector::field::SelectableFields;
use crate::object::table::printer::Column;
use crate::registry::lookup::BuiltinResources;
use crate::registry::resource::{Resource, Storage, Subresource};

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct ResourceEntry {
    group: String,
    version: String,
    plural: String,
    singular: String,
    kind: String,
    #[serde(default)]
    list_kind: String,
    namespaced: bool,
    #[serde(default)]
    short_names: Vec<String>,
    #[serde(default)]
    categories: Vec<String>,
    verbs: Vec<String>,
    #[serde(default)]
    subresources: Vec<SubresourceEntry>,
    #[serde(default)]
    storage_version_hash: String,
    #[serde(default)]
    delete_gives_object: bool,
    component: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SubresourceEntry {
    name: String,
    verbs: Vec<String>,
    kind: String,
    group: Option<String>,
    version: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ColumnEntry {
    name: String,
    #[serde(rename = "type", default = "string_type")]
    kind: String,
    #[serde(default)]
    format: String,
    #[serde(default)]
    priority: i64,
}

fn string_type() -> String {
    "string".to_owned()
}

/// The built-in resources, shared by all clusters of the process.
pub(crate) fn builtins() -> &'static BuiltinResources {
    static BUILTINS: LazyLock<BuiltinResources> = LazyLock::new(|| {
        let entries: Vec<ResourceEntry> = serde_json::from_str(include_str!("../../data/resources.json"))
            .expect("data/resources.json is of this form");
        let mut columns: BTreeMap<String, Vec<ColumnEntry>> =
            serde_json::from_str(include_str!("../../data/columns.json"))
                .expect("data/columns.json is of this form");
        BuiltinResources::new(
            entries.into_iter().map(|entry| Arc::new(entry.resource(&mut columns))).collect(),
        )
    });
    &BUILTINS
}

/// kube-apiserver 1.37's warning for a deprecated resource that is still served.
fn deprecation(group_resource: &str) -> Option<&'static str> {
    match group_resource {
        "endpoints" => Some("v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice"),
        "componentstatuses" => Some("v1 ComponentStatus is deprecated in v1.19+"),
        _ => None,
    }
}

impl ResourceEntry {
    fn resource(self, columns: &mut BTreeMap<String, Vec<ColumnEntry>>) -> Resource {
        let group_resource = qualified(&self.group, &self.plural);
        let rule = rule_of(&group_resource);
        let columns = columns.remove(&format!("{group_resource}/{}", self.version)).unwrap_or_default();
        let subresources: Vec<Subresource> =
            self.subresources.into_iter().map(|s| s.subresource(&self.group, &self.version)).collect();
        let has_status = subresources.iter().any(|s| s.name == "status");
        Resource {
            storage: storage(&rule, &self.group, &self.version, &group_resource),
            strategy: strategy_of(&group_resource),
            schema: ResourceSchema::Builtin { component: self.component },
            storage_version_hash: self.storage_version_hash,
            selectable: SelectableFields { fields: rule.selectable_fields(), refusal: rule.unselectable() },
            reset: rule.reset_fields(has_status),
            generation: rule.generation(),
            has_status_subresource: has_status,
            columns: columns.into_iter().map(ColumnEntry::column).collect(),
            scale: rule.scale(),
            delete_gives_object: self.delete_gives_object,
            deprecation: deprecation(&group_resource).map(str::to_owned),
            empty: OnceLock::new(),
            document: None,
            group: self.group,
            version: self.version,
            plural: self.plural,
            singular: self.singular,
            kind: self.kind,
            list_kind: self.list_kind,
            namespaced: self.namespaced,
            short_names: self.short_names,
            categories: self.categories,
            verbs: self.verbs,
            subresources,
        }
    }
}

/// The storage of a resource. A rule with another group's storage key also stores that group's version.
fn storage(rule: &ResourceRule, group: &str, version: &str, group_resource: &str) -> Storage {
    match rule.storage() {
        Some(key) => Storage { key: key.to_owned(), group: String::new(), version: "v1".to_owned() },
        None => Storage {
            key: group_resource.to_owned(),
            group: group.to_owned(),
            version: rule.storage_version().unwrap_or(version).to_owned(),
        },
    }
}

impl SubresourceEntry {
    /// A kind without group and version has those of its parent.
    fn subresource(self, group: &str, version: &str) -> Subresource {
        Subresource {
            name: self.name,
            verbs: self.verbs,
            kind: self.kind,
            version: self.version.unwrap_or_else(|| version.to_owned()),
            group: self.group.unwrap_or_else(|| group.to_owned()),
        }
    }
}

impl ColumnEntry {
    fn column(self) -> Column {
        Column {
            name: self.name,
            kind: self.kind,
            format: self.format,
            priority: self.priority,
            ..Column::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::kinds::resource_rules;

    fn find(group: &str, version: &str, plural: &str) -> Arc<Resource> {
        crate::kinds::registry().resource(group, version, plural).expect("the resource is built in")
    }

    #[test]
    fn deployment_has_complete_data() {
        let deployment = find("apps", "v1", "deployments");
        assert_eq!(deployment.kind, "Deployment");
        assert_eq!(deployment.list_kind, "DeploymentList");
        assert_eq!(deployment.short_names, ["deploy"]);
        assert!(deployment.namespaced && deployment.has_status_subresource);
        let scale = deployment.subresource("scale").unwrap();
        assert_eq!((&*scale.group, &*scale.version, &*scale.kind), ("autoscaling", "v1", "Scale"));
        let status = deployment.subresource("status").unwrap();
        assert_eq!((&*status.group, &*status.version, &*status.kind), ("apps", "v1", "Deployment"));
        let names: Vec<&str> = deployment.columns.iter().map(|c| c.name.as_str()).collect();
        assert_eq!(
            names,
            ["Name", "Ready", "Up-to-date", "Available", "Age", "Containers", "Images", "Selector"]
        );
        assert_eq!(deployment.columns[5].priority, 1);
    }

    #[test]
    fn both_event_resources_share_the_core_storage() {
        let core = find("", "v1", "events");
        let events = find("events.k8s.io", "v1", "events");
        assert_eq!(core.storage, events.storage);
        assert_eq!(core.storage_version_hash, events.storage_version_hash);
    }

    #[test]
    fn every_rule_is_of_a_served_resource() {
        let served: BTreeSet<String> =
            crate::kinds::registry().resources().map(|r| r.group_resource()).collect();
        for name in resource_rules::resources_with_rules() {
            assert!(served.contains(name), "data/rules.json names {name}, which no group serves");
        }
    }

    #[test]
    fn notice_names_the_license_and_the_release() {
        let notice = include_str!("../../data/NOTICE");
        assert!(notice.contains("Apache License, Version 2.0") && notice.contains("The Kubernetes Authors"));
        let version: serde_json::Value =
            serde_json::from_str(include_str!("../../data/version.json")).expect("generated JSON");
        let release = version["gitVersion"].as_str().expect("a version");
        assert!(notice.contains(&format!("kube-apiserver {release}")), "{release} is not in the notice");
    }
}
