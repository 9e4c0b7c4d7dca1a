//! Validation of numbers: range of the format, limits, multiples, and equality.
//!
//! Go decodes a JSON number as int64 if possible, else as float64. Limits in a schema are float64, and truncated to
//! int64 for int64 values.

use serde_json::{Number, Value};

use super::node::SchemaNode;
use super::outcome::{ErrorKind, ValidationResult, in_body};
use crate::error::field::go_float;
use crate::object::schema::structural::Type;

pub(super) fn check(node: &SchemaNode, number: &Number, path: &str) -> ValidationResult {
    let mut outcome = ValidationResult::default();
    let float = number.as_f64().unwrap_or_default();
    let integer = number.as_i64();
    let range = NumberRange::of(node);
    if let Some(text) = range.refuses(integer, float, "Checked", path) {
        outcome.add_schema_error(text);
    }
    let own = |text: String| (Value::Number(number.clone()), text);
    let mut limit =
        |bound: Option<f64>, what: &str, broken: &dyn Fn(Option<i64>, f64) -> Option<MultipleOfError>| {
            let Some(bound) = bound else { return };
            let mut exact = integer;
            if let Some(text) = range.refuses(None, bound, what, path) {
                outcome.add_schema_error(text);
                exact = None;
            }
            if let Some((shown, text)) = broken(exact, bound) {
                outcome.add(ErrorKind::Other, path, shown, text);
            }
        };
    limit(node.multiple_of, "MultipleOf", &|exact, factor| match invalid_factor(exact, factor, path) {
        None => not_multiple(exact, float, factor, path).map(own),
        invalid_factor => invalid_factor,
    });
    limit(node.maximum, "Maximum boundary", &|exact, max| {
        let (inclusive, strict) = ("less than or equal to", "less than");
        let broken = match exact {
            Some(value) if node.exclusive_maximum => value >= truncate(max),
            Some(value) => value > truncate(max),
            None if node.exclusive_maximum => float >= max,
            None => float > max,
        };
        let relation = if node.exclusive_maximum { strict } else { inclusive };
        broken.then(|| own(limit_error(path, relation, exact, max)))
    });
    limit(node.minimum, "Minimum boundary", &|exact, min| {
        let (inclusive, strict) = ("greater than or equal to", "greater than");
        let broken = match exact {
            Some(value) if node.exclusive_minimum => value <= truncate(min),
            Some(value) => value < truncate(min),
            None if node.exclusive_minimum => float <= min,
            None => float < min,
        };
        let relation = if node.exclusive_minimum { strict } else { inclusive };
        broken.then(|| own(limit_error(path, relation, exact, min)))
    });
    outcome.matches += 1;
    outcome
}

fn limit_error(path: &str, relation: &str, exact: Option<i64>, bound: f64) -> String {
    let shown = if exact.is_some() { truncate(bound).to_string() } else { go_float(bound) };
    format!("{} should be {relation} {shown}", in_body(path))
}

/// The value in an error, and its message.
type MultipleOfError = (Value, String);

/// The error of a factor that is not positive. It shows the factor, truncated for int64 values.
fn invalid_factor(exact: Option<i64>, factor: f64, path: &str) -> Option<MultipleOfError> {
    let (shown, text, wrong) = if exact.is_some() {
        (Value::from(truncate(factor)), truncate(factor).to_string(), truncate(factor) <= 0)
    } else {
        (Value::from(factor), go_float(factor), factor <= 0.0)
    };
    wrong.then(|| (shown, format!("factor MultipleOf declared for {path} must be positive: {text}")))
}

fn not_multiple(exact: Option<i64>, float: f64, factor: f64, path: &str) -> Option<String> {
    if let Some(value) = exact {
        let factor = truncate(factor);
        return (value % factor != 0).then(|| format!("{} should be a multiple of {factor}", in_body(path)));
    }
    let quotient = if factor < 1.0 { 1.0 / factor * float } else { float / factor };
    (!is_whole(quotient)).then(|| format!("{} should be a multiple of {}", in_body(path), go_float(factor)))
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "Go converts the schema's float64 limit to int64 the same way"
)]
fn truncate(bound: f64) -> i64 {
    bound as i64
}

/// True if a float counts as an integer: exactly, or with a relative error below 1e-9.
#[expect(
    clippy::float_cmp,
    reason = "an exact integer is the common case, and rounding is looked at after it"
)]
pub(super) fn is_whole(number: f64) -> bool {
    if !number.is_finite() || number.abs() > 9_007_199_254_740_991.0 {
        return false;
    }
    let whole = number.trunc();
    if number == whole {
        return true;
    }
    let difference = (number - whole).abs();
    whole != 0.0 && difference / (number.abs() + whole.abs()) < 1e-9
}

/// True if a value equals a member of an enumeration; integers and floats compare by value.
pub(super) fn same(value: &Value, member: &Value) -> bool {
    match (value, member) {
        (Value::Null, _) | (_, Value::Null) => false,
        (Value::Number(a), Value::Number(b)) => match (a.as_i64(), b.as_i64()) {
            (Some(a), Some(b)) => a == b,
            (None, Some(b)) => a.as_f64().is_some_and(|a| truncate(a) == b),
            _ => a.as_f64() == b.as_f64(),
        },
        (value, member) => value == member,
    }
}

/// The range of a type and format.
enum NumberRange {
    Any,
    Integer { format: Option<&'static str> },
    Float32,
}

impl NumberRange {
    fn of(node: &SchemaNode) -> Self {
        match (node.single_type(), node.format_name.as_deref()) {
            (Some(Type::Integer), Some("int32")) => Self::Integer { format: Some("int32") },
            (Some(Type::Integer), Some("int64")) => Self::Integer { format: Some("int64") },
            (Some(Type::Integer), _) => Self::Integer { format: None },
            (Some(Type::Number), Some("float")) => Self::Float32,
            _ => Self::Any,
        }
    }

    fn refuses(&self, integer: Option<i64>, float: f64, what: &str, path: &str) -> Option<String> {
        match self {
            Self::Any => None,
            Self::Float32 => (float.abs() > f64::from(f32::MAX))
                .then(|| format!("{what} value must be of type number with format float in {path}")),
            Self::Integer { format } => {
                let whole =
                    float.trunc().to_bits() == float.to_bits() && float.abs() < 9.223_372_036_854_775e18;
                let value = integer.or_else(|| whole.then(|| truncate(float)));
                let fits = match format {
                    Some("int32") => value.is_some_and(|v| i32::try_from(v).is_ok()),
                    _ => value.is_some(),
                };
                let form = format.map_or("(default format)".to_owned(), |f| format!("with format {f}"));
                (!fits).then(|| format!("{what} value must be of type integer {form} in {path}"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[track_caller]
    fn check(property: &Value, value: &Value, expected: &[&str]) {
        let schema = json!({"type": "object", "properties": {"x": property}});
        let errors = SchemaNode::parse(&schema).validate(&json!({"x": value}), "");
        let texts: Vec<String> = errors.iter().map(ToString::to_string).collect();
        assert_eq!(texts, expected);
    }

    #[test]
    fn limits_are_inclusive_by_default() {
        let integer = json!({"type": "integer", "minimum": 1, "maximum": 10});
        check(&integer, &json!(0), &["x: Invalid value: 0: x in body should be greater than or equal to 1"]);
        check(&integer, &json!(11), &["x: Invalid value: 11: x in body should be less than or equal to 10"]);
        check(&integer, &json!(10), &[]);
        let number = json!({"type": "number", "maximum": 1.5, "exclusiveMaximum": true});
        check(&number, &json!(1.5), &["x: Invalid value: 1.5: x in body should be less than 1.5"]);
    }

    #[test]
    fn multiple_of_tolerates_rounding() {
        let tenth = json!({"type": "number", "multipleOf": 0.1});
        check(&tenth, &json!(0.3), &[]);
        check(&tenth, &json!(0.25), &["x: Invalid value: 0.25: x in body should be a multiple of 0.1"]);
    }

    #[test]
    fn number_out_of_the_format_range_is_reported_without_path() {
        let wrong =
            r#"<nil>: Invalid value: "": Checked value must be of type integer with format int32 in x"#;
        check(&json!({"type": "integer", "format": "int32"}), &json!(1_099_511_627_776_i64), &[wrong]);
    }
}
