//! Quality-of-service class of a Pod, from its requests and limits.

use serde_json::Value;

use crate::object::quantity::Quantity;
use crate::object::view::fields::FieldAccess;

/// `Guaranteed`, `Burstable` or `BestEffort`.
pub(super) fn qos_class(spec: &Value) -> &'static str {
    if spec.has("resources") {
        return of_requirements(&spec["resources"]);
    }
    let containers = spec.list("initContainers").iter().chain(spec.list("containers"));
    combined(containers.map(|container| of_requirements(&container["resources"])))
}

/// The class of all containers if they agree, else `Burstable`.
fn combined(mut classes: impl Iterator<Item = &'static str>) -> &'static str {
    let Some(first) = classes.next() else { return "BestEffort" };
    if classes.all(|class| class == first) { first } else { "Burstable" }
}

fn of_requirements(resources: &Value) -> &'static str {
    combined(["cpu", "memory"].into_iter().map(|name| {
        let amount = |bag: &str| {
            let value = &resources[bag][name];
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            Quantity::parse(&text).ok().filter(|quantity| quantity.milli() != 0)
        };
        match (amount("requests"), amount("limits")) {
            (None, None) => "BestEffort",
            (Some(request), Some(limit)) if request.compare(&limit).is_eq() => "Guaranteed",
            _ => "Burstable",
        }
    }))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn class_requires_all_containers_and_both_resources() {
        let full =
            json!({"limits": {"cpu": "1", "memory": "1Gi"}, "requests": {"cpu": "1000m", "memory": "1Gi"}});
        let half = json!({"limits": {"cpu": "1"}, "requests": {"cpu": "1"}});
        let class = |resources: &[&Value]| {
            let containers: Vec<_> = resources.iter().map(|r| json!({"resources": r})).collect();
            qos_class(&json!({"containers": containers}))
        };
        assert_eq!(class(&[&json!({})]), "BestEffort");
        assert_eq!(class(&[&full]), "Guaranteed");
        assert_eq!(class(&[&half]), "Burstable");
        assert_eq!(class(&[&full, &json!({})]), "Burstable");
    }
}
