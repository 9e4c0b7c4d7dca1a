//! `Priority`: the Pod's priority from its class, and the limit of one global default class.

use serde_json::Value;

use crate::admission::attributes::{Attributes, Operation};
use crate::admission::plugin::Plugin;
use crate::error::ApiError;
use crate::kinds::scheduling::SYSTEM;
use crate::object::view::fields::{FieldAccess, copy, object_mut, set};

const CLASSES: &str = "priorityclasses.scheduling.k8s.io";

/// The plugin of this module.
#[derive(Debug)]
pub(crate) struct Priority;

/// The fields of a priority class that a Pod gets.
struct PodPriority {
    class: String,
    value: i64,
    preemption: String,
}

impl Plugin for Priority {
    fn admit(&self, attributes: &Attributes<'_>, object: &mut Value) -> Result<(), ApiError> {
        if !attributes.is("", "pods") {
            return Ok(());
        }
        match (attributes.operation, attributes.old) {
            (Operation::Create, _) => create(attributes, object),
            (Operation::Update, Some(old)) => {
                let spec = object_mut(object, "spec");
                for key in ["priority", "preemptionPolicy"] {
                    if !spec.has(key) {
                        copy(&old["spec"], spec, key);
                    }
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn validate(&self, attributes: &Attributes<'_>, object: &Value) -> Result<(), ApiError> {
        let writes = attributes.operation != Operation::Delete;
        if !writes || !attributes.is("scheduling.k8s.io", "priorityclasses") {
            return Ok(());
        }
        if object.flag("globalDefault") != Some(true) {
            return Ok(());
        }
        let Some(default) = default_class(attributes) else { return Ok(()) };
        let name = default["metadata"].text("name");
        if attributes.operation == Operation::Update && name == object["metadata"].text("name") {
            return Ok(());
        }
        let why = format!("PriorityClass {name} is already marked as default. Only one default can exist");
        Err(attributes.forbidden(object, &why))
    }
}

fn create(attributes: &Attributes<'_>, object: &mut Value) -> Result<(), ApiError> {
    let named = object["spec"].text("priorityClassName");
    let Some(rank) = pod_priority(attributes, named) else {
        let why = format!("no PriorityClass with name {named} was found");
        return Err(attributes.forbidden(object, &why));
    };
    let spec = &object["spec"];
    if let Some(given) = spec.number("priority").filter(|given| *given != rank.value) {
        let why = format!(
            "the integer value of priority ({given}) must not be provided in pod spec; priority admission controller \
             computed {} from the given PriorityClass name",
            rank.value
        );
        return Err(attributes.forbidden(object, &why));
    }
    let given = spec.text("preemptionPolicy");
    if !given.is_empty() && given != rank.preemption {
        let why = format!(
            "the string value of PreemptionPolicy ({given}) must not be provided in pod spec; priority admission \
             controller computed {} from the given PriorityClass name",
            rank.preemption
        );
        return Err(attributes.forbidden(object, &why));
    }
    let spec = object_mut(object, "spec");
    if !rank.class.is_empty() {
        set(spec, "priorityClassName", rank.class);
    }
    set(spec, "priority", rank.value);
    set(spec, "preemptionPolicy", rank.preemption);
    Ok(())
}

fn pod_priority(attributes: &Attributes<'_>, named: &str) -> Option<PodPriority> {
    if named.is_empty() {
        let plain =
            PodPriority { class: String::new(), value: 0, preemption: "PreemptLowerPriority".to_owned() };
        return Some(default_class(attributes).map_or(plain, of_class));
    }
    if let Some(class) = attributes.store_view.get(CLASSES, "", named) {
        return Some(of_class(class));
    }
    let (class, value, _) = SYSTEM.into_iter().find(|(name, ..)| *name == named)?;
    Some(PodPriority { class: class.to_owned(), value, preemption: "PreemptLowerPriority".to_owned() })
}

fn of_class(class: &Value) -> PodPriority {
    let preemption = class.text("preemptionPolicy");
    let preemption = if preemption.is_empty() { "PreemptLowerPriority" } else { preemption };
    PodPriority {
        class: class["metadata"].text("name").to_owned(),
        value: class.number("value").unwrap_or_default(),
        preemption: preemption.to_owned(),
    }
}

/// The global default class; of several, the one with the lowest value.
fn default_class<'a>(attributes: &Attributes<'a>) -> Option<&'a Value> {
    let classes = attributes.store_view.list(CLASSES, None);
    classes
        .filter(|class| class.flag("globalDefault") == Some(true))
        .min_by_key(|class| class.number("value"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::fixture::{StoredObjects, create as try_create, pod};
    use super::*;

    #[track_caller]
    fn check(extra: Value, stored: &StoredObjects, expected: Result<Value, &str>) {
        let answer = try_create(&Priority, "pods", pod(extra), stored).map(|pod| {
            json!([
                pod["spec"]["priorityClassName"],
                pod["spec"]["priority"],
                pod["spec"]["preemptionPolicy"]
            ])
        });
        assert_eq!(answer.map_err(|error| error.message), expected.map_err(str::to_owned));
    }

    #[test]
    fn priority_is_that_of_the_class() {
        let lower = "PreemptLowerPriority";
        let none = StoredObjects::default();
        check(json!({}), &none, Ok(json!([null, 0, lower])));
        check(
            json!({"priorityClassName": "system-node-critical"}),
            &none,
            Ok(json!(["system-node-critical", 2_000_001_000, lower])),
        );
        check(
            json!({"priorityClassName": "nope"}),
            &none,
            Err("pods \"p\" is forbidden: no PriorityClass with name nope was found"),
        );
        let class = json!({"metadata": {"name": "glob"}, "value": 9, "globalDefault": true, "preemptionPolicy": "Never"});
        let stored = StoredObjects::default().with(CLASSES, class);
        check(json!({}), &stored, Ok(json!(["glob", 9, "Never"])));
    }

    #[test]
    fn priority_that_differs_from_the_class_is_rejected() {
        check(
            json!({"priority": 5}),
            &StoredObjects::default(),
            Err(
                "pods \"p\" is forbidden: the integer value of priority (5) must not be provided in pod spec; priority admission controller computed 0 from the given PriorityClass name",
            ),
        );
        check(
            json!({"preemptionPolicy": "Never"}),
            &StoredObjects::default(),
            Err(
                "pods \"p\" is forbidden: the string value of PreemptionPolicy (Never) must not be provided in pod spec; priority admission controller computed PreemptLowerPriority from the given PriorityClass name",
            ),
        );
    }

    #[test]
    fn second_global_default_class_is_rejected() {
        let stored = StoredObjects::default()
            .with(CLASSES, json!({"metadata": {"name": "glob"}, "globalDefault": true}));
        let object = json!({"metadata": {"name": "glob2"}, "globalDefault": true});
        let error = try_create(&Priority, CLASSES, object, &stored).expect_err("a second default");
        assert_eq!(
            error.message,
            "priorityclasses.scheduling.k8s.io \"glob2\" is forbidden: PriorityClass glob is already marked as default. Only one default can exist"
        );
    }
}
