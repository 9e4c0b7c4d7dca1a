//! Discovery documents, as functions of the registry: unaggregated (one document per group and version) and aggregated
//! (KEP-3352).
//!
//! kube-apiserver 1.37 no longer serves the beta version of the aggregated form. Content negotiation and the 404 of an
//! unknown group are in `documents`.

use serde_json::{Map, Value, json};

use crate::object::schema::resource_schema::ResourceSchema;
use crate::registry::lookup::{Group, GroupVersion, Registry};
use crate::registry::resource::{Resource, Subresource};

/// Media type of aggregated discovery.
pub(crate) const AGGREGATED: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";

/// `GET /api`. The address is the server's, as clients in the cluster reach it.
pub(crate) fn versions(server_address: &str) -> Value {
    json!({
        "kind": "APIVersions",
        "versions": ["v1"],
        "serverAddressByClientCIDRs": [{"clientCIDR": "0.0.0.0/0", "serverAddress": server_address}],
    })
}

/// `GET /apis`.
pub(crate) fn groups(registry: &Registry) -> Value {
    let groups = registry.groups();
    let listed: Vec<Value> =
        groups.iter().filter(|group| !group.name.is_empty()).map(group_document).collect();
    json!({"kind": "APIGroupList", "apiVersion": "v1", "groups": listed})
}

/// `GET /apis/<group>`.
pub(crate) fn group(registry: &Registry, name: &str) -> Option<Value> {
    let groups = registry.groups();
    let found = groups.iter().find(|group| !name.is_empty() && group.name == name)?;
    let mut described = group_document(found);
    described["kind"] = "APIGroup".into();
    described["apiVersion"] = "v1".into();
    Some(described)
}

fn group_document(group: &Group) -> Value {
    let version = |version: &GroupVersion| json!({"groupVersion": format!("{}/{}", group.name, version.name), "version": version.name});
    json!({
        "name": group.name,
        "versions": group.versions.iter().map(version).collect::<Vec<_>>(),
        "preferredVersion": group.versions.first().map(version),
    })
}

/// `GET /apis/<group>/<version>`, and `GET /api/v1` for the empty group.
pub(crate) fn resources(registry: &Registry, group: &str, version: &str) -> Option<Value> {
    let groups = registry.groups();
    let versions = &groups.iter().find(|candidate| candidate.name == group)?.versions;
    let found = versions.iter().find(|candidate| candidate.name == version)?;
    let mut entries = Vec::new();
    for resource in &found.resources {
        entries.push(resource_entry(resource));
        entries.extend(resource.subresources.iter().map(|sub| subresource_entry(resource, sub)));
    }
    let group_version = if group.is_empty() { version.to_owned() } else { format!("{group}/{version}") };
    let mut list = json!({"kind": "APIResourceList", "groupVersion": group_version, "resources": entries});
    // The list of the core group has no `apiVersion`.
    if !group.is_empty() {
        list["apiVersion"] = "v1".into();
    }
    Some(list)
}

fn resource_entry(resource: &Resource) -> Value {
    let mut entry = Map::from_iter([
        ("name".to_owned(), Value::from(resource.plural.as_str())),
        ("singularName".to_owned(), resource.singular.as_str().into()),
        ("namespaced".to_owned(), resource.namespaced.into()),
        ("kind".to_owned(), resource.kind.as_str().into()),
        ("verbs".to_owned(), resource.verbs.clone().into()),
    ]);
    set_names(&mut entry, resource);
    if !resource.storage_version_hash.is_empty() {
        entry.insert("storageVersionHash".to_owned(), resource.storage_version_hash.as_str().into());
    }
    Value::Object(entry)
}

fn subresource_entry(resource: &Resource, sub: &Subresource) -> Value {
    let mut entry = json!({
        "name": format!("{}/{}", resource.plural, sub.name),
        "singularName": "",
        "namespaced": resource.namespaced,
        "kind": sub.kind,
        "verbs": sub.verbs,
    });
    if !has_parent_kind(resource, sub) {
        entry["group"] = sub.group.as_str().into();
        entry["version"] = sub.version.as_str().into();
    }
    entry
}

fn set_names(entry: &mut Map<String, Value>, resource: &Resource) {
    for (key, names) in [("shortNames", &resource.short_names), ("categories", &resource.categories)] {
        if !names.is_empty() {
            entry.insert(key.to_owned(), names.clone().into());
        }
    }
}

fn has_parent_kind(resource: &Resource, sub: &Subresource) -> bool {
    (&sub.group, &sub.version) == (&resource.group, &resource.version)
}

/// `GET /api` in the aggregated form.
pub(crate) fn aggregated_core(registry: &Registry) -> Value {
    aggregate(registry.groups().iter().filter(|group| group.name.is_empty()))
}

/// `GET /apis` in the aggregated form.
pub(crate) fn aggregated(registry: &Registry) -> Value {
    aggregate(registry.groups().iter().filter(|group| !group.name.is_empty()))
}

fn aggregate<'a>(groups: impl Iterator<Item = &'a Group>) -> Value {
    let items: Vec<Value> = groups.map(aggregate_group).collect();
    json!({
        "kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "metadata": {}, "items": items,
    })
}

fn aggregate_group(group: &Group) -> Value {
    let versions: Vec<Value> = group
        .versions
        .iter()
        .map(|version| {
            let resources: Vec<Value> = version.resources.iter().map(|r| aggregate_resource(r)).collect();
            json!({"version": version.name, "resources": resources, "freshness": "Current"})
        })
        .collect();
    let metadata = if group.name.is_empty() { json!({}) } else { json!({"name": group.name}) };
    json!({"metadata": metadata, "versions": versions})
}

fn aggregate_resource(resource: &Resource) -> Value {
    let kind = response_kind(resource, true, &resource.group, &resource.version, &resource.kind);
    let mut entry = Map::from_iter([
        ("resource".to_owned(), Value::from(resource.plural.as_str())),
        ("responseKind".to_owned(), kind),
        ("scope".to_owned(), if resource.namespaced { "Namespaced" } else { "Cluster" }.into()),
        ("singularResource".to_owned(), resource.singular.as_str().into()),
        ("verbs".to_owned(), resource.verbs.clone().into()),
    ]);
    set_names(&mut entry, resource);
    if !resource.subresources.is_empty() {
        let subresources: Vec<Value> = resource
            .subresources
            .iter()
            .map(|sub| {
                let of_parent = has_parent_kind(resource, sub);
                let kind = response_kind(resource, of_parent, &sub.group, &sub.version, &sub.kind);
                json!({"subresource": sub.name, "responseKind": kind, "verbs": sub.verbs})
            })
            .collect();
        entry.insert("subresources".to_owned(), subresources.into());
    }
    Value::Object(entry)
}

/// A built-in resource leaves out the group and version that equal the list's; a custom resource repeats them.
fn response_kind(resource: &Resource, of_parent: bool, group: &str, version: &str, kind: &str) -> Value {
    if of_parent && matches!(resource.schema, ResourceSchema::Builtin { .. }) {
        json!({"group": "", "version": "", "kind": kind})
    } else {
        json!({"group": group, "version": version, "kind": kind})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn core_group_is_listed_under_api_only() {
        let registry = crate::kinds::registry();
        let names: Vec<Value> = groups(&registry)["groups"].as_array().unwrap().clone();
        assert_eq!(names[0]["name"], "apiregistration.k8s.io");
        assert!(names.iter().all(|group| group["name"] != ""));
        assert_eq!(group(&registry, ""), None);
        assert_eq!(aggregated_core(&registry)["items"].as_array().unwrap().len(), 1);
    }

    #[test]
    fn group_contains_its_preferred_version() {
        let autoscaling = group(&crate::kinds::registry(), "autoscaling").unwrap();
        assert_eq!(autoscaling["preferredVersion"]["groupVersion"], "autoscaling/v2");
        assert_eq!(autoscaling["versions"].as_array().unwrap().len(), 2);
    }

    #[test]
    fn subresource_contains_its_group_if_it_differs() {
        let core = resources(&crate::kinds::registry(), "", "v1").unwrap();
        let find = |name: &str| {
            core["resources"].as_array().unwrap().iter().find(|r| r["name"] == name).unwrap().clone()
        };
        assert_eq!(find("pods/eviction")["group"], "policy");
        assert_eq!(find("pods/status").get("group"), None);
        assert_eq!(find("pods")["storageVersionHash"], "xPOwRZ+Yhw8=");
    }

    #[test]
    fn unknown_group_has_no_document() {
        let registry = crate::kinds::registry();
        assert_eq!(resources(&registry, "apps", "v2"), None);
        assert_eq!(group(&registry, "example.com"), None);
    }
}
