//! `PodSecurity`: the labels of a namespace are checked; the levels below `privileged` are not modelled.

use serde_json::Value;

use crate::admission::attributes::{Attributes, Operation};
use crate::admission::plugin::Plugin;
use crate::error::ApiError;
use crate::object::field::FieldError;
use crate::registry::builtin::rules::path::Path;
use crate::registry::builtin::rules::read::Read;

const LEVELS: [&str; 3] = ["privileged", "baseline", "restricted"];
const MODES: [&str; 3] = ["enforce", "audit", "warn"];

/// See the module.
#[derive(Debug)]
pub(crate) struct PodSecurity;

impl Plugin for PodSecurity {
    fn name(&self) -> &'static str {
        "PodSecurity"
    }

    fn validate(&self, attributes: &Attributes<'_>, object: &Value) -> Result<(), ApiError> {
        if attributes.operation == Operation::Delete {
            return Ok(());
        }
        if attributes.is("", "namespaces") {
            return namespace(attributes, object);
        }
        if !attributes.is("", "pods") {
            return Ok(());
        }
        let unchanged = attributes.old.is_some_and(|old| old["spec"] == object["spec"]);
        let enforced = attributes
            .peers
            .get("namespaces", "", attributes.namespace)
            .map(|namespace| namespace["metadata"]["labels"].text("pod-security.kubernetes.io/enforce"))
            .filter(|level| ["baseline", "restricted"].contains(level) && !unchanged);
        match enforced {
            Some(level) => {
                let what = format!("the Pod security level {level}, which this namespace enforces");
                Err(ApiError::not_modelled(&what))
            }
            None => Ok(()),
        }
    }
}

/// Levels and versions that exist; an update may leave wrong ones as they were.
fn namespace(attributes: &Attributes<'_>, object: &Value) -> Result<(), ApiError> {
    let wrong = wrong_labels(object);
    if wrong.is_empty() || attributes.old.is_some_and(|old| wrong_labels(old) == wrong) {
        return Ok(());
    }
    Err(ApiError::invalid("", "Namespace", object["metadata"].text("name"), &wrong))
}

fn wrong_labels(namespace: &Value) -> Vec<FieldError> {
    let labels = &namespace["metadata"]["labels"];
    let path = Path::new("metadata.labels");
    let mut errors = Vec::new();
    for mode in MODES {
        let key = format!("pod-security.kubernetes.io/{mode}");
        if let Some(level) = labels[&key].as_str().filter(|level| !LEVELS.contains(level)) {
            let why = "must be one of privileged, baseline, restricted";
            errors.push(FieldError::invalid(path.key(&key), level.into(), why));
        }
        let key = format!("{key}-version");
        if let Some(version) = labels[&key].as_str().filter(|version| !is_version(version)) {
            let why = "must be \"latest\" or \"v1.x\"";
            errors.push(FieldError::invalid(path.key(&key), version.into(), why));
        }
    }
    errors
}

fn is_version(text: &str) -> bool {
    let minor = |minor: &str| {
        !minor.is_empty()
            && minor.bytes().all(|b| b.is_ascii_digit())
            && (minor == "0" || !minor.starts_with('0'))
    };
    text == "latest" || text.strip_prefix("v1.").is_some_and(minor)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::bench::{Stored, create, pod};
    use super::*;

    #[test]
    fn a_namespace_names_levels_and_versions_that_exist() {
        let labels = json!({"pod-security.kubernetes.io/enforce": "x", "pod-security.kubernetes.io/warn-version": "y"});
        let object = json!({"metadata": {"name": "ps", "labels": labels}});
        let error = create(&PodSecurity, "namespaces", object, &Stored::default()).expect_err("wrong labels");
        assert_eq!(
            error.message,
            "Namespace \"ps\" is invalid: [metadata.labels[pod-security.kubernetes.io/enforce]: Invalid value: \"x\": must be one of privileged, baseline, restricted, metadata.labels[pod-security.kubernetes.io/warn-version]: Invalid value: \"y\": must be \"latest\" or \"v1.x\"]"
        );
        let right = json!({"metadata": {"labels": {"pod-security.kubernetes.io/enforce-version": "v1.37"}}});
        assert!(create(&PodSecurity, "namespaces", right, &Stored::default()).is_ok());
    }

    #[test]
    fn a_level_that_is_enforced_is_refused_rather_than_passed_over() {
        for (level, code) in [("privileged", None), ("baseline", Some(501)), ("restricted", Some(501))] {
            let labels = json!({"pod-security.kubernetes.io/enforce": level});
            let namespace = json!({"metadata": {"name": "default", "labels": labels}});
            let stored = Stored::default().with("namespaces", namespace);
            let answer = create(&PodSecurity, "pods", pod(json!({})), &stored);
            assert_eq!(answer.err().map(|error| error.code), code, "{level}");
        }
    }
}
