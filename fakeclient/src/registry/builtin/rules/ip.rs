//! IP addresses and networks as text, in the lenient reading of older fields.

use std::net::{IpAddr, Ipv4Addr};

use crate::object::field::FieldError;

use super::path::Path;

/// An address; IPv4 parts with leading zeros are refused, since readers disagree about them.
pub(crate) fn address(path: &Path, text: &str) -> Vec<FieldError> {
    let say = |why: &str| vec![FieldError::invalid(path, text.into(), why)];
    if text.parse::<IpAddr>().is_ok() {
        Vec::new()
    } else if without_leading_zeros(text).is_some() {
        say("must not have leading 0s")
    } else {
        say("must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)")
    }
}

fn without_leading_zeros(text: &str) -> Option<Ipv4Addr> {
    let parts: Option<Vec<u8>> = text.split('.').map(|part| part.parse().ok()).collect();
    let parts: [u8; 4] = parts?.try_into().ok()?;
    Some(Ipv4Addr::from(parts))
}

/// An address with a prefix length.
pub(crate) fn network(path: &Path, text: &str) -> Vec<FieldError> {
    let right = text.split_once('/').is_some_and(|(address, bits)| {
        let width = match address.parse::<IpAddr>() {
            Ok(IpAddr::V4(_)) => 32,
            Ok(IpAddr::V6(_)) => 128,
            Err(_) => return false,
        };
        bits.parse::<u8>().is_ok_and(|bits| bits <= width)
    });
    if right {
        return Vec::new();
    }
    let why = "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)";
    vec![FieldError::invalid(path, text.into(), why)]
}

/// An address that traffic from elsewhere can be sent to.
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
    fn an_address_says_why_it_is_none() {
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
}
