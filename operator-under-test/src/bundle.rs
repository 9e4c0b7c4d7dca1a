//! The bundle: every object that a cluster needs so that the operator runs in it, ready to be applied.
//!
//! The parts stand as YAML in `bundle/`, written for an operator that looks after all namespaces; this file fits them to
//! what was asked for. It prints and applies nothing, and knows no cluster.

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

/// The namespace that the operator lives in unless somebody says otherwise.
pub const NAMESPACE: &str = "seatrial-system";

/// What the bundle's objects are called, all of them but the Namespace and the definitions.
pub const NAME: &str = "seatrial-operator";

/// How the operator is to be installed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bundle {
    /// The image that the operator runs from.
    pub image: String,
    /// The namespace that it lives in.
    pub namespace: String,
    /// Whether the Namespace itself is one of the bundle's objects.
    pub creates_namespace: bool,
    /// The one namespace that it looks after; `None` for all. Its rights end there, too.
    pub watch: Option<String>,
    /// Further arguments of `seatrial-operator run`.
    pub arguments: Vec<String>,
}

impl Bundle {
    /// An operator in a namespace of its own that looks after all namespaces.
    pub fn new(image: impl Into<String>) -> Self {
        Self {
            image: image.into(),
            namespace: NAMESPACE.to_owned(),
            creates_namespace: true,
            watch: None,
            arguments: Vec::new(),
        }
    }

    /// The objects, in an order in which each finds what it needs: namespace, definitions, account, rights, work.
    pub fn objects(&self) -> Vec<Value> {
        let mut objects = Vec::new();
        if self.creates_namespace {
            objects.push(json(&self.own_namespace()));
        }
        objects.extend(crds().iter().map(json));
        objects.push(json(&self.service_account()));
        objects.extend(self.rights());
        objects.push(json(&self.service()));
        objects.push(json(&self.deployment()));
        for object in &mut objects {
            label(object);
        }
        objects
    }

    fn own_namespace(&self) -> Namespace {
        let mut namespace: Namespace = part(include_str!("../bundle/namespace.yaml"));
        namespace.metadata.name = Some(self.namespace.clone());
        namespace
    }

    fn service_account(&self) -> ServiceAccount {
        let mut account: ServiceAccount = part(include_str!("../bundle/service_account.yaml"));
        account.metadata.namespace = Some(self.namespace.clone());
        account
    }

    /// The same rules for the whole cluster or for one namespace, and who has them.
    fn rights(&self) -> [Value; 2] {
        let role: ClusterRole = part(include_str!("../bundle/cluster_role.yaml"));
        let mut binding: ClusterRoleBinding = part(include_str!("../bundle/cluster_role_binding.yaml"));
        for subject in binding.subjects.iter_mut().flatten() {
            subject.namespace = Some(self.namespace.clone());
        }
        let Some(watched) = &self.watch else { return [json(&role), json(&binding)] };
        let within = |metadata| ObjectMeta { namespace: Some(watched.clone()), ..metadata };
        Role::KIND.clone_into(&mut binding.role_ref.kind);
        let role = Role { metadata: within(role.metadata), rules: role.rules };
        let binding = RoleBinding {
            metadata: within(binding.metadata),
            role_ref: binding.role_ref,
            subjects: binding.subjects,
        };
        [json(&role), json(&binding)]
    }

    fn service(&self) -> Service {
        let mut service: Service = part(include_str!("../bundle/service.yaml"));
        service.metadata.namespace = Some(self.namespace.clone());
        service
    }

    fn deployment(&self) -> Deployment {
        let mut deployment: Deployment = part(include_str!("../bundle/deployment.yaml"));
        deployment.metadata.namespace = Some(self.namespace.clone());
        let pod = deployment.spec.template.spec.as_mut();
        let operator = pod.and_then(|pod| pod.containers.first_mut());
        let operator = operator.expect("the Deployment of the bundle has a container");
        operator.image = Some(self.image.clone());
        let watch = self.watch.iter().map(|namespace| format!("--namespace={namespace}"));
        operator.args.get_or_insert_default().extend(watch.chain(self.arguments.iter().cloned()));
        deployment
    }
}

/// What the operator may do, wherever it may do it.
pub fn rules() -> Vec<PolicyRule> {
    let role: ClusterRole = part(include_str!("../bundle/cluster_role.yaml"));
    role.rules.unwrap_or_default()
}

fn part<T: DeserializeOwned>(yaml: &str) -> T {
    serde_saphyr::from_str(yaml).expect("a part of the bundle is the object that its file says it is")
}

fn json(object: &impl Serialize) -> Value {
    serde_json::to_value(object).expect("an object of Kubernetes can be written as JSON")
}

/// The version is known here and not to the files.
fn label(object: &mut Value) {
    let labels = &mut object["metadata"]["labels"];
    labels["app.kubernetes.io/name"] = NAME.into();
    labels["app.kubernetes.io/version"] = env!("CARGO_PKG_VERSION").into();
}

#[cfg(test)]
mod tests {
    use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
    use serde_json::{Value, json};

    use super::{Bundle, rules};
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
        Bundle { watch: Some("fleet".into()), ..Bundle::new("operator:1") }
    }

    #[test]
    fn the_definitions_in_the_bundle_are_those_of_the_code() {
        let written: Vec<CustomResourceDefinition> =
            serde_saphyr::from_multiple(include_str!("../bundle/crds.yaml")).unwrap();
        let next = "run `cargo run -p seatrial-operator -- crds > operator-under-test/bundle/crds.yaml`";
        assert!(written == crds(), "bundle/crds.yaml is not what crds() says: {next}");
    }

    #[test]
    fn whatever_an_object_needs_comes_before_it() {
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
    fn a_namespace_that_is_there_already_is_left_alone() {
        let bundle = Bundle { creates_namespace: false, ..Bundle::new("operator:1") };
        assert!(!kinds(&bundle).contains(&"Namespace".to_owned()));
    }

    #[test]
    fn an_operator_for_one_namespace_has_the_same_rights_there_and_none_elsewhere() {
        let bundle = for_one_namespace();
        assert!(kinds(&bundle).iter().all(|kind| !kind.starts_with("ClusterRole")));
        let role = object(&bundle, "Role");
        assert_eq!(role["metadata"]["namespace"], "fleet");
        assert_eq!(role["rules"], serde_json::to_value(rules()).unwrap());
        let binding = object(&bundle, "RoleBinding");
        assert_eq!(binding["roleRef"]["kind"], "Role");
        // The account lives with the operator, not where it works.
        assert_eq!(binding["subjects"][0]["namespace"], "seatrial-system");
        let arguments = &object(&bundle, "Deployment")["spec"]["template"]["spec"]["containers"][0]["args"];
        assert_eq!(*arguments, json!(["run", "--health-address=0.0.0.0:8081", "--namespace=fleet"]));
    }

    #[test]
    fn everything_that_lives_in_a_namespace_lives_in_the_one_asked_for() {
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
        for rule in rules() {
            let words = [rule.api_groups, rule.resources].into_iter().flatten().flatten().chain(rule.verbs);
            assert!(words.into_iter().all(|word| !word.contains('*')));
        }
    }

    #[test]
    fn the_operator_runs_without_privileges() {
        let deployment = object(&Bundle::new("operator:1"), "Deployment");
        let pod = &deployment["spec"]["template"]["spec"];
        assert_eq!(pod["securityContext"]["runAsNonRoot"], true);
        let own = &pod["containers"][0]["securityContext"];
        let closed = json!({
            "allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true, "capabilities": {"drop": ["ALL"]},
        });
        assert_eq!(*own, closed);
    }
}
