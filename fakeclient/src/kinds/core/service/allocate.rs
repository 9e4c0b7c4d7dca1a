//! Allocation of cluster IPs and node ports that no stored Service uses.
//!
//! As in kube-apiserver 1.37, dynamic allocation prefers the upper part of a range (KEP-3070, KEP-3668), and a dry run
//! gets a placeholder without a check for conflicts.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use serde_json::{Value, json};

use crate::error::ApiError;
use crate::error::field::FieldError;
use crate::error::path::Path;
use crate::object::view::fields::{FieldAccess, set};
use crate::registry::strategy::StoreView;

use super::{families, is_headless, needs_cluster_ip, needs_health_port, spec_type};

/// 10.0.0.0/24
const NETWORK: u32 = u32::from_be_bytes([10, 0, 0, 0]);
const ADDRESSES: u32 = 256;
/// Offset of the upper part of the address range; those below are reserved for explicit requests.
const STATIC_ADDRESSES: u32 = 16;

const FIRST_PORT: i64 = 30000;
const LAST_PORT: i64 = 32767;
/// Offset of the upper part of the port range; those below are reserved for explicit requests.
const STATIC_PORTS: i64 = 86;

/// Allocates the addresses and ports of a Service.
pub(super) fn allocate(
    service: &mut Value,
    old: Option<&Value>,
    store_view: &dyn StoreView,
) -> Result<(), ApiError> {
    let invalid = |service: &Value, errors: &[FieldError]| {
        ApiError::invalid("", "Service", service["metadata"].text("name"), errors)
    };
    let failed = |service: &Value, error: AllocationError| match error {
        AllocationError::Field(error) => invalid(service, &[error]),
        AllocationError::Exhausted(why) => ApiError::internal(&why),
        AllocationError::Repeated(why) => ApiError::new(500, "", why),
    };
    families::complete(service, old).map_err(|errors| invalid(service, &errors))?;
    let owner = old.unwrap_or(service);
    let others: Vec<&Value> = other_services(owner, store_view).collect();
    let had_address = old.is_some_and(needs_cluster_ip);
    if needs_cluster_ip(service) && !is_headless(service) && !had_address {
        cluster_ip(service, &others, store_view).map_err(|error| failed(service, error))?;
    }
    let mut ports = NodePortAllocator::new(&others, old, store_view);
    if ["NodePort", "LoadBalancer"].contains(&spec_type(service)) {
        node_ports(service, &mut ports).map_err(|error| failed(service, error))?;
    }
    if needs_health_port(service) && !old.is_some_and(needs_health_port) {
        health_port(&mut service["spec"], &mut ports).map_err(|why| ApiError::internal(&why))?;
    }
    Ok(())
}

/// Failure of an allocation.
enum AllocationError {
    /// The requested value is not available.
    Field(FieldError),
    /// The range is exhausted.
    Exhausted(String),
    /// Two ports of an update have the same node port. The server gives this error no reason.
    Repeated(String),
}

fn other_services<'a>(service: &Value, store_view: &'a dyn StoreView) -> impl Iterator<Item = &'a Value> {
    let identity = |service: &Value| {
        let metadata = &service["metadata"];
        (metadata.text("namespace").to_owned(), metadata.text("name").to_owned())
    };
    let own = identity(service);
    store_view.list("services", None).filter(move |other| identity(other) != own)
}

fn cluster_ip(
    service: &mut Value,
    others: &[&Value],
    store_view: &dyn StoreView,
) -> Result<(), AllocationError> {
    let asked = service["spec"].list("clusterIPs").first().and_then(Value::as_str).unwrap_or_default();
    let taken: BTreeSet<u32> = others
        .iter()
        .flat_map(|other| other["spec"].list("clusterIPs"))
        .filter_map(|ip| ip.as_str()?.parse::<Ipv4Addr>().ok())
        .map(|ip| u32::from(ip).wrapping_sub(NETWORK))
        .collect();
    let ip = if asked.is_empty() {
        let offset = if store_view.dry_run() { Some(0) } else { free_address(&taken, store_view) };
        let name = service["metadata"].text("name");
        let offset = offset.ok_or_else(|| {
            AllocationError::Exhausted(format!(
                "failed to allocate a serviceIP for Service {name:?}: range is full"
            ))
        })?;
        Ipv4Addr::from(NETWORK + offset).to_string()
    } else {
        let refuse = |why: &str| {
            let at = Path::new("spec.clusterIPs");
            let why = format!("failed to allocate IP {asked}: {why}");
            AllocationError::Field(FieldError::invalid(at, service["spec"]["clusterIPs"].clone(), why))
        };
        let offset = asked.parse::<Ipv4Addr>().map(|ip| u32::from(ip).wrapping_sub(NETWORK));
        match offset {
            Ok(offset) if (1..ADDRESSES - 1).contains(&offset) => {
                if taken.contains(&offset) && !store_view.dry_run() {
                    return Err(refuse("provided IP is already allocated"));
                }
            }
            _ => return Err(refuse("the provided network does not match the current range")),
        }
        asked.to_owned()
    };
    if service["metadata"].text("name").is_empty() && !store_view.dry_run() {
        // The object that reserves an address names its Service.
        let space = if asked.is_empty() { "" } else { " " };
        let why = format!(
            "failed to allocate IP{space}{asked}: IPAddress.networking.k8s.io {ip:?} is invalid: spec.parentRef.name: \
             Required value"
        );
        return Err(AllocationError::Field(FieldError::invalid("spec.clusterIPs", json!([asked]), why)));
    }
    set(&mut service["spec"], "clusterIPs", json!([ip]));
    set(&mut service["spec"], "clusterIP", ip);
    Ok(())
}

fn free_address(taken: &BTreeSet<u32>, store_view: &dyn StoreView) -> Option<u32> {
    let free = |range: std::ops::Range<u32>| range.filter(|o| !taken.contains(o)).collect::<Vec<_>>();
    let upper = free(STATIC_ADDRESSES..ADDRESSES - 1);
    let free = if upper.is_empty() { free(1..STATIC_ADDRESSES) } else { upper };
    pick(&free, store_view)
}

fn pick<T: Copy>(free: &[T], store_view: &dyn StoreView) -> Option<T> {
    if free.is_empty() {
        return None;
    }
    let at = usize::try_from(store_view.pick(free.len() as u64)).unwrap_or_default();
    free.get(at).copied()
}

/// Node ports of one request: those of other Services, of the stored Service, and newly allocated ones.
struct NodePortAllocator<'a> {
    taken: BTreeSet<i64>,
    own: BTreeSet<i64>,
    now: BTreeSet<i64>,
    creating: bool,
    store_view: &'a dyn StoreView,
}

impl<'a> NodePortAllocator<'a> {
    fn new(others: &[&Value], old: Option<&Value>, store_view: &'a dyn StoreView) -> Self {
        let held = |service: &Value| {
            let spec = &service["spec"];
            let mut held: Vec<i64> =
                spec.list("ports").iter().filter_map(|port| port.number("nodePort")).collect();
            held.extend(spec.number("healthCheckNodePort"));
            held
        };
        let taken = others.iter().flat_map(|other| held(other)).collect();
        let own = old.into_iter().flat_map(held).collect();
        Self { taken, own, now: BTreeSet::new(), creating: old.is_none(), store_view }
    }

    /// Allocates a requested port.
    fn allocate(&mut self, port: i64) -> Result<(), String> {
        if self.own.contains(&port) {
            return Ok(());
        }
        if !self.store_view.dry_run() && !(FIRST_PORT..=LAST_PORT).contains(&port) {
            return Err(
                "provided port is not in the valid range. The range of valid ports is 30000-32767".into()
            );
        }
        if !self.taken.contains(&port) && self.now.insert(port) {
            Ok(())
        } else {
            Err("provided port is already allocated".into())
        }
    }

    /// Allocates any free port.
    fn allocate_next(&mut self) -> Option<i64> {
        if self.store_view.dry_run() {
            let placeholder = self.now.last().copied().unwrap_or(LAST_PORT + 1) + 1;
            self.now.insert(placeholder);
            return Some(placeholder);
        }
        let free = |range: std::ops::RangeInclusive<i64>| {
            let held = [&self.taken, &self.own, &self.now];
            range.filter(|port| held.iter().all(|held| !held.contains(port))).collect::<Vec<_>>()
        };
        let upper = free(FIRST_PORT + STATIC_PORTS..=LAST_PORT);
        let free = if upper.is_empty() { free(FIRST_PORT..=FIRST_PORT + STATIC_PORTS - 1) } else { upper };
        let port = pick(&free, self.store_view)?;
        self.now.insert(port);
        Some(port)
    }
}

/// On create, ports with the same number (for TCP and UDP) share a node port; on update each gets its own.
fn node_ports(service: &mut Value, ports: &mut NodePortAllocator<'_>) -> Result<(), AllocationError> {
    let automatic = spec_type(service) == "NodePort"
        || service["spec"].flag("allocateLoadBalancerNodePorts") != Some(false);
    let listed = service["spec"].list("ports").to_vec();
    let asked = |port: &Value| port.number("nodePort").filter(|n| *n != 0);
    let mut shared: Vec<(i64, i64)> = Vec::new();
    let mut given = Vec::with_capacity(listed.len());
    for (index, port) in listed.iter().enumerate() {
        let number = port.number("port").unwrap_or_default();
        let known = shared.iter().find(|(n, _)| *n == number).map(|(_, node_port)| *node_port);
        let wanted = match (asked(port), known) {
            (None, _) if !automatic => None,
            (None, Some(known)) if ports.creating => {
                given.push(Some(known));
                continue;
            }
            (Some(wanted), Some(known)) if ports.creating && wanted == known => {
                given.push(Some(known));
                continue;
            }
            (None, None) if ports.creating => listed[index..]
                .iter()
                .filter(|p| p.number("port") == Some(number))
                .find_map(asked)
                .or(Some(0)),
            (asked, _) => Some(asked.unwrap_or_default()),
        };
        let node_port = match wanted {
            None => None,
            Some(0) => Some(ports.allocate_next().ok_or_else(|| {
                AllocationError::Exhausted("failed to allocate a nodePort: range is full".to_owned())
            })?),
            Some(wanted) => {
                let repeated = !ports.creating && given.contains(&Some(wanted));
                if !repeated {
                    let at = Path::new("spec.ports").index(index).child("nodePort");
                    ports.allocate(wanted).map_err(|why| {
                        AllocationError::Field(FieldError::invalid(&at, wanted.into(), why))
                    })?;
                }
                Some(wanted)
            }
        };
        let protocol = |port: &Value| {
            Some(port.text("protocol")).filter(|text| !text.is_empty()).unwrap_or("TCP").to_owned()
        };
        if let (Some(node_port), false) = (node_port, ports.creating)
            && listed
                .iter()
                .zip(&given)
                .any(|(other, taken)| *taken == Some(node_port) && protocol(other) == protocol(port))
        {
            let why = format!("duplicate nodePort: {{{} {node_port}}}", protocol(port));
            return Err(AllocationError::Repeated(why));
        }
        if let Some(node_port) = node_port.filter(|_| known.is_none()) {
            shared.push((number, node_port));
        }
        given.push(node_port);
    }
    for (port, node_port) in service["spec"]["ports"].as_array_mut().into_iter().flatten().zip(given) {
        if let Some(node_port) = node_port {
            set(port, "nodePort", node_port);
        }
    }
    Ok(())
}

fn health_port(spec: &mut Value, ports: &mut NodePortAllocator<'_>) -> Result<(), String> {
    if let Some(port) = spec.number("healthCheckNodePort").filter(|port| *port != 0) {
        ports
            .allocate(port)
            .map_err(|why| format!("failed to allocate requested HealthCheck NodePort {port}: {why}"))
    } else {
        let port =
            ports.allocate_next().ok_or("failed to allocate a HealthCheck NodePort 0: range is full")?;
        set(spec, "healthCheckNodePort", port);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::registry::strategy::{CreateStrategy, Strategy};

    use super::super::Service;
    use super::*;

    /// Stored Services. The flag is true for a dry run; `pick` returns the first free value.
    struct StoredServices(Vec<Value>, bool);

    impl StoreView for StoredServices {
        fn get(&self, _: &str, _: &str, _: &str) -> Option<&Value> {
            None
        }
        fn list<'a>(&'a self, _: &str, _: Option<&str>) -> Box<dyn Iterator<Item = &'a Value> + 'a> {
            Box::new(self.0.iter())
        }
        fn uid(&self) -> String {
            "00000000-0000-4000-8000-000000000000".to_owned()
        }

        fn pick(&self, _: u64) -> u64 {
            0
        }
        fn user(&self) -> &'static str {
            "admin"
        }

        fn now(&self) -> String {
            "2026-01-01T00:00:00Z".into()
        }
        fn dry_run(&self) -> bool {
            self.1
        }
    }

    fn service(name: &str, spec: Value) -> Value {
        let mut service = json!({"metadata": {"namespace": "default", "name": name}});
        service["spec"] = spec;
        service
    }

    fn create(mut service: Value, store_view: &StoredServices) -> Result<Value, String> {
        Service.prepare_create(&mut service);
        Service.apply_defaults(&mut service);
        Service.allocate(&mut service, None, store_view).map_err(|error| error.message)?;
        Ok(service)
    }

    #[track_caller]
    fn check_rejected(spec: Value, store_view: &StoredServices, why: &str) {
        let answer = create(service("ip", spec), store_view).map(|service| service["spec"].clone());
        assert_eq!(answer, Err(format!("Service \"ip\" is invalid: {why}")));
    }

    #[test]
    fn address_is_from_the_upper_range_and_unique() {
        let first = create(service("a", json!({"ports": [{"port": 80}]})), &StoredServices(vec![], false))
            .expect("a service");
        assert_eq!(first["spec"]["clusterIP"], "10.0.0.16");
        assert_eq!(first["spec"]["clusterIPs"], json!(["10.0.0.16"]));
        assert_eq!(first["spec"]["ipFamilies"], json!(["IPv4"]));
        assert_eq!(first["spec"]["ipFamilyPolicy"], "SingleStack");
        let stored = StoredServices(vec![first], false);
        let second = create(service("b", json!({"ports": [{"port": 80}]})), &stored).expect("a service");
        assert_eq!(second["spec"]["clusterIP"], "10.0.0.17");
        check_rejected(
            json!({"clusterIP": "10.0.0.16", "ports": [{"port": 80}]}),
            &stored,
            "spec.clusterIPs: Invalid value: [\"10.0.0.16\"]: failed to allocate IP 10.0.0.16: provided IP is already allocated",
        );
    }

    #[test]
    fn address_outside_of_the_range_is_rejected() {
        for ip in ["10.9.0.1", "10.0.0.0", "10.0.0.255"] {
            check_rejected(
                json!({"clusterIP": ip, "ports": [{"port": 80}]}),
                &StoredServices(vec![], false),
                &format!(
                    "spec.clusterIPs: Invalid value: [\"{ip}\"]: failed to allocate IP {ip}: the provided network does not match the current range"
                ),
            );
        }
    }

    #[test]
    fn unsupported_families_are_rejected() {
        let store_view = StoredServices(vec![], false);
        check_rejected(
            json!({"clusterIP": "fd00::1"}),
            &store_view,
            "spec.clusterIPs[0]: Invalid value: [\"fd00::1\"]: IPv6 is not configured on this cluster",
        );
        check_rejected(
            json!({"ipFamilyPolicy": "RequireDualStack"}),
            &store_view,
            "spec.ipFamilyPolicy: Invalid value: \"RequireDualStack\": this cluster is not configured for dual-stack services",
        );
        check_rejected(
            json!({"ipFamilies": ["IPv6"]}),
            &store_view,
            "spec.ipFamilies[0]: Invalid value: \"IPv6\": not configured on this cluster",
        );
        check_rejected(
            json!({"ipFamilies": ["IPv5"]}),
            &store_view,
            "spec.ipFamilies[0]: Unsupported value: \"IPv5\": supported values: \"IPv4\", \"IPv6\"",
        );
        check_rejected(
            json!({"clusterIPs": ["10.0.0.9"], "clusterIP": "10.0.0.8"}),
            &store_view,
            "spec.clusterIPs: Invalid value: [\"10.0.0.9\"]: first value must match `clusterIP`",
        );
    }

    #[test]
    fn headless_service_has_families_but_no_address() {
        let store_view = StoredServices(vec![], false);
        let bare = create(service("h", json!({"clusterIP": "None"})), &store_view).expect("a service");
        assert_eq!(bare["spec"]["clusterIPs"], json!(["None"]));
        assert_eq!(bare["spec"]["ipFamilies"], json!(["IPv4", "IPv6"]));
        assert_eq!(bare["spec"]["ipFamilyPolicy"], "RequireDualStack");
        let selecting = json!({"clusterIP": "None", "selector": {"a": "b"}});
        let selecting = create(service("h", selecting), &store_view).expect("a service");
        assert_eq!(selecting["spec"]["ipFamilies"], json!(["IPv4"]));
    }

    #[test]
    fn equal_port_numbers_share_a_node_port() {
        let spec = json!({"type": "NodePort", "ports": [
            {"port": 80, "name": "a", "protocol": "TCP"}, {"port": 80, "name": "b", "protocol": "UDP"}, {"port": 81, "name": "c"},
        ]});
        let created = create(service("n", spec.clone()), &StoredServices(vec![], false)).expect("a service");
        let ports: Vec<_> = created["spec"].list("ports").iter().map(|p| p["nodePort"].clone()).collect();
        assert_eq!(ports, [30086, 30086, 30087]);
        let dry = create(service("n", spec), &StoredServices(vec![created], true)).expect("a service");
        let ports: Vec<_> = dry["spec"].list("ports").iter().map(|p| p["nodePort"].clone()).collect();
        assert_eq!(ports, [32769, 32769, 32770]);
        assert_eq!(dry["spec"]["clusterIP"], "10.0.0.0");
    }

    #[test]
    fn node_port_is_unique_and_in_range() {
        let store_view = StoredServices(vec![], false);
        check_rejected(
            json!({"type": "NodePort", "ports": [{"port": 80, "nodePort": 30001}, {"port": 81, "nodePort": 30001}]}),
            &store_view,
            "spec.ports[1].nodePort: Invalid value: 30001: provided port is already allocated",
        );
        check_rejected(
            json!({"type": "NodePort", "ports": [{"port": 80, "nodePort": 80}]}),
            &store_view,
            "spec.ports[0].nodePort: Invalid value: 80: provided port is not in the valid range. The range of valid ports is 30000-32767",
        );
    }

    #[test]
    fn local_load_balancer_gets_a_health_check_port() {
        let spec = json!({"type": "LoadBalancer", "externalTrafficPolicy": "Local", "ports": [{"port": 80}]});
        let created = create(service("lb", spec), &StoredServices(vec![], false)).expect("a service");
        assert_eq!(created["spec"]["ports"][0]["nodePort"], 30086);
        assert_eq!(created["spec"]["healthCheckNodePort"], 30087);
    }
}
