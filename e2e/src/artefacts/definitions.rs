//! Kinds that are defined and removed while a spec runs, by watch on CRDs.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use futures::channel::mpsc::UnboundedSender;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::core::{ApiResource, Version};
use kube::{Api, Client};

use crate::artefacts::kinds::DiscoveredKind;
use crate::watch::{Selection, WatchUpdate};

/// A change of the defined kinds.
pub(crate) enum DefinitionChange {
    /// It can be used, and was not known.
    Comes(DiscoveredKind),
    /// It is gone; as CRDs are named.
    Goes(String),
}

/// Sends the namespaced kinds that are defined and not known, when they are, and those that go. Ends only when it is
/// dropped.
pub(crate) async fn follow(
    client: Client,
    mut known: BTreeSet<String>,
    tell: UnboundedSender<DefinitionChange>,
) {
    // Nobody who follows kinds is left where nobody hears it.
    let tell = |definition| drop(tell.unbounded_send(definition));
    let definitions = Selection::<CustomResourceDefinition, ()> {
        label: "CustomResourceDefinitions".to_owned(),
        api: Api::all(client),
        labels: None,
        fields: None,
        value: |_| None,
        snapshot: |_| None,
    };
    let mut before = BTreeSet::new();
    let watch = definitions.follow(|update| {
        if let WatchUpdate::Current(all) = update {
            let there: BTreeSet<String> = all.values().map(kube::ResourceExt::name_any).collect();
            for gone in before.difference(&there) {
                known.remove(gone);
                tell(DefinitionChange::Goes(gone.clone()));
            }
            for kind in all.values().filter_map(established) {
                if known.insert(kind.file_stem()) {
                    tell(DefinitionChange::Comes(kind));
                }
            }
            before = there;
        }
        ControlFlow::Continue(())
    });
    watch.await;
}

/// The kind that a CRD defines, if it is in use and its objects are in namespaces.
fn established(crd: &CustomResourceDefinition) -> Option<DiscoveredKind> {
    let conditions = crd.status.as_ref()?.conditions.as_ref()?;
    let in_use =
        conditions.iter().any(|condition| condition.type_ == "Established" && condition.status == "True");
    if !in_use || crd.spec.scope != "Namespaced" || crd.metadata.deletion_timestamp.is_some() {
        return None;
    }
    let served = crd.spec.versions.iter().filter(|version| version.served);
    let version = served.max_by_key(|version| Version::parse(&version.name).priority())?;
    let has_status = version.subresources.as_ref().is_some_and(|all| all.status.is_some());
    let version = version.name.clone();
    let (group, names) = (crd.spec.group.clone(), &crd.spec.names);
    let resource = ApiResource {
        api_version: format!("{group}/{version}"),
        group,
        version,
        kind: names.kind.clone(),
        plural: names.plural.clone(),
    };
    Some(DiscoveredKind { resource, namespaced: true, has_status })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn kind(scope: &str, established_is: &str, versions: &[(&str, bool)]) -> Option<String> {
        let versions: Vec<Value> = versions
            .iter()
            .map(|(name, served)| json!({"name": name, "served": served, "storage": false}))
            .collect();
        let crd = json!({
            "metadata": {"name": "boats.harbour.test"},
            "spec": {"group": "harbour.test", "scope": scope, "versions": versions,
                "names": {"kind": "Boat", "plural": "boats"}},
            "status": {"conditions": [{"type": "Established", "status": established_is}]},
        });
        let kind = established(&serde_json::from_value(crd).unwrap())?;
        assert_eq!(kind.file_stem(), "boats.harbour.test");
        Some(kind.resource.api_version)
    }

    #[test]
    fn a_kind_is_there_in_its_stablest_version_once_its_definition_is_established() {
        let versions = [("v1beta1", true), ("v1", true), ("v2alpha1", true), ("v2", false)];
        assert_eq!(kind("Namespaced", "True", &versions).unwrap(), "harbour.test/v1");
        assert_eq!(kind("Namespaced", "False", &versions), None);
        assert_eq!(kind("Cluster", "True", &versions), None);
        assert_eq!(kind("Namespaced", "True", &[("v1", false)]), None);
    }
}
