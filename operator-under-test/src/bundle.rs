//! The manifests that install the operator: namespace, CRDs, service account, RBAC, service and deployment.
//!
//! The manifests in `bundle/` are for an operator that watches all namespaces; [`Bundle`] adapts them to its options.

use k8s_openapi::{
    Resource,
    api::{
        apps::v1::Deployment,
        core::v1::{Namespace, Service, ServiceAccount},
        rbac::v1::{ClusterRole, ClusterRoleBinding, PolicyRule, Role, RoleBinding},
    },
};
use kube::api::ObjectMeta;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use crate::api::crds;

/// The default namespace of the operator.
pub const NAMESPACE: &str = "seatrial-system";

/// The name of the bundle's objects, except the Namespace and the CRDs.
pub const NAME: &str = "seatrial-operator";

/// The options of an installation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bundle {
    /// The image of the operator.
    pub image: String,
    /// The namespace of the operator.
    pub namespace: String,
    /// True to include the Namespace itself.
    pub include_namespace: bool,
    /// The namespace that the operator watches and has permissions in; `None` for all.
    pub watch_namespace: Option<String>,
    /// Further arguments of `seatrial-operator run`.
    pub arguments: Vec<String>,
}

impl Bundle {
    /// An operator in its own namespace that watches all namespaces.
    pub fn new(image: impl Into<String>) -> Self {
        Self {
            image: image.into(),
            namespace: NAMESPACE.to_owned(),
            include_namespace: true,
            watch_namespace: None,
            arguments: Vec::new(),
        }
    }

    /// The objects in the order of their dependencies.
    pub fn objects(&self) -> Vec<Value> {
        let mut objects = Vec::new();
        if self.include_namespace {
            objects.push(to_json(&self.namespace_object()));
        }
        objects.extend(crds().iter().map(to_json));
        objects.push(to_json(&self.service_account()));
        objects.extend(self.rbac());
        objects.push(to_json(&self.service()));
        objects.push(to_json(&self.deployment()));
        for object in &mut objects {
            add_labels(object);
        }
        objects
    }

    fn namespace_object(&self) -> Namespace {
        let mut namespace: Namespace = parse_manifest(include_str!("../bundle/namespace.yaml"));
        namespace.metadata.name = Some(self.namespace.clone());
        namespace
    }

    fn service_account(&self) -> ServiceAccount {
        let mut account: ServiceAccount = parse_manifest(include_str!("../bundle/service_account.yaml"));
        account.metadata.namespace = Some(self.namespace.clone());
        account
    }

    /// The role and its binding: cluster-wide, or with the same rules in the watched namespace.
    fn rbac(&self) -> [Value; 2] {
        let role: ClusterRole = parse_manifest(include_str!("../bundle/cluster_role.yaml"));
        let mut binding: ClusterRoleBinding =
            parse_manifest(include_str!("../bundle/cluster_role_binding.yaml"));
        for subject in binding.subjects.iter_mut().flatten() {
            subject.namespace = Some(self.namespace.clone());
        }
        let Some(watched) = &self.watch_namespace else { return [to_json(&role), to_json(&binding)] };
        let within = |metadata| ObjectMeta { namespace: Some(watched.clone()), ..metadata };
        Role::KIND.clone_into(&mut binding.role_ref.kind);
        let role = Role { metadata: within(role.metadata), rules: role.rules };
        let binding = RoleBinding {
            metadata: within(binding.metadata),
            role_ref: binding.role_ref,
            subjects: binding.subjects,
        };
        [to_json(&role), to_json(&binding)]
    }

    fn service(&self) -> Service {
        let mut service: Service = parse_manifest(include_str!("../bundle/service.yaml"));
        service.metadata.namespace = Some(self.namespace.clone());
        service
    }

    fn deployment(&self) -> Deployment {
        let mut deployment: Deployment = parse_manifest(include_str!("../bundle/deployment.yaml"));
        deployment.metadata.namespace = Some(self.namespace.clone());
        let pod = deployment.spec.template.spec.as_mut();
        let operator = pod.and_then(|pod| pod.containers.first_mut());
        let operator = operator.expect("the Deployment of the bundle has a container");
        operator.image = Some(self.image.clone());
        let watch = self.watch_namespace.iter().map(|namespace| format!("--namespace={namespace}"));
        operator.args.get_or_insert_default().extend(watch.chain(self.arguments.iter().cloned()));
        deployment
    }
}

/// The RBAC rules of the operator.
pub fn policy_rules() -> Vec<PolicyRule> {
    let role: ClusterRole = parse_manifest(include_str!("../bundle/cluster_role.yaml"));
    role.rules.unwrap_or_default()
}

fn parse_manifest<T: DeserializeOwned>(yaml: &str) -> T {
    serde_saphyr::from_str(yaml).expect("a manifest of the bundle has the type that it is parsed as")
}

fn to_json(object: &impl Serialize) -> Value {
    serde_json::to_value(object).expect("a Kubernetes object serializes to JSON")
}

fn add_labels(object: &mut Value) {
    let labels = &mut object["metadata"]["labels"];
    labels["app.kubernetes.io/name"] = NAME.into();
    labels["app.kubernetes.io/version"] = env!("CARGO_PKG_VERSION").into();
}

#[cfg(test)]
mod tests {
    use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
    use serde_json::{Value, json};

    use super::{Bundle, policy_rules};
    use crate::api::crds;

    fn kinds(bundle: &Bundle) -> Vec<String> {
        let kind = |object: &Value| object["kind"].as_str().unwrap_or("none").to_owned();
        bundle.objects().iter().map(kind).collect()
    }

    fn object(bundle: &Bundle, kind: &str) -> Value {
        let found = bundle.objects().into_iter().find(|object| object["kind"] == kind);
        found.unwrap_or_else(|| panic!("the bundle has no {kind}"))
    }

    fn for_one_namespace() -> Bundle {
        Bundle { watch_namespace: Some("fleet".into()), ..Bundle::new("operator:1") }
    }

    #[test]
    fn the_crds_in_the_bundle_equal_those_of_the_code() {
        let written: Vec<CustomResourceDefinition> =
            serde_saphyr::from_multiple(include_str!("../bundle/crds.yaml")).unwrap();
        let next = "run `cargo run -p seatrial-operator -- crds > operator-under-test/bundle/crds.yaml`";
        assert!(written == crds(), "bundle/crds.yaml is not what crds() says: {next}");
    }

    #[test]
    fn objects_come_after_their_dependencies() {
        let definition = "CustomResourceDefinition";
        assert_eq!(
            kinds(&Bundle::new("operator:1")),
            [
                "Namespace",
                definition,
                definition,
                definition,
                "ServiceAccount",
                "ClusterRole",
                "ClusterRoleBinding",
                "Service",
                "Deployment"
            ]
        );
    }

    #[test]
    fn the_namespace_can_be_left_out() {
        let bundle = Bundle { include_namespace: false, ..Bundle::new("operator:1") };
        assert!(!kinds(&bundle).contains(&"Namespace".to_owned()));
    }

    #[test]
    fn an_operator_for_one_namespace_has_permissions_there_alone() {
        let bundle = for_one_namespace();
        assert!(kinds(&bundle).iter().all(|kind| !kind.starts_with("ClusterRole")));
        let role = object(&bundle, "Role");
        assert_eq!(role["metadata"]["namespace"], "fleet");
        assert_eq!(role["rules"], serde_json::to_value(policy_rules()).unwrap());
        let binding = object(&bundle, "RoleBinding");
        assert_eq!(binding["roleRef"]["kind"], "Role");
        // The service account is in the operator's namespace, not in the watched one.
        assert_eq!(binding["subjects"][0]["namespace"], "seatrial-system");
        let arguments = &object(&bundle, "Deployment")["spec"]["template"]["spec"]["containers"][0]["args"];
        assert_eq!(*arguments, json!(["run", "--health-address=0.0.0.0:8081", "--namespace=fleet"]));
    }

    #[test]
    fn namespaced_objects_are_in_the_configured_namespace() {
        let bundle = Bundle { namespace: "ops".into(), ..Bundle::new("operator:1") };
        for object in bundle.objects() {
            let namespaced =
                matches!(object["kind"].as_str(), Some("ServiceAccount" | "Service" | "Deployment"));
            assert_eq!(object["metadata"]["namespace"].as_str(), namespaced.then_some("ops"), "{object}");
            assert!(!object.to_string().contains(super::NAMESPACE), "{object}");
        }
    }

    #[test]
    fn no_rule_has_a_wildcard() {
        for rule in policy_rules() {
            let words = [rule.api_groups, rule.resources].into_iter().flatten().flatten().chain(rule.verbs);
            assert!(words.into_iter().all(|word| !word.contains('*')));
        }
    }

    #[test]
    fn the_operator_runs_without_privileges() {
        let deployment = object(&Bundle::new("operator:1"), "Deployment");
        let pod = &deployment["spec"]["template"]["spec"];
        assert_eq!(pod["securityContext"]["runAsNonRoot"], true);
        let container = &pod["containers"][0]["securityContext"];
        let restricted = json!({
            "allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true, "capabilities": {"drop": ["ALL"]},
        });
        assert_eq!(*container, restricted);
    }
}
