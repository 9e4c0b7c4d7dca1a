//! `LimitRanger`: default requests and limits of containers, and limits of Pods and claims.
//!
//! Updates of a Pod are not checked: its resources change only through `resize`, which is not modelled.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::admission::attributes::{Attributes, Operation};
use crate::admission::plugin::Plugin;
use crate::error::ApiError;
use crate::object::quantity::Quantity;
use crate::object::view::fields::{FieldAccess, items_mut, object_mut, set};

/// The annotation that lists the defaults the plugin has set.
const ANNOTATION: &str = "kubernetes.io/limit-ranger";

/// The plugin of this module.
#[derive(Debug)]
pub(crate) struct LimitRanger;

/// Quantities by the name of the resource.
type ResourceList = BTreeMap<String, Quantity>;

impl Plugin for LimitRanger {
    fn admit(&self, attributes: &Attributes<'_>, object: &mut Value) -> Result<(), ApiError> {
        if attributes.operation == Operation::Create && attributes.is("", "pods") {
            for range in attributes.store_view.list("limitranges", Some(attributes.namespace)) {
                set_defaults(range, object);
            }
        }
        Ok(())
    }

    fn validate(&self, attributes: &Attributes<'_>, object: &Value) -> Result<(), ApiError> {
        let creates = attributes.operation == Operation::Create;
        let going = attributes.old.is_some_and(|old| old["metadata"].has("deletionTimestamp"));
        if going || attributes.operation == Operation::Delete {
            return Ok(());
        }
        for range in attributes.store_view.list("limitranges", Some(attributes.namespace)) {
            let mut wrong = Vec::new();
            for limit in range["spec"].list("limits") {
                match limit.text("type") {
                    "Container" if creates && attributes.is("", "pods") => {
                        for container in containers(&object["spec"]) {
                            wrong.extend(
                                ResourceRequirements::of_container(&container["resources"]).violations(limit),
                            );
                        }
                    }
                    "Pod" if creates && attributes.is("", "pods") => {
                        wrong.extend(ResourceRequirements::of_pod(&object["spec"]).violations(limit));
                    }
                    "PersistentVolumeClaim" if attributes.is("", "persistentvolumeclaims") => {
                        wrong.extend(claim_errors(&object["spec"]["resources"], limit));
                    }
                    _ => {}
                }
            }
            if !wrong.is_empty() {
                return Err(attributes.forbidden(object, &aggregate_message(wrong)));
            }
        }
        Ok(())
    }
}

/// The message of Go's aggregate error: each text once, in brackets if there are several.
fn aggregate_message(mut wrong: Vec<String>) -> String {
    let mut seen = Vec::new();
    wrong.retain(|text| {
        !seen.contains(text) && {
            seen.push(text.clone());
            true
        }
    });
    if wrong.len() == 1 { wrong.remove(0) } else { format!("[{}]", wrong.join(", ")) }
}

/// Containers, then init containers.
fn containers(spec: &Value) -> impl Iterator<Item = &Value> {
    spec.list("containers").iter().chain(spec.list("initContainers"))
}

/// Sets the defaults of a limit range on the containers.
fn set_defaults(range: &Value, pod: &mut Value) {
    let mut defaults: BTreeMap<(&str, &str), &str> = BTreeMap::new();
    for limit in range["spec"].list("limits").iter().filter(|limit| limit.text("type") == "Container") {
        for (from, to) in [("defaultRequest", "requests"), ("default", "limits")] {
            for (name, amount) in limit.entries(from) {
                defaults.insert((to, name), amount.as_str().unwrap_or_default());
            }
        }
    }
    let mut noted = Vec::new();
    for (list, called) in [("containers", "container"), ("initContainers", "init container")] {
        for container in items_mut(object_mut(pod, "spec"), list) {
            let name = container.text("name").to_owned();
            for (to, word) in [("requests", "request"), ("limits", "limit")] {
                let mut given = Vec::new();
                for ((_, resource), amount) in defaults.iter().filter(|((place, _), _)| *place == to) {
                    let amounts = object_mut(object_mut(container, "resources"), to);
                    if !amounts.has(resource) {
                        set(amounts, resource, *amount);
                        given.push(*resource);
                    }
                }
                if !given.is_empty() {
                    noted.push(format!("{} {word} for {called} {name}", given.join(", ")));
                }
            }
        }
    }
    if !noted.is_empty() {
        let annotations = object_mut(object_mut(pod, "metadata"), "annotations");
        set(annotations, ANNOTATION, format!("LimitRanger plugin set: {}", noted.join("; ")));
    }
}

/// Requests and limits of a container, or of a Pod as a whole.
#[derive(Debug, Default)]
struct ResourceRequirements {
    requests: ResourceList,
    limits: ResourceList,
}

impl ResourceRequirements {
    fn of_container(resources: &Value) -> Self {
        Self { requests: resource_list(&resources["requests"]), limits: resource_list(&resources["limits"]) }
    }

    /// Totals of a Pod: the sum over its containers; an init container counts if it alone asks for more.
    fn of_pod(spec: &Value) -> Self {
        let total = |part: &str| {
            let mut all = ResourceList::new();
            let (mut first, mut beside) = (ResourceList::new(), ResourceList::new());
            for container in spec.list("containers") {
                add(&mut all, &resource_list(&container["resources"][part]));
            }
            for container in spec.list("initContainers") {
                let mut own = resource_list(&container["resources"][part]);
                if container.text("restartPolicy") == "Always" {
                    add(&mut all, &own);
                    add(&mut beside, &own);
                    own = beside.clone();
                } else {
                    add(&mut own, &beside);
                }
                raise_to_max(&mut first, own);
            }
            raise_to_max(&mut all, first);
            all.extend(resource_list(&spec["resources"][part]));
            all
        };
        Self { requests: total("requests"), limits: total("limits") }
    }

    fn violations(&self, limit: &Value) -> Vec<String> {
        let kind = limit.text("type");
        let min = resource_list(&limit["min"]).into_iter().filter_map(|(name, min)| {
            let why = format!("minimum {name} usage per {kind} is {}", min.canonical());
            self.min_violation(&name, &min).map(|rest| why + &rest)
        });
        let max = resource_list(&limit["max"]).into_iter().filter_map(|(name, max)| {
            let why = format!("maximum {name} usage per {kind} is {}", max.canonical());
            self.max_violation(&name, &max).map(|rest| why + &rest)
        });
        let ratio = resource_list(&limit["maxLimitRequestRatio"]).into_iter().filter_map(|(name, ratio)| {
            let why = format!("{name} max limit to request ratio per {kind} is {}", ratio.canonical());
            self.ratio_violation(&name, &ratio).map(|rest| why + &rest)
        });
        min.chain(max).chain(ratio).collect()
    }

    fn min_violation(&self, name: &str, min: &Quantity) -> Option<String> {
        let Some(request) = self.requests.get(name) else {
            return Some(".  No request is specified".to_owned());
        };
        if request.compare(min).is_lt() {
            return Some(format!(", but request is {}", request.canonical()));
        }
        let limit = self.limits.get(name).filter(|limit| limit.compare(min).is_lt())?;
        Some(format!(", but limit is {}", limit.canonical()))
    }

    fn max_violation(&self, name: &str, max: &Quantity) -> Option<String> {
        let Some(limit) = self.limits.get(name) else {
            return Some(".  No limit is specified".to_owned());
        };
        if limit.compare(max).is_gt() {
            return Some(format!(", but limit is {}", limit.canonical()));
        }
        let request = self.requests.get(name).filter(|request| request.compare(max).is_gt())?;
        Some(format!(", but request is {}", request.canonical()))
    }

    fn ratio_violation(&self, name: &str, most: &Quantity) -> Option<String> {
        let given =
            |amounts: &ResourceList| amounts.get(name).map(Quantity::approximate).filter(|n| *n != 0.0);
        let Some(request) = given(&self.requests) else {
            return Some(", but no request is specified or request is 0".to_owned());
        };
        let Some(limit) = given(&self.limits) else {
            return Some(", but no limit is specified or limit is 0".to_owned());
        };
        let ratio = limit / request;
        (ratio > most.approximate()).then(|| format!(", but provided ratio is {ratio:.6}"))
    }
}

fn claim_errors(resources: &Value, limit: &Value) -> Vec<String> {
    let asked =
        ResourceRequirements { requests: resource_list(&resources["requests"]), limits: ResourceList::new() };
    let kind = limit.text("type");
    let min = resource_list(&limit["min"]).into_iter().filter_map(|(name, min)| {
        let why = format!("minimum {name} usage per {kind} is {}", min.canonical());
        asked.min_violation(&name, &min).map(|rest| why + &rest)
    });
    let max = resource_list(&limit["max"]).into_iter().filter_map(|(name, max)| {
        let why = format!("maximum {name} usage per {kind} is {}", max.canonical());
        match asked.requests.get(&name) {
            None => Some(why + ".  No request is specified"),
            Some(request) if request.compare(&max).is_gt() => {
                Some(format!("{why}, but request is {}", request.canonical()))
            }
            Some(_) => None,
        }
    });
    min.chain(max).collect()
}

fn resource_list(object: &Value) -> ResourceList {
    let entries = object.as_object().into_iter().flatten();
    let read =
        entries.filter_map(|(name, amount)| Some((name.clone(), Quantity::parse(amount.as_str()?).ok()?)));
    read.collect()
}

fn add(to: &mut ResourceList, more: &ResourceList) {
    for (name, amount) in more {
        let sum = to.get(name).map_or_else(|| amount.clone(), |there| there.plus(amount));
        to.insert(name.clone(), sum);
    }
}

fn raise_to_max(to: &mut ResourceList, others: ResourceList) {
    for (name, amount) in others {
        if to.get(&name).is_none_or(|there| there.compare(&amount).is_lt()) {
            to.insert(name, amount);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::fixture::{StoredObjects, create, pod};
    use super::*;

    fn range(limit: &Value) -> StoredObjects {
        let range = json!({"metadata": {"namespace": "default", "name": "l"}, "spec": {"limits": [limit]}});
        StoredObjects::default().with("limitranges", range)
    }

    #[test]
    fn containers_get_default_requests_and_limits() {
        let limit = json!({"type": "Container", "default": {"cpu": "1"}, "defaultRequest": {"cpu": "100m"}});
        let mut pod = json!({"spec": {"containers": [{"name": "a", "resources": {"limits": {"cpu": "2"}}}]}});
        set_defaults(&json!({"spec": {"limits": [limit]}}), &mut pod);
        let resources = json!({"limits": {"cpu": "2"}, "requests": {"cpu": "100m"}});
        assert_eq!(pod["spec"]["containers"][0]["resources"], resources);
        let note = "LimitRanger plugin set: cpu request for container a";
        assert_eq!(pod["metadata"]["annotations"][ANNOTATION], note);
    }

    #[test]
    fn quantities_outside_of_the_range_are_rejected() {
        let stored = range(&json!({"type": "Container", "max": {"cpu": "1"}, "min": {"cpu": "100m"}}));
        let answer = |cpu: &str| {
            let resources = json!({"limits": {"cpu": cpu}, "requests": {"cpu": cpu}});
            let body = pod(json!({"containers": [{"name": "a", "resources": resources}]}));
            create(&LimitRanger, "pods", body, &stored).map_err(|error| error.message)
        };
        let why = "maximum cpu usage per Container is 1, but limit is 2";
        assert!(answer("2").is_err_and(|text| text.ends_with(why)));
        let why = "minimum cpu usage per Container is 100m, but request is 10m";
        assert!(answer("10m").is_err_and(|text| text.ends_with(why)));
        assert!(answer("500m").is_ok());
    }

    #[test]
    fn pod_limit_applies_to_the_sum_of_containers() {
        let container =
            json!({"name": "a", "resources": {"limits": {"cpu": "600m"}, "requests": {"cpu": "600m"}}});
        let asked = ResourceRequirements::of_pod(&json!({"containers": [container, container]}));
        let wrong = asked.violations(&json!({"type": "Pod", "max": {"cpu": "1"}}));
        assert_eq!(wrong, ["maximum cpu usage per Pod is 1, but limit is 1200m"]);
    }
}
