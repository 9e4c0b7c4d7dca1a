//! Registry of the served resources. Built-in ones are shared by the process; custom ones belong to one cluster.
//!
//! A clone costs one reference count. Registration in a clone copies the custom part.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::resource::Resource;

/// Plural → resource, in one version.
type Plurals = BTreeMap<String, Arc<Resource>>;
/// Group → version → plural → resource.
type GroupIndex = BTreeMap<String, BTreeMap<String, Plurals>>;

/// The built-in resources.
#[derive(Debug)]
pub(crate) struct BuiltinResources {
    /// Resources in the order of discovery.
    resources: Vec<Arc<Resource>>,
    index: GroupIndex,
}

impl BuiltinResources {
    /// Builds the indexes. `resources` are in the order of discovery.
    pub(crate) fn new(resources: Vec<Arc<Resource>>) -> Self {
        let mut index = GroupIndex::new();
        for resource in &resources {
            let versions = index.entry(resource.group.clone()).or_default();
            let plurals = versions.entry(resource.version.clone()).or_default();
            plurals.insert(resource.plural.clone(), Arc::clone(resource));
        }
        Self { resources, index }
    }
}

/// The resources that a cluster serves.
#[derive(Clone, Debug)]
pub(crate) struct Registry {
    builtin: &'static BuiltinResources,
    custom: Arc<GroupIndex>,
}

/// An API group, as discovery lists it.
#[derive(Clone, Debug)]
pub(crate) struct Group {
    /// Name; empty for the core group.
    pub(crate) name: String,
    /// Served versions, the preferred one first.
    pub(crate) versions: Vec<GroupVersion>,
}

impl Group {
    /// True if the group contains built-in resources.
    pub(crate) fn is_built_in(&self) -> bool {
        self.versions.iter().any(|version| version.resources.iter().any(|resource| resource.is_builtin()))
    }
}

/// A served version of a group.
#[derive(Clone, Debug)]
pub(crate) struct GroupVersion {
    /// Name, such as `v1`.
    pub(crate) name: String,
    /// Resources, sorted by plural.
    pub(crate) resources: Vec<Arc<Resource>>,
}

impl Registry {
    /// A registry with the built-in resources only.
    pub(crate) fn new(builtin: &'static BuiltinResources) -> Self {
        Self { builtin, custom: Arc::default() }
    }

    /// The resource at `/apis/<group>/<version>/…/<plural>` (`/api/<version>/…` for the core group).
    pub(crate) fn resource(&self, group: &str, version: &str, plural: &str) -> Option<Arc<Resource>> {
        let find = |index: &GroupIndex| index.get(group)?.get(version)?.get(plural).cloned();
        find(&self.builtin.index).or_else(|| find(&self.custom))
    }

    /// The resource of an `apiVersion` and `kind`.
    pub(crate) fn kind(&self, group: &str, version: &str, kind: &str) -> Option<Arc<Resource>> {
        let find = |index: &GroupIndex| {
            let plurals = index.get(group)?.get(version)?;
            plurals.values().find(|resource| resource.kind == kind).cloned()
        };
        find(&self.builtin.index).or_else(|| find(&self.custom))
    }

    /// All served resources with a storage key (`deployments.apps`), that of the storage version first.
    pub(crate) fn stored_as(&self, key: &str) -> Vec<Arc<Resource>> {
        let mut found: Vec<Arc<Resource>> =
            self.resources().filter(|resource| resource.storage.key == key).cloned().collect();
        found.sort_by_key(|r| (&r.storage.group, &r.storage.version) != (&r.group, &r.version));
        found
    }

    /// All served resources: built-in ones in the order of discovery, then custom ones.
    pub(crate) fn resources(&self) -> impl Iterator<Item = &Arc<Resource>> {
        let custom = self.custom.values().flat_map(BTreeMap::values).flat_map(BTreeMap::values);
        self.builtin.resources.iter().chain(custom)
    }

    /// The groups in the order of discovery: built-in ones by the server's priorities, custom ones by name.
    pub(crate) fn groups(&self) -> Vec<Group> {
        let mut groups: Vec<Group> = Vec::new();
        for resource in &self.builtin.resources {
            add_to_group(&mut groups, resource);
        }
        for versions in self.custom.values() {
            let mut newest_first: Vec<&Plurals> = versions.values().collect();
            newest_first.sort_by_cached_key(|plurals| {
                std::cmp::Reverse(plurals.values().next().map(|resource| priority(&resource.version)))
            });
            for resource in newest_first.into_iter().flat_map(BTreeMap::values) {
                add_to_group(&mut groups, resource);
            }
        }
        groups
    }

    /// Adds a custom resource, or replaces that with the same group, version and plural.
    pub(crate) fn insert(&mut self, resource: Arc<Resource>) {
        let versions = Arc::make_mut(&mut self.custom).entry(resource.group.clone()).or_default();
        versions.entry(resource.version.clone()).or_default().insert(resource.plural.clone(), resource);
    }

    /// Removes all versions of a custom resource.
    pub(crate) fn remove(&mut self, group: &str, plural: &str) {
        let custom = Arc::make_mut(&mut self.custom);
        let Some(versions) = custom.get_mut(group) else { return };
        versions.retain(|_, plurals| {
            plurals.remove(plural);
            !plurals.is_empty()
        });
        if versions.is_empty() {
            custom.remove(group);
        }
    }
}

/// Adds a resource to its group and version, which are appended if they are new.
fn add_to_group(groups: &mut Vec<Group>, resource: &Arc<Resource>) {
    let at = groups.iter().position(|group| group.name == resource.group).unwrap_or_else(|| {
        groups.push(Group { name: resource.group.clone(), versions: Vec::new() });
        groups.len() - 1
    });
    let versions = &mut groups[at].versions;
    let at = versions.iter().position(|version| version.name == resource.version).unwrap_or_else(|| {
        versions.push(GroupVersion { name: resource.version.clone(), resources: Vec::new() });
        versions.len() - 1
    });
    versions[at].resources.push(Arc::clone(resource));
}

/// Sort key of versions, the greatest preferred: `v2`, `v1`, `v2beta1`, `v1beta2`, `v1alpha1`, then all others in
/// reverse alphabetical order.
pub(crate) fn priority(version: &str) -> (u8, u64, u64, std::cmp::Reverse<String>) {
    let parsed = parse_version(version);
    let (stability, major, minor) = parsed.unwrap_or((0, 0, 0));
    let name = if parsed.is_some() { String::new() } else { version.to_owned() };
    (stability, major, minor, std::cmp::Reverse(name))
}

fn parse_version(version: &str) -> Option<(u8, u64, u64)> {
    let rest = version.strip_prefix('v')?;
    let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (major, rest) = rest.split_at(digits);
    let major = major.parse().ok()?;
    if rest.is_empty() {
        return Some((3, major, 0));
    }
    let stages = [("beta", 2), ("alpha", 1)];
    let (minor, stability) =
        stages.iter().find_map(|(word, stability)| Some((rest.strip_prefix(word)?, *stability)))?;
    Some((stability, major, minor.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinds;

    fn custom(version: &str, plural: &str) -> Arc<Resource> {
        let mut resource = Resource::clone(&kinds::registry().resource("apps", "v1", "deployments").unwrap());
        resource.group = "example.com".into();
        resource.version = version.into();
        resource.plural = plural.into();
        resource.kind = "Widget".into();
        resource.storage.key = resource.group_resource();
        resource.storage.group = "example.com".into();
        resource.storage.version = "v1".into();
        Arc::new(resource)
    }

    #[test]
    fn built_in_resource_is_found_by_path_and_kind() {
        let registry = kinds::registry();
        let by_path = registry.resource("", "v1", "pods").unwrap();
        let by_kind = registry.kind("", "v1", "Pod").unwrap();
        assert!(Arc::ptr_eq(&by_path, &by_kind));
        assert!(registry.resource("", "v2", "pods").is_none());
        assert!(registry.resource("apps", "v1", "pods").is_none());
    }

    #[test]
    fn custom_resource_is_added_and_removed_without_changing_clones() {
        let mut registry = kinds::registry();
        let before = registry.clone();
        registry.insert(custom("v1", "widgets"));
        registry.insert(custom("v1beta1", "widgets"));
        assert!(registry.resource("example.com", "v1beta1", "widgets").is_some());
        assert!(before.resource("example.com", "v1", "widgets").is_none());
        registry.remove("example.com", "widgets");
        assert!(registry.resource("example.com", "v1", "widgets").is_none());
    }

    #[test]
    fn preferred_version_of_a_custom_group_is_first() {
        let mut registry = kinds::registry();
        for version in ["v1alpha1", "v1", "v10", "v2beta1", "v2", "foo"] {
            registry.insert(custom(version, "widgets"));
        }
        let groups = registry.groups();
        let names: Vec<&str> = groups.last().unwrap().versions.iter().map(|v| v.name.as_str()).collect();
        assert_eq!(names, ["v10", "v2", "v1", "v2beta1", "v1alpha1", "foo"]);
    }

    #[test]
    fn core_group_is_first_and_autoscaling_v2_is_preferred() {
        let groups = kinds::registry().groups();
        assert_eq!(groups[0].name, "");
        let autoscaling = groups.iter().find(|g| g.name == "autoscaling").unwrap();
        let names: Vec<&str> = autoscaling.versions.iter().map(|v| v.name.as_str()).collect();
        assert_eq!(names, ["v2", "v1"]);
    }

    #[test]
    fn stored_as_returns_the_storage_version_first() {
        let registry = kinds::registry();
        let forms = registry.stored_as("events");
        let groups: Vec<&str> = forms.iter().map(|r| r.group.as_str()).collect();
        assert_eq!(groups, ["", "events.k8s.io"]);
        let forms = registry.stored_as("horizontalpodautoscalers.autoscaling");
        let versions: Vec<&str> = forms.iter().map(|r| r.version.as_str()).collect();
        assert_eq!(versions, ["v2", "v1"]);
    }
}
