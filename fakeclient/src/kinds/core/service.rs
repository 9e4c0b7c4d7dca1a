//! Service: four types with dependent fields, cluster IPs and node ports. The cluster is single-stack IPv4 with the
//! service range 10.0.0.0/24, as in envtest.

mod allocate;
mod families;
mod infer;
mod validate;
mod warnings;

use serde_json::{Value, json};

use crate::error::ApiError;
use crate::error::field::FieldError;
use crate::object::names::NameRule;
use crate::object::view::fields::{FieldAccess, items_mut, object_mut, remove, set, set_default};
use crate::registry::strategy::{
    CreateStrategy, DeleteStrategy, StatusStrategy, StoreView, Strategy, UpdateStrategy,
};

/// `services`
#[derive(Debug)]
pub(crate) struct Service;

impl Strategy for Service {
    fn name_rule(&self) -> NameRule {
        NameRule::DnsLabel
    }

    fn apply_defaults(&self, object: &mut Value) {
        complete(object_mut(object, "spec"));
        if spec_type(object) == "LoadBalancer" {
            let balancer = object_mut(object_mut(object, "status"), "loadBalancer");
            for ingress in items_mut(balancer, "ingress").filter(|i| !i.text("ip").is_empty()) {
                set_default(ingress, "ipMode", "VIP");
            }
        }
    }

    fn allocate(
        &self,
        object: &mut Value,
        old: Option<&Value>,
        store_view: &dyn StoreView,
    ) -> Result<(), ApiError> {
        allocate::allocate(object, old, store_view)
    }

    fn warnings(&self, object: &Value, _old: Option<&Value>) -> Vec<String> {
        warnings::warnings(object)
    }
}

impl CreateStrategy for Service {
    fn prepare_create(&self, object: &mut Value) {
        set(object, "status", json!({"loadBalancer": {}}));
        infer::default_cluster_ips(object);
        drop_external_name_fields(object);
    }

    fn validate_create(&self, object: &Value) -> Vec<FieldError> {
        validate::service(object, None)
    }
}

impl UpdateStrategy for Service {
    fn creates_on_update(&self) -> bool {
        true
    }

    fn prepare_update(&self, object: &mut Value, old: &Value) {
        // An absent type is ClusterIP. The following steps compare types, so this cannot wait for the defaults.
        set_default(object_mut(object, "spec"), "type", "ClusterIP");
        infer::patch_allocated_values(object, old);
        infer::sync_cluster_ips(object, old);
        infer::drop_type_dependent_fields(object, old);
        drop_external_name_fields(object);
    }

    fn validate_update(&self, object: &Value, old: &Value) -> Vec<FieldError> {
        let mut errors = validate::transition(object, old);
        errors.extend(validate::service(object, Some(old)));
        errors
    }
}

impl StatusStrategy for Service {
    fn validate_status_update(&self, object: &Value, old: &Value) -> Vec<FieldError> {
        validate::status(object, old)
    }
}

impl DeleteStrategy for Service {}

fn spec_type(service: &Value) -> &str {
    service["spec"].text("type")
}

/// True for a headless Service.
fn is_headless(service: &Value) -> bool {
    let ips = service["spec"].list("clusterIPs");
    matches!(ips, [only] if only == "None") || (ips.is_empty() && service["spec"].text("clusterIP") == "None")
}

fn needs_cluster_ip(service: &Value) -> bool {
    spec_type(service) != "ExternalName"
}

fn needs_health_port(service: &Value) -> bool {
    spec_type(service) == "LoadBalancer" && service["spec"].text("externalTrafficPolicy") == "Local"
}

/// True if the Service is reachable from outside the cluster: by node port, load balancer or external IP.
fn is_external(service: &Value) -> bool {
    match spec_type(service) {
        "NodePort" | "LoadBalancer" => true,
        "ClusterIP" => !service["spec"].list("externalIPs").is_empty(),
        _ => false,
    }
}

/// Drops the fields of routed Services from an `ExternalName` Service.
fn drop_external_name_fields(object: &mut Value) {
    if spec_type(object) == "ExternalName" {
        remove(object_mut(object, "spec"), "internalTrafficPolicy");
    }
}

fn complete(spec: &mut Value) {
    set_default(spec, "sessionAffinity", "None");
    match spec.text("sessionAffinity") {
        "None" => remove(spec, "sessionAffinityConfig"),
        "ClientIP" if spec["sessionAffinityConfig"]["clientIP"].number("timeoutSeconds").is_none() => {
            set(spec, "sessionAffinityConfig", json!({"clientIP": {"timeoutSeconds": 10800}}));
        }
        _ => {}
    }
    set_default(spec, "type", "ClusterIP");
    for port in items_mut(spec, "ports") {
        set_default(port, "protocol", "TCP");
        if port["targetPort"] == 0 {
            remove(port, "targetPort");
        }
        let number = port["port"].clone();
        set_default(port, "targetPort", number);
        if port["nodePort"] == 0 {
            remove(port, "nodePort");
        }
    }
    let kind = spec.text("type").to_owned();
    if is_external(&json!({"spec": {"type": kind, "externalIPs": spec["externalIPs"]}})) {
        set_default(spec, "externalTrafficPolicy", "Cluster");
    }
    if ["NodePort", "LoadBalancer", "ClusterIP"].contains(&kind.as_str())
        && !spec.has("internalTrafficPolicy")
    {
        set(spec, "internalTrafficPolicy", "Cluster");
    }
    if kind == "LoadBalancer" {
        set_default(spec, "allocateLoadBalancerNodePorts", true);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    #[expect(
        clippy::needless_pass_by_value,
        reason = "a case reads better without a reference at each `json!`"
    )]
    fn check(spec: Value, expected: Value) {
        let mut service = Value::from_iter([("spec", spec)]);
        Service.apply_defaults(&mut service);
        let once = service.clone();
        Service.apply_defaults(&mut service);
        assert_eq!(service, once, "defaults must be idempotent");
        assert_eq!(service.get("spec"), Some(&expected));
    }

    #[test]
    fn defaults_depend_on_the_type() {
        check(
            json!({"ports": [{"port": 80}]}),
            json!({
                "ports": [{"port": 80, "protocol": "TCP", "targetPort": 80}], "type": "ClusterIP",
                "sessionAffinity": "None", "internalTrafficPolicy": "Cluster",
            }),
        );
        check(
            json!({"type": "LoadBalancer", "ports": []}),
            json!({
                "type": "LoadBalancer", "ports": [], "sessionAffinity": "None", "internalTrafficPolicy": "Cluster",
                "externalTrafficPolicy": "Cluster", "allocateLoadBalancerNodePorts": true,
            }),
        );
        check(
            json!({"type": "ExternalName", "externalName": "a.b"}),
            json!({"type": "ExternalName", "externalName": "a.b", "sessionAffinity": "None"}),
        );
    }

    #[test]
    fn client_ip_affinity_defaults_its_timeout() {
        let mut service = json!({"spec": {"sessionAffinity": "ClientIP"}});
        Service.apply_defaults(&mut service);
        assert_eq!(service["spec"]["sessionAffinityConfig"], json!({"clientIP": {"timeoutSeconds": 10800}}));
    }
}
