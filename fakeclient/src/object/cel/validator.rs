//! CEL rules of a schema, compiled once per version of a CRD, and evaluated on an object and its stored version.
//!
//! `self` is the value at the rule's schema node; `oldSelf` is its correlated old value, if there is one. Failures on
//! unchanged values are ignored (ratcheting), except those of transition rules.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::declare;
use super::program::{Program, ResultType};
use super::types::Type;
use super::value::Value;
use crate::error::field::FieldError;
use crate::object::schema::correlate::Correlated;
use crate::object::schema::field_path;
use crate::object::schema::structural::{
    AdditionalProperties, Structural, Type as SchemaType, ValidationRule,
};

/// Rules of a schema node and of all nodes below.
#[derive(Clone, Debug)]
pub(crate) struct Validator {
    rules: Vec<CompiledRule>,
    is_resource: bool,
    properties: BTreeMap<String, Validator>,
    additional: Option<Box<Validator>>,
    items: Option<Box<Validator>>,
}

#[derive(Clone, Debug)]
struct CompiledRule {
    rule: ValidationRule,
    program: Result<Program, String>,
    message: Option<Program>,
    /// Field path of errors, relative to the node.
    field: String,
}

/// Compile errors of one rule.
#[derive(Clone, Debug, Default)]
pub(crate) struct RuleErrors {
    /// Errors of the rule's expression.
    pub(crate) rule: Option<String>,
    /// Errors of the message expression.
    pub(crate) message: Option<String>,
    /// True if the rule uses `oldSelf`.
    pub(crate) uses_old_self: bool,
}

/// Compiles the rules of one node for the validation of a CRD, without those of nodes below.
pub(crate) fn problems(schema: &Structural, is_resource: bool) -> Vec<RuleErrors> {
    let variables = variables_of(schema, is_resource);
    let check = |rule: &ValidationRule| {
        let program = Program::compile(&rule.rule, variables(rule.optional_old_self), ResultType::Bool);
        let message = rule.message_expression.as_ref().filter(|m| !m.trim().is_empty());
        let message = message
            .map(|m| Program::compile(m, variables(rule.optional_old_self), ResultType::Text))
            .and_then(Result::err);
        RuleErrors {
            uses_old_self: program.as_ref().is_ok_and(|p| p.uses_old_self),
            rule: program.err(),
            message,
        }
    };
    schema.rules.iter().map(check).collect()
}

fn variables_of(schema: &Structural, is_resource: bool) -> impl Fn(bool) -> Vec<(String, Type)> {
    let own = declare::type_of(schema, is_resource, "selfType").unwrap_or(Type::Dyn);
    move |optional_old| {
        let old = if optional_old { Type::optional(own.clone()) } else { own.clone() };
        vec![("self".to_owned(), own.clone()), ("oldSelf".to_owned(), old)]
    }
}

/// The nearest correlated pair of new and old value at or above a node.
#[derive(Clone, Copy, Debug, Default)]
struct Ratchet<'a> {
    here: Option<Correlated<'a>>,
    above: Option<Correlated<'a>>,
}

impl Ratchet<'_> {
    fn key(self, name: &str) -> Self {
        match (self.here, self.above) {
            (None, _) => self,
            (Some(_), None) if matches!(name, "apiVersion" | "kind") => Self::default(),
            (Some(here), _) => Self { here: here.key(name), above: Some(here) },
        }
    }

    fn index(self, index: usize) -> Self {
        match self.here {
            None => self,
            Some(here) => Self { here: here.index(index), above: Some(here) },
        }
    }

    fn is_ratcheted(self) -> bool {
        self.here.or(self.above).is_some_and(Correlated::equal)
    }
}

impl Validator {
    /// Compiles the rules of a schema and all nodes below; `None` if there are none.
    pub(crate) fn compile(schema: &Structural, is_resource: bool) -> Option<Self> {
        let below = |s: &Structural| Self::compile(s, false);
        let properties: BTreeMap<String, Self> =
            schema.properties.iter().filter_map(|(name, s)| Some((name.clone(), below(s)?))).collect();
        let additional = match &schema.additional {
            AdditionalProperties::Schema(values) => below(values).map(Box::new),
            _ => None,
        };
        let items = schema.items.as_deref().and_then(below).map(Box::new);
        let variables = variables_of(schema, is_resource);
        let rules: Vec<CompiledRule> = schema
            .rules
            .iter()
            .map(|rule| CompiledRule {
                program: Program::compile(&rule.rule, variables(rule.optional_old_self), ResultType::Bool),
                message: rule.message_expression.as_ref().and_then(|m| {
                    Program::compile(m, variables(rule.optional_old_self), ResultType::Text).ok()
                }),
                field: rule
                    .field_path
                    .as_ref()
                    .and_then(|path| {
                        field_path::resolve(path, schema, field_path::BracketNotation::Allowed).ok()
                    })
                    .map(|found| found.path)
                    .unwrap_or_default(),
                rule: rule.clone(),
            })
            .collect();
        let empty = rules.is_empty() && properties.is_empty() && additional.is_none() && items.is_none();
        (!empty).then_some(Self { rules, is_resource, properties, additional, items })
    }

    /// Errors of an object; `old` is the stored object on update.
    pub(crate) fn validate(&self, schema: &Structural, new: &Json, old: Option<&Json>) -> Vec<FieldError> {
        let mut errors = Vec::new();
        let here = old.map(|old| Correlated { new, old, schema });
        self.node(schema, "", new, old, Ratchet { here, above: None }, &mut errors);
        errors
    }

    fn node(
        &self,
        schema: &Structural,
        path: &str,
        new: &Json,
        old: Option<&Json>,
        ratchet: Ratchet<'_>,
        errors: &mut Vec<FieldError>,
    ) {
        if new.is_null() {
            return;
        }
        self.run_rules(schema, path, new, old.filter(|o| !o.is_null()), ratchet, errors);
        match new {
            Json::Array(items) => {
                let (Some(validator), Some(item_schema)) = (&self.items, &schema.items) else { return };
                for (index, item) in items.iter().enumerate() {
                    let pair = old.and_then(|old| Correlated { new, old, schema }.index(index));
                    let at = format!("{path}[{index}]");
                    validator.node(item_schema, &at, item, pair.map(|p| p.old), ratchet.index(index), errors);
                }
            }
            Json::Object(map) => {
                for (name, value) in map {
                    let old = old.and_then(|o| o.get(name));
                    if let (Some(validator), Some(field)) =
                        (self.properties.get(name), schema.properties.get(name))
                    {
                        let dot = if path.is_empty() { "" } else { "." };
                        let at = format!("{path}{dot}{name}");
                        validator.node(field, &at, value, old, ratchet.key(name), errors);
                    } else if let (Some(validator), AdditionalProperties::Schema(values)) =
                        (&self.additional, &schema.additional)
                    {
                        let at = format!("{path}[{name}]");
                        validator.node(values, &at, value, old, ratchet.key(name), errors);
                    }
                }
            }
            _ => {}
        }
    }

    fn run_rules(
        &self,
        schema: &Structural,
        path: &str,
        new: &Json,
        old: Option<&Json>,
        ratchet: Ratchet<'_>,
        errors: &mut Vec<FieldError>,
    ) {
        if self.rules.is_empty() {
            return;
        }
        let own = Value::from_json(new, schema, self.is_resource);
        let before = old.map(|old| Value::from_json(old, schema, self.is_resource));
        let shown = if path.is_empty() { "<nil>" } else { path };
        let kind = schema.kind.map_or("", SchemaType::name);
        for compiled in &self.rules {
            let rule = &compiled.rule;
            let refused = |text: String| FieldError::invalid(shown, kind.into(), text);
            let program = match &compiled.program {
                Ok(program) => program,
                Err(why) => {
                    errors.push(refused(format!("rule compile error: {why}")));
                    continue;
                }
            };
            if program.uses_old_self && before.is_none() && !rule.optional_old_self {
                continue;
            }
            let mut variables = vec![("self".to_owned(), own.clone())];
            if rule.optional_old_self {
                variables.push(("oldSelf".to_owned(), Value::Optional(before.clone().map(Box::new))));
            } else {
                variables.extend(before.clone().map(|old| ("oldSelf".to_owned(), old)));
            }
            match program.run(variables.clone()) {
                Ok(Value::Bool(true)) => {}
                Err(why) if why.starts_with("no such overload") => {
                    let text = "call arguments did not match a supported operator, function or macro signature for rule";
                    errors.push(refused(format!("'{why}': {text}: {}", name_of(rule))));
                }
                Err(why) => errors.push(refused(format!("{why} evaluating rule: {}", name_of(rule)))),
                Ok(_) if !program.uses_old_self && ratchet.is_ratcheted() => {}
                Ok(_) => errors.push(compiled.failure(path, new, kind, variables)),
            }
        }
    }
}

impl CompiledRule {
    fn failure(&self, path: &str, new: &Json, kind: &str, variables: Vec<(String, Value)>) -> FieldError {
        let field = match (path, self.field.as_str()) {
            ("", "") => "<nil>".to_owned(),
            ("", below) => below.to_owned(),
            (path, "") => path.to_owned(),
            (path, below) => format!("{path}.{below}"),
        };
        let detail = self.message.as_ref().and_then(|m| message(m, variables)).unwrap_or_else(|| {
            let given = self.rule.message.as_deref().filter(|m| !m.is_empty());
            given.map_or_else(|| format!("failed rule: {}", name_of(&self.rule)), |m| m.trim().to_owned())
        });
        let omit = |error: FieldError| {
            if matches!(kind, "object" | "array") { error.shown_as("") } else { error }
        };
        match self.rule.reason.as_deref() {
            Some("FieldValueForbidden") => FieldError::forbidden(field, detail),
            Some("FieldValueRequired") => FieldError::required(field, detail),
            Some("FieldValueDuplicate") => omit(FieldError::duplicate(field, new.clone())),
            _ => omit(FieldError::invalid(field, new.clone(), detail)),
        }
    }
}

/// The name of a rule in error messages.
fn name_of(rule: &ValidationRule) -> &str {
    let message = rule.message.as_deref().filter(|m| !m.is_empty());
    message.unwrap_or(&rule.rule).trim()
}

/// The result of a message expression; `None` if it fails or is not a single line.
fn message(program: &Program, variables: Vec<(String, Value)>) -> Option<String> {
    const LONGEST: usize = 5 * 1024;
    let Ok(Value::String(text)) = program.run(variables) else { return None };
    let text = text.trim();
    (!text.is_empty() && !text.contains('\n') && text.len() <= LONGEST).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[track_caller]
    fn check(schema: &Json, new: &Json, old: Option<&Json>, expected: &[&str]) {
        let schema = Structural::parse(schema);
        let validator = Validator::compile(&schema, true).unwrap();
        let errors = validator.validate(&schema, new, old);
        let texts: Vec<String> = errors.iter().map(ToString::to_string).collect();
        assert_eq!(texts, expected);
    }

    fn with_rule(rule: &Json) -> Json {
        json!({"type": "object", "properties": {"spec": {"type": "object",
            "properties": {"min": {"type": "integer"}, "max": {"type": "integer"}, "in": {"type": "string"}},
            "x-kubernetes-validations": [rule]}}})
    }

    #[test]
    fn failed_rule_is_reported_at_its_path() {
        let schema = with_rule(&json!({"rule": "self.min <= self.max"}));
        check(&schema, &json!({"spec": {"min": 1, "max": 2}}), None, &[]);
        check(
            &schema,
            &json!({"spec": {"min": 3, "max": 2}}),
            None,
            &["spec: Invalid value: failed rule: self.min <= self.max"],
        );
        check(
            &schema,
            &json!({"spec": {"min": 3}}),
            None,
            &["spec: Invalid value: \"object\": no such key: max evaluating rule: self.min <= self.max"],
        );
    }

    #[test]
    fn rule_defines_message_reason_and_field_path() {
        let schema = with_rule(&json!({"rule": "self.min <= self.max", "message": "fallback",
            "messageExpression": "'min ' + string(self.min) + ' is too high'", "reason": "FieldValueForbidden",
            "fieldPath": ".min"}));
        check(
            &schema,
            &json!({"spec": {"min": 3, "max": 2}}),
            None,
            &["spec.min: Forbidden: min 3 is too high"],
        );
    }

    #[test]
    fn transition_rule_runs_only_on_update() {
        let schema = with_rule(&json!({"rule": "self.min >= oldSelf.min", "message": "never down"}));
        check(&schema, &json!({"spec": {"min": 1}}), None, &[]);
        let old = json!({"spec": {"min": 2}});
        check(&schema, &json!({"spec": {"min": 1}}), Some(&old), &["spec: Invalid value: never down"]);
    }

    #[test]
    fn rule_with_optional_old_self_runs_on_create() {
        let schema =
            with_rule(&json!({"rule": "oldSelf.hasValue() || self.min == 0", "optionalOldSelf": true,
            "message": "starts at 0"}));
        check(&schema, &json!({"spec": {"min": 1}}), None, &["spec: Invalid value: starts at 0"]);
        check(&schema, &json!({"spec": {"min": 1}}), Some(&json!({"spec": {"min": 0}})), &[]);
    }

    #[test]
    fn unchanged_values_are_ratcheted() {
        let schema = with_rule(&json!({"rule": "self.min <= self.max"}));
        let old = json!({"spec": {"min": 3, "max": 2}});
        check(&schema, &old, Some(&old), &[]);
    }

    #[test]
    fn escaped_names_lists_and_strings_are_evaluated() {
        let schema = with_rule(&json!({"rule": "!has(self.__in__) || self.__in__.size() == 2"}));
        check(&schema, &json!({"spec": {"in": "äö"}}), None, &[]);
        let schema = json!({"type": "object", "properties": {"l": {"type": "array", "items": {"type": "string",
            "x-kubernetes-validations": [{"rule": "self.matches('^[a-z]+$')", "message": "letters"}]}}}});
        check(&schema, &json!({"l": ["a", "1"]}), None, &["l[1]: Invalid value: \"1\": letters"]);
    }

    #[test]
    fn evaluation_errors_have_the_message_of_kube_apiserver() {
        let cases = [
            ("10 / self.min == 1", "division by zero"),
            ("self.l[2] == \"a\"", "index out of bounds: 2"),
            ("int(self.a) > 1", "type conversion error from 'string' to 'int'"),
            ("self.a.substring(5) == \"x\"", "index out of range: 5"),
            ("self.a.charAt(5) == \"x\"", "index out of range: 5"),
            ("self.l.slice(0,9) == self.l", "cannot slice(0, 9), list is length 1"),
            (
                "ip(self.a).family() == 4",
                "IP Address \"x\" parse error during conversion from string: ParseAddr(\"x\"): unable to parse IP",
            ),
        ];
        for (rule, why) in cases {
            let schema = json!({"type": "object", "properties": {"spec": {"type": "object",
                "x-kubernetes-validations": [{"rule": rule}], "properties": {"min": {"type": "integer"},
                    "a": {"type": "string"}, "l": {"type": "array", "items": {"type": "string"}}}}}});
            let expected = format!("spec: Invalid value: \"object\": {why} evaluating rule: {rule}");
            check(&schema, &json!({"spec": {"min": 0, "a": "x", "l": ["x"]}}), None, &[&expected]);
        }
        let schema = json!({"type": "object", "x-kubernetes-validations": [{"rule": "self.ios > 1"}],
            "properties": {"ios": {"x-kubernetes-int-or-string": true}}});
        let expected = "<nil>: Invalid value: \"object\": 'no such overload': call arguments did not match a supported \
            operator, function or macro signature for rule: self.ios > 1";
        check(&schema, &json!({"ios": "x"}), None, &[expected]);
    }
}
