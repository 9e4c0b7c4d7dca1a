//! Validation of names, label keys and label values, with the messages of apimachinery's `api/validate/content`
//! (Kubernetes 1.37).
//!
//! Every function returns a list of messages, which is empty for a valid value. The caller adds the field path.

const LABEL: &str = "[a-z0-9]([-a-z0-9]*[a-z0-9])?";
const LABEL_TEXT: &str = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and \
    must start and end with an alphanumeric character";
const SUBDOMAIN_TEXT: &str = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' \
    or '.', and must start and end with an alphanumeric character";
const DNS1035: &str = "[a-z]([-a-z0-9]*[a-z0-9])?";
const DNS1035_TEXT: &str = "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an \
    alphabetic character, and end with an alphanumeric character";
const KEY: &str = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]";
const KEY_TEXT: &str = "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an \
    alphanumeric character";

/// Messages for `name` under `rule`. With `prefix`, it is a `generateName`, which need not end as a name does.
pub(crate) fn name_errors(rule: NameRule, name: &str, prefix: bool) -> Vec<String> {
    if rule == NameRule::PathSegment {
        return path_segment_errors(name, prefix);
    }
    // The server ignores a trailing dash of a prefix, because a random suffix follows it.
    let masked = match name.strip_suffix('-') {
        Some(start) if prefix && !start.is_empty() => format!("{start}a"),
        _ => name.to_owned(),
    };
    match rule {
        NameRule::DnsSubdomain => dns_subdomain_errors(&masked),
        NameRule::DnsLabel => dns_label_errors(&masked),
        NameRule::PathSegment => unreachable!("path segments were answered above"),
    }
}

/// Validation rule of `metadata.name`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum NameRule {
    /// RFC 1123 subdomain, 253 characters (the default).
    #[default]
    DnsSubdomain,
    /// RFC 1123 label, 63 characters (Namespace, Service since 1.35 …).
    DnsLabel,
    /// Any single path segment (RBAC).
    PathSegment,
}

/// Messages for an RFC 1123 label of at most 63 bytes.
pub(crate) fn dns_label_errors(value: &str) -> Vec<String> {
    let mut errors = too_long(value, 63, "characters");
    if !is_label(value) {
        if is_subdomain(value) {
            errors.push("must not contain dots".to_owned());
        } else {
            errors.push(pattern_text(LABEL_TEXT, LABEL, &["my-name", "123-abc"]));
        }
    }
    errors
}

/// Messages for an RFC 1123 subdomain of at most 253 bytes.
pub(crate) fn dns_subdomain_errors(value: &str) -> Vec<String> {
    subdomain_errors(value, "characters")
}

fn subdomain_errors(value: &str, unit: &str) -> Vec<String> {
    let mut errors = too_long(value, 253, unit);
    if !is_subdomain(value) {
        errors.push(pattern_text(SUBDOMAIN_TEXT, &format!("{LABEL}(\\.{LABEL})*"), &["example.com"]));
    }
    errors
}

/// Messages for an RFC 1035 label of at most 63 bytes.
pub(crate) fn dns1035_label_errors(value: &str) -> Vec<String> {
    let mut errors = too_long(value, 63, "characters");
    if !(is_label(value) && value.starts_with(|c: char| c.is_ascii_lowercase())) {
        errors.push(pattern_text(DNS1035_TEXT, DNS1035, &["my-name", "abc-123"]));
    }
    errors
}

/// Messages for a URL path segment.
pub(crate) fn path_segment_errors(value: &str, prefix: bool) -> Vec<String> {
    if !prefix && (value == "." || value == "..") {
        return vec![format!("may not be '{value}'")];
    }
    let forbidden = ["/", "%"].iter().filter(|c| value.contains(**c));
    forbidden.map(|c| format!("may not contain '{c}'")).collect()
}

/// Messages for a qualified name: a label key, a finalizer, a lower-case annotation key.
pub(crate) fn label_key_errors(value: &str) -> Vec<String> {
    let mut parts = value.split('/');
    let (first, second, third) = (parts.next().unwrap_or_default(), parts.next(), parts.next());
    let mut errors = Vec::new();
    let name = match (second, third) {
        (None, _) => first,
        (Some(name), None) => {
            if first.is_empty() {
                errors.push("prefix part must be non-empty".to_owned());
            } else {
                errors
                    .extend(subdomain_errors(first, "bytes").into_iter().map(|e| format!("prefix part {e}")));
            }
            name
        }
        (Some(_), Some(_)) => {
            let text = pattern_text(KEY_TEXT, KEY, &["MyName", "my.name", "123-abc"]);
            let rest = "with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')";
            return vec![format!("a valid label key {text} {rest}")];
        }
    };
    if name.is_empty() {
        errors.push("name part must be non-empty".to_owned());
    } else {
        errors.extend(too_long(name, 63, "bytes").into_iter().map(|e| format!("name part {e}")));
    }
    if !is_key(name) {
        let text = pattern_text(KEY_TEXT, KEY, &["MyName", "my.name", "123-abc"]);
        errors.push(format!("name part {text}"));
    }
    errors
}

/// Messages for a label value.
pub(crate) fn label_value_errors(value: &str) -> Vec<String> {
    let mut errors = too_long(value, 63, "bytes");
    if !(value.is_empty() || is_key(value)) {
        let text = format!("a valid label must be an empty string or {}", &KEY_TEXT["must ".len()..]);
        errors.push(pattern_text(&text, &format!("({KEY})?"), &["MyValue", "my_value", "12345"]));
    }
    errors
}

/// Lengths are in bytes, which the server's messages call characters for names.
fn too_long(value: &str, max: usize, unit: &str) -> Vec<String> {
    if value.len() > max { vec![format!("must be no more than {max} {unit}")] } else { Vec::new() }
}

/// The message of a violated pattern, with examples in apimachinery's format.
fn pattern_text(text: &str, pattern: &str, examples: &[&str]) -> String {
    let quoted: Vec<_> = examples.iter().map(|e| format!("'{e}', ")).collect();
    format!("{text} (e.g. {}regex used for validation is '{pattern}')", quoted.join(" or "))
}

fn is_label(value: &str) -> bool {
    let inner = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    !value.is_empty() && value.bytes().all(inner) && !value.starts_with('-') && !value.ends_with('-')
}

fn is_subdomain(value: &str) -> bool {
    value.split('.').all(is_label)
}

fn is_key(value: &str) -> bool {
    let bytes = value.as_bytes();
    let ends = |b: Option<&u8>| b.is_some_and(u8::is_ascii_alphanumeric);
    let inner = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    ends(bytes.first()) && ends(bytes.last()) && bytes.iter().all(inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn capitals_are_rejected_with_the_pattern() {
        assert_eq!(
            name_errors(NameRule::DnsSubdomain, "A_b", false),
            [
                "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
            ]
        );
    }

    #[test]
    fn trailing_dash_is_valid_only_in_a_prefix() {
        assert!(name_errors(NameRule::DnsLabel, "web-", true).is_empty());
        assert!(!name_errors(NameRule::DnsLabel, "web-", false).is_empty());
    }

    #[test]
    fn dotted_label_has_its_own_message() {
        assert_eq!(name_errors(NameRule::DnsLabel, "a.b", false), ["must not contain dots"]);
    }

    #[test]
    fn path_segment_allows_most_characters() {
        assert!(name_errors(NameRule::PathSegment, "system:node:A", false).is_empty());
        assert_eq!(
            name_errors(NameRule::PathSegment, "a/b%", false),
            ["may not contain '/'", "may not contain '%'"]
        );
        assert_eq!(name_errors(NameRule::PathSegment, "..", false), ["may not be '..'"]);
    }

    #[test]
    fn empty_prefix_of_a_key_is_rejected() {
        assert_eq!(label_key_errors("/a"), ["prefix part must be non-empty"]);
        assert_eq!(label_key_errors("a/").len(), 2);
    }
}
