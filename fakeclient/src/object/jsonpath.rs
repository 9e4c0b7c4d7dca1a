//! Kubernetes' `JSONPath` dialect for printer columns, scale paths and selectable fields: `.spec.a`,
//! `.metadata.labels['a.b']`, `.spec.list[0]`, `[*]`, `[1:3]`, `..name`, `[?(@.type=="Ready")].status`.
//!
//! An absent field matches nothing and is no error. Templates (`range`, `end`, text outside of braces) are not
//! supported.

use std::cmp::Ordering;

use serde_json::Value;

/// A parsed path.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct JsonPath {
    steps: Vec<PathStep>,
}

#[derive(Clone, Debug, PartialEq)]
enum PathStep {
    Field(String),
    Any,
    Union(Vec<PathStep>),
    Index(i64),
    Slice { from: Option<i64>, to: Option<i64>, by: i64 },
    Filter { path: JsonPath, test: Option<(FilterOperator, Value)> },
    Deep,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum FilterOperator {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

const OPERATORS: [(&str, FilterOperator); 6] = [
    ("==", FilterOperator::Equal),
    ("!=", FilterOperator::NotEqual),
    ("<=", FilterOperator::LessOrEqual),
    (">=", FilterOperator::GreaterOrEqual),
    ("<", FilterOperator::Less),
    (">", FilterOperator::Greater),
];

impl JsonPath {
    /// Parses a path with or without the leading `$`. The error names the unsupported part.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut rest = text.trim();
        rest = rest.strip_prefix(['$', '@']).unwrap_or(rest);
        let mut steps = Vec::new();
        while let Some(first) = rest.chars().next() {
            if let Some(after) = rest.strip_prefix("..") {
                steps.push(PathStep::Deep);
                rest = after;
                if !rest.starts_with(['[', '*']) {
                    let (name, after) = field_name(rest);
                    steps.push(named(name, text)?);
                    rest = after;
                }
            } else if let Some(after) = rest.strip_prefix('.') {
                if after.starts_with('[') || after.is_empty() && !steps.is_empty() {
                    rest = after;
                    continue;
                }
                let (name, after) = field_name(after);
                if !name.is_empty() {
                    steps.push(named(name, text)?);
                } else if !after.is_empty() {
                    return Err(format!("unrecognized path {text:?}"));
                }
                rest = after;
            } else if first == '[' {
                let (inside, after) =
                    bracket(rest).ok_or_else(|| format!("unterminated array in {text:?}"))?;
                steps.push(subscript(inside.trim())?);
                rest = after;
            } else if steps.is_empty() {
                let (name, after) = field_name(rest);
                steps.push(named(name, text)?);
                rest = after;
            } else {
                return Err(format!("unrecognized character {first:?} in {text:?}"));
            }
        }
        Ok(Self { steps })
    }

    /// All values that the path matches, in order.
    pub(crate) fn find<'v>(&self, value: &'v Value) -> Vec<&'v Value> {
        let mut found = vec![value];
        for step in &self.steps {
            let mut next = Vec::new();
            for value in found {
                step.follow(value, &mut next);
            }
            found = next;
        }
        found
    }

    /// The first value that the path matches.
    pub(crate) fn first<'v>(&self, value: &'v Value) -> Option<&'v Value> {
        self.find(value).into_iter().next()
    }
}

impl PathStep {
    fn follow<'v>(&self, value: &'v Value, found: &mut Vec<&'v Value>) {
        match (self, value) {
            (Self::Field(name), Value::Object(fields)) => found.extend(fields.get(name)),
            (Self::Any, Value::Object(fields)) => found.extend(fields.values()),
            (Self::Any, Value::Array(items)) => found.extend(items),
            (Self::Index(at), Value::Array(items)) => {
                found.extend(from_end(*at, items.len()).and_then(|at| items.get(at)));
            }
            (Self::Slice { from, to, by }, Value::Array(items)) => {
                let bound = |at: Option<i64>, default: usize| {
                    at.map_or(default, |at| from_end(at, items.len()).unwrap_or(0).min(items.len()))
                };
                let (from, to) = (bound(*from, 0), bound(*to, items.len()));
                let by = usize::try_from(*by).unwrap_or(1).max(1);
                found.extend(items[from..to.max(from)].iter().step_by(by));
            }
            (Self::Filter { path, test }, Value::Array(items)) => {
                found.extend(items.iter().filter(|item| match (path.first(item), test) {
                    (Some(left), Some((operator, right))) => operator.holds(left, right),
                    (left, None) => left.is_some(),
                    (None, Some(_)) => false,
                }));
            }
            (Self::Union(steps), value) => steps.iter().for_each(|step| step.follow(value, found)),
            (Self::Deep, value) => collect_descendants(value, found),
            _ => {}
        }
    }
}

impl FilterOperator {
    fn holds(self, left: &Value, right: &Value) -> bool {
        let order = match (left, right) {
            (Value::Number(a), Value::Number(b)) => a.as_f64().partial_cmp(&b.as_f64()),
            (Value::String(a), Value::String(b)) => Some(a.cmp(b)),
            (Value::Bool(a), Value::Bool(b)) => Some(a.cmp(b)),
            _ => None,
        };
        match self {
            Self::Equal => order == Some(Ordering::Equal),
            Self::NotEqual => order.is_some_and(|o| o != Ordering::Equal),
            Self::Less => order == Some(Ordering::Less),
            Self::LessOrEqual => order.is_some_and(|o| o != Ordering::Greater),
            Self::Greater => order == Some(Ordering::Greater),
            Self::GreaterOrEqual => order.is_some_and(|o| o != Ordering::Less),
        }
    }
}

/// Resolves an index, which counts from the end if it is negative.
fn from_end(at: i64, length: usize) -> Option<usize> {
    let length = i64::try_from(length).ok()?;
    usize::try_from(if at < 0 { at + length } else { at }).ok()
}

/// Collects the value and all values below it.
fn collect_descendants<'v>(value: &'v Value, found: &mut Vec<&'v Value>) {
    found.push(value);
    match value {
        Value::Object(fields) => fields.values().for_each(|v| collect_descendants(v, found)),
        Value::Array(items) => items.iter().for_each(|v| collect_descendants(v, found)),
        _ => {}
    }
}

/// The field name at the start, with `\.` unescaped, and the rest.
fn field_name(text: &str) -> (String, &str) {
    let mut name = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => name.extend(chars.next().map(|(_, escaped)| escaped)),
            '.' | '[' | ']' => return (name, &text[at..]),
            _ => name.push(c),
        }
    }
    (name, "")
}

fn named(name: String, text: &str) -> Result<PathStep, String> {
    if name == "*" {
        return Ok(PathStep::Any);
    }
    if name.is_empty() || name.contains(['(', ')', '{', '}', ' ']) {
        return Err(format!("unrecognized path {text:?}"));
    }
    Ok(PathStep::Field(name))
}

/// The content of the brackets at the start, and the rest.
fn bracket(text: &str) -> Option<(&str, &str)> {
    let mut depth = 0;
    let mut quote = None;
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        match (quote, c) {
            _ if escaped => escaped = false,
            (_, '\\') => escaped = true,
            (Some(open), _) if c == open => quote = None,
            (None, '\'' | '"') => quote = Some(c),
            (None, '[') => depth += 1,
            (None, ']') => {
                depth -= 1;
                if depth == 0 {
                    return Some((&text[1..at], &text[at + 1..]));
                }
            }
            _ => {}
        }
    }
    None
}

fn subscript(inside: &str) -> Result<PathStep, String> {
    let invalid = || format!("invalid array index {inside:?}");
    if inside == "*" {
        return Ok(PathStep::Any);
    }
    if let Some(filter) = inside.strip_prefix("?(").and_then(|rest| rest.strip_suffix(')')) {
        return filter_step(filter.trim());
    }
    if inside.starts_with(['\'', '"']) || inside.contains(',') {
        let mut steps = Vec::new();
        for part in split_outside_quotes(inside) {
            let part = part.trim();
            match unquoted(part) {
                Some(name) => steps.push(PathStep::Field(name)),
                None => steps.push(PathStep::Index(part.parse().map_err(|_| invalid())?)),
            }
        }
        return if steps.len() == 1 { steps.pop().ok_or_else(invalid) } else { Ok(PathStep::Union(steps)) };
    }
    if inside.contains(':') {
        let mut numbers = inside.split(':').map(|part| {
            let part = part.trim();
            if part.is_empty() { Ok(None) } else { part.parse().map(Some).map_err(|_| invalid()) }
        });
        let mut next = || numbers.next().unwrap_or(Ok(None));
        return Ok(PathStep::Slice { from: next()?, to: next()?, by: next()?.unwrap_or(1) });
    }
    inside.parse().map(PathStep::Index).map_err(|_| invalid())
}

fn filter_step(filter: &str) -> Result<PathStep, String> {
    for at in operator_places(filter) {
        for (sign, operator) in OPERATORS {
            if let Some(right) = filter[at..].strip_prefix(sign) {
                let path = JsonPath::parse(&filter[..at])?;
                let right = right.trim();
                let literal = match unquoted(right) {
                    Some(text) => Value::String(text),
                    None => serde_json::from_str(right).map_err(|_| format!("invalid filter {filter:?}"))?,
                };
                return Ok(PathStep::Filter { path, test: Some((operator, literal)) });
            }
        }
    }
    Ok(PathStep::Filter { path: JsonPath::parse(filter)?, test: None })
}

/// Positions outside of quotes, at which an operator may start.
fn operator_places(text: &str) -> Vec<usize> {
    let mut quote = None;
    let mut places = Vec::new();
    for (at, c) in text.char_indices() {
        match (quote, c) {
            (Some(open), _) if c == open => quote = None,
            (None, '\'' | '"') => quote = Some(c),
            (None, '=' | '!' | '<' | '>') => places.push(at),
            _ => {}
        }
    }
    places
}

fn split_outside_quotes(text: &str) -> Vec<&str> {
    let mut quote = None;
    let (mut parts, mut start) = (Vec::new(), 0);
    for (at, c) in text.char_indices() {
        match (quote, c) {
            (Some(open), _) if c == open => quote = None,
            (None, '\'' | '"') => quote = Some(c),
            (None, ',') => {
                parts.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts
}

fn unquoted(text: &str) -> Option<String> {
    let quote = text.chars().next().filter(|c| matches!(c, '\'' | '"'))?;
    let inside = text.strip_prefix(quote)?.strip_suffix(quote)?;
    let mut name = String::new();
    let mut chars = inside.chars();
    while let Some(c) = chars.next() {
        name.extend(if c == '\\' { chars.next() } else { Some(c) });
    }
    Some(name)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    fn object() -> Value {
        json!({
            "metadata": {"labels": {"a.b/c": "x"}, "name": "w"},
            "spec": {"replicas": 3, "list": ["p", "q", "r"], "deep": {"name": "inner"}},
            "status": {"conditions": [
                {"type": "Ready", "status": "True", "age": 5}, {"type": "Other", "status": "False", "age": 7},
            ]},
        })
    }

    #[rstest]
    #[case(".spec.replicas", json!([3]))]
    #[case("$.spec.replicas", json!([3]))]
    #[case("spec.replicas", json!([3]))]
    #[case(".metadata.labels['a.b/c']", json!(["x"]))]
    #[case(".metadata.labels.a\\.b/c", json!(["x"]))]
    #[case(".spec.list[0]", json!(["p"]))]
    #[case(".spec.list[-1]", json!(["r"]))]
    #[case(".spec.list[*]", json!(["p", "q", "r"]))]
    #[case(".spec.list[1:]", json!(["q", "r"]))]
    #[case(".spec.list[0:3:2]", json!(["p", "r"]))]
    #[case(".spec.list[0,2]", json!(["p", "r"]))]
    #[case(".status.conditions[?(@.type==\"Ready\")].status", json!(["True"]))]
    #[case(".status.conditions[?(@.type=='Ready')].status", json!(["True"]))]
    #[case(".status.conditions[?(@.age>5)].type", json!(["Other"]))]
    #[case(".status.conditions[?(@.missing)].type", json!([]))]
    #[case(".status.conditions[?(@.type!=\"Ready\")].type", json!(["Other"]))]
    #[case("..name", json!(["w", "inner"]))]
    #[case(".spec.missing.more", json!([]))]
    #[case(".spec.*", json!([{"name": "inner"}, ["p", "q", "r"], 3]))]
    fn path_finds_matching_values(#[case] path: &str, #[case] expected: Value) {
        let object = object();
        let found: Value = JsonPath::parse(path).unwrap().find(&object).into_iter().cloned().collect();
        assert_eq!(found, expected, "{path}");
    }

    #[rstest]
    #[case(".spec.list[")]
    #[case(".spec.list[x]")]
    #[case(".spec]")]
    #[case(".a.b c")]
    fn malformed_path_is_an_error(#[case] path: &str) {
        assert!(JsonPath::parse(path).is_err(), "{path}");
    }
}
