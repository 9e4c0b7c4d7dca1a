//! Formats that kube-apiserver 1.37 enforces in custom resources, as its Go validators parse them.
//!
//! Any other format is ignored. `email` and `uri` follow Go's `net/mail` and `net/url`, without comments and encoded
//! words of RFC 5322.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::LazyLock;

use jiff::civil::Date;
use regex::Regex;

use crate::object::schema::structural::Type;

/// An enforced string format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    BsonObjectId,
    Byte,
    Cidr,
    CreditCard,
    Date,
    DateTime,
    Duration,
    Email,
    HexColor,
    Hostname,
    Ipv4,
    Ipv6,
    Isbn,
    Isbn10,
    Isbn13,
    LongName,
    Mac,
    Password,
    RgbColor,
    ShortName,
    Ssn,
    Uri,
    Uuid,
    Uuid3,
    Uuid4,
    Uuid5,
}

/// True if the server enforces the format for values of the type (`None`: no type, or several).
pub(crate) fn is_known(kind: Option<Type>, name: &str) -> bool {
    match kind {
        None | Some(Type::String) => Format::parse(name).is_some(),
        Some(Type::Integer) => matches!(name, "int32" | "int64"),
        Some(Type::Number) => matches!(name, "float" | "double"),
        Some(_) => false,
    }
}

macro_rules! pattern {
    ($text:expr) => {{
        static PATTERN: LazyLock<Regex> =
            LazyLock::new(|| Regex::new($text).expect("the pattern is constant and well-formed"));
        &*PATTERN
    }};
}

impl Format {
    /// The format of a name; dashes are ignored.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        Some(match name.replace('-', "").as_str() {
            "bsonobjectid" => Self::BsonObjectId,
            "byte" => Self::Byte,
            "cidr" => Self::Cidr,
            "creditcard" => Self::CreditCard,
            "date" => Self::Date,
            "datetime" => Self::DateTime,
            "duration" => Self::Duration,
            "email" => Self::Email,
            "hexcolor" => Self::HexColor,
            "hostname" => Self::Hostname,
            "ipv4" => Self::Ipv4,
            "ipv6" => Self::Ipv6,
            "isbn" => Self::Isbn,
            "isbn10" => Self::Isbn10,
            "isbn13" => Self::Isbn13,
            "k8slongname" => Self::LongName,
            "mac" => Self::Mac,
            "password" => Self::Password,
            "rgbcolor" => Self::RgbColor,
            "k8sshortname" => Self::ShortName,
            "ssn" => Self::Ssn,
            "uri" => Self::Uri,
            "uuid" => Self::Uuid,
            "uuid3" => Self::Uuid3,
            "uuid4" => Self::Uuid4,
            "uuid5" => Self::Uuid5,
            _ => return None,
        })
    }

    /// True if the string has this format.
    pub(crate) fn accepts(self, text: &str) -> bool {
        match self {
            Self::Password => true,
            Self::BsonObjectId => pattern!("^[0-9A-Fa-f]{24}$").is_match(text),
            Self::Byte => {
                pattern!("^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=|[A-Za-z0-9+/]{4})$")
                    .is_match(text)
            }
            Self::Cidr => is_cidr(text),
            Self::CreditCard => is_credit_card(text),
            Self::Date => is_date(text),
            Self::DateTime => is_date_time(text),
            Self::Duration => is_go_duration(text) || is_spelled_duration(text),
            Self::Email => is_email(text),
            Self::HexColor => pattern!("^#?([0-9a-fA-F]{3}|[0-9a-fA-F]{6})$").is_match(text),
            Self::Hostname => is_hostname(text),
            Self::Ipv4 => text.contains('.') && (is_ipv4(text) || text.parse::<Ipv6Addr>().is_ok()),
            Self::Ipv6 => text.parse::<Ipv6Addr>().is_ok(),
            Self::Isbn => is_isbn10(text) || is_isbn13(text),
            Self::Isbn10 => is_isbn10(text),
            Self::Isbn13 => is_isbn13(text),
            Self::LongName => {
                text.len() <= 253
                    && pattern!(r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$")
                        .is_match(text)
            }
            Self::ShortName => text.len() <= 63 && pattern!("^[a-z0-9]([-a-z0-9]*[a-z0-9])?$").is_match(text),
            Self::Mac => is_mac(text),
            Self::RgbColor => {
                pattern!(r"^rgb\([ \t\n\f\r]*(?:0|[1-9][0-9]?|1[0-9][0-9]?|2[0-4][0-9]|25[0-5])[ \t\n\f\r]*(?:,[ \t\n\f\r]*(?:0|[1-9][0-9]?|1[0-9][0-9]?|2[0-4][0-9]|25[0-5])[ \t\n\f\r]*){2}\)$")
                    .is_match(text)
            }
            Self::Ssn => text.len() == 11 && pattern!("^[0-9]{3}[- ]?[0-9]{2}[- ]?[0-9]{4}$").is_match(text),
            Self::Uri => is_request_uri(text),
            Self::Uuid => is_uuid(text, None),
            Self::Uuid3 => is_uuid(text, Some('3')),
            Self::Uuid4 => is_uuid(text, Some('4')),
            Self::Uuid5 => is_uuid(text, Some('5')),
        }
    }
}

/// True for a UUID. Dashes are optional, letters may have either case.
fn is_uuid(text: &str, version: Option<char>) -> bool {
    let shape = pattern!("^(?i-u)[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$");
    if !shape.is_match(text) {
        return false;
    }
    let digits: Vec<char> = text.chars().filter(|c| *c != '-').collect();
    let variant = matches!(digits[16].to_ascii_lowercase(), '8' | '9' | 'a' | 'b');
    version.is_none_or(|v| digits[12] == v && (v == '3' || variant))
}

/// True for an IPv4 address. Leading zeros are valid, as before Go 1.17.
fn is_ipv4(text: &str) -> bool {
    let octets: Vec<String> = text
        .split('.')
        .map(|octet| {
            let short = octet.trim_start_matches('0');
            if short.is_empty() && !octet.is_empty() { "0".to_owned() } else { short.to_owned() }
        })
        .collect();
    octets.join(".").parse::<Ipv4Addr>().is_ok()
}

fn is_cidr(text: &str) -> bool {
    let Some((address, length)) = text.split_once('/') else { return false };
    let max = if is_ipv4(address) {
        32
    } else if address.parse::<Ipv6Addr>().is_ok() {
        128
    } else {
        return false;
    };
    length.bytes().all(|b| b.is_ascii_digit()) && length.parse::<u32>().is_ok_and(|n| n <= max)
}

fn is_mac(text: &str) -> bool {
    let hex =
        |group: &str, digits: usize| group.len() == digits && group.bytes().all(|b| b.is_ascii_hexdigit());
    let groups = |separator: char, digits: usize, counts: [usize; 3]| {
        let parts: Vec<&str> = text.split(separator).collect();
        counts.contains(&parts.len()) && parts.iter().all(|part| hex(part, digits))
    };
    groups(':', 2, [6, 8, 20]) || groups('-', 2, [6, 8, 20]) || groups('.', 4, [3, 4, 10])
}

fn is_date(text: &str) -> bool {
    let shaped = text.len() == 10
        && text
            .bytes()
            .enumerate()
            .all(|(i, b)| if i == 4 || i == 7 { b == b'-' } else { b.is_ascii_digit() });
    shaped && text.parse::<Date>().is_ok()
}

fn is_date_time(text: &str) -> bool {
    let lower = text.to_lowercase();
    let mut parts = lower.split('t');
    let (Some(date), Some(time)) = (parts.next(), parts.next()) else { return false };
    let clock = pattern!("^([0-9]{2}):([0-9]{2}):([0-9]{2})(?:.[0-9]+)?(?:z|[+-][0-9]{2}:[0-9]{2})$");
    is_date(date) && clock.captures(time).is_some_and(|c| &c[1] <= "23" && &c[2] <= "59" && &c[3] <= "59")
}

/// True if Go's `time.ParseDuration` succeeds: `1h30m`, `1.5s`, `-2ms`, `0`.
fn is_go_duration(text: &str) -> bool {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    unsigned == "0"
        || pattern!(r"^(?:(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:ns|us|µs|μs|ms|s|m|h))+$").is_match(unsigned)
}

/// True if the string contains a duration such as `22 ns` or `3 weeks`.
fn is_spelled_duration(text: &str) -> bool {
    const UNITS: [(&[&str], &str); 8] = [
        (&["ns"], "nano"),
        (&["us", "µs"], "micro"),
        (&["ms"], "milli"),
        (&["s"], "sec"),
        (&["m"], "min"),
        (&["h", "hr"], "hour"),
        (&["d"], "day"),
        (&["w", "wk"], "week"),
    ];
    pattern!("([0-9]+)[ \\t\\n\\f\\r]*([A-Za-zµ]+)").captures_iter(text).any(|found| {
        let unit = found[2].to_lowercase();
        UNITS.iter().any(|(short, long)| short.contains(&unit.as_str()) || unit.starts_with(long))
    })
}

fn is_hostname(text: &str) -> bool {
    let shape = pattern!(
        r"^([a-zA-Z0-9\p{S}\p{L}]((-?[a-zA-Z0-9\p{S}\p{L}]{0,62})?)|([a-zA-Z0-9\p{S}\p{L}](([a-zA-Z0-9\-\p{S}\p{L}]{0,61}[a-zA-Z0-9\p{S}\p{L}])?)(\.)){1,}([a-zA-Z\p{L}]){2,63})$"
    );
    text.len() <= 255 && text.split('.').all(|label| label.len() <= 63) && shape.is_match(text)
}

/// True for an address, alone or as `Name <address>`.
fn is_email(text: &str) -> bool {
    let text = text.trim_matches([' ', '\t']);
    let address = match text.strip_suffix('>') {
        Some(named) => match named.rsplit_once('<') {
            Some((_, address)) => address,
            None => return false,
        },
        None => text,
    };
    let Some((local, domain)) = address.rsplit_once('@') else { return false };
    let atoms = |text: &str| {
        text.split('.').all(|atom| {
            !atom.is_empty()
                && atom
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c) || !c.is_ascii())
        })
    };
    let quoted = local.len() >= 2 && local.starts_with('"') && local.ends_with('"');
    let literal = domain.strip_prefix('[').and_then(|d| d.strip_suffix(']'));
    let domain_fits = match literal {
        Some(literal) => {
            let literal = literal.strip_prefix("IPv6:").unwrap_or(literal);
            literal.parse::<std::net::IpAddr>().is_ok()
        }
        None => atoms(domain),
    };
    (quoted || atoms(local)) && domain_fits
}

/// True if Go's `url.ParseRequestURI` succeeds: an absolute URI or an absolute path.
fn is_request_uri(text: &str) -> bool {
    if text.is_empty() || text.chars().any(|c| c.is_ascii_control()) {
        return false;
    }
    if text == "*" {
        return true;
    }
    let (scheme, rest) = match text.split_once(':') {
        Some((scheme, rest)) if pattern!("^[A-Za-z][A-Za-z0-9+.-]*$").is_match(scheme) => (scheme, rest),
        Some(("", _)) => return false,
        _ => ("", text),
    };
    if !rest.starts_with('/') {
        return !scheme.is_empty();
    }
    let path_and_host = rest.split(['?', '#']).next().unwrap_or(rest);
    let escaped = pattern!("%(?:$|[^0-9A-Fa-f]|.$|.[^0-9A-Fa-f])");
    if scheme.is_empty() || !rest.starts_with("//") {
        return !escaped.is_match(path_and_host);
    }
    let authority_and_path = &path_and_host[2..];
    let authority = authority_and_path.split('/').next().unwrap_or_default();
    let host_and_port = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let host = match host_and_port.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => {
            if !port.bytes().all(|b| b.is_ascii_digit()) {
                return false;
            }
            host
        }
        _ => host_and_port,
    };
    !escaped.is_match(authority_and_path)
        && !host.contains([' ', '<', '>', '"', '^', '`', '{', '|', '}', '\\'])
}

fn is_credit_card(text: &str) -> bool {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let shape = pattern!(
        r"^(?:4[0-9]{12}(?:[0-9]{3})?|5[1-5][0-9]{14}|6(?:011|5[0-9][0-9])[0-9]{12}|3[47][0-9]{13}|3(?:0[0-5]|[68][0-9])[0-9]{11}|(?:2131|1800|35[0-9]{3})[0-9]{11})$"
    );
    let sum: u32 = digits
        .bytes()
        .rev()
        .enumerate()
        .map(|(i, b)| {
            let digit = u32::from(b - b'0') << (i % 2);
            if digit >= 10 { digit % 10 + 1 } else { digit }
        })
        .sum();
    shape.is_match(&digits) && sum.is_multiple_of(10)
}

fn without_separators(text: &str) -> String {
    text.chars().filter(|c| !matches!(c, ' ' | '\t' | '\n' | '\x0c' | '\r' | '-')).collect()
}

fn is_isbn10(text: &str) -> bool {
    let text = without_separators(text);
    if !pattern!("^(?:[0-9]{9}X|[0-9]{10})$").is_match(&text) {
        return false;
    }
    let sum: u32 = (1..)
        .zip(text.bytes())
        .map(|(weight, b)| weight * if b == b'X' { 10 } else { u32::from(b - b'0') })
        .sum();
    sum.is_multiple_of(11)
}

fn is_isbn13(text: &str) -> bool {
    let text = without_separators(text);
    if !pattern!("^[0-9]{13}$").is_match(&text) {
        return false;
    }
    let sum: u32 =
        text.bytes().enumerate().map(|(i, b)| u32::from(b - b'0') * if i % 2 == 0 { 1 } else { 3 }).sum();
    sum.is_multiple_of(10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(name: &str, good: &[&str], bad: &[&str]) {
        let format = Format::parse(name).unwrap();
        for text in good {
            assert!(format.accepts(text), "{text} is a {name}");
        }
        for text in bad {
            assert!(!format.accepts(text), "{text} is no {name}");
        }
    }

    #[test]
    fn times_are_parsed_as_in_go() {
        check(
            "date-time",
            &["2026-01-02T03:04:05Z", "2026-01-02t03:04:05.123+01:00"],
            &["2026-02-30T00:00:00Z", "2026-01-02 03:04:05Z", "2026-01-02T24:00:00Z", "x"],
        );
        check("date", &["2024-02-29"], &["2026-02-29", "26-01-01", "2026-1-1"]);
        check("duration", &["1h30m", "-1.5s", "0", "22 ns", "3 weeks"], &["x", "5", "1 fortnight", ""]);
    }

    #[test]
    fn addresses_are_parsed_as_in_go() {
        check("ipv4", &["1.2.3.4", "010.0.0.1", "::ffff:1.2.3.4"], &["1.2.3", "256.0.0.1", "::1"]);
        check("ipv6", &["::1", "fe80::1"], &["1.2.3.4", "fe80::1%eth0"]);
        check("cidr", &["10.0.0.0/8", "fd00::/64"], &["10.0.0.0", "10.0.0.0/33", "1", "10.0.0.0/-1"]);
        check("mac", &["00:00:5e:00:53:01", "0000.5e00.5301"], &["00:00", "zz:00:5e:00:53:01"]);
        check("email", &["a@b.example", "Ann <a@b.example>"], &["x", "a b@c", "@b", "a@"]);
        check("hostname", &["a", "a.example.com", "ä.example"], &["-", "a_b.example", "a..b"]);
        check("uri", &["http://a.example/x?y", "/path", "urn:x"], &["x", "", "http://a b/", "http://a:x/"]);
    }

    #[test]
    fn identifiers_are_parsed_as_in_go() {
        let four = "2F3B9C1E-5D6A-4b7c-8d9e-0123456789ab";
        check("uuid", &[four, "2f3b9c1e5d6a4b7c8d9e0123456789ab"], &["x", "2f3b9c1e"]);
        check("uuid4", &[four], &["2F3B9C1E-5D6A-3b7c-8d9e-0123456789ab"]);
        check("byte", &["YQ==", "YWJj"], &["!", "YQ", ""]);
        check("isbn", &["0321751043", "978-0321751041"], &["0321751044"]);
        check("creditcard", &["4111 1111 1111 1111"], &["4111 1111 1111 1112"]);
        check("k8s-short-name", &["a-b"], &["a.b", "-a", "A"]);
        check("k8s-long-name", &["a.b-c"], &["a..b"]);
        check("rgb-color", &["rgb(1, 2,255)"], &["rgb(1,2)", "rgb(256,0,0)"]);
    }
}
