//! Managers that write the status of a kind's objects.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::FIELD_MANAGER;
use super::entry::{ManagerEntry, entries};
use super::path::text;

/// Kubernetes' own programs, which share the status of some kinds, such as Pods, by design: they count as one writer.
const KUBERNETES: [&str; 5] =
    ["cloud-controller-manager", "kube-controller-manager", "kube-proxy", "kube-scheduler", "kubelet"];

/// Most fields of a manager that are listed for an object.
const MOST_FIELDS: usize = 8;

/// Tells of the managers that write a kind's status, if there are two or more. The objects are of that kind, by
/// name. The specs' own manager does not count: a spec may play a part that is not there.
pub(crate) fn several_status_writers(kind: &str, objects: &[(String, Value)]) -> Option<String> {
    let mut writers = BTreeSet::new();
    let mut lines = Vec::new();
    for (name, object) in objects {
        for (manager, fields) in by_manager(object) {
            writers.insert(if KUBERNETES.contains(&manager.as_str()) {
                "Kubernetes".to_owned()
            } else {
                manager.clone()
            });
            lines.push(format!("\n  {manager} writes {} of {kind} {name}", listed(&fields)));
        }
    }
    if writers.len() < 2 {
        return None;
    }
    lines.sort_unstable();
    let head = format!("{} field managers write the status of kind {kind}, and only one may", writers.len());
    Some(head + &lines.concat())
}

/// The fields of an object's status by their manager.
fn by_manager(object: &Value) -> BTreeMap<String, BTreeSet<String>> {
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let of_status = |entry: &ManagerEntry| {
        entry.subresource.as_deref() == Some("status") && entry.manager != FIELD_MANAGER
    };
    for entry in entries(object).into_iter().filter(of_status) {
        let fields = entry.fields.paths().into_iter().map(|path| text(&path));
        found.entry(entry.manager).or_default().extend(fields);
    }
    found
}

/// The innermost of the fields, up to a number of them.
fn listed(fields: &BTreeSet<String>) -> String {
    let is_inside =
        |outer: &str, inner: &str| inner.strip_prefix(outer).is_some_and(|rest| rest.starts_with(['.', '[']));
    let innermost = fields.iter().filter(|field| !fields.iter().any(|other| is_inside(field, other)));
    let mut told: Vec<_> = innermost.cloned().collect();
    if told.len() > MOST_FIELDS {
        let more = told.split_off(MOST_FIELDS).len();
        told.push(format!("{more} more"));
    }
    told.join(", ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(name: &str, writers: &[(&str, &str)]) -> (String, Value) {
        let entry = |(manager, field): &(&str, &str)| {
            let mut fields = serde_json::Map::new();
            fields.insert(format!("f:{field}"), json!({}));
            json!({"manager": manager, "operation": "Update", "subresource": "status", "fieldsV1": {"f:status": fields}})
        };
        let entries: Vec<_> = writers.iter().map(entry).collect();
        (name.to_owned(), json!({"metadata": {"managedFields": entries}}))
    }

    #[test]
    fn two_managers_of_one_kind_s_status_are_reported_with_their_objects_and_fields() {
        let objects =
            [object("jib", &[("bosun", "set")]), object("main", &[("mate", "depth"), ("bosun", "set")])];
        assert_eq!(
            several_status_writers("Sail", &objects).unwrap(),
            "2 field managers write the status of kind Sail, and only one may\n  \
             bosun writes .status.set of Sail jib\n  \
             bosun writes .status.set of Sail main\n  \
             mate writes .status.depth of Sail main"
        );
    }

    #[test]
    fn single_status_writer_passes_beside_the_spec_and_other_parts() {
        let mut other = object("jib", &[("bosun", "set"), (FIELD_MANAGER, "set")]);
        let entries = other.1["metadata"]["managedFields"].as_array_mut().unwrap();
        entries
            .push(json!({"manager": "mate", "operation": "Update", "fieldsV1": {"f:spec": {"f:area": {}}}}));
        assert_eq!(several_status_writers("Sail", &[other]), None);
        assert_eq!(several_status_writers("Sail", &[]), None);
    }

    #[test]
    fn kubernetes_own_programs_are_one_writer() {
        let pod = |others: &[(&str, &str)]| {
            [object("web", &[&[("kubelet", "phase"), ("kube-scheduler", "conditions")], others].concat())]
        };
        assert_eq!(several_status_writers("Pod", &pod(&[])), None);
        assert!(
            several_status_writers("Pod", &pod(&[("bosun", "phase")]))
                .unwrap()
                .starts_with("2 field managers")
        );
    }

    #[test]
    fn long_field_lists_are_cut_and_omit_parents() {
        let nested =
            [".status", ".status.conditions", r#".status.conditions[type="Ready"]"#].map(str::to_owned);
        assert_eq!(listed(&nested.into()), r#".status.conditions[type="Ready"]"#);
        let fields: BTreeSet<String> = (0..11).map(|n| format!(".status.f{n:02}")).collect();
        let told = listed(&fields);
        assert!(told.starts_with(".status.f00, ") && told.ends_with(".status.f07, 3 more"), "{told}");
    }
}
