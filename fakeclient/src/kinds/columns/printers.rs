//! Printers of the built-in kinds. A kind without its own printer has the columns name and age (or creation time).

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{binding, core, event, network, node, pod, policy, storage, workload};
use crate::object::table::age;
use crate::object::table::printer::Printer;
use crate::object::view::metadata;
use crate::registry::resource::Resource;

/// The cells of an object.
type CellFn = fn(&Value, Timestamp) -> Vec<Value>;

const PRINTERS: [(&str, CellFn); 28] = [
    ("configmaps", core::config_map),
    ("customresourcedefinitions.apiextensions.k8s.io", workload::custom_resource_definition),
    ("cronjobs.batch", workload::cron_job),
    ("daemonsets.apps", workload::daemon_set),
    ("deployments.apps", workload::deployment),
    ("ingressclasses.networking.k8s.io", network::ingress_class),
    ("ingresses.networking.k8s.io", network::ingress),
    ("mutatingwebhookconfigurations.admissionregistration.k8s.io", policy::webhooks),
    ("networkpolicies.networking.k8s.io", network::network_policy),
    ("persistentvolumeclaims", storage::claim),
    ("persistentvolumes", storage::volume),
    ("poddisruptionbudgets.policy", policy::disruption_budget),
    ("priorityclasses.scheduling.k8s.io", policy::priority_class),
    ("statefulsets.apps", workload::stateful_set),
    ("validatingwebhookconfigurations.admissionregistration.k8s.io", policy::webhooks),
    ("events", event::event),
    ("clusterrolebindings.rbac.authorization.k8s.io", binding::binding),
    ("rolebindings.rbac.authorization.k8s.io", binding::binding),
    ("events.events.k8s.io", event::event),
    ("jobs.batch", workload::job),
    ("leases.coordination.k8s.io", core::lease),
    ("namespaces", core::namespace),
    ("nodes", node::node),
    ("pods", pod::pod),
    ("replicasets.apps", workload::replica_set),
    ("secrets", core::secret),
    ("serviceaccounts", core::service_account),
    ("services", core::service),
];

/// The printer of a built-in resource.
pub(crate) fn printer(resource: &Resource) -> Printer<'static> {
    let name = resource.group_resource();
    if let Some((_, cells)) = PRINTERS.iter().find(|(known, _)| *known == name) {
        return Printer { columns: resource.columns.clone(), cells: Box::new(*cells), row_conditions };
    }
    let known = ["Name", "Age", "Created At"];
    let columns: Vec<_> =
        resource.columns.iter().filter(|column| known.contains(&column.name.as_str())).cloned().collect();
    let names: Vec<String> = columns.iter().map(|column| column.name.clone()).collect();
    let cells = Box::new(move |object: &Value, now: Timestamp| {
        let cell = |name: &String| match name.as_str() {
            "Name" => Value::from(metadata::name(object)),
            "Age" => age::of(object, now).into(),
            _ => metadata::text(object, "creationTimestamp").into(),
        };
        names.iter().map(cell).collect()
    });
    Printer { columns, cells, row_conditions }
}

/// The `Completed` condition of a table row, for a Pod that has terminated.
fn row_conditions(object: &Value) -> Option<Value> {
    if object.get("kind")?.as_str()? != "Pod" || object.get("apiVersion")?.as_str()? != "v1" {
        return None;
    }
    let (reason, message) = match object.get("status")?.get("phase")?.as_str()? {
        "Succeeded" => ("Succeeded", "The pod has completed successfully."),
        "Failed" => ("Failed", "The pod failed."),
        _ => return None,
    };
    Some(json!([{"type": "Completed", "status": "True", "reason": reason, "message": message}]))
}

#[cfg(test)]
mod tests {
    use crate::object::table::include_object::IncludeObjectPolicy;
    use crate::object::table::response::{TableOptions, metadata_of_one, table};

    use super::*;

    fn now() -> Timestamp {
        "2026-11-22T18:36:21Z".parse().unwrap()
    }

    #[test]
    fn every_printer_returns_one_cell_per_column() {
        let registry = crate::kinds::registry();
        for (name, cells) in PRINTERS {
            let resources = registry.resources().filter(|r| r.group_resource() == name);
            let mut found = 0;
            for resource in resources {
                found += 1;
                let object = json!({"metadata": {"name": "x"}});
                assert_eq!(cells(&object, now()).len(), resource.columns.len(), "{name}");
            }
            assert!(found > 0, "{name} is served");
        }
    }

    #[test]
    fn table_of_one_object_has_metadata_columns_and_row() {
        let resource = crate::kinds::registry().resource("", "v1", "serviceaccounts").unwrap();
        let object = json!({"metadata": {
            "name": "default", "resourceVersion": "5", "creationTimestamp": "2026-11-22T18:27:00Z",
        }});
        let options =
            TableOptions { version: "v1", include: IncludeObjectPolicy::Metadata, headers: true, now: now() };
        let table = table(&printer(&resource), [&object], metadata_of_one(&object), options);
        assert_eq!(table["metadata"], json!({"resourceVersion": "5"}));
        assert_eq!(table["rows"][0]["cells"], json!(["default", "9m21s"]));
        assert_eq!(table["rows"][0]["object"]["kind"], "PartialObjectMetadata");
        assert_eq!(table["columnDefinitions"][0]["format"], "name");
        assert_eq!(table["columnDefinitions"][1]["type"], "string");
    }

    #[test]
    fn kind_without_printer_has_name_and_age() {
        let resource = crate::kinds::registry().resource("apps", "v1", "controllerrevisions").unwrap();
        let object = json!({"metadata": {"name": "x", "creationTimestamp": "2026-11-22T18:36:00Z"}});
        let printer = printer(&resource);
        assert_eq!((printer.cells)(&object, now()), [json!("x"), json!("21s")]);
        assert_eq!(printer.columns.len(), 2);
    }
}
