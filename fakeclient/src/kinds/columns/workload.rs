//! Cells of workloads and of `CustomResourceDefinition`, as kube-apiserver 1.37 prints them.

use jiff::Timestamp;
use serde_json::Value;

use crate::object::selector::label::LabelSelector;
use crate::object::table::age;
use crate::object::view::metadata;
use crate::object::view::path::{at, is_true, list, number, text, text_or};

/// Name, ready, up to date, available, age, containers, images, selector.
pub(super) fn deployment(object: &Value, now: Timestamp) -> Vec<Value> {
    let ready = number(object, &["status", "readyReplicas"]);
    let mut cells = vec![
        metadata::name(object).into(),
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
        metadata::name(object).into(),
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
        metadata::name(object).into(),
        job_status(object).into(),
        completions(object).into(),
        duration(object, now).into(),
        age::of(object, now).into(),
    ];
    cells.extend(template(object, "<none>", "<none>"));
    cells
}

/// Name, ready, age, containers, images.
pub(super) fn stateful_set(object: &Value, now: Timestamp) -> Vec<Value> {
    let ready = number(object, &["status", "readyReplicas"]);
    let [containers, images, _] = template(object, "", "");
    vec![
        metadata::name(object).into(),
        format!("{ready}/{}", number(object, &["spec", "replicas"])).into(),
        age::of(object, now).into(),
        containers,
        images,
    ]
}

/// Name, desired, current, ready, up to date, available, node selector, age, containers, images, selector.
pub(super) fn daemon_set(object: &Value, now: Timestamp) -> Vec<Value> {
    let counts = [
        "desiredNumberScheduled",
        "currentNumberScheduled",
        "numberReady",
        "updatedNumberScheduled",
        "numberAvailable",
    ];
    let mut cells = vec![metadata::name(object).into()];
    cells.extend(counts.map(|count| number(object, &["status", count]).into()));
    cells.push(labels(at(object, &["spec", "template", "spec", "nodeSelector"])).into());
    cells.push(age::of(object, now).into());
    cells.extend(template(object, "<none>", "<none>"));
    cells
}

/// Name, schedule, time zone, suspended, active, last schedule, age, containers, images, selector.
pub(super) fn cron_job(object: &Value, now: Timestamp) -> Vec<Value> {
    let suspended = match at(object, &["spec", "suspend"]).and_then(Value::as_bool) {
        Some(true) => "True",
        Some(false) => "False",
        None => "<unset>",
    };
    let last = text(object, &["status", "lastScheduleTime"]).parse::<Timestamp>();
    let last = last.map_or("<none>".to_owned(), |time| age::human(now.duration_since(time).as_secs()));
    let mut cells = vec![
        metadata::name(object).into(),
        text(object, &["spec", "schedule"]).into(),
        text_or(object, &["spec", "timeZone"], "<none>").into(),
        suspended.into(),
        list(object, &["status", "active"]).len().into(),
        last.into(),
        age::of(object, now).into(),
    ];
    let made = at(object, &["spec", "jobTemplate"]).unwrap_or(&Value::Null);
    cells.extend(template(made, "<none>", "<none>"));
    cells
}

/// Name, scope, versions, creation time, group, kind, short names, established.
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
        metadata::name(object).into(),
        text(object, &["spec", "scope"]).into(),
        versions.join(",").into(),
        metadata::text(object, "creationTimestamp").into(),
        text(object, &["spec", "group"]).into(),
        text(object, &["spec", "names", "kind"]).into(),
        short.join(",").into(),
        is_true(list(object, &["status", "conditions"]), "Established").into(),
    ]
}

/// Labels in selector syntax.
fn labels(labels: Option<&Value>) -> String {
    let pairs: Vec<String> = labels
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
        .map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default()))
        .collect();
    if pairs.is_empty() { "<none>".to_owned() } else { pairs.join(",") }
}

/// Containers, images and selector. An absent selector prints as `missing`, an empty one as `empty`.
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
    } else if metadata::is_deleting(object) {
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
    fn deployment_cells_contain_ready_and_desired_replicas() {
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
    fn definition_cells_mark_the_storage_version() {
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
    fn cron_job_cells_contain_the_last_schedule() {
        let object = json!({
            "metadata": {"name": "c", "creationTimestamp": "2026-11-22T18:19:09Z"},
            "spec": {"schedule": "@daily", "suspend": false, "jobTemplate": {"spec": {"template": {"spec": {
                "containers": [{"name": "c", "image": "i"}],
            }}}}},
            "status": {"lastScheduleTime": "2026-11-22T18:36:00Z"},
        });
        let cells = ["c", "@daily", "<none>", "False", "0", "21s", "17m", "c", "i", "<none>"];
        let printed = cron_job(&object, now())
            .into_iter()
            .map(|cell| cell.as_str().map_or(cell.to_string(), str::to_owned));
        assert_eq!(printed.collect::<Vec<_>>(), cells);
    }

    #[test]
    fn daemon_set_cells_contain_the_node_selector() {
        let object = json!({
            "metadata": {"name": "d", "creationTimestamp": "2026-11-22T18:19:09Z"},
            "spec": {"template": {"spec": {"nodeSelector": {"a": "b", "c": "d"}}}},
            "status": {"desiredNumberScheduled": 3, "numberReady": 2},
        });
        let cells = daemon_set(&object, now());
        assert_eq!(cells[1..7], [json!(3), json!(0), json!(2), json!(0), json!(0), json!("a=b,c=d")]);
    }

    #[test]
    fn job_cells_contain_completions() {
        assert_eq!(completions(&json!({"spec": {"completions": 3}, "status": {"succeeded": 1}})), "1/3");
        assert_eq!(completions(&json!({"spec": {"parallelism": 4}})), "0/1 of 4");
    }
}
