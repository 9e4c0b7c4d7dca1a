//! Failure policy, success policy and indexed completion of Jobs.

use serde_json::{Value, json};

use crate::error::field::{FieldError, invalid_each};
use crate::error::path::Path;
use crate::kinds::rules::enums::one_of;
use crate::kinds::rules::names::{dns_subdomain, qualified_name};
use crate::kinds::rules::numbers::not_negative;
use crate::object::view::fields::FieldAccess;

/// Maximum parallelism and maximum number of failed indexes of an indexed Job.
const MAX_PARALLELISM: i64 = 100_000;

/// Errors of the policies and of fields that depend on each other.
pub(super) fn check(path: &Path, spec: &Value) -> Vec<FieldError> {
    let mut errors = indexed(path, spec);
    if let Some(manager) = spec["managedBy"].as_str() {
        errors.extend(managed_by(&path.child("managedBy"), manager));
    }
    if spec.has("podFailurePolicy") {
        let at = path.child("podFailurePolicy").child("rules");
        for (index, rule) in spec["podFailurePolicy"].list("rules").iter().enumerate() {
            errors.extend(failure(&at.index(index), spec, rule));
        }
    }
    if spec.has("successPolicy") {
        errors.extend(success(&path.child("successPolicy"), spec));
    }
    let known: &[&str] =
        if spec.has("podFailurePolicy") { &["Failed"] } else { &["Failed", "TerminatingOrFailed"] };
    let replacement = spec.text("podReplacementPolicy");
    if spec.has("podReplacementPolicy") && !known.contains(&replacement) {
        let at = path.child("podReplacementPolicy");
        errors.push(FieldError::not_supported(at, replacement.into(), known));
    }
    errors
}

fn indexed(path: &Path, spec: &Value) -> Vec<FieldError> {
    let mut errors = Vec::new();
    if spec.has("maxFailedIndexes") && !spec.has("backoffLimitPerIndex") {
        let at = path.child("backoffLimitPerIndex");
        errors.push(FieldError::required(at, "when maxFailedIndexes is specified"));
    }
    let mut say = |key: &str, why: &str| {
        errors.push(FieldError::invalid(path.child(key), spec[key].clone(), why));
    };
    let number = |key: &str| spec.number(key).unwrap_or_default();
    match spec.text("completionMode") {
        "Indexed" => {
            if number("parallelism") > MAX_PARALLELISM {
                say("parallelism", "must be less than or equal to 100000 when completion mode is Indexed");
            }
            if spec.has("completions") && number("maxFailedIndexes") > number("completions") {
                say("maxFailedIndexes", "must be less than or equal to completions");
            }
            if number("maxFailedIndexes") > MAX_PARALLELISM {
                say("maxFailedIndexes", "must be less than or equal to 100000");
            }
        }
        "" | "NonIndexed" => {
            for key in ["backoffLimitPerIndex", "maxFailedIndexes"].iter().filter(|key| spec.has(key)) {
                say(key, "requires indexed completion mode");
            }
        }
        _ => {}
    }
    errors
}

fn managed_by(path: &Path, manager: &str) -> Vec<FieldError> {
    match manager.split_once('/').filter(|(domain, name)| !domain.is_empty() && !name.is_empty()) {
        None => {
            let why = "must be a domain-prefixed path (such as \"acme.io/foo\")";
            vec![FieldError::invalid(path, manager.into(), why)]
        }
        Some((domain, _)) => invalid_each(path, domain, dns_subdomain(domain)),
    }
}

fn failure(path: &Path, spec: &Value, rule: &Value) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let (action, at) = (rule.text("action"), path.child("action"));
    if action == "FailIndex" && !spec.has("backoffLimitPerIndex") {
        let why = "requires the backoffLimitPerIndex to be set";
        errors.push(FieldError::invalid(&at, action.into(), why));
    }
    errors.extend(one_of_listed(&at, action, &["Count", "FailIndex", "FailJob", "Ignore"]));
    if rule.has("onExitCodes") {
        errors.extend(exit_codes(&path.child("onExitCodes"), spec, &rule["onExitCodes"]));
    }
    let patterns = rule.list("onPodConditions");
    for (index, pattern) in patterns.iter().enumerate() {
        let at = path.child("onPodConditions").index(index);
        let kind = pattern.text("type");
        errors.extend(invalid_each(&at.child("type"), kind, qualified_name(kind)));
        errors.extend(one_of_listed(
            &at.child("status"),
            pattern.text("status"),
            &["False", "True", "Unknown"],
        ));
    }
    let why = match (rule.has("onExitCodes"), patterns.is_empty()) {
        (true, false) => "specifying both OnExitCodes and OnPodConditions is not supported",
        (false, true) => "specifying one of OnExitCodes and OnPodConditions is required",
        _ => return errors,
    };
    errors.push(FieldError::invalid(path, Value::Null, why).shown_as(""));
    errors
}

fn exit_codes(path: &Path, spec: &Value, codes: &Value) -> Vec<FieldError> {
    let (operator, values) = (codes.text("operator"), codes.list("values"));
    let at = path.child("values");
    let mut errors: Vec<_> =
        one_of_listed(&path.child("operator"), operator, &["In", "NotIn"]).into_iter().collect();
    if let Some(name) = codes["containerName"].as_str() {
        let pod = &spec["template"]["spec"];
        let mut all = pod.list("containers").iter().chain(pod.list("initContainers"));
        if !all.any(|container| container.text("name") == name) {
            let why = "must be one of the container or initContainer names in the pod template";
            errors.push(FieldError::invalid(path.child("containerName"), name.into(), why));
        }
    }
    if values.is_empty() {
        errors.push(FieldError::invalid(&at, codes["values"].clone(), "at least one value is required"));
    }
    for (index, value) in values.iter().enumerate() {
        if operator == "In" && *value == 0 {
            let why = "must not be 0 for the In operator";
            errors.push(FieldError::invalid(at.index(index), value.clone(), why));
        }
        if values[..index].contains(value) {
            errors.push(FieldError::duplicate(at.index(index), value.clone()));
        }
    }
    if !values.is_sorted_by_key(|value| value.as_i64().unwrap_or_default()) {
        errors.push(FieldError::invalid(&at, json!(values), "must be ordered"));
    }
    errors
}

fn success(path: &Path, spec: &Value) -> Vec<FieldError> {
    let (policy, completions) = (&spec["successPolicy"], spec.number("completions"));
    let rules = policy.list("rules");
    if spec.text("completionMode") != "Indexed" {
        let why = "requires indexed completion mode";
        return vec![FieldError::invalid(path, policy.clone(), why).shown_as(go_success(rules))];
    }
    let at = path.child("rules");
    let mut errors = Vec::new();
    if rules.is_empty() {
        let why = "at least one rules must be specified when the successPolicy is specified";
        errors.push(FieldError::required(&at, why));
    }
    let Some(completions) = completions else { return errors };
    for (index, rule) in rules.iter().enumerate() {
        errors.extend(success_rule(&at.index(index), rule, completions));
    }
    errors
}

fn success_rule(path: &Path, rule: &Value, completions: i64) -> Vec<FieldError> {
    let mut errors = Vec::new();
    if !rule.has("succeededCount") && !rule.has("succeededIndexes") {
        let why = "at least one of succeededCount or succeededIndexes must be specified";
        errors.push(FieldError::required(path, why));
    }
    let mut total = None;
    if let Some(text) = rule["succeededIndexes"].as_str() {
        total = Some(indexes(text, completions).unwrap_or_else(|why| {
            let why = format!("error parsing succeededIndexes: {why}");
            errors.push(FieldError::invalid(path.child("succeededIndexes"), text.into(), why));
            0
        }));
    }
    if let Some(count) = rule.number("succeededCount") {
        let at = path.child("succeededCount");
        errors.extend(not_negative(path, rule, "succeededCount"));
        let mut at_most = |most: i64, what: &str| {
            let why = format!("must be less than or equal to {most} (the number of {what})");
            errors.extend((count > most).then(|| FieldError::invalid(&at, count.into(), why)));
        };
        at_most(completions, "specified completions");
        if let Some(total) = total {
            at_most(total, "indexes in the specified succeededIndexes field");
        }
    }
    errors
}

/// The number of indexes in a list such as `0,2-4`, all below `completions`.
fn indexes(text: &str, completions: i64) -> Result<i64, String> {
    let (mut total, mut last) = (0, None::<i64>);
    let number = |text: &str| -> Result<i64, String> {
        let index: i64 =
            text.parse().map_err(|_| format!("cannot convert string to integer for index: {text:?}"))?;
        if index < completions { Ok(index) } else { Err(format!("too large index: {text:?}")) }
    };
    let order = |previous: i64, current: i64| {
        Err(format!("non-increasing order, previous: {previous}, current: {current}"))
    };
    for interval in text.split(',').filter(|_| !text.is_empty()) {
        let limits: Vec<&str> = interval.split('-').collect();
        let (first, end) = match limits[..] {
            [only] => (number(only)?, number(only)?),
            [first, end] => (number(first)?, number(end)?),
            _ => {
                let rule = "an index interval can have at most two parts separated by '-'";
                return Err(format!("the fragment {interval:?} violates the requirement that {rule}"));
            }
        };
        if limits.len() > 1 && first >= end {
            return order(first, end);
        }
        if let Some(last) = last.filter(|last| *last >= first) {
            return order(last, first);
        }
        total += end - first + 1;
        last = Some(end);
    }
    Ok(total)
}

/// The Go struct as error messages print it.
fn go_success(rules: &[Value]) -> String {
    let one = |rule: &Value| {
        let (indexes, count) = (&rule["succeededIndexes"], &rule["succeededCount"]);
        format!(r#"{{"SucceededIndexes":{indexes},"SucceededCount":{count}}}"#)
    };
    let rules = rules.iter().map(one).collect::<Vec<_>>().join(",");
    format!(r#"{{"Rules":[{rules}]}}"#)
}

/// The error of a value that is empty or not one of `known`.
fn one_of_listed(path: &Path, value: &str, known: &[&str]) -> Option<FieldError> {
    if value.is_empty() {
        let listed: Vec<String> = known.iter().map(|name| format!("{name:?}")).collect();
        return Some(FieldError::required(path, format!("valid values: [{}]", listed.join(" "))));
    }
    one_of(path, value, known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn index_ranges_are_ordered_and_counted() {
        assert_eq!(indexes("0,2-4", 5), Ok(4));
        assert_eq!(indexes("", 5), Ok(0));
        for (text, why) in [
            ("0-", "cannot convert string to integer for index: \"\""),
            ("5", "too large index: \"5\""),
            ("2,1", "non-increasing order, previous: 2, current: 1"),
            ("3-3", "non-increasing order, previous: 3, current: 3"),
        ] {
            assert_eq!(indexes(text, 5), Err(why.to_owned()), "{text}");
        }
    }

    #[test]
    fn failure_rule_has_exit_codes_or_conditions() {
        let spec = json!({"podFailurePolicy": {"rules": [{"action": "FailJob"}]}});
        let errors = check(&Path::new("s"), &spec);
        let text = "s.podFailurePolicy.rules[0]: Invalid value: specifying one of OnExitCodes and OnPodConditions is \
                    required";
        assert_eq!(errors.iter().map(ToString::to_string).collect::<Vec<_>>(), [text]);
    }
}
