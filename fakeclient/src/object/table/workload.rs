//! Cells of Deployment, `ReplicaSet`, Job and `CustomResourceDefinition`, as kube-apiserver 1.37 prints them.

use jiff::Timestamp;
use serde_json::Value;

use super::age;
use super::builtin::{at, is_true, list, number, text};
use crate::object::meta;
use crate::object::selector::label::LabelSelector;

/// Name, ready, up to date, available, age, containers, images, selector.
pub(super) fn deployment(object: &Value, now: Timestamp) -> Vec<Value> {
    let ready = number(object, &["status", "readyReplicas"]);
    let mut cells = vec![
        meta::name(object).into(),
        format!("{ready}/{}", number(object, &["spec", "replicas"])).into(),
        number(object, &["status", "updatedReplicas"]).into(),
        number(object, &["status", "availableReplicas"]).into(),
        age::of(object, now).into(),
    ];
    cells.extend(template(object, "", ""));
    cells
}

/// Name, desired, current, ready, age, containers, images, selector.
pub(super) fn replica_set(object: &Value, now: Timestamp) -> Vec<Value> {
    let mut cells = vec![
        meta::name(object).into(),
        number(object, &["spec", "replicas"]).into(),
        number(object, &["status", "replicas"]).into(),
        number(object, &["status", "readyReplicas"]).into(),
        age::of(object, now).into(),
    ];
    cells.extend(template(object, "<none>", "<none>"));
    cells
}

/// Name, status, completions, duration, age, containers, images, selector.
pub(super) fn job(object: &Value, now: Timestamp) -> Vec<Value> {
    let mut cells = vec![
        meta::name(object).into(),
        job_status(object).into(),
        completions(object).into(),
        duration(object, now).into(),
        age::of(object, now).into(),
    ];
    cells.extend(template(object, "<none>", "<none>"));
    cells
}

/// Name, scope, versions, time of creation, group, kind, short names, established.
pub(super) fn custom_resource_definition(object: &Value, _now: Timestamp) -> Vec<Value> {
    let flag = |version: &Value, field: &str| version.get(field).and_then(Value::as_bool).unwrap_or_default();
    let versions: Vec<String> = list(object, &["spec", "versions"])
        .iter()
        .filter(|version| flag(version, "served"))
        .map(|version| {
            let name = text(version, &["name"]);
            if flag(version, "storage") { format!("{name}(storage)") } else { name.to_owned() }
        })
        .collect();
    let short: Vec<_> =
        list(object, &["spec", "names", "shortNames"]).iter().filter_map(Value::as_str).collect();
    vec![
        meta::name(object).into(),
        text(object, &["spec", "scope"]).into(),
        versions.join(",").into(),
        meta::text(object, "creationTimestamp").into(),
        text(object, &["spec", "group"]).into(),
        text(object, &["spec", "names", "kind"]).into(),
        short.join(",").into(),
        is_true(list(object, &["status", "conditions"]), "Established").into(),
    ]
}

/// Containers, images and selector. An absent selector selects nothing (`missing`), an empty one everything.
fn template(object: &Value, missing: &str, empty: &str) -> [Value; 3] {
    let containers = list(object, &["spec", "template", "spec", "containers"]);
    let join = |field: &str| containers.iter().map(|c| text(c, &[field])).collect::<Vec<_>>().join(",");
    let selector = match at(object, &["spec", "selector"]) {
        None => missing.to_owned(),
        Some(selector) => match LabelSelector::from_object(selector) {
            Ok(selector) if selector.is_empty() => empty.to_owned(),
            Ok(selector) => selector.to_string(),
            Err(_) => "<invalid>".to_owned(),
        },
    };
    [join("name").into(), join("image").into(), selector.into()]
}

fn job_status(object: &Value) -> &'static str {
    let conditions = list(object, &["status", "conditions"]);
    if is_true(conditions, "Complete") {
        "Complete"
    } else if is_true(conditions, "Failed") {
        "Failed"
    } else if meta::is_deleting(object) {
        "Terminating"
    } else if is_true(conditions, "Suspended") {
        "Suspended"
    } else if is_true(conditions, "FailureTarget") {
        "FailureTarget"
    } else if is_true(conditions, "SuccessCriteriaMet") {
        "SuccessCriteriaMet"
    } else {
        "Running"
    }
}

fn completions(object: &Value) -> String {
    let succeeded = number(object, &["status", "succeeded"]);
    match at(object, &["spec", "completions"]).and_then(Value::as_i64) {
        Some(wanted) => format!("{succeeded}/{wanted}"),
        None => match number(object, &["spec", "parallelism"]) {
            parallelism @ 2.. => format!("{succeeded}/1 of {parallelism}"),
            _ => format!("{succeeded}/1"),
        },
    }
}

fn duration(object: &Value, now: Timestamp) -> String {
    let time = |field: &str| text(object, &["status", field]).parse::<Timestamp>().ok();
    match time("startTime") {
        None => String::new(),
        Some(start) => age::human(time("completionTime").unwrap_or(now).duration_since(start).as_secs()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn now() -> Timestamp {
        "2026-11-22T18:36:21Z".parse().unwrap()
    }

    #[test]
    fn a_deployment_shows_what_is_ready_of_what_is_wanted() {
        let object = json!({
            "metadata": {"name": "d", "creationTimestamp": "2026-11-22T18:19:09Z"},
            "spec": {"replicas": 0, "selector": {"matchLabels": {"a": "b"}}, "template": {"spec": {"containers": [
                {"name": "c", "image": "i"}, {"name": "d", "image": "j"},
            ]}}},
        });
        assert_eq!(
            deployment(&object, now()),
            [
                json!("d"),
                json!("0/0"),
                json!(0),
                json!(0),
                json!("17m"),
                json!("c,d"),
                json!("i,j"),
                json!("a=b"),
            ]
        );
    }

    #[test]
    fn a_definition_marks_the_version_that_is_stored() {
        let object = json!({
            "metadata": {"name": "widgets.example.com", "creationTimestamp": "2026-11-22T17:51:45Z"},
            "spec": {"group": "example.com", "scope": "Namespaced", "names": {"kind": "Widget"}, "versions": [
                {"name": "v1", "served": true, "storage": true}, {"name": "v0", "served": false},
            ]},
            "status": {"conditions": [{"type": "Established", "status": "True"}]},
        });
        assert_eq!(
            custom_resource_definition(&object, now()),
            [
                json!("widgets.example.com"),
                json!("Namespaced"),
                json!("v1(storage)"),
                json!("2026-11-22T17:51:45Z"),
                json!("example.com"),
                json!("Widget"),
                json!(""),
                json!(true),
            ]
        );
    }

    #[test]
    fn a_job_counts_towards_its_completions() {
        assert_eq!(completions(&json!({"spec": {"completions": 3}, "status": {"succeeded": 1}})), "1/3");
        assert_eq!(completions(&json!({"spec": {"parallelism": 4}})), "0/1 of 4");
    }
}
