//! Numbers: non-negative, in a range, or an int-or-percent.

use serde_json::Value;

use crate::error::field::FieldError;

use super::names::form;
use crate::error::path::Path;
use crate::object::view::fields::FieldAccess;

/// `must be greater than or equal to 0`, if the field is negative.
pub(crate) fn not_negative(path: &Path, object: &Value, key: &str) -> Option<FieldError> {
    let number = object.number(key).filter(|number| *number < 0)?;
    Some(FieldError::invalid(path.child(key), number.into(), "must be greater than or equal to 0"))
}

/// `must be between LOW and HIGH, inclusive`, if the field is out of range.
pub(crate) fn within(path: &Path, object: &Value, key: &str, low: i64, high: i64) -> Option<FieldError> {
    let number = object.number(key).filter(|number| !(low..=high).contains(number))?;
    let why = format!("must be between {low} and {high}, inclusive");
    Some(FieldError::invalid(path.child(key), number.into(), why))
}

/// The error of an int-or-percent that is negative or malformed.
pub(crate) fn int_or_percent(path: &Path, value: &Value) -> Option<FieldError> {
    match value {
        Value::String(text) if percent(text).is_none() => {
            let sentence = "a valid percent string must be a numeric string followed by an ending '%'";
            Some(FieldError::invalid(path, value.clone(), form(sentence, "[0-9]+%", &["1%", "93%"])))
        }
        Value::Number(number) if number.as_i64().is_some_and(|n| n < 0) => {
            Some(FieldError::invalid(path, value.clone(), "must be greater than or equal to 0"))
        }
        _ => None,
    }
}

/// The error of a percentage above 100%.
pub(crate) fn at_most_100_percent(path: &Path, value: &Value) -> Option<FieldError> {
    let over = value.as_str().and_then(percent).is_some_and(|percent| percent > 100);
    over.then(|| FieldError::invalid(path, value.clone(), "must not be greater than 100%"))
}

/// The value of an int-or-percent, without the percent sign; 0 if it is malformed.
pub(crate) fn amount(value: &Value) -> i64 {
    let text = |text: &str| percent(text).or_else(|| text.parse().ok());
    value.as_i64().or_else(|| value.as_str().and_then(text)).unwrap_or_default()
}

fn percent(text: &str) -> Option<i64> {
    let digits = text.strip_suffix('%')?;
    let right = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    right.then(|| digits.parse().unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn int_or_percent_is_validated() {
        let path = Path::new("p");
        let text = |value: Value| int_or_percent(&path, &value).map(|e| e.to_string());
        assert_eq!(text(json!("25%")), None);
        assert_eq!(
            text(json!(-1)).as_deref(),
            Some("p: Invalid value: -1: must be greater than or equal to 0")
        );
        assert_eq!(
            text(json!("x")).as_deref(),
            Some(
                "p: Invalid value: \"x\": a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')"
            )
        );
        assert_eq!(
            at_most_100_percent(&path, &json!("101%")).map(|e| e.to_string()).as_deref(),
            Some("p: Invalid value: \"101%\": must not be greater than 100%")
        );
    }
}
