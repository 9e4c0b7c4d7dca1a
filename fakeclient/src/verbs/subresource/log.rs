//! Logs of a Pod (`pods/NAME/log`): empty while the Pod has no node, since no kubelet runs.

use serde_json::Value;

use crate::error::ApiError;
use crate::object::view::fields::FieldAccess;
use crate::verbs::scope::RequestScope;

/// The annotation with the default container.
const DEFAULT_CONTAINER: &str = "kubectl.kubernetes.io/default-container";

/// The log of a container, which is empty while the Pod has no node.
pub(crate) fn log(scope: &RequestScope, container: &str) -> Result<(), ApiError> {
    let current = scope.stored(&scope.state.store.snapshot())?;
    let pod = current.value();
    check_container(container, pod, &scope.name)?;
    if pod["spec"].text("nodeName").is_empty() {
        return Ok(());
    }
    Err(ApiError::not_modelled("what a container prints (get of pods/log)"))
}

fn check_container(asked: &str, pod: &Value, name: &str) -> Result<(), ApiError> {
    let spec = &pod["spec"];
    let names = |list: &str| spec.list(list).iter().map(|c| c.text("name").to_owned()).collect::<Vec<_>>();
    let (main, init) = (names("containers"), names("initContainers"));
    if asked.is_empty() {
        let annotated = pod["metadata"]["annotations"].text(DEFAULT_CONTAINER);
        if main.len() == 1 || main.iter().any(|container| container == annotated) {
            return Ok(());
        }
        let others = match init.as_slice() {
            [] => String::new(),
            init => format!(" or one of the init containers: [{}]", init.join(" ")),
        };
        let main = main.join(" ");
        return Err(ApiError::bad_request(format!(
            "a container name must be specified for pod {name}, choose one of: [{main}]{others}"
        )));
    }
    let ephemeral = names("ephemeralContainers");
    if main.iter().chain(&init).chain(&ephemeral).any(|container| container == asked) {
        return Ok(());
    }
    Err(ApiError::bad_request(format!("container {asked} is not valid for pod {name}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn container_is_required_among_several() {
        let pod = json!({"spec": {"containers": [{"name": "a"}, {"name": "b"}], "initContainers": [{"name": "c"}]}});
        let said = |asked: &str| check_container(asked, &pod, "p").map_err(|error| error.message);
        let why = "a container name must be specified for pod p, choose one of: [a b] or one of the init containers: [c]";
        assert_eq!(said(""), Err(why.to_owned()));
        assert_eq!(said("z"), Err("container z is not valid for pod p".to_owned()));
        assert_eq!(said("c"), Ok(()));
    }
}
