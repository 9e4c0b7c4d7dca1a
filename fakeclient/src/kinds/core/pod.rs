//! Pod: defaults, validation, mutable fields, and graceful deletion of a Pod that is assigned to a node.

mod qos;
mod update;

use serde_json::{Value, json};

use crate::error::ApiError;
use crate::error::field::FieldError;
use crate::error::path::Path;
use crate::kinds::pod_spec::affinity::merge_label_keys;
use crate::kinds::pod_spec::app_armor;
use crate::kinds::pod_spec::check::PodSpecParent;
use crate::kinds::pod_spec::check::{pod_only, spec};
use crate::kinds::pod_spec::defaults::{set_pod_defaults, set_pod_spec_defaults};
use crate::kinds::pod_spec::disabled::drop_disabled;
use crate::kinds::pod_spec::warnings::warnings;
use crate::kinds::rules::names::dns_label;
use crate::object::view::fields::{FieldAccess, copy, object_mut, set};
use crate::registry::strategy::{
    CreateStrategy, DeleteStrategy, GracePeriod, StatusStrategy, StoreView, Strategy, UpdateStrategy,
};

/// `pods`
#[derive(Debug)]
pub(crate) struct Pod;

impl Strategy for Pod {
    fn defaults_after_prepare(&self) -> bool {
        false
    }

    fn drop_disabled_fields(&self, object: &mut Value) {
        drop_disabled(object, "/spec");
    }

    fn apply_defaults(&self, object: &mut Value) {
        let spec = object_mut(object, "spec");
        set_pod_spec_defaults(spec);
        set_pod_defaults(spec);
        if object.has("status") {
            sync_pod_ips(object_mut(object, "status"));
        }
    }

    fn allocate(
        &self,
        object: &mut Value,
        old: Option<&Value>,
        store_view: &dyn StoreView,
    ) -> Result<(), ApiError> {
        if old.is_some() {
            return Ok(());
        }
        let class = qos::qos_class(&object["spec"]);
        let gated = !object["spec"].list("schedulingGates").is_empty();
        let status = object_mut(object, "status");
        set(status, "qosClass", class);
        if gated {
            let condition = json!({
                "type": "PodScheduled", "status": "False", "reason": "SchedulingGated",
                "message": "Scheduling is blocked due to non-empty scheduling gates",
                "lastProbeTime": null, "lastTransitionTime": store_view.now(),
            });
            set(status, "conditions", json!([condition]));
        }
        Ok(())
    }

    fn warnings(&self, object: &Value, old: Option<&Value>) -> Vec<String> {
        // Updates come from programs, so that only a create warns.
        if old.is_some() {
            return Vec::new();
        }
        let name = dns_label(object["metadata"].text("name"));
        let name = (!name.is_empty()).then(|| {
            format!(
                "metadata.name: this is used in the Pod's hostname, which can result in surprising behavior; a DNS \
                 label is recommended: [{}]",
                name.join(" ")
            )
        });
        name.into_iter().chain(warnings(&Path::default(), object)).collect()
    }
}

impl CreateStrategy for Pod {
    fn prepare_create(&self, object: &mut Value) {
        set(object, "status", json!({"phase": "Pending"}));
        merge_label_keys(object);
        app_armor::sync_app_armor(object);
    }

    fn warnings_before_prepare(&self, object: &Value) -> Vec<String> {
        app_armor::unsynced_warnings(object)
    }

    fn validate_create(&self, object: &Value) -> Vec<FieldError> {
        let path = Path::new("spec");
        let pod = &object["spec"];
        let mut errors = pod_errors(object);
        if !pod.list("ephemeralContainers").is_empty() {
            errors.push(FieldError::forbidden(path.child("ephemeralContainers"), "cannot be set on create"));
        }
        if !pod.text("nodeName").is_empty() && !pod.list("schedulingGates").is_empty() {
            let why = "cannot be set until all schedulingGates have been cleared";
            errors.push(FieldError::forbidden(path.child("nodeName"), why));
        }
        errors.extend(app_armor::contradictions(&path, &object["metadata"], pod));
        errors
    }
}

impl UpdateStrategy for Pod {
    fn validate_update(&self, object: &Value, old: &Value) -> Vec<FieldError> {
        let (metadata, old_metadata) = (&object["metadata"], &old["metadata"]);
        if object["spec"] == old["spec"] && metadata["annotations"] == old_metadata["annotations"] {
            // No validated field has changed since the stored Pod was validated.
            return Vec::new();
        }
        let mut errors = pod_errors(object);
        let annotations = Path::new("metadata.annotations");
        errors.extend(app_armor::frozen(&annotations, metadata, old_metadata));
        for error in update::check(&object["spec"], &old["spec"]) {
            // A missing image is found twice, but the server reports it once.
            if !errors.contains(&error) {
                errors.push(error);
            }
        }
        errors
    }
}

impl StatusStrategy for Pod {
    fn prepare_status_update(&self, object: &mut Value, old: &Value) {
        copy(&old["metadata"], object_mut(object, "metadata"), "ownerReferences");
        if object["status"].text("qosClass").is_empty() {
            copy(&old["status"], object_mut(object, "status"), "qosClass");
        }
    }

    fn validate_status_update(&self, object: &Value, old: &Value) -> Vec<FieldError> {
        let mut errors = Vec::new();
        let class = &object["status"]["qosClass"];
        if *class != old["status"]["qosClass"] {
            errors.push(FieldError::invalid("status.qosClass", class.clone(), "field is immutable"));
        }
        errors
    }
}

impl DeleteStrategy for Pod {
    /// The requested period, else the Pod's own (kube-apiserver 1.37). Immediate for a Pod that has no node or has
    /// terminated.
    fn grace(&self, object: &Value, requested: Option<i64>) -> GracePeriod {
        let own = || object["spec"].number("terminationGracePeriodSeconds").unwrap_or_default();
        let ended = ["Failed", "Succeeded"].contains(&object["status"].text("phase"));
        if object["spec"].text("nodeName").is_empty() || ended {
            return GracePeriod::Seconds(0);
        }
        let seconds = requested.unwrap_or_else(own);
        GracePeriod::Seconds(if seconds < 0 { 1 } else { seconds })
    }
}

fn pod_errors(object: &Value) -> Vec<FieldError> {
    let path = Path::new("spec");
    let annotations = Path::new("metadata.annotations");
    let mut errors = app_armor::annotations(&annotations, &object["metadata"], &object["spec"]);
    errors.extend(spec(&path, &object["spec"], PodSpecParent::Pod));
    errors.extend(pod_only(&path, &object["spec"]));
    errors
}

/// Makes `podIP` the first of `podIPs`. If they differ, `podIP` has precedence.
fn sync_pod_ips(status: &mut Value) {
    let ip = status.text("podIP").to_owned();
    let first = status.list("podIPs").first().map(|entry| entry.text("ip").to_owned());
    match first {
        Some(first) if ip.is_empty() => set(status, "podIP", first),
        Some(first) if first == ip => {}
        _ if !ip.is_empty() => set(status, "podIPs", json!([{"ip": ip}])),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(spec: Value, expected: &[&str]) {
        let mut object = json!({"metadata": {"name": "p"}});
        object["spec"] = spec;
        Pod.prepare_create(&mut object);
        Pod.apply_defaults(&mut object);
        let texts: Vec<_> = Pod.validate_create(&object).iter().map(ToString::to_string).collect();
        assert_eq!(texts, expected);
    }

    const LABEL: &str = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
    const QUALIFIED: &str = "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";

    #[test]
    fn containers_require_unique_names_and_images() {
        check(json!({}), &["spec.containers: Required value"]);
        check(
            json!({"containers": [
                {"name": "", "image": ""}, {"name": "Bad_Name", "image": " x "}, {"name": "d", "image": "x"},
                {"name": "d", "image": "x", "terminationMessagePolicy": "q", "imagePullPolicy": "w"},
            ]}),
            &[
                "spec.containers[0].name: Required value",
                "spec.containers[0].image: Required value",
                &format!("spec.containers[1].name: Invalid value: \"Bad_Name\": {LABEL}"),
                "spec.containers[3].terminationMessagePolicy: Unsupported value: \"q\": supported values: \"File\", \"FallbackToLogsOnError\"",
                "spec.containers[3].imagePullPolicy: Unsupported value: \"w\": supported values: \"Always\", \"IfNotPresent\", \"Never\"",
                "spec.containers[3].name: Duplicate value: \"d\"",
                "spec.containers[1].image: Invalid value: \" x \": must not have leading or trailing whitespace",
            ],
        );
    }

    #[test]
    fn ports_are_in_range_and_host_ports_are_unique() {
        check(
            json!({"containers": [{"name": "c", "image": "x:1", "ports": [
                {"containerPort": 0}, {"containerPort": 70000, "protocol": "X", "name": "UP"},
                {"containerPort": 1, "name": "a"}, {"containerPort": 2, "name": "a", "hostPort": 99999},
                {"containerPort": 3, "hostPort": 80}, {"containerPort": 4, "hostPort": 80},
            ]}]}),
            &[
                "spec.containers[0].ports[0].containerPort: Required value",
                "spec.containers[0].ports[1].name: Invalid value: \"UP\": must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)",
                "spec.containers[0].ports[1].name: Invalid value: \"UP\": must contain at least one letter (a-z)",
                "spec.containers[0].ports[1].containerPort: Invalid value: 70000: must be between 1 and 65535, inclusive",
                "spec.containers[0].ports[1].protocol: Unsupported value: \"X\": supported values: \"SCTP\", \"TCP\", \"UDP\"",
                "spec.containers[0].ports[3].name: Duplicate value: \"a\"",
                "spec.containers[0].ports[3].hostPort: Invalid value: 99999: must be between 1 and 65535, inclusive",
                "spec.containers[0].ports[5].hostPort: Duplicate value: \"TCP//80\"",
            ],
        );
        check(
            json!({"hostNetwork": true, "containers": [
                {"name": "c", "image": "x", "ports": [{"containerPort": 80, "hostPort": 81}]}]}),
            &[
                "spec.containers[0].ports[0].hostPort: Invalid value: 81: must match `containerPort` when `hostNetwork` is true",
            ],
        );
    }

    #[test]
    fn variable_requires_one_valid_source() {
        let at = "spec.containers[0].env";
        check(
            json!({"containers": [{"name": "c", "image": "x:1", "env": [
                {"name": ""}, {"name": "a=b", "value": "1"},
                {"name": "A", "value": "1", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
                {"name": "B", "valueFrom": {}},
                {"name": "C", "valueFrom": {"fieldRef": {"fieldPath": "foo.bar"}}},
                {"name": "D", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}, "secretKeyRef": {"name": "x", "key": ""}}},
                {"name": "F", "valueFrom": {"resourceFieldRef": {"resource": "foo"}}},
                {"name": "G", "valueFrom": {"fieldRef": {"fieldPath": "metadata.labels['a b']"}}},
            ], "envFrom": [{}, {"configMapRef": {"name": ""}}]}]}),
            &[
                &format!("{at}[0].name: Required value"),
                &format!(
                    "{at}[1].name: Invalid value: \"a=b\": a valid environment variable name must consist only of printable ASCII characters other than '='"
                ),
                &format!(
                    "{at}[2].valueFrom: Invalid value: \"\": may not be specified when `value` is not empty"
                ),
                &format!(
                    "{at}[3].valueFrom: Invalid value: \"\": must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`"
                ),
                &format!(
                    "{at}[4].valueFrom.fieldRef.fieldPath: Invalid value: \"foo.bar\": error converting fieldPath: field label not supported: foo.bar"
                ),
                &format!("{at}[5].valueFrom.secretKeyRef.key: Required value"),
                &format!(
                    "{at}[5].valueFrom: Invalid value: \"\": may not have more than one field specified at a time"
                ),
                &format!(
                    "{at}[6].valueFrom.resourceFieldRef.resource: Unsupported value: \"foo\": supported values: \"limits.cpu\", \"limits.ephemeral-storage\", \"limits.memory\", \"requests.cpu\", \"requests.ephemeral-storage\", \"requests.memory\""
                ),
                &format!("{at}[7].valueFrom.fieldRef: Invalid value: \"a b\": {QUALIFIED}"),
                "spec.containers[0].envFrom: Invalid value: \"\": must specify one of: `configMapRef` or `secretRef`",
                "spec.containers[0].envFrom[1].configMapRef.name: Required value",
            ],
        );
    }

    #[test]
    fn mounts_require_valid_volumes() {
        let at = "spec.containers[0].volumeMounts";
        check(
            json!({
                "containers": [{"name": "c", "image": "x:1", "volumeMounts": [
                    {"name": "nope", "mountPath": "/a"}, {"name": "v", "mountPath": "/a"}, {"name": "v", "mountPath": ""},
                    {"name": "", "mountPath": "/q", "subPath": "/x/../y"},
                    {"name": "v", "mountPath": "/z", "mountPropagation": "Bidirectional"}]}],
                "volumes": [
                    {"name": "v"}, {"name": "v", "emptyDir": {}}, {"name": "", "emptyDir": {}},
                    {"name": "V_", "emptyDir": {}, "secret": {"secretName": ""}},
                    {"name": "s", "secret": {"secretName": "", "defaultMode": 1000, "items": [{"key": "", "path": "../x"}]}},
                    {"name": "cm", "configMap": {"name": ""}}, {"name": "pvc", "persistentVolumeClaim": {"claimName": ""}},
                    {"name": "hp", "hostPath": {"path": "", "type": "x"}},
                    {"name": "d", "downwardAPI": {"items": [{"path": "", "fieldRef": {"fieldPath": "spec.nodeName"}}, {"path": "a"}]}},
                    {"name": "pr", "projected": {"sources": [{}, {"secret": {"name": ""}}, {"serviceAccountToken": {"path": ""}}]}},
                    {"name": "em", "emptyDir": {"sizeLimit": "-1"}}],
            }),
            &[
                "spec.volumes[1].name: Duplicate value: \"v\"",
                "spec.volumes[2].name: Required value",
                "spec.volumes[3].secret: Forbidden: may not specify more than 1 volume type",
                &format!("spec.volumes[3].name: Invalid value: \"V_\": {LABEL}"),
                "spec.volumes[4].secret.secretName: Required value",
                "spec.volumes[4].secret.defaultMode: Invalid value: 1000: must be a number between 0 and 0777 (octal), both inclusive",
                "spec.volumes[4].secret.items[0].key: Required value",
                "spec.volumes[4].secret.items[0].path: Invalid value: \"../x\": must not contain '..'",
                "spec.volumes[5].configMap.name: Required value",
                "spec.volumes[6].persistentVolumeClaim.claimName: Required value",
                "spec.volumes[7].hostPath.path: Required value",
                "spec.volumes[8].downwardAPI.path: Required value",
                "spec.volumes[8].downwardAPI.fieldRef.fieldPath: Unsupported value: \"spec.nodeName\": supported values: \"metadata.annotations\", \"metadata.labels\", \"metadata.name\", \"metadata.namespace\", \"metadata.uid\"",
                "spec.volumes[8].downwardAPI: Required value: one of fieldRef and resourceFieldRef is required",
                "spec.volumes[9].projected.sources[1].secret.name: Required value",
                "spec.volumes[9].projected.path: Required value",
                "spec.volumes[10].emptyDir.sizeLimit: Forbidden: SizeLimit field must be a valid resource quantity",
                &format!("{at}[0].name: Not found: \"nope\""),
                &format!("{at}[1].mountPath: Invalid value: \"/a\": must be unique"),
                &format!("{at}[2].mountPath: Required value"),
                &format!("{at}[3].name: Required value"),
                &format!("{at}[3].name: Not found: \"\""),
                &format!("{at}.subPath: Invalid value: \"/x/../y\": must be a relative path"),
                &format!("{at}.subPath: Invalid value: \"/x/../y\": must not contain '..'"),
                &format!(
                    "{at}.mountPropagation: Forbidden: Bidirectional mount propagation is available only to privileged containers"
                ),
                "spec.volumes[9].projected.sources[2].serviceAccountToken: Forbidden: must not be specified when serviceAccountName is not set",
            ],
        );
    }

    #[test]
    fn requests_above_limits_are_rejected() {
        let at = "spec.containers[0].resources";
        check(
            json!({"containers": [{"name": "c", "image": "x:1", "resources": {
                "requests": {"cpu": "2", "memory": "1Gi", "foo": "1", "ex.com/gpu": "1"},
                "limits": {"cpu": "1", "memory": "-1", "ex.com/x": "1500m"}}}]}),
            &[
                &format!("{at}.limits[ex.com/x]: Invalid value: \"1500m\": must be an integer"),
                &format!("{at}.limits[memory]: Invalid value: \"-1\": must be greater than or equal to 0"),
                &format!("{at}.requests: Invalid value: \"2\": must be less than or equal to cpu limit of 1"),
                &format!("{at}.limits: Required value: Limit must be set for non overcommitable resources"),
                &format!("{at}.requests[ex.com/x]: Invalid value: \"1500m\": must be an integer"),
                &format!(
                    "{at}.requests[foo]: Invalid value: \"foo\": must be a standard resource type or fully qualified"
                ),
                &format!(
                    "{at}.requests[foo]: Invalid value: \"foo\": must be a standard resource for containers"
                ),
                &format!(
                    "{at}.requests: Invalid value: \"1Gi\": must be less than or equal to memory limit of -1"
                ),
            ],
        );
    }

    #[test]
    fn probes_require_one_handler_and_valid_limits() {
        let at = "spec.containers[0]";
        check(
            json!({"containers": [{"name": "c", "image": "x",
                "livenessProbe": {"httpGet": {"port": 80}, "successThreshold": 2, "periodSeconds": -1},
                "readinessProbe": {}, "startupProbe": {"exec": {}, "tcpSocket": {"port": 1}}, "lifecycle": {"preStop": {}}}]}),
            &[
                &format!("{at}.lifecycle.preStop: Required value: must specify a handler type"),
                &format!(
                    "{at}.livenessProbe.periodSeconds: Invalid value: -1: must be greater than or equal to 0"
                ),
                &format!("{at}.livenessProbe.successThreshold: Invalid value: 2: must be 1"),
                &format!("{at}.readinessProbe: Required value: must specify a handler type"),
                &format!("{at}.startupProbe.exec.command: Required value"),
                &format!("{at}.startupProbe.tcpSocket: Forbidden: may not specify more than 1 handler type"),
            ],
        );
    }

    #[test]
    fn init_containers_share_names_and_forbid_probes() {
        check(
            json!({"containers": [{"name": "c", "image": "x"}], "restartPolicy": "x", "dnsPolicy": "y", "initContainers": [
                {"name": "c", "image": "x", "livenessProbe": {"exec": {"command": ["a"]}}},
                {"name": "i", "image": "x", "restartPolicy": "Foo"}]}),
            &[
                "spec.initContainers[0].name: Duplicate value: \"c\"",
                "spec.initContainers[0].livenessProbe: Forbidden: may not be set for init containers without restartPolicy=Always",
                "spec.initContainers[1].restartPolicy: Unsupported value: \"Foo\": supported values: \"Always\", \"Never\", \"OnFailure\"",
                "spec.restartPolicy: Unsupported value: \"x\": supported values: \"Always\", \"OnFailure\", \"Never\"",
                "spec.dnsPolicy: Unsupported value: \"y\": supported values: \"ClusterFirstWithHostNet\", \"ClusterFirst\", \"Default\", \"None\"",
            ],
        );
    }

    #[test]
    fn scheduling_fields_are_validated() {
        check(
            json!({"containers": [{"name": "c", "image": "x"}], "activeDeadlineSeconds": 0, "hostname": "A.b",
                "hostPID": true, "shareProcessNamespace": true,
                "tolerations": [{"key": "a b"}, {"operator": "Equal"}, {"key": "a", "operator": "Exists", "value": "x"},
                    {"key": "a", "operator": "Q"}, {"key": "a", "effect": "Z"}, {"key": "a", "tolerationSeconds": 1}]}),
            &[
                "spec.shareProcessNamespace: Invalid value: true: ShareProcessNamespace and HostPID cannot both be enabled",
                "spec.activeDeadlineSeconds: Invalid value: 0: must be between 1 and 2147483647, inclusive",
                &format!("spec.hostname: Invalid value: \"A.b\": {LABEL}"),
                &format!("spec.tolerations[0].key: Invalid value: \"a b\": {QUALIFIED}"),
                "spec.tolerations[1].operator: Invalid value: \"Equal\": operator must be Exists when `key` is empty, which means \"match all values and all keys\"",
                "spec.tolerations[2].operator: Invalid value: \"x\": value must be empty when `operator` is 'Exists'",
                "spec.tolerations[3].operator: Unsupported value: \"Q\": supported values: \"Equal\", \"Exists\"",
                "spec.tolerations[4].effect: Unsupported value: \"Z\": supported values: \"NoSchedule\", \"PreferNoSchedule\", \"NoExecute\"",
                "spec.tolerations[5].effect: Invalid value: \"\": effect must be 'NoExecute' when `tolerationSeconds` is set",
            ],
        );
    }

    #[test]
    fn security_contexts_are_validated() {
        check(
            json!({"containers": [{"name": "c", "image": "x", "securityContext": {
                "privileged": true, "allowPrivilegeEscalation": false, "runAsUser": -1, "capabilities": {"add": [""]}}}],
                "securityContext": {"runAsUser": -5, "fsGroup": -1}}),
            &[
                "spec.containers[0].securityContext.runAsUser: Invalid value: -1: must be between 0 and 2147483647, inclusive",
                "spec.containers[0].securityContext: Invalid value: {\"Capabilities\":{\"Add\":[\"\"],\"Drop\":null},\"Privileged\":true,\"SELinuxOptions\":null,\"WindowsOptions\":null,\"RunAsUser\":-1,\"RunAsGroup\":null,\"RunAsNonRoot\":null,\"ReadOnlyRootFilesystem\":null,\"AllowPrivilegeEscalation\":false,\"ProcMount\":null,\"SeccompProfile\":null,\"AppArmorProfile\":null}: cannot set `allowPrivilegeEscalation` to false and `privileged` to true",
                "spec.securityContext.fsGroup: Invalid value: -1: must be between 0 and 2147483647, inclusive",
                "spec.securityContext.runAsUser: Invalid value: -5: must be between 0 and 2147483647, inclusive",
            ],
        );
    }

    #[test]
    fn only_a_scheduled_pod_has_a_grace_period() {
        let pod = |node: &str, phase: &str| json!({"spec": {"nodeName": node, "terminationGracePeriodSeconds": 30}, "status": {"phase": phase}});
        assert_eq!(Pod.grace(&pod("n1", "Running"), None), GracePeriod::Seconds(30));
        assert_eq!(Pod.grace(&pod("n1", "Running"), Some(5)), GracePeriod::Seconds(5));
        assert_eq!(Pod.grace(&pod("n1", "Running"), Some(-3)), GracePeriod::Seconds(1));
        assert_eq!(Pod.grace(&pod("", "Pending"), Some(5)), GracePeriod::Seconds(0));
        assert_eq!(Pod.grace(&pod("n1", "Succeeded"), None), GracePeriod::Seconds(0));
    }

    #[test]
    fn pod_ip_is_the_first_of_pod_ips() {
        let mut pod = json!({"spec": {}, "status": {"podIP": "10.1.0.1"}});
        Pod.apply_defaults(&mut pod);
        assert_eq!(pod["status"]["podIPs"], json!([{"ip": "10.1.0.1"}]));
    }
}
