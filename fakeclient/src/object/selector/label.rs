//! Label selectors: `app=web,tier in (a,b),!canary,size>3`, and `metav1.LabelSelector` objects.
//!
//! Syntax and messages are those of apimachinery's `labels` package (Kubernetes 1.37). Matching allocates no memory.

use std::collections::BTreeSet;
use std::fmt;

use serde_json::{Map, Value};

use super::token::{Token, tokens};
use crate::error::field::{FieldError, aggregate};
use crate::object::names::{label_key_errors, label_value_errors};

/// A conjunction of requirements; without any, it matches all objects.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct LabelSelector {
    requirements: Vec<Requirement>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Requirement {
    key: String,
    test: ValueTest,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum ValueTest {
    Exists,
    Absent,
    /// The operator is kept for printing: `=` or `==`.
    Equal(&'static str, String),
    NotEqual(String),
    In(Vec<String>),
    NotIn(Vec<String>),
    Greater(i64),
    Less(i64),
}

const OPERATORS: &str = "in, notin, =, ==, !=, gt, lt";

impl LabelSelector {
    /// Parses a selector. The error is the message of a 400.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut parser = Parser { tokens: tokens(text), at: 0 };
        let mut requirements = parser.requirements()?;
        requirements.sort_by(|a, b| a.key.cmp(&b.key));
        Ok(Self { requirements })
    }

    /// Converts a `metav1.LabelSelector`. The error names an invalid operator or value.
    pub(crate) fn from_object(selector: &Value) -> Result<Self, String> {
        let mut requirements = Vec::new();
        if let Some(labels) = selector.get("matchLabels").and_then(Value::as_object) {
            for (key, value) in labels {
                let values = vec![value.as_str().unwrap_or_default().to_owned()];
                requirements.push(Requirement::new(key, "=", values)?);
            }
        }
        for entry in selector.get("matchExpressions").and_then(Value::as_array).into_iter().flatten() {
            let text = |key: &str| entry.get(key).and_then(Value::as_str).unwrap_or_default();
            let operator = match text("operator") {
                "In" => "in",
                "NotIn" => "notin",
                "Exists" => "exists",
                "DoesNotExist" => "!",
                other => return Err(format!("{other:?} is not a valid label selector operator")),
            };
            let values = entry.get("values").and_then(Value::as_array).into_iter().flatten();
            let values: BTreeSet<_> = values.filter_map(Value::as_str).map(str::to_owned).collect();
            let values = values.into_iter().collect();
            requirements.push(Requirement::new(text("key"), operator, values)?);
        }
        requirements.sort_by(|a, b| a.key.cmp(&b.key));
        Ok(Self { requirements })
    }

    /// True if a `LabelSelector` object matches the labels; a malformed one matches nothing.
    pub(crate) fn object_selects(selector: &Value, labels: &Value) -> bool {
        Self::from_object(selector).is_ok_and(|parsed| parsed.matches(labels.as_object()))
    }

    /// True if the selector matches all objects.
    pub(crate) fn is_empty(&self) -> bool {
        self.requirements.is_empty()
    }

    /// True if the selector matches the labels, given the value of each key.
    pub(crate) fn matches_values<'v>(&self, value_of: impl Fn(&str) -> Option<&'v str>) -> bool {
        self.requirements.iter().all(|requirement| requirement.test.holds(value_of(&requirement.key)))
    }

    /// True if the selector matches the labels.
    pub(crate) fn matches(&self, labels: Option<&Map<String, Value>>) -> bool {
        self.matches_values(|key| labels.and_then(|map| map.get(key)).and_then(Value::as_str))
    }
}

impl ValueTest {
    fn holds(&self, value: Option<&str>) -> bool {
        let number = || value.and_then(|text| text.parse::<i64>().ok());
        match self {
            Self::Exists => value.is_some(),
            Self::Absent => value.is_none(),
            Self::Equal(_, wanted) => value == Some(wanted.as_str()),
            Self::NotEqual(wanted) => value != Some(wanted.as_str()),
            Self::In(wanted) => value.is_some_and(|v| wanted.iter().any(|w| w == v)),
            Self::NotIn(wanted) => !value.is_some_and(|v| wanted.iter().any(|w| w == v)),
            Self::Greater(bound) => number().is_some_and(|n| n > *bound),
            Self::Less(bound) => number().is_some_and(|n| n < *bound),
        }
    }
}

impl Requirement {
    /// `operator` as in the selector's syntax, with `exists` for a bare key and `!` for a negated one. Values are
    /// sorted.
    fn new(key: &str, operator: &'static str, values: Vec<String>) -> Result<Self, String> {
        let mut errors: Vec<FieldError> = Vec::new();
        for problem in [label_key_errors(key)].iter().filter(|list| !list.is_empty()) {
            errors.push(FieldError::invalid("key", key.into(), problem.join("; ")));
        }
        errors.extend(count_error(operator, &values));
        if matches!(operator, ">" | "<") {
            for (index, value) in values.iter().enumerate().filter(|(_, v)| v.parse::<i64>().is_err()) {
                let detail = "for 'Gt', 'Lt' operators, the value must be an integer";
                errors.push(FieldError::invalid(format!("values[{index}]"), value.as_str().into(), detail));
            }
        }
        for (index, value) in values.iter().enumerate() {
            let problems = label_value_errors(value);
            if !problems.is_empty() {
                let path = format!("values[{index}][{key}]");
                errors.push(FieldError::invalid(path, value.as_str().into(), problems.join("; ")));
            }
        }
        if let Some(text) = aggregate(&errors) {
            return Err(text);
        }
        let test = ValueTest::new(operator, values);
        Ok(Self { key: key.to_owned(), test })
    }
}

impl ValueTest {
    fn new(operator: &'static str, mut values: Vec<String>) -> Self {
        let number = |values: &[String]| values[0].parse().expect("the number was parsed before");
        match operator {
            "exists" => Self::Exists,
            "!" => Self::Absent,
            "in" => Self::In(values),
            "notin" => Self::NotIn(values),
            "!=" => Self::NotEqual(values.swap_remove(0)),
            ">" => Self::Greater(number(&values)),
            "<" => Self::Less(number(&values)),
            sign => Self::Equal(sign, values.swap_remove(0)),
        }
    }
}

fn count_error(operator: &str, values: &[String]) -> Option<FieldError> {
    let detail = match operator {
        "in" | "notin" if values.is_empty() => "for 'in', 'notin' operators, values set can't be empty",
        "exists" | "!" if !values.is_empty() => "values set must be empty for exists and does not exist",
        _ => return None,
    };
    Some(FieldError::invalid("values", values.into(), detail))
}

impl fmt::Display for LabelSelector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, requirement) in self.requirements.iter().enumerate() {
            if index > 0 {
                f.write_str(",")?;
            }
            requirement.fmt(f)?;
        }
        Ok(())
    }
}

impl fmt::Display for Requirement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = &self.key;
        match &self.test {
            ValueTest::Exists => write!(f, "{key}"),
            ValueTest::Absent => write!(f, "!{key}"),
            ValueTest::Equal(sign, value) => write!(f, "{key}{sign}{value}"),
            ValueTest::NotEqual(value) => write!(f, "{key}!={value}"),
            ValueTest::In(values) => write!(f, "{key} in ({})", values.join(",")),
            ValueTest::NotIn(values) => write!(f, "{key} notin ({})", values.join(",")),
            ValueTest::Greater(bound) => write!(f, "{key}>{bound}"),
            ValueTest::Less(bound) => write!(f, "{key}<{bound}"),
        }
    }
}

struct Parser<'a> {
    tokens: Vec<Token<'a>>,
    at: usize,
}

impl<'a> Parser<'a> {
    fn peek(&self) -> Token<'a> {
        self.tokens.get(self.at).copied().unwrap_or(Token::End)
    }

    fn next(&mut self) -> Token<'a> {
        let token = self.peek();
        self.at += 1;
        token
    }

    fn requirements(&mut self) -> Result<Vec<Requirement>, String> {
        let mut found = Vec::new();
        loop {
            match self.peek() {
                Token::End => return Ok(found),
                token if starts_requirement(token) => {}
                token => {
                    return Err(format!(
                        "found '{}', expected: !, identifier, or 'end of string'",
                        token.text()
                    ));
                }
            }
            let requirement =
                self.requirement().map_err(|why| format!("unable to parse requirement: {why}"))?;
            found.push(requirement);
            match self.next() {
                Token::End => return Ok(found),
                token if token.is(",") => {
                    if !starts_requirement(self.peek()) {
                        return Err(format!(
                            "found '{}', expected: identifier after ','",
                            self.peek().text()
                        ));
                    }
                }
                token => {
                    return Err(format!("found '{}', expected: ',' or 'end of string'", token.text()));
                }
            }
        }
    }

    fn requirement(&mut self) -> Result<Requirement, String> {
        let mut token = self.next();
        let absent = token.is("!");
        if absent {
            token = self.next();
        }
        let Token::Word(key) = token else {
            return Err(format!("found '{}', expected: identifier", token.text()));
        };
        let problems = label_key_errors(key);
        if !problems.is_empty() {
            // The server's nil path prints like this.
            return Err(FieldError::invalid("<nil>", key.into(), problems.join("; ")).to_string());
        }
        if absent {
            return Requirement::new(key, "!", Vec::new());
        }
        if self.peek() == Token::End || self.peek().is(",") {
            return Requirement::new(key, "exists", Vec::new());
        }
        let operator = self.operator()?;
        let values = match operator {
            "in" | "notin" => self.value_set()?,
            _ => BTreeSet::from([self.exact_value()?]),
        };
        Requirement::new(key, operator, values.into_iter().map(str::to_owned).collect())
    }

    fn operator(&mut self) -> Result<&'static str, String> {
        let token = self.next();
        Ok(match token.text() {
            "in" => "in",
            "notin" => "notin",
            "=" => "=",
            "==" => "==",
            "!=" => "!=",
            ">" => ">",
            "<" => "<",
            other => return Err(format!("found '{other}', expected: {OPERATORS}")),
        })
    }

    fn value_set(&mut self) -> Result<BTreeSet<&'a str>, String> {
        let token = self.next();
        if !token.is("(") {
            return Err(format!("found '{}' expected: '('", token.text()));
        }
        match self.peek() {
            token if token.is(")") => {
                self.next();
                return Ok(BTreeSet::from([""]));
            }
            Token::Word(_) => {}
            token if token.is(",") => {}
            token => return Err(format!("found '{}', expected: ',', ')' or identifier", token.text())),
        }
        let values = self.value_list()?;
        self.next(); // the closing bracket, at which the list stopped
        Ok(values)
    }

    fn value_list(&mut self) -> Result<BTreeSet<&'a str>, String> {
        let mut values = BTreeSet::new();
        loop {
            match self.next() {
                Token::Word(value) => {
                    values.insert(value);
                    match self.peek() {
                        token if token.is(",") => {}
                        token if token.is(")") => return Ok(values),
                        token => return Err(format!("found '{}', expected: ',' or ')'", token.text())),
                    }
                }
                token if token.is(",") => {
                    if values.is_empty() || self.peek().is(")") || self.peek().is(",") {
                        values.insert("");
                    }
                    if self.peek().is(")") {
                        return Ok(values);
                    }
                }
                token => return Err(format!("found '{}', expected: ',', or identifier", token.text())),
            }
        }
    }

    fn exact_value(&mut self) -> Result<&'a str, String> {
        match self.peek() {
            Token::Word(value) => {
                self.next();
                Ok(value)
            }
            token if token == Token::End || token.is(",") => Ok(""),
            token => Err(format!("found '{}', expected: identifier", token.text())),
        }
    }
}

fn starts_requirement(token: Token<'_>) -> bool {
    matches!(token, Token::Word(_)) || token.is("!")
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn selects(selector: &str, labels: &Value) -> bool {
        LabelSelector::parse(selector).unwrap().matches(labels.as_object())
    }

    #[rstest]
    #[case("a=b", true)]
    #[case("a==b", true)]
    #[case("a!=b", false)]
    #[case("missing!=b", true)]
    #[case("a in (x, b)", true)]
    #[case("a notin (x,b)", false)]
    #[case("missing notin (x)", true)]
    #[case("missing in ()", false)]
    #[case("a", true)]
    #[case("!a", false)]
    #[case("! missing", true)]
    #[case("n>3,n<5", true)]
    #[case("n>4", false)]
    #[case("a>3", false)]
    #[case("e=", true)]
    #[case("e in (,z)", true)]
    #[case("in in (in)", true)]
    #[case("", true)]
    fn every_operator_matches(#[case] selector: &str, #[case] expected: bool) {
        let labels = json!({"a": "b", "n": "4", "e": "", "in": "in"});
        assert_eq!(selects(selector, &labels), expected, "{selector}");
    }

    #[rstest]
    #[case("a in x", "unable to parse requirement: found 'x' expected: '('")]
    #[case("a in (", "unable to parse requirement: found '', expected: ',', ')' or identifier")]
    #[case("a in (x", "unable to parse requirement: found '', expected: ',' or ')'")]
    #[case("a=b c", "found 'c', expected: ',' or 'end of string'")]
    #[case("a,,b", "found ',', expected: identifier after ','")]
    #[case("=b", "found '=', expected: !, identifier, or 'end of string'")]
    #[case("!", "unable to parse requirement: found '', expected: identifier")]
    #[case("a!b", "unable to parse requirement: found '!', expected: in, notin, =, ==, !=, gt, lt")]
    #[case("a gt 3", "unable to parse requirement: found 'gt', expected: in, notin, =, ==, !=, gt, lt")]
    #[case(
        "a<b",
        "unable to parse requirement: values[0]: Invalid value: \"b\": for 'Gt', 'Lt' operators, the value must be an integer"
    )]
    #[case("a=b=c", "found '=', expected: ',' or 'end of string'")]
    #[case("a=b,", "found '', expected: identifier after ','")]
    #[case("a in (!)", "unable to parse requirement: found '!', expected: ',', ')' or identifier")]
    #[case("a in (b))", "found ')', expected: ',' or 'end of string'")]
    #[case("a=!", "unable to parse requirement: found '!', expected: identifier")]
    #[case("!a=b", "found '=', expected: ',' or 'end of string'")]
    #[case("/a", "unable to parse requirement: <nil>: Invalid value: \"/a\": prefix part must be non-empty")]
    #[case(
        "a>99999999999999999999",
        "unable to parse requirement: values[0]: Invalid value: \"99999999999999999999\": for 'Gt', 'Lt' operators, the value must be an integer"
    )]
    #[case(
        "-a",
        "unable to parse requirement: <nil>: Invalid value: \"-a\": name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
    )]
    #[case(
        "a=-b",
        "unable to parse requirement: values[0][a]: Invalid value: \"-b\": a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"
    )]
    #[case(
        "a/b/c",
        "unable to parse requirement: <nil>: Invalid value: \"a/b/c\": a valid label key must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]') with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"
    )]
    fn malformed_selector_has_the_message_of_kube_apiserver(#[case] selector: &str, #[case] message: &str) {
        assert_eq!(LabelSelector::parse(selector).unwrap_err(), message);
    }

    #[test]
    fn several_errors_are_listed_in_brackets() {
        let error = LabelSelector::parse("a in (@,#)").unwrap_err();
        assert!(
            error.starts_with("unable to parse requirement: [values[0][a]: Invalid value: \"#\": a valid")
        );
        assert!(error.contains("), values[1][a]: Invalid value: \"@\": a valid") && error.ends_with(")]"));
    }

    #[test]
    fn selector_object_is_printed_as_in_a_scale() {
        let selector = LabelSelector::from_object(&json!({
            "matchLabels": {"b": "1", "a": "2"},
            "matchExpressions": [
                {"key": "c", "operator": "In", "values": ["y", "x"]},
                {"key": "d", "operator": "DoesNotExist"},
            ],
        }))
        .unwrap();
        assert_eq!(selector.to_string(), "a=2,b=1,c in (x,y),!d");
        assert!(
            selector.matches(json!({"a": "2", "b": "1", "c": "y"}).as_object()),
            "all four requirements hold"
        );
    }

    #[test]
    fn unknown_operator_of_a_selector_object_is_rejected() {
        let error =
            LabelSelector::from_object(&json!({"matchExpressions": [{"key": "a", "operator": "Gt"}]}));
        assert_eq!(error.unwrap_err(), "\"Gt\" is not a valid label selector operator");
    }

    #[test]
    fn selector_matches_labels_and_expressions() {
        let labels = json!({"app": "web", "tier": "front"});
        let both = json!({"matchLabels": {"app": "web"}, "matchExpressions": [
            {"key": "tier", "operator": "NotIn", "values": ["back"]},
            {"key": "other", "operator": "DoesNotExist"},
        ]});
        assert!(LabelSelector::object_selects(&both, &labels));
        assert!(!LabelSelector::object_selects(&json!({"matchLabels": {"app": "db"}}), &labels));
    }
}
