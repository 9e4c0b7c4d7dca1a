//! Field selectors: `metadata.name=web,status.phase!=Running`.
//!
//! Syntax and messages are those of apimachinery's `fields` package (Kubernetes 1.37).

use std::borrow::Cow;

use serde_json::Value;

/// A supported field label.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct SelectableField {
    /// The label in selectors, such as `status.successful`.
    pub label: String,
    /// Dotted paths of the value in this version's objects, such as `status.succeeded`; the first existing one is used.
    pub paths: Vec<String>,
    /// The value of an object without any of the paths: empty, `0` or `false`.
    pub absent: String,
}

impl SelectableField {
    /// A field whose label is its path, and whose default is the empty string.
    pub(crate) fn at(path: &str) -> Self {
        Self { label: path.into(), paths: vec![path.into()], absent: String::new() }
    }
}

/// The supported field labels of a resource.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct SelectableFields {
    /// Includes `metadata.name` and usually `metadata.namespace`.
    pub fields: Vec<SelectableField>,
    /// The message for an unsupported label, with `{}` as its placeholder.
    pub refusal: String,
}

impl SelectableFields {
    /// The field with a label, or the server's message.
    pub(crate) fn get(&self, label: &str) -> Result<&SelectableField, String> {
        let found = self.fields.iter().find(|field| field.label == label);
        found.ok_or_else(|| self.refusal.replace("{}", label))
    }
}

/// A conjunction of terms.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct FieldSelector {
    terms: Vec<Term>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Term {
    path: String,
    equal: bool,
    value: String,
}

impl FieldSelector {
    /// Parses a selector. The error is the message of a 400.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut parts = split_terms(text);
        parts.sort_unstable();
        let mut terms = Vec::with_capacity(parts.len());
        for part in parts.into_iter().filter(|part| !part.is_empty()) {
            let Some((path, equal, value)) = split_term(part) else {
                return Err(format!("invalid selector: '{text}'; can't understand '{part}'"));
            };
            terms.push(Term { path: path.to_owned(), equal, value: unescape(value)? });
        }
        Ok(Self { terms })
    }

    /// The server's message for the first unsupported label.
    pub(crate) fn check(&self, selectable: &SelectableFields) -> Result<(), String> {
        self.terms.iter().try_for_each(|term| selectable.get(&term.path).map(drop))
    }

    /// True if the selector matches all objects.
    pub(crate) fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }

    /// The value that the selector requires for `path`, if it requires equality: a list by `metadata.name` reads only
    /// one object.
    pub(crate) fn exact(&self, path: &str) -> Option<&str> {
        self.terms.iter().find(|term| term.equal && term.path == path).map(|term| term.value.as_str())
    }

    /// True if the selector matches the values that `value` returns; an absent field is the empty string.
    pub(crate) fn matches<'v>(&self, mut value: impl FnMut(&str) -> Cow<'v, str>) -> bool {
        self.terms.iter().all(|term| (*value(&term.path) == *term.value) == term.equal)
    }

    /// True if the selector matches the object.
    pub(crate) fn matches_object(&self, object: &Value, selectable: &SelectableFields) -> bool {
        self.matches(|label| match selectable.get(label) {
            Ok(field) => {
                let mut values = field.paths.iter().map(|path| field_text(object, path));
                values.find(|value| !value.is_empty()).unwrap_or_else(|| field.absent.clone().into())
            }
            Err(_) => Cow::Borrowed(""),
        })
    }
}

/// The field at a dotted path as the string that selectors compare; empty if it is absent.
pub(crate) fn field_text<'v>(object: &'v Value, path: &str) -> Cow<'v, str> {
    let found = path.split('.').try_fold(object, |value, key| value.get(key));
    match found {
        Some(Value::String(text)) => Cow::Borrowed(text),
        Some(value @ (Value::Bool(_) | Value::Number(_))) => Cow::Owned(value.to_string()),
        _ => Cow::Borrowed(""),
    }
}

/// Splits at commas that are not escaped by a backslash.
fn split_terms(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut start, mut protected) = (0, false);
    for (at, c) in text.char_indices() {
        match c {
            _ if protected => protected = false,
            '\\' => protected = true,
            ',' => {
                parts.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts
}

/// Splits at the first operator: path, true for equality, value with escapes.
fn split_term(part: &str) -> Option<(&str, bool, &str)> {
    for (at, _) in part.char_indices() {
        let rest = &part[at..];
        for (operator, equal) in [("!=", false), ("==", true), ("=", true)] {
            if let Some(value) = rest.strip_prefix(operator) {
                return Some((&part[..at], equal, value));
            }
        }
    }
    None
}

fn unescape(text: &str) -> Result<String, String> {
    let mut value = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some(escaped @ ('\\' | ',' | '=')) => value.push(escaped),
                Some(other) => {
                    return Err(format!("invalid field selector: invalid escape sequence: \\{other}"));
                }
                None => return Err("invalid field selector: invalid escape sequence: \\".to_owned()),
            },
            // The server prints the character's code.
            ',' | '=' => {
                let number = u32::from(c);
                return Err(format!("invalid field selector: unescaped character in value: {number}"));
            }
            _ => value.push(c),
        }
    }
    Ok(value)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    #[rstest]
    #[case("metadata.name=web", true)]
    #[case("metadata.name==web", true)]
    #[case("metadata.name!=web", false)]
    #[case("spec.unschedulable=true", true)]
    #[case("status.phase!=Running", true)]
    #[case("status.phase=", true)]
    #[case("metadata.name=web,,", true)]
    #[case("spec.odd=a\\,b\\=c", true)]
    fn fields_are_compared_as_strings(#[case] selector: &str, #[case] expected: bool) {
        let object = json!({"metadata": {"name": "web"}, "spec": {"unschedulable": true, "odd": "a,b=c"}});
        let selector = FieldSelector::parse(selector).unwrap();
        assert_eq!(selector.matches(|path| field_text(&object, path)), expected, "{selector:?}");
    }

    #[rstest]
    #[case("a", "invalid selector: 'a'; can't understand 'a'")]
    #[case("metadata.name!a", "invalid selector: 'metadata.name!a'; can't understand 'metadata.name!a'")]
    #[case("metadata.name=a,bogus", "invalid selector: 'metadata.name=a,bogus'; can't understand 'bogus'")]
    #[case("metadata.name=a\\", "invalid field selector: invalid escape sequence: \\")]
    #[case("metadata.name=a\\b", "invalid field selector: invalid escape sequence: \\b")]
    #[case("metadata.name=a=b", "invalid field selector: unescaped character in value: 61")]
    fn malformed_selector_has_the_message_of_kube_apiserver(#[case] selector: &str, #[case] message: &str) {
        assert_eq!(FieldSelector::parse(selector).unwrap_err(), message);
    }

    #[test]
    fn unsupported_label_has_the_message_of_its_resource() {
        let selector = FieldSelector::parse("spec.foo=1,metadata.name=a").unwrap();
        let refused = |group: &str, plural: &str| {
            selector
                .check(&crate::kinds::registry().resource(group, "v1", plural).unwrap().selectable)
                .unwrap_err()
        };
        assert_eq!(
            refused("", "configmaps"),
            "\"spec.foo\" is not a known field selector: only \"metadata.name\", \"metadata.namespace\""
        );
        assert_eq!(refused("", "pods"), "field label not supported: spec.foo");
        assert_eq!(refused("batch", "jobs"), "field label \"spec.foo\" not supported for Job");
        assert_eq!(selector.exact("metadata.name"), Some("a"));
    }

    #[test]
    fn absent_boolean_is_false() {
        let nodes = crate::kinds::registry().resource("", "v1", "nodes").unwrap();
        let matches = |selector: &str| {
            FieldSelector::parse(selector)
                .unwrap()
                .matches_object(&json!({"metadata": {"name": "n"}}), &nodes.selectable)
        };
        assert!(matches("spec.unschedulable=false,metadata.name=n"));
        assert!(!matches("spec.unschedulable=true"));
    }
}
