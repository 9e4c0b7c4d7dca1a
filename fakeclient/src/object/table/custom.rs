//! Cells of custom resources, by the columns of their definition, as kube-apiserver 1.37 prints them.

use jiff::Timestamp;
use serde_json::{Number, Value};

use super::age;
use super::printer::{Column, Printer};
use crate::object::jsonpath::JsonPath;
use crate::object::view::metadata;

/// The printer for the columns of a definition.
pub(crate) fn printer(declared: &[Column]) -> Printer<'static> {
    let mut columns = Vec::with_capacity(declared.len() + 2);
    if declared.first().is_none_or(|first| first.format != "name") {
        columns.push(column("Name", "string", "name", ""));
    }
    columns.extend(declared.iter().cloned());
    if columns.len() == 1 {
        columns.push(column("Age", "date", "", ".metadata.creationTimestamp"));
    }
    for column in columns.iter_mut().filter(|c| c.description.is_empty() && !c.json_path.is_empty()) {
        column.description =
            format!("Custom resource definition column (in JSONPath format): {}", column.json_path);
    }
    let paths: Vec<_> =
        columns[1..].iter().map(|c| (c.kind.clone(), JsonPath::parse(&c.json_path).ok())).collect();
    let cells = Box::new(move |object: &Value, now: Timestamp| {
        let mut cells = vec![Value::from(metadata::name(object))];
        cells.extend(paths.iter().map(|(kind, path)| {
            let found = path.as_ref().and_then(|path| path.first(object));
            found.map_or(Value::Null, |value| cell(kind, value, now))
        }));
        cells
    });
    Printer { columns, cells, row_conditions: |_| None }
}

fn column(name: &str, kind: &str, format: &str, json_path: &str) -> Column {
    Column {
        name: name.to_owned(),
        kind: kind.to_owned(),
        format: format.to_owned(),
        json_path: json_path.to_owned(),
        ..Column::default()
    }
}

/// The cell for a value in a column of a type; null if the value has another type.
fn cell(kind: &str, value: &Value, now: Timestamp) -> Value {
    match (kind, value) {
        ("string", Value::Null) => Value::Null,
        ("string", Value::String(_)) | ("boolean", Value::Bool(_)) => value.clone(),
        ("string", other) => other.to_string().into(),
        ("integer", Value::Number(number)) => {
            #[expect(clippy::cast_possible_truncation, reason = "the server cuts a broken number too")]
            let cut = || number.as_f64().map(|float| float as i64);
            number.as_i64().or_else(cut).map_or(Value::Null, Value::from)
        }
        ("number", Value::Number(number)) => {
            let whole = number.as_i64().map(Number::from);
            Value::Number(whole.unwrap_or_else(|| number.clone()))
        }
        ("date", Value::String(text)) => match text.parse::<Timestamp>() {
            Ok(time) => age::human(now.duration_since(time).as_secs()).into(),
            Err(_) => "<invalid>".into(),
        },
        _ => Value::Null,
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    #[rstest]
    #[case("string", json!("a"), json!("a"))]
    #[case("string", json!(3), json!("3"))]
    #[case("string", json!({"a": 1}), json!("{\"a\":1}"))]
    #[case("integer", json!(3), json!(3))]
    #[case("integer", json!("3"), json!(null))]
    #[case("boolean", json!(true), json!(true))]
    #[case("date", json!("2026-11-22T18:00:00Z"), json!("10m"))]
    #[case("date", json!("yesterday"), json!("<invalid>"))]
    fn cell_depends_on_the_column_type(#[case] kind: &str, #[case] value: Value, #[case] expected: Value) {
        let now = "2026-11-22T18:10:00Z".parse().unwrap();
        assert_eq!(cell(kind, &value, now), expected);
    }
}
