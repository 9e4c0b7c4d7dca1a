//! Kubernetes' `ip` and `cidr` libraries.

use std::net::IpAddr;

use super::super::types::Type;
use super::super::value::Value;
use super::{FunctionTable, function, method, no_overload};

const IP: Type = Type::Opaque("net.IP");
const CIDR: Type = Type::Opaque("net.CIDR");

pub(super) fn declare(table: &mut FunctionTable) {
    use Type::{Bool, Int, String};
    function(table, "isIP", &[String], Bool, |a| text(a).map(|t| Value::Bool(parse_ip(t).is_ok())));
    function(table, "ip", &[String], IP, |a| parse_ip(text(a)?).map(Value::Ip));
    function(table, "ip.isCanonical", &[String], Bool, |a| {
        let text = text(a)?;
        Ok(Value::Bool(parse_ip(text)?.to_string() == text))
    });
    method(table, "family", &[IP], Int, |a| ip(a, |ip| Value::Int(if ip.is_ipv4() { 4 } else { 6 })));
    method(table, "isUnspecified", &[IP], Bool, |a| ip(a, |ip| Value::Bool(ip.is_unspecified())));
    method(table, "isLoopback", &[IP], Bool, |a| ip(a, |ip| Value::Bool(ip.is_loopback())));
    method(table, "isLinkLocalMulticast", &[IP], Bool, |a| {
        ip(a, |ip| {
            Value::Bool(match ip {
                IpAddr::V4(ip) => ip.octets()[..3] == [224, 0, 0],
                IpAddr::V6(ip) => ip.segments()[0] & 0xff0f == 0xff02,
            })
        })
    });
    method(table, "isLinkLocalUnicast", &[IP], Bool, |a| {
        ip(a, |ip| {
            Value::Bool(match ip {
                IpAddr::V4(ip) => ip.is_link_local(),
                IpAddr::V6(ip) => ip.segments()[0] & 0xffc0 == 0xfe80,
            })
        })
    });
    method(table, "isGlobalUnicast", &[IP], Bool, |a| {
        ip(a, |ip| {
            let link_local = match ip {
                IpAddr::V4(ip) => ip.is_link_local() || ip.is_broadcast(),
                IpAddr::V6(ip) => ip.segments()[0] & 0xffc0 == 0xfe80,
            };
            Value::Bool(!(link_local || ip.is_unspecified() || ip.is_loopback() || ip.is_multicast()))
        })
    });
    function(table, "isCIDR", &[String], Bool, |a| text(a).map(|t| Value::Bool(parse_cidr(t).is_ok())));
    function(table, "cidr", &[String], CIDR, |a| {
        parse_cidr(text(a)?).map(|(ip, bits)| Value::Cidr(ip, bits))
    });
    method(table, "containsIP", &[CIDR, IP], Bool, contains_ip);
    method(table, "containsIP", &[CIDR, String], Bool, contains_ip);
    method(table, "containsCIDR", &[CIDR, CIDR], Bool, contains_cidr);
    method(table, "containsCIDR", &[CIDR, String], Bool, contains_cidr);
    method(table, "ip", &[CIDR], IP, |a| match a {
        [Value::Cidr(ip, _)] => Ok(Value::Ip(*ip)),
        _ => Err(no_overload()),
    });
    method(table, "masked", &[CIDR], CIDR, |a| match a {
        [Value::Cidr(ip, bits)] => Ok(Value::Cidr(mask(*ip, *bits), *bits)),
        _ => Err(no_overload()),
    });
    method(table, "prefixLength", &[CIDR], Int, |a| match a {
        [Value::Cidr(_, bits)] => Ok(Value::Int(i64::from(*bits))),
        _ => Err(no_overload()),
    });
}

fn text(args: &[Value]) -> Result<&str, String> {
    match args {
        [Value::String(text)] => Ok(text),
        _ => Err(no_overload()),
    }
}

fn ip(args: &[Value], read: fn(&IpAddr) -> Value) -> Result<Value, String> {
    match args {
        [Value::Ip(ip)] => Ok(read(ip)),
        _ => Err(no_overload()),
    }
}

fn parse_ip(text: &str) -> Result<IpAddr, String> {
    let wrong = || {
        format!(
            "IP Address {text:?} parse error during conversion from string: ParseAddr({text:?}): unable to parse IP"
        )
    };
    let ip: IpAddr = text.parse().map_err(|_| wrong())?;
    match ip {
        IpAddr::V6(six) if six.to_ipv4_mapped().is_some() => {
            Err(format!("IPv4-mapped IPv6 address {text:?} is not allowed"))
        }
        ip => Ok(ip),
    }
}

fn parse_cidr(text: &str) -> Result<(IpAddr, u8), String> {
    let wrong =
        || format!("network address parse error during conversion from string: network address {text:?}");
    let (address, bits) = text.split_once('/').ok_or_else(wrong)?;
    let address = parse_ip(address).map_err(|_| wrong())?;
    let bits: u8 = bits.parse().map_err(|_| wrong())?;
    if bits > if address.is_ipv4() { 32 } else { 128 } {
        return Err(wrong());
    }
    Ok((address, bits))
}

fn mask(ip: IpAddr, bits: u8) -> IpAddr {
    match ip {
        IpAddr::V4(ip) => {
            let mask = u32::MAX.checked_shl(32 - u32::from(bits)).unwrap_or(0);
            IpAddr::V4((u32::from(ip) & mask).into())
        }
        IpAddr::V6(ip) => {
            let mask = u128::MAX.checked_shl(128 - u32::from(bits)).unwrap_or(0);
            IpAddr::V6((u128::from(ip) & mask).into())
        }
    }
}

fn contains_ip(args: &[Value]) -> Result<Value, String> {
    let [Value::Cidr(network, bits), other] = args else { return Err(no_overload()) };
    let ip = match other {
        Value::Ip(ip) => *ip,
        Value::String(text) => parse_ip(text)?,
        _ => return Err(no_overload()),
    };
    Ok(Value::Bool(network.is_ipv4() == ip.is_ipv4() && mask(ip, *bits) == mask(*network, *bits)))
}

fn contains_cidr(args: &[Value]) -> Result<Value, String> {
    let [Value::Cidr(network, bits), other] = args else { return Err(no_overload()) };
    let (inner, inner_bits) = match other {
        Value::Cidr(ip, bits) => (*ip, *bits),
        Value::String(text) => parse_cidr(text)?,
        _ => return Err(no_overload()),
    };
    let same = network.is_ipv4() == inner.is_ipv4() && mask(inner, *bits) == mask(*network, *bits);
    Ok(Value::Bool(same && *bits <= inner_bits))
}
