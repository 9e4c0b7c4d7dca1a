//! Name formats with the messages of apimachinery's `util/validation` (Kubernetes 1.37).
//!
//! Each rule returns its messages, none for a valid name. The caller adds the field path.

use crate::error::field::{FieldError, invalid_each};
pub(crate) use crate::object::names::{
    dns_label_errors as dns_label, dns_subdomain_errors as dns_subdomain, label_key_errors as qualified_name,
    label_value_errors as label_value,
};

use crate::error::path::Path;

/// The message of a violated regular expression, with examples.
pub(crate) fn form(sentence: &str, regex: &str, examples: &[&str]) -> String {
    let examples: Vec<_> = examples.iter().map(|example| format!("'{example}', ")).collect();
    format!("{sentence} (e.g. {}regex used for validation is '{regex}')", examples.join(" or "))
}

fn too_long(max: usize) -> String {
    format!("must be no more than {max} characters")
}

/// Messages for a key of a `ConfigMap` or Secret.
pub(crate) fn config_key(value: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    if value.len() > 253 {
        wrong.push(too_long(253));
    }
    let right = |b: u8| b.is_ascii_alphanumeric() || b"-._".contains(&b);
    if value.is_empty() || !value.bytes().all(right) {
        let sentence = "a valid config key must consist of alphanumeric characters, '-', '_' or '.'";
        wrong.push(form(sentence, "[-._a-zA-Z0-9]+", &["key.name", "KEY_NAME", "key-name"]));
    }
    wrong.extend(parent_folder(value));
    wrong
}

/// The message for a path segment that leaves the directory of a mounted volume.
fn parent_folder(value: &str) -> Option<String> {
    match value {
        "." => Some("must not be '.'".to_owned()),
        ".." => Some("must not be '..'".to_owned()),
        _ if value.starts_with("..") => Some("must not start with '..'".to_owned()),
        _ => None,
    }
}

/// Messages for the name of an environment variable, with the relaxed rules of Kubernetes 1.34 and later.
pub(crate) fn env_name(value: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    if value.is_empty() {
        wrong.push("environment variable name must be non-empty".to_owned());
    }
    if value.chars().any(|c| !(' '..='~').contains(&c) || c == '=') {
        wrong.push(
            "a valid environment variable name must consist only of printable ASCII characters other than '='"
                .to_owned(),
        );
    }
    wrong
}

/// Messages for a port name (an IANA service name).
pub(crate) fn port_name(value: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut say = |broken: bool, message: &str| {
        if broken {
            wrong.push(message.to_owned());
        }
    };
    say(value.len() > 15, "must be no more than 15 characters");
    let right = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    say(
        !value.bytes().all(right) || value.is_empty(),
        "must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)",
    );
    say(!value.bytes().any(|b| b.is_ascii_lowercase()), "must contain at least one letter (a-z)");
    say(value.contains("--"), "must not contain consecutive hyphens");
    say(value.starts_with('-') || value.ends_with('-'), "must not begin or end with a hyphen");
    wrong
}

/// Errors of a finalizer in a Namespace's spec: a qualified name, with a domain unless it is a standard finalizer.
pub(crate) fn finalizer(value: &str, path: &Path) -> Vec<FieldError> {
    let mut errors = invalid_each(path, value, qualified_name(value));
    if !value.contains('/') && !["kubernetes", "orphan", "foregroundDeletion"].contains(&value) {
        let why = "name is neither a standard finalizer name nor is it fully qualified";
        errors.push(FieldError::invalid(path, value.into(), why));
    }
    errors
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dotted_label_has_its_own_message() {
        assert_eq!(dns_label("a.b"), ["must not contain dots"]);
        assert_eq!(
            dns_label("UPPER"),
            [
                "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start \
              and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is \
              '[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
            ]
        );
        assert_eq!(dns_label(&"p".repeat(70)), ["must be no more than 63 characters"]);
        assert!(dns_label("a-1").is_empty());
    }

    #[test]
    fn subdomain_allows_dots_but_no_underscores() {
        assert!(dns_subdomain("a.b-c.d").is_empty());
        assert_eq!(dns_subdomain("Foo_bar").len(), 1);
        assert_eq!(dns_subdomain("a..b").len(), 1);
    }

    #[test]
    fn label_key_message_names_the_invalid_part() {
        assert_eq!(qualified_name("/a"), ["prefix part must be non-empty"]);
        assert!(qualified_name("ex.com/").iter().any(|m| m == "name part must be non-empty"));
        assert_eq!(
            qualified_name("a b"),
            [
                "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an \
              alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is \
              '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
            ]
        );
        assert!(qualified_name("a/b/c")[0].ends_with("(e.g. 'example.com/MyName')"));
    }

    #[test]
    fn config_key_with_parent_directory_is_rejected() {
        assert_eq!(config_key(".."), ["must not be '..'"]);
        assert_eq!(config_key("..foo"), ["must not start with '..'"]);
        assert_eq!(config_key(&"a".repeat(254)), ["must be no more than 253 characters"]);
        assert!(config_key("A_b.c-1").is_empty());
    }

    #[test]
    fn port_name_messages_are_complete() {
        assert_eq!(
            port_name("bad_name!"),
            ["must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)"]
        );
        assert_eq!(port_name("a--b"), ["must not contain consecutive hyphens"]);
        assert_eq!(port_name("123"), ["must contain at least one letter (a-z)"]);
    }

    #[test]
    fn finalizer_without_domain_must_be_standard() {
        let path = Path::new("spec.finalizers");
        assert!(finalizer("kubernetes", &path).is_empty() && finalizer("ex.com/a", &path).is_empty());
        assert_eq!(
            finalizer("foo", &path)[0].to_string(),
            "spec.finalizers: Invalid value: \"foo\": name is neither a standard finalizer name nor is it fully qualified"
        );
    }
}
