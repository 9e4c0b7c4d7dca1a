//! Tables of the checks by level, each with its first version, in the order in which messages list violations.

use serde_json::Value;

use super::pod::{Pod, Violation};
use super::policy::{Level, LevelVersion};
use super::{baseline, restricted};

/// The newest release that adds a check.
const NEWEST: u32 = 37;

/// A check.
struct Check {
    id: &'static str,
    /// The first minor release with the check.
    since: u32,
    /// Id of the baseline check that it replaces.
    instead_of: &'static str,
    broken: fn(&Pod<'_>) -> Option<Violation>,
}

const fn check(id: &'static str, since: u32, broken: fn(&Pod<'_>) -> Option<Violation>) -> Check {
    Check { id, since, instead_of: "", broken }
}

const fn replacement(
    id: &'static str,
    since: u32,
    instead_of: &'static str,
    broken: fn(&Pod<'_>) -> Option<Violation>,
) -> Check {
    Check { id, since, instead_of, broken }
}

/// Checks of `baseline`, ordered by id.
const BASELINE: [Check; 12] = [
    check("appArmorProfile", 0, baseline::app_armor),
    check("capabilities_baseline", 0, baseline::capabilities),
    check("hostNamespaces", 0, baseline::host_namespaces),
    check("hostPathVolumes", 0, baseline::host_paths),
    check("hostPorts", 0, baseline::host_ports),
    check("hostProbesAndHostLifecycle", 34, baseline::probe_hosts),
    check("privileged", 0, baseline::privileged),
    check("procMount", 0, baseline::proc_mount),
    check("seLinuxOptions", 0, baseline::selinux),
    check("seccompProfile_baseline", 0, baseline::seccomp),
    check("sysctls", 0, baseline::sysctls),
    check("windowsHostProcess", 0, baseline::host_process),
];

/// Checks that `restricted` adds, ordered by id.
const RESTRICTED: [Check; 7] = [
    check("allowPrivilegeEscalation", 8, restricted::privilege_escalation),
    replacement("capabilities_restricted", 22, "capabilities_baseline", restricted::capabilities),
    replacement("procMount_restricted", 35, "procMount", baseline::masked_proc_mount),
    replacement("restrictedVolumes", 0, "hostPathVolumes", restricted::volumes),
    check("runAsNonRoot", 0, restricted::non_root),
    check("runAsUser", 23, restricted::user),
    replacement("seccompProfile_restricted", 19, "seccompProfile_baseline", restricted::seccomp),
];

/// Violations of the standard by a Pod.
pub(super) fn violations(standard: LevelVersion, metadata: &Value, spec: &Value) -> Vec<Violation> {
    let minor = standard.minor.min(NEWEST);
    let pod = Pod { metadata, spec, minor };
    let strict: &[Check] = if standard.level == Level::Restricted { &RESTRICTED } else { &[] };
    let strict = || strict.iter().filter(|check| check.since <= minor);
    let replaced = |id: &str| strict().any(|check| check.instead_of == id);
    let base: &[Check] = if standard.level == Level::Privileged { &[] } else { &BASELINE };
    let base = base.iter().filter(|check| check.since <= minor && !replaced(check.id));
    base.chain(strict()).filter_map(|check| (check.broken)(&pod)).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::policy::LATEST;
    use super::*;

    fn violation_texts(level: Level, minor: u32, spec: &Value) -> Vec<String> {
        let standard = LevelVersion { level, minor };
        violations(standard, &json!({}), spec).into_iter().map(|violation| violation.to_string()).collect()
    }

    #[test]
    fn checks_are_ordered_by_id() {
        assert!(BASELINE.is_sorted_by_key(|check| check.id) && RESTRICTED.is_sorted_by_key(|check| check.id));
        let known = |id: &str| id.is_empty() || BASELINE.iter().any(|check| check.id == id);
        assert!(RESTRICTED.iter().all(|check| known(check.instead_of)));
    }

    #[test]
    fn minimal_pod_meets_baseline_and_violates_four_restricted_checks() {
        let plain = || json!({"containers": [{"name": "a"}, {"name": "b"}]});
        assert_eq!(violation_texts(Level::Baseline, LATEST, &plain()), Vec::<String>::new());
        assert_eq!(
            violation_texts(Level::Restricted, LATEST, &plain()),
            [
                "allowPrivilegeEscalation != false (containers \"a\", \"b\" must set securityContext.allowPrivilegeEscalation=false)",
                "unrestricted capabilities (containers \"a\", \"b\" must set securityContext.capabilities.drop=[\"ALL\"])",
                "runAsNonRoot != true (pod or containers \"a\", \"b\" must set securityContext.runAsNonRoot=true)",
                "seccompProfile (pod or containers \"a\", \"b\" must set securityContext.seccompProfile.type to \"RuntimeDefault\" or \"Localhost\")",
            ]
        );
    }

    #[test]
    fn restricted_check_replaces_its_baseline_check() {
        let mounted = || json!({"volumes": [{"name": "v", "hostPath": {"path": "/"}}]});
        assert_eq!(violation_texts(Level::Baseline, LATEST, &mounted()), ["hostPath volumes (volume \"v\")"]);
        assert_eq!(
            violation_texts(Level::Restricted, LATEST, &mounted()),
            ["restricted volume types (volume \"v\" uses restricted volume type \"hostPath\")"]
        );
    }

    #[test]
    fn deprecated_annotations_are_checked() {
        let metadata =
            json!({"annotations": {"container.apparmor.security.beta.kubernetes.io/a": "unconfined"}});
        let standard = LevelVersion { level: Level::Baseline, minor: LATEST };
        let found = violations(standard, &metadata, &json!({"containers": [{"name": "a"}]}));
        assert_eq!(
            found.iter().map(ToString::to_string).collect::<Vec<_>>(),
            [
                "forbidden AppArmor profile (annotation must not set AppArmor profile type to \"container.apparmor.security.beta.kubernetes.io/a=\"unconfined\"\")"
            ]
        );
    }

    #[test]
    fn check_applies_from_its_first_version() {
        let probed = || json!({"containers": [{"name": "a", "livenessProbe": {"tcpSocket": {"host": "h"}}}]});
        assert_eq!(violation_texts(Level::Baseline, 33, &probed()), Vec::<String>::new());
        let since = ["probe or lifecycle host (container \"a\" uses probe or lifecycle host \"h\")"];
        assert_eq!(violation_texts(Level::Baseline, 34, &probed()), since);
        assert_eq!(violation_texts(Level::Baseline, 99, &probed()), since);
    }

    #[test]
    fn hardened_pod_meets_restricted() {
        let spec = json!({
            "securityContext": {"runAsNonRoot": true, "seccompProfile": {"type": "RuntimeDefault"}},
            "containers": [{"name": "a", "securityContext": {
                "allowPrivilegeEscalation": false,
                "capabilities": {"drop": ["ALL"], "add": ["NET_BIND_SERVICE"]},
            }}],
            "volumes": [{"name": "v", "emptyDir": {}}],
        });
        assert_eq!(violation_texts(Level::Restricted, LATEST, &spec), Vec::<String>::new());
    }
}
