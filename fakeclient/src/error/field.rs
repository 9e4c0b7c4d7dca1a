//! Field errors with the texts of apimachinery's `util/validation/field` (Kubernetes 1.37).
//!
//! A field path is a string: `spec.containers[0].image`, `metadata.labels[app]`.

use std::fmt::Write;
use std::sync::LazyLock;

use regex::Regex;
use serde_json::Value;

/// `field.ErrorType` with its `metav1.CauseType`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldErrorKind {
    /// A referenced value does not exist.
    NotFound,
    /// A required value is missing.
    Required,
    /// A value occurs twice where it must be unique.
    Duplicate,
    /// A value violates a rule.
    Invalid,
    /// A value is not in an enumeration.
    NotSupported,
    /// A value is valid but not permitted here.
    Forbidden,
    /// A value has too many characters or bytes.
    TooLong,
    /// A list has too many items.
    TooMany,
    /// The validation itself failed.
    Internal,
    /// A value has the wrong type.
    TypeInvalid,
}

impl FieldErrorKind {
    /// The `reason` of the Status cause.
    pub fn reason(self) -> &'static str {
        match self {
            Self::NotFound => "FieldValueNotFound",
            Self::Required => "FieldValueRequired",
            Self::Duplicate => "FieldValueDuplicate",
            Self::Invalid => "FieldValueInvalid",
            Self::NotSupported => "FieldValueNotSupported",
            Self::Forbidden => "FieldValueForbidden",
            Self::TooLong => "FieldValueTooLong",
            Self::TooMany => "FieldValueTooMany",
            Self::Internal => "InternalError",
            Self::TypeInvalid => "FieldValueTypeInvalid",
        }
    }

    fn text(self) -> &'static str {
        match self {
            Self::NotFound => "Not found",
            Self::Required => "Required value",
            Self::Duplicate => "Duplicate value",
            Self::Invalid | Self::TypeInvalid => "Invalid value",
            Self::NotSupported => "Unsupported value",
            Self::Forbidden => "Forbidden",
            Self::TooLong => "Too long",
            Self::TooMany => "Too many",
            Self::Internal => "Internal error",
        }
    }

    fn shows_value(self) -> bool {
        !matches!(self, Self::Required | Self::Forbidden | Self::TooLong | Self::TooMany | Self::Internal)
    }
}

/// An error of one field (`field.Error`).
#[derive(Clone, Debug, PartialEq)]
pub struct FieldError {
    /// The type of the error.
    pub kind: FieldErrorKind,
    /// Path of the field.
    pub field: String,
    /// The invalid value; printed by the kinds that show it.
    pub value: Value,
    /// The violated rule.
    pub detail: String,
    /// The printed form of the value, if it is not its JSON: the server prints some Go structs, and omits some values
    /// (empty).
    pub shown: Option<String>,
}

impl FieldError {
    /// The only key of an object whose value is printed verbatim, for values that the server prints in the order of a
    /// Go struct. No field of Kubernetes can have this name.
    pub(crate) const VERBATIM: &'static str = "\0verbatim";

    /// An error of the given kind.
    pub fn new(
        kind: FieldErrorKind,
        field: impl Into<String>,
        value: Value,
        detail: impl Into<String>,
    ) -> Self {
        Self { kind, field: field.into(), value, detail: detail.into(), shown: None }
    }

    /// `Required value: detail`.
    pub fn required(field: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::new(FieldErrorKind::Required, field, Value::Null, detail)
    }

    /// `Invalid value: value: detail`.
    pub fn invalid(field: impl Into<String>, value: Value, detail: impl Into<String>) -> Self {
        Self::new(FieldErrorKind::Invalid, field, value, detail)
    }

    /// `Duplicate value: value`.
    pub fn duplicate(field: impl Into<String>, value: Value) -> Self {
        Self::new(FieldErrorKind::Duplicate, field, value, "")
    }

    /// `Not found: value`.
    pub fn not_found(field: impl Into<String>, value: Value) -> Self {
        Self::new(FieldErrorKind::NotFound, field, value, "")
    }

    /// `Forbidden: detail`.
    pub fn forbidden(field: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::new(FieldErrorKind::Forbidden, field, Value::Null, detail)
    }

    /// `Unsupported value: value: supported values: "a", "b"`.
    pub fn not_supported(field: impl Into<String>, value: Value, supported: &[&str]) -> Self {
        let quoted: Vec<_> = supported.iter().map(|s| go_quoted(s)).collect();
        let detail = if quoted.is_empty() {
            String::new()
        } else {
            format!("supported values: {}", quoted.join(", "))
        };
        Self::new(FieldErrorKind::NotSupported, field, value, detail)
    }

    /// `Too long: may not be more than N bytes`.
    pub fn too_long(field: impl Into<String>, max: usize) -> Self {
        let unit = if max == 1 { "byte" } else { "bytes" };
        Self::new(FieldErrorKind::TooLong, field, Value::Null, format!("may not be more than {max} {unit}"))
    }

    /// `Too many: actual: must have at most max items`.
    pub fn too_many(field: impl Into<String>, actual: usize, max: usize) -> Self {
        let unit = if max == 1 { "item" } else { "items" };
        let detail = format!("{actual}: must have at most {max} {unit}");
        Self::new(FieldErrorKind::TooMany, field, Value::Null, detail)
    }

    /// Sets the printed form of the value.
    #[must_use]
    pub fn shown_as(mut self, text: impl Into<String>) -> Self {
        self.shown = Some(text.into());
        self
    }

    /// The message without the field: `Invalid value: "x": must be …`.
    pub fn body(&self) -> String {
        let mut text = self.kind.text().to_owned();
        if self.kind.shows_value() {
            let printed = self.shown.clone().unwrap_or_else(|| shown(&self.value));
            if !printed.is_empty() {
                text.push_str(": ");
                text.push_str(&printed);
            }
        }
        if !self.detail.is_empty() {
            text.push_str(": ");
            text.push_str(&self.detail);
        }
        text
    }
}

impl std::fmt::Display for FieldError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.field, self.body())
    }
}

/// A value as `field.Error.ErrorBody` prints it, by Go's `%v`, `%q` or JSON.
fn shown(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::String(text) => go_quoted(text),
        Value::Number(number) if number.is_f64() => go_float(number.as_f64().unwrap_or_default()),
        Value::Number(_) | Value::Bool(_) => value.to_string(),
        Value::Object(map) if map.contains_key(FieldError::VERBATIM) => {
            map[FieldError::VERBATIM].as_str().unwrap_or_default().to_owned()
        }
        other => go_json(other),
    }
}

/// True if Go's `unicode.IsPrint` holds for the character.
pub(crate) fn is_printable(c: char) -> bool {
    static PRINTABLE: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"^[\p{L}\p{M}\p{N}\p{P}\p{S} ]$").expect("a class of characters is an expression")
    });
    c.is_ascii_graphic() || PRINTABLE.is_match(c.encode_utf8(&mut [0; 4]))
}

/// A string as Go's `%q` prints it.
pub(crate) fn go_quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            '\u{7}' => quoted.push_str("\\a"),
            '\u{8}' => quoted.push_str("\\b"),
            '\u{b}' => quoted.push_str("\\v"),
            '\u{c}' => quoted.push_str("\\f"),
            c if (c as u32) < 0x20 || c as u32 == 0x7f => _ = write!(quoted, "\\x{:02x}", c as u32),
            c if c.escape_debug().len() == 1 || c == '\'' => quoted.push(c),
            c if (c as u32) < 0x1_0000 => _ = write!(quoted, "\\u{:04x}", c as u32),
            c => _ = write!(quoted, "\\U{:08x}", c as u32),
        }
    }
    quoted.push('"');
    quoted
}

/// A float as Go's `%v` prints it: with an exponent below 1e-4 and from 1e6 on.
pub(crate) fn go_float(number: f64) -> String {
    if number != 0.0 && !(1e-4..1e6).contains(&number.abs()) {
        return go_exponent(number, 2);
    }
    format!("{number}")
}

/// A float as Go's JSON encoder writes it: with an exponent below 1e-6 and from 1e21 on.
fn go_json_float(number: f64) -> String {
    if number != 0.0 && !(1e-6..1e21).contains(&number.abs()) {
        return go_exponent(number, 1);
    }
    format!("{number}")
}

/// Shortest digits, then a signed exponent of at least `width` digits.
fn go_exponent(number: f64, width: usize) -> String {
    let text = format!("{number:e}");
    let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let (sign, exponent) = match exponent.strip_prefix('-') {
        Some(rest) => ('-', rest),
        None => ('+', exponent),
    };
    format!("{digits}e{sign}{exponent:0>width$}")
}

/// JSON as Go's encoder writes it: keys sorted, `<`, `>` and `&` escaped, whole floats without a fraction.
pub(crate) fn go_json(value: &Value) -> String {
    match value {
        Value::Object(map) => {
            let mut keys: Vec<_> = map.keys().collect();
            keys.sort();
            let fields: Vec<_> =
                keys.iter().map(|k| format!("{}:{}", go_json_string(k), go_json(&map[*k]))).collect();
            format!("{{{}}}", fields.join(","))
        }
        Value::Array(items) => format!("[{}]", items.iter().map(go_json).collect::<Vec<_>>().join(",")),
        Value::String(text) => go_json_string(text),
        Value::Number(number) if number.is_f64() => go_json_float(number.as_f64().unwrap_or_default()),
        other => other.to_string(),
    }
}

fn go_json_string(text: &str) -> String {
    let plain = Value::from(text).to_string();
    plain.replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026")
}

/// The message of `ErrorList.ToAggregate`: a single error as it is, several as `[a, b]`, each text once. `None` without
/// errors.
pub(crate) fn aggregate(errors: &[FieldError]) -> Option<String> {
    let mut texts: Vec<String> = Vec::with_capacity(errors.len());
    for error in errors {
        let text = error.to_string();
        if !texts.contains(&text) {
            texts.push(text);
        }
    }
    match texts.len() {
        0 => None,
        1 => texts.pop(),
        _ => Some(format!("[{}]", texts.join(", "))),
    }
}

/// One `Invalid value` error for each message.
pub(crate) fn invalid_each(
    path: impl Into<String> + Copy,
    value: &str,
    messages: Vec<String>,
) -> Vec<FieldError> {
    messages.into_iter().map(|message| FieldError::invalid(path, value.into(), message)).collect()
}

/// Texts of errors, for the tests of validation.
#[cfg(test)]
pub(crate) fn texts(errors: &[FieldError]) -> Vec<String> {
    errors.iter().map(ToString::to_string).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn values_are_printed_as_in_go() {
        assert_eq!(
            FieldError::invalid("a", json!("x\u{1}'\"\n"), "d").body(),
            r#"Invalid value: "x\x01'\"\n": d"#
        );
        assert_eq!(FieldError::invalid("a", json!(2.0), "d").body(), "Invalid value: 2: d");
        assert_eq!(FieldError::invalid("a", json!(1e22), "d").body(), "Invalid value: 1e+22: d");
        assert_eq!(
            FieldError::duplicate("a", json!({"k": "<"})).body(),
            r#"Duplicate value: {"k":"\u003c"}"#
        );
    }

    #[test]
    fn single_item_is_not_plural() {
        assert_eq!(FieldError::too_many("a", 2, 1).body(), "Too many: 2: must have at most 1 item");
        assert_eq!(FieldError::too_long("a", 1).body(), "Too long: may not be more than 1 byte");
    }
}
