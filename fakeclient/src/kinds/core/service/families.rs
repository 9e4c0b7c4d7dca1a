//! Validation of cluster IPs and IP families, shared by validation and allocation.

use std::net::IpAddr;

use serde_json::{Value, json};

use crate::error::field::FieldError;
use crate::error::path::Path;
use crate::kinds::rules::ip;
use crate::object::view::fields::{FieldAccess, set};

use super::{is_headless, needs_cluster_ip};

const FAMILIES: [&str; 2] = ["IPv4", "IPv6"];
const POLICIES: [&str; 3] = ["PreferDualStack", "RequireDualStack", "SingleStack"];

/// Errors of `clusterIP`, `clusterIPs`, `ipFamilies` and `ipFamilyPolicy`, alone and combined.
pub(super) fn check(service: &Value, old: Option<&Value>) -> Vec<FieldError> {
    if !needs_cluster_ip(service) {
        return Vec::new();
    }
    let spec = &service["spec"];
    let (at_ips, at_families) = (Path::new("spec.clusterIPs"), Path::new("spec.ipFamilies"));
    let (ips, families) = (spec.list("clusterIPs"), spec.list("ipFamilies"));
    let mut errors = Vec::new();
    let singular = spec.text("clusterIP");
    let mut whole = |why: &str| errors.push(FieldError::invalid(&at_ips, json!(ips), why));
    if singular.is_empty() {
        if !ips.is_empty() {
            whole("must be empty when `clusterIP` is not specified");
        }
    } else if ips.first().is_some_and(|first| first != singular) {
        whole("first value must match `clusterIP`");
    } else if ips.is_empty() {
        errors.push(FieldError::required(&at_ips, ""));
    }
    for (index, family) in families.iter().enumerate() {
        let at = at_families.index(index);
        if !FAMILIES.iter().any(|known| family == known) {
            errors.push(FieldError::not_supported(&at, family.clone(), &FAMILIES));
        }
        if families[..index].contains(family) {
            errors.push(FieldError::duplicate(&at, family.clone()));
        }
    }
    let policy = spec.text("ipFamilyPolicy");
    if !policy.is_empty() && !POLICIES.contains(&policy) {
        errors.push(FieldError::not_supported("spec.ipFamilyPolicy", policy.into(), &POLICIES));
    }
    let malformed = malformed_ips(ips, old);
    let stop = !malformed.is_empty();
    errors.extend(malformed);
    if ips.len() > 2 {
        errors.push(FieldError::invalid(&at_ips, json!(ips), "may only hold up to 2 values"));
    }
    if stop {
        return errors;
    }
    errors.extend(family_mismatches(service, ips, families));
    errors
}

fn malformed_ips(ips: &[Value], old: Option<&Value>) -> Vec<FieldError> {
    let path = Path::new("spec.clusterIPs");
    let known = old.map(|old| old["spec"].list("clusterIPs")).unwrap_or_default();
    let mut errors = Vec::new();
    for (index, value) in ips.iter().enumerate() {
        if index == 0 && value == "None" {
            if ips.len() > 1 {
                let why = "'None' must be the first and only value";
                errors.push(FieldError::invalid(&path, json!(ips), why));
            }
        } else if !known.contains(value) {
            errors.extend(ip::address(&path.index(index), value.as_str().unwrap_or_default()));
        }
    }
    errors
}

fn family_mismatches(service: &Value, ips: &[Value], families: &[Value]) -> Vec<FieldError> {
    let path = Path::new("spec.clusterIPs");
    let mut errors = Vec::new();
    if let [first, second] = ips
        && family_of(first) == family_of(second)
    {
        let why = "may specify no more than one IP for each IP family";
        errors.push(FieldError::invalid(&path, json!(ips), why));
    }
    if is_headless(service) {
        return errors;
    }
    for (index, (ip, family)) in ips.iter().zip(families).enumerate() {
        if FAMILIES.iter().any(|known| family == known) && family_of(ip) != family.as_str() {
            let family = family.as_str().unwrap_or_default();
            let why = format!("expected an {family} value as indicated by `ipFamilies[{index}]`");
            errors.push(FieldError::invalid(path.index(index), ip.clone(), why));
        }
    }
    errors
}

/// Family of an address; `None` if it is malformed.
pub(super) fn family_of(ip: &Value) -> Option<&'static str> {
    Some(match ip.as_str()?.parse::<IpAddr>().ok()? {
        IpAddr::V4(_) => FAMILIES[0],
        IpAddr::V6(_) => FAMILIES[1],
    })
}

/// Defaults `ipFamilies` and `ipFamilyPolicy` for a single-stack IPv4 cluster.
pub(super) fn complete(service: &mut Value, old: Option<&Value>) -> Result<(), Vec<FieldError>> {
    if !needs_cluster_ip(service) {
        return Ok(());
    }
    let spec = &service["spec"];
    let bare_headless = spec.text("clusterIP") == "None" && spec.entries("selector").next().is_none();
    if spec.text("ipFamilyPolicy").is_empty() {
        let kept = old.map(|old| old["spec"].text("ipFamilyPolicy")).unwrap_or_default();
        let policy = match kept {
            "" if bare_headless => "RequireDualStack",
            "" => "SingleStack",
            kept => kept,
        };
        set(&mut service["spec"], "ipFamilyPolicy", policy);
    }
    fail_if_any(check(service, old))?;
    infer_families(&mut service["spec"])?;
    let spec = &mut service["spec"];
    let single = spec.text("ipFamilyPolicy") == "SingleStack";
    if bare_headless {
        let mut families = spec.list("ipFamilies").to_vec();
        if families.is_empty() {
            families.push(json!("IPv4"));
        }
        if families.len() == 1 && !single {
            families.push(if families[0] == "IPv4" { json!("IPv6") } else { json!("IPv4") });
        }
        set(spec, "ipFamilies", families);
        return Ok(());
    }
    fail_if_any(unsupported_families(spec))?;
    if spec.list("ipFamilies").is_empty() {
        set(spec, "ipFamilies", json!(["IPv4"]));
    }
    Ok(())
}

/// Appends the family of each address without one.
fn infer_families(spec: &mut Value) -> Result<(), Vec<FieldError>> {
    let mut errors = Vec::new();
    let policy = spec.text("ipFamilyPolicy");
    if policy == "SingleStack" {
        for (key, what) in [("clusterIPs", "cluster IPs"), ("ipFamilies", "IP families")] {
            if spec.list(key).len() == 2 {
                let why = format!(
                    "must be 'RequireDualStack' or 'PreferDualStack' when multiple {what} are specified"
                );
                errors.push(FieldError::invalid("spec.ipFamilyPolicy", policy.into(), why));
            }
        }
    }
    let ips = spec.list("clusterIPs").to_vec();
    let mut families = spec.list("ipFamilies").to_vec();
    for (index, ip) in ips.iter().enumerate().take_while(|(_, ip)| *ip != "None") {
        if index < families.len() {
            continue;
        }
        match family_of(ip) {
            Some("IPv4") => families.push(json!("IPv4")),
            other => {
                let why = format!("{} is not configured on this cluster", other.unwrap_or("unknown"));
                let at = Path::new("spec.clusterIPs").index(index);
                errors.push(FieldError::invalid(at, json!(ips), why));
            }
        }
    }
    fail_if_any(errors)?;
    if !families.is_empty() {
        set(spec, "ipFamilies", families);
    }
    Ok(())
}

fn unsupported_families(spec: &Value) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let policy = spec.text("ipFamilyPolicy");
    if policy == "RequireDualStack" {
        let why = "this cluster is not configured for dual-stack services";
        errors.push(FieldError::invalid("spec.ipFamilyPolicy", policy.into(), why));
    }
    for (index, family) in spec.list("ipFamilies").iter().enumerate().filter(|(_, f)| *f != "IPv4") {
        let at = Path::new("spec.ipFamilies").index(index);
        errors.push(FieldError::invalid(at, family.clone(), "not configured on this cluster"));
    }
    errors
}

fn fail_if_any(errors: Vec<FieldError>) -> Result<(), Vec<FieldError>> {
    if errors.is_empty() { Ok(()) } else { Err(errors) }
}
