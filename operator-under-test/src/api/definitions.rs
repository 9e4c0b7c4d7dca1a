//! The operator's `CustomResourceDefinitions`.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::CustomResourceExt;

use super::{Cluster, Machine};
use crate::provider::SimulatedInstance;

/// The CRDs of all kinds that the operator reads or writes, the simulated provider's included.
pub fn crds() -> Vec<CustomResourceDefinition> {
    vec![Cluster::crd(), Machine::crd(), SimulatedInstance::crd()]
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::crds;

    fn definition(kind: &str) -> Value {
        let found = crds().into_iter().find(|crd| crd.spec.names.kind == kind);
        serde_json::to_value(found.expect("the kind is defined")).expect("a definition is JSON")
    }

    fn spec_schema(kind: &str) -> Value {
        definition(kind)["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"].clone()
    }

    #[test]
    fn every_kind_is_namespaced_and_has_a_status_subresource() {
        for kind in ["Cluster", "Machine"] {
            let crd = definition(kind);
            assert_eq!(crd["spec"]["scope"], "Namespaced", "{kind}");
            assert_eq!(crd["spec"]["versions"][0]["subresources"], json!({"status": {}}), "{kind}");
        }
    }

    #[test]
    fn the_number_of_machines_is_between_0_and_100() {
        let machines = &spec_schema("Cluster")["properties"]["machines"];
        assert_eq!((&machines["minimum"], &machines["maximum"]), (&json!(0.0), &json!(100.0)));
    }

    #[test]
    fn a_version_has_both_rules() {
        for kind in ["Cluster", "Machine"] {
            let rules = spec_schema(kind)["properties"]["version"]["x-kubernetes-validations"].clone();
            let messages: Vec<_> =
                rules.as_array().expect("rules").iter().map(|rule| rule["message"].clone()).collect();
            assert_eq!(messages.len(), 2, "{kind}: {messages:?}");
        }
    }

    #[test]
    fn conditions_are_a_list_map_by_type() {
        let conditions = &definition("Machine")["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]
            ["status"]["properties"]["conditions"];
        // Without the key, two field managers would overwrite each other's conditions.
        assert_eq!(conditions["x-kubernetes-list-map-keys"], json!(["type"]));
    }
}
