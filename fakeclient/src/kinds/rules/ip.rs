//! IP addresses and CIDRs, as validated in fields with legacy parsing.

use std::net::{IpAddr, Ipv4Addr};

use crate::error::field::FieldError;

use crate::error::path::Path;

/// Errors of an IP address. IPv4 octets with leading zeros are invalid, because parsers disagree about them.
pub(crate) fn address(path: &Path, text: &str) -> Vec<FieldError> {
    let say = |why: &str| vec![FieldError::invalid(path, text.into(), why)];
    if let Ok(address) = text.parse::<IpAddr>() {
        if is_mapped(address) { say("must not be an IPv4-mapped IPv6 address") } else { Vec::new() }
    } else if without_leading_zeros(text).is_some() {
        say("must not have leading 0s")
    } else {
        say("must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)")
    }
}

/// The warning of a valid but non-canonical address.
pub(crate) fn non_canonical_address(path: &Path, text: &str) -> Option<String> {
    if let Some(plain) = without_leading_zeros(text).filter(|plain| plain.to_string() != text) {
        return Some(format!("{path}: non-standard IP address {text:?} is invalid: use \"{plain}\""));
    }
    let IpAddr::V6(address) = text.parse().ok()? else { return None };
    if let Some(mapped) = address.to_ipv4_mapped() {
        return Some(format!("{path}: non-standard IP address {text:?} is invalid: use \"{mapped}\""));
    }
    let right = address.to_string();
    (right != text)
        .then(|| format!("{path}: IPv6 address {text:?} should be in RFC 5952 canonical format ({right:?})"))
}

/// The warning of a valid but non-canonical CIDR.
pub(crate) fn non_canonical_network(path: &Path, text: &str) -> Option<String> {
    let (address, bits) = text.split_once('/')?;
    let (address, bits): (IpAddr, u32) = (address.parse().ok()?, bits.parse().ok()?);
    let right = format!("{address}/{bits}");
    (address.is_ipv6() && right != text).then(|| {
        format!("{path}: IPv6 CIDR value {text:?} should be in RFC 5952 canonical format ({right:?})")
    })
}

fn without_leading_zeros(text: &str) -> Option<Ipv4Addr> {
    let parts: Option<Vec<u8>> = text.split('.').map(|part| part.parse().ok()).collect();
    let parts: [u8; 4] = parts?.try_into().ok()?;
    Some(Ipv4Addr::from(parts))
}

/// Errors of a CIDR.
pub(crate) fn network(path: &Path, text: &str) -> Vec<FieldError> {
    let say = |why: &str| vec![FieldError::invalid(path, text.into(), why)];
    let parts = text.split_once('/').and_then(|(address, bits)| {
        let digits = !bits.is_empty() && bits.bytes().all(|b| b.is_ascii_digit());
        let length = bits.parse().ok().filter(|_| digits)?;
        let exact = address.parse().ok();
        let parsed = exact.or_else(|| without_leading_zeros(address).map(IpAddr::V4))?;
        let odd = exact.is_none() || bits.len() > 1 && bits.starts_with('0');
        (length <= width(parsed)).then_some((parsed, length, odd))
    });
    match parts {
        None => say("must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)"),
        Some((_, _, true)) => say("must not have leading 0s in IP or prefix length"),
        Some((address, ..)) if is_mapped(address) => say("must not have an IPv4-mapped IPv6 address"),
        Some((address, bits, _)) if network_of(address, bits) != address => {
            say("must not have bits set beyond the prefix length")
        }
        Some(_) => Vec::new(),
    }
}

fn is_mapped(address: IpAddr) -> bool {
    matches!(address, IpAddr::V6(ip) if ip.to_ipv4_mapped().is_some())
}

fn width(address: IpAddr) -> u32 {
    if address.is_ipv4() { 32 } else { 128 }
}

/// The address with all bits after the first `bits` cleared.
fn network_of(address: IpAddr, bits: u32) -> IpAddr {
    match address {
        IpAddr::V4(ip) => {
            let mask = u32::MAX.checked_shl(32 - bits).unwrap_or(0);
            IpAddr::from((u32::from(ip) & mask).to_be_bytes())
        }
        IpAddr::V6(ip) => {
            let mask = u128::MAX.checked_shl(128 - bits).unwrap_or(0);
            IpAddr::from((u128::from(ip) & mask).to_be_bytes())
        }
    }
}

/// Errors of an endpoint address: unspecified, loopback and link-local addresses are invalid.
pub(crate) fn endpoint(path: &Path, text: &str) -> Vec<FieldError> {
    let Ok(ip) = text.parse::<IpAddr>() else {
        return vec![FieldError::invalid(path, text.into(), "must be a valid IP address")];
    };
    let (link_local, link_local_multicast) = match ip {
        IpAddr::V4(ip) => (ip.is_link_local(), ip.octets()[..3] == [224, 0, 0]),
        IpAddr::V6(ip) => (ip.segments()[0] & 0xffc0 == 0xfe80, ip.segments()[0] & 0xff0f == 0xff02),
    };
    let rules = [
        (ip.is_unspecified(), format!("may not be unspecified ({text})")),
        (ip.is_loopback(), "may not be in the loopback range (127.0.0.0/8, ::1/128)".to_owned()),
        (link_local, "may not be in the link-local range (169.254.0.0/16, fe80::/10)".to_owned()),
        (
            link_local_multicast,
            "may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)".to_owned(),
        ),
    ];
    let broken = rules.into_iter().filter(|(broken, _)| *broken);
    broken.map(|(_, why)| FieldError::invalid(path, text.into(), why)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invalid_address_is_explained() {
        let path = Path::new("ip");
        assert!(address(&path, "10.0.0.1").is_empty() && address(&path, "fd00::1").is_empty());
        assert_eq!(
            address(&path, "010.0.0.9")[0].to_string(),
            "ip: Invalid value: \"010.0.0.9\": must not have leading 0s"
        );
        assert_eq!(
            address(&path, "nope")[0].to_string(),
            "ip: Invalid value: \"nope\": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"
        );
        assert_eq!(
            network(&path, "x")[0].to_string(),
            "ip: Invalid value: \"x\": must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)"
        );
        assert_eq!(
            endpoint(&path, "127.0.0.1")[0].to_string(),
            "ip: Invalid value: \"127.0.0.1\": may not be in the loopback range (127.0.0.0/8, ::1/128)"
        );
    }

    #[test]
    fn ambiguous_address_is_rejected() {
        let told = |errors: Vec<FieldError>| errors.iter().map(ToString::to_string).collect::<String>();
        let at = Path::new("a");
        assert!(told(address(&at, "::ffff:10.0.0.1")).ends_with("must not be an IPv4-mapped IPv6 address"));
        for (text, why) in [
            ("10.0.0.7/8", "must not have bits set beyond the prefix length"),
            ("fd00::1/64", "must not have bits set beyond the prefix length"),
            ("010.0.0.0/8", "must not have leading 0s in IP or prefix length"),
            ("10.0.0.0/08", "must not have leading 0s in IP or prefix length"),
            ("::ffff:10.0.0.0/104", "must not have an IPv4-mapped IPv6 address"),
            ("10.0.0.0/33", "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)"),
            ("10.0.0.0/+8", "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)"),
        ] {
            assert!(told(network(&at, text)).ends_with(why), "{text}: {}", told(network(&at, text)));
        }
        for right in ["10.0.0.0/8", "0.0.0.0/0", "10.0.0.7/32", "fd00::/8", "::/0"] {
            assert!(network(&at, right).is_empty(), "{right}");
        }
    }

    #[test]
    fn non_canonical_address_warning_has_the_canonical_form() {
        let at = Path::new("a");
        let said = |odd: Option<String>| odd.unwrap_or_default();
        assert!(
            said(non_canonical_address(&at, "010.0.0.1"))
                .ends_with("\"010.0.0.1\" is invalid: use \"10.0.0.1\"")
        );
        assert!(
            said(non_canonical_address(&at, "::ffff:10.0.0.1")).ends_with("is invalid: use \"10.0.0.1\"")
        );
        assert!(said(non_canonical_address(&at, "FD00::0")).ends_with("canonical format (\"fd00::\")"));
        assert!(said(non_canonical_network(&at, "FD00::/8")).ends_with("canonical format (\"fd00::/8\")"));
        for right in ["10.0.0.1", "fd00::1"] {
            assert_eq!(non_canonical_address(&at, right), None);
        }
        for right in ["0.0.0.0/0", "10.0.0.7/32", "fd00::/8"] {
            assert_eq!(non_canonical_network(&at, right), None);
        }
    }
}
