//! Checks of the level `baseline` (Kubernetes 1.37, Pod Security Standards).

use serde_json::Value;

use super::pod::{Pod, TextSet, Violation, containers, plural, quoted, uses, violation};
use crate::object::view::fields::FieldAccess;

const CAPABILITIES: [&str; 13] = [
    "AUDIT_WRITE",
    "CHOWN",
    "DAC_OVERRIDE",
    "FOWNER",
    "FSETID",
    "KILL",
    "MKNOD",
    "NET_BIND_SERVICE",
    "SETFCAP",
    "SETGID",
    "SETPCAP",
    "SETUID",
    "SYS_CHROOT",
];

/// Allowed types of `SELinux` options, with the minor release that added each.
const SELINUX: [(&str, u32); 5] = [
    ("", 0),
    ("container_t", 0),
    ("container_init_t", 0),
    ("container_kvm_t", 0),
    ("container_engine_t", 31),
];

/// Safe sysctls, with the minor release that added each.
const SYSCTLS: [(&str, u32); 14] = [
    ("kernel.shm_rmid_forced", 0),
    ("net.ipv4.ip_local_port_range", 0),
    ("net.ipv4.tcp_syncookies", 0),
    ("net.ipv4.ping_group_range", 0),
    ("net.ipv4.ip_unprivileged_port_start", 0),
    ("net.ipv4.ip_local_reserved_ports", 27),
    ("net.ipv4.tcp_keepalive_time", 29),
    ("net.ipv4.tcp_fin_timeout", 29),
    ("net.ipv4.tcp_keepalive_intvl", 29),
    ("net.ipv4.tcp_keepalive_probes", 29),
    ("net.ipv4.tcp_rmem", 32),
    ("net.ipv4.tcp_wmem", 32),
    ("net.ipv4.tcp_slow_start_after_idle", 37),
    ("net.ipv4.tcp_notsent_lowat", 37),
];

const APP_ARMOR: &str = "container.apparmor.security.beta.kubernetes.io/";
const SECCOMP_OF_POD: &str = "seccomp.security.alpha.kubernetes.io/pod";
const SECCOMP_OF_CONTAINER: &str = "container.seccomp.security.alpha.kubernetes.io/";

pub(super) fn app_armor(pod: &Pod<'_>) -> Option<Violation> {
    let mut bad = TextSet::new();
    let setters = forbidden_profiles(pod, "appArmorProfile", &mut bad);
    let allowed =
        |value: &str| value.is_empty() || value == "runtime/default" || value.starts_with("localhost/");
    let annotations: Vec<String> = pod
        .metadata
        .entries("annotations")
        .filter_map(|(key, value)| Some((key, value.as_str()?)))
        .filter(|(key, value)| key.starts_with(APP_ARMOR) && !allowed(value))
        .map(|(key, value)| format!("{key}={value:?}"))
        .collect();
    let noted = (!annotations.is_empty()).then(|| plural("annotation", annotations.len()));
    let setters: Vec<String> = setters.into_iter().chain(noted).collect();
    if setters.is_empty() {
        return None;
    }
    let bad: Vec<String> = bad.into_iter().chain(annotations).collect();
    let reason = if bad.len() == 1 { "forbidden AppArmor profile" } else { "forbidden AppArmor profiles" };
    violation(
        reason,
        Some(format!("{} must not set AppArmor profile type to {}", setters.join(" and "), quoted(&bad))),
    )
}

pub(super) fn capabilities(pod: &Pod<'_>) -> Option<Violation> {
    violation("non-default capabilities", added_capabilities(pod, &CAPABILITIES))
}

/// The Pod and containers that add other than the allowed capabilities.
pub(super) fn added_capabilities(pod: &Pod<'_>, allowed: &[&str]) -> Option<String> {
    let mut bad = TextSet::new();
    let names = pod.container_names(|container| {
        let added = container["securityContext"]["capabilities"].list("add");
        let forbidden: Vec<String> = added
            .iter()
            .filter_map(Value::as_str)
            .filter(|c| !allowed.contains(c))
            .map(str::to_owned)
            .collect();
        let any = !forbidden.is_empty();
        bad.extend(forbidden);
        any
    });
    (!names.is_empty()).then(|| {
        format!(
            "{} must not include {} in securityContext.capabilities.add",
            containers(&names),
            quoted(&bad)
        )
    })
}

pub(super) fn host_namespaces(pod: &Pod<'_>) -> Option<Violation> {
    let shared: Vec<String> = ["hostNetwork", "hostPID", "hostIPC"]
        .into_iter()
        .filter(|field| pod.spec.flag(field) == Some(true))
        .map(|field| format!("{field}=true"))
        .collect();
    violation("host namespaces", (!shared.is_empty()).then(|| shared.join(", ")))
}

pub(super) fn host_paths(pod: &Pod<'_>) -> Option<Violation> {
    let volumes = pod.spec.list("volumes").iter().filter(|volume| volume.has("hostPath"));
    let names: Vec<&str> = volumes.map(|volume| volume.text("name")).collect();
    let detail = || format!("{} {}", plural("volume", names.len()), quoted(&names));
    violation("hostPath volumes", (!names.is_empty()).then(detail))
}

pub(super) fn host_ports(pod: &Pod<'_>) -> Option<Violation> {
    let mut ports = TextSet::new();
    let names = pod.container_names(|container| {
        let used = container.list("ports").iter().filter_map(|port| port.number("hostPort"));
        let used: Vec<String> = used.filter(|port| *port != 0).map(|port| port.to_string()).collect();
        let any = !used.is_empty();
        ports.extend(used);
        any
    });
    if names.is_empty() {
        return None;
    }
    let listed: Vec<String> = ports.into_iter().collect();
    let (who, word) = (containers(&names), plural("hostPort", listed.len()));
    violation("hostPort", Some(format!("{who} {} {word} {}", uses(names.len()), listed.join(", "))))
}

pub(super) fn probe_hosts(pod: &Pod<'_>) -> Option<Violation> {
    let mut hosts = TextSet::new();
    let mut names: Vec<&str> = pod.container_names(|container| {
        let probes = ["livenessProbe", "readinessProbe", "startupProbe"].map(|probe| &container[probe]);
        let hooks = ["postStart", "preStop"].map(|hook| &container["lifecycle"][hook]);
        let named: Vec<String> = probes
            .into_iter()
            .chain(hooks)
            .flat_map(|handler| ["httpGet", "tcpSocket"].map(|way| handler[way].text("host").to_owned()))
            .filter(|host| !host.is_empty())
            .collect();
        let any = !named.is_empty();
        hosts.extend(named);
        any
    });
    if names.is_empty() {
        return None;
    }
    names.sort_unstable();
    let (who, word) = (containers(&names), plural("probe or lifecycle host", hosts.len()));
    violation(
        "probe or lifecycle host",
        Some(format!("{who} {} {word} {}", uses(names.len()), quoted(&hosts))),
    )
}

pub(super) fn privileged(pod: &Pod<'_>) -> Option<Violation> {
    let names =
        pod.container_names(|container| container["securityContext"].flag("privileged") == Some(true));
    let detail = || format!("{} must not set securityContext.privileged=true", containers(&names));
    violation("privileged", (!names.is_empty()).then(detail))
}

pub(super) fn proc_mount(pod: &Pod<'_>) -> Option<Violation> {
    if pod.has_user_namespace() { None } else { masked_proc_mount(pod) }
}

/// The same check, also for a Pod in a user namespace.
pub(super) fn masked_proc_mount(pod: &Pod<'_>) -> Option<Violation> {
    let mut bad = TextSet::new();
    let names = pod.container_names(|container| {
        let mount = container["securityContext"].text("procMount");
        let forbidden = !["", "Default"].contains(&mount);
        if forbidden {
            bad.insert(mount.to_owned());
        }
        forbidden
    });
    let detail =
        || format!("{} must not set securityContext.procMount to {}", containers(&names), quoted(&bad));
    violation("procMount", (!names.is_empty()).then(detail))
}

pub(super) fn selinux(pod: &Pod<'_>) -> Option<Violation> {
    let (mut types, mut user, mut role) = (TextSet::new(), false, false);
    let setters = pod.pod_and_containers_with(|context| {
        let options = &context["seLinuxOptions"];
        let of_type = options.text("type");
        let known = SELINUX.iter().any(|(name, since)| *name == of_type && *since <= pod.minor);
        let (sets_user, sets_role) = (!options.text("user").is_empty(), !options.text("role").is_empty());
        if !known {
            types.insert(of_type.to_owned());
        }
        user |= sets_user;
        role |= sets_role;
        !known || sets_user || sets_role
    })?;
    let mut wrong = Vec::new();
    if !types.is_empty() {
        wrong.push(format!("{} {}", plural("type", types.len()), quoted(&types)));
    }
    if user {
        wrong.push("user may not be set".to_owned());
    }
    if role {
        wrong.push("role may not be set".to_owned());
    }
    let wrong = wrong.join("; ");
    violation(
        "seLinuxOptions",
        Some(format!("{setters} set forbidden securityContext.seLinuxOptions: {wrong}")),
    )
}

pub(super) fn seccomp(pod: &Pod<'_>) -> Option<Violation> {
    if pod.minor >= 19 {
        return violation("seccompProfile", forbidden_seccomp(pod));
    }
    let allowed = |value: &str| {
        matches!(value, "runtime/default" | "docker/default") || value.starts_with("localhost/")
    };
    let of_containers = pod.containers().map(|c| format!("{SECCOMP_OF_CONTAINER}{}", c.text("name")));
    let forbidden: TextSet = std::iter::once(SECCOMP_OF_POD.to_owned())
        .chain(of_containers)
        .filter_map(|key| {
            let value = pod.metadata["annotations"].get(&key)?.as_str()?;
            (!allowed(value)).then(|| format!("{key}={value:?}"))
        })
        .collect();
    let listed: Vec<String> = forbidden.into_iter().collect();
    let detail = || format!("forbidden {} {}", plural("annotation", listed.len()), listed.join(", "));
    violation("seccompProfile", (!listed.is_empty()).then(detail))
}

/// The Pod and containers that set an `Unconfined` profile.
pub(super) fn forbidden_seccomp(pod: &Pod<'_>) -> Option<String> {
    let mut bad = TextSet::new();
    let setters = forbidden_profiles(pod, "seccompProfile", &mut bad)?;
    Some(format!("{setters} must not set securityContext.seccompProfile.type to {}", quoted(&bad)))
}

/// The Pod and containers that set a profile of a forbidden type. The types are added to `bad`.
fn forbidden_profiles(pod: &Pod<'_>, field: &str, bad: &mut TextSet) -> Option<String> {
    pod.pod_and_containers_with(|context| {
        let Some(profile) = context.get(field).filter(|profile| !profile.is_null()) else {
            return false;
        };
        let forbidden = !["RuntimeDefault", "Localhost"].contains(&profile.text("type"));
        if forbidden {
            bad.insert(profile.text("type").to_owned());
        }
        forbidden
    })
}

pub(super) fn sysctls(pod: &Pod<'_>) -> Option<Violation> {
    let set = pod.context().list("sysctls").iter().map(|sysctl| sysctl.text("name"));
    let known = |name: &str| SYSCTLS.iter().any(|(safe, since)| *safe == name && *since <= pod.minor);
    let forbidden: Vec<&str> = set.filter(|name| !known(name)).collect();
    violation("forbidden sysctls", (!forbidden.is_empty()).then(|| forbidden.join(", ")))
}

pub(super) fn host_process(pod: &Pod<'_>) -> Option<Violation> {
    let setters =
        pod.pod_and_containers_with(|context| context["windowsOptions"].flag("hostProcess") == Some(true))?;
    violation(
        "hostProcess",
        Some(format!("{setters} must not set securityContext.windowsOptions.hostProcess=true")),
    )
}
