//! Tables of the checks by level, each with its first version, in the order in which messages list violations.

use serde_json::Value;

use super::pod::{Pod, Violation};
use super::policy::{Level, Standard};
use super::{baseline, restricted};

/// The newest release that adds a check.
const NEWEST: u32 = 37;

/// A check.
struct Rule {
    id: &'static str,
    /// The first minor release with the check.
    since: u32,
    /// Id of the baseline check that it replaces.
    instead_of: &'static str,
    broken: fn(&Pod<'_>) -> Option<Violation>,
}

const fn rule(id: &'static str, since: u32, broken: fn(&Pod<'_>) -> Option<Violation>) -> Rule {
    Rule { id, since, instead_of: "", broken }
}

const fn stricter(
    id: &'static str,
    since: u32,
    instead_of: &'static str,
    broken: fn(&Pod<'_>) -> Option<Violation>,
) -> Rule {
    Rule { id, since, instead_of, broken }
}

/// Checks of `baseline`, ordered by id.
const BASELINE: [Rule; 12] = [
    rule("appArmorProfile", 0, baseline::app_armor),
    rule("capabilities_baseline", 0, baseline::capabilities),
    rule("hostNamespaces", 0, baseline::host_namespaces),
    rule("hostPathVolumes", 0, baseline::host_paths),
    rule("hostPorts", 0, baseline::host_ports),
    rule("hostProbesAndHostLifecycle", 34, baseline::probe_hosts),
    rule("privileged", 0, baseline::privileged),
    rule("procMount", 0, baseline::proc_mount),
    rule("seLinuxOptions", 0, baseline::selinux),
    rule("seccompProfile_baseline", 0, baseline::seccomp),
    rule("sysctls", 0, baseline::sysctls),
    rule("windowsHostProcess", 0, baseline::host_process),
];

/// Checks that `restricted` adds, ordered by id.
const RESTRICTED: [Rule; 7] = [
    rule("allowPrivilegeEscalation", 8, restricted::privilege_escalation),
    stricter("capabilities_restricted", 22, "capabilities_baseline", restricted::capabilities),
    stricter("procMount_restricted", 35, "procMount", baseline::masked_proc_mount),
    stricter("restrictedVolumes", 0, "hostPathVolumes", restricted::volumes),
    rule("runAsNonRoot", 0, restricted::non_root),
    rule("runAsUser", 23, restricted::user),
    stricter("seccompProfile_restricted", 19, "seccompProfile_baseline", restricted::seccomp),
];

/// Violations of the standard by a Pod.
pub(super) fn violations(standard: Standard, metadata: &Value, spec: &Value) -> Vec<Violation> {
    let minor = standard.minor.min(NEWEST);
    let pod = Pod { metadata, spec, minor };
    let strict: &[Rule] = if standard.level == Level::Restricted { &RESTRICTED } else { &[] };
    let strict = || strict.iter().filter(|rule| rule.since <= minor);
    let replaced = |id: &str| strict().any(|rule| rule.instead_of == id);
    let base: &[Rule] = if standard.level == Level::Privileged { &[] } else { &BASELINE };
    let base = base.iter().filter(|rule| rule.since <= minor && !replaced(rule.id));
    base.chain(strict()).filter_map(|rule| (rule.broken)(&pod)).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::policy::LATEST;
    use super::*;

    fn told(level: Level, minor: u32, spec: &Value) -> Vec<String> {
        let standard = Standard { level, minor };
        violations(standard, &json!({}), spec).into_iter().map(|violation| violation.to_string()).collect()
    }

    #[test]
    fn tables_stand_in_the_order_in_which_violations_are_told() {
        assert!(BASELINE.is_sorted_by_key(|rule| rule.id) && RESTRICTED.is_sorted_by_key(|rule| rule.id));
        let known = |id: &str| id.is_empty() || BASELINE.iter().any(|rule| rule.id == id);
        assert!(RESTRICTED.iter().all(|rule| known(rule.instead_of)));
    }

    #[test]
    fn a_plain_pod_is_baseline_and_breaks_four_rules_of_restricted() {
        let plain = || json!({"containers": [{"name": "a"}, {"name": "b"}]});
        assert_eq!(told(Level::Baseline, LATEST, &plain()), Vec::<String>::new());
        assert_eq!(
            told(Level::Restricted, LATEST, &plain()),
            [
                "allowPrivilegeEscalation != false (containers \"a\", \"b\" must set securityContext.allowPrivilegeEscalation=false)",
                "unrestricted capabilities (containers \"a\", \"b\" must set securityContext.capabilities.drop=[\"ALL\"])",
                "runAsNonRoot != true (pod or containers \"a\", \"b\" must set securityContext.runAsNonRoot=true)",
                "seccompProfile (pod or containers \"a\", \"b\" must set securityContext.seccompProfile.type to \"RuntimeDefault\" or \"Localhost\")",
            ]
        );
    }

    #[test]
    fn a_stricter_rule_stands_in_for_the_one_below_it() {
        let mounted = || json!({"volumes": [{"name": "v", "hostPath": {"path": "/"}}]});
        assert_eq!(told(Level::Baseline, LATEST, &mounted()), ["hostPath volumes (volume \"v\")"]);
        assert_eq!(
            told(Level::Restricted, LATEST, &mounted()),
            ["restricted volume types (volume \"v\" uses restricted volume type \"hostPath\")"]
        );
    }

    #[test]
    fn annotations_of_old_are_profiles_too() {
        let metadata =
            json!({"annotations": {"container.apparmor.security.beta.kubernetes.io/a": "unconfined"}});
        let standard = Standard { level: Level::Baseline, minor: LATEST };
        let found = violations(standard, &metadata, &json!({"containers": [{"name": "a"}]}));
        assert_eq!(
            found.iter().map(ToString::to_string).collect::<Vec<_>>(),
            [
                "forbidden AppArmor profile (annotation must not set AppArmor profile type to \"container.apparmor.security.beta.kubernetes.io/a=\"unconfined\"\")"
            ]
        );
    }

    #[test]
    fn a_rule_binds_since_the_release_that_brought_it() {
        let probed = || json!({"containers": [{"name": "a", "livenessProbe": {"tcpSocket": {"host": "h"}}}]});
        assert_eq!(told(Level::Baseline, 33, &probed()), Vec::<String>::new());
        let since = ["probe or lifecycle host (container \"a\" uses probe or lifecycle host \"h\")"];
        assert_eq!(told(Level::Baseline, 34, &probed()), since);
        assert_eq!(told(Level::Baseline, 99, &probed()), since);
    }

    #[test]
    fn a_pod_that_does_all_that_is_asked_is_restricted() {
        let spec = json!({
            "securityContext": {"runAsNonRoot": true, "seccompProfile": {"type": "RuntimeDefault"}},
            "containers": [{"name": "a", "securityContext": {
                "allowPrivilegeEscalation": false,
                "capabilities": {"drop": ["ALL"], "add": ["NET_BIND_SERVICE"]},
            }}],
            "volumes": [{"name": "v", "emptyDir": {}}],
        });
        assert_eq!(told(Level::Restricted, LATEST, &spec), Vec::<String>::new());
    }
}
