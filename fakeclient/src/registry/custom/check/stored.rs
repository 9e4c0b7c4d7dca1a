//! Validation of `status.storedVersions`, all of which must remain in the spec.

use serde_json::Value;

use crate::error::field::FieldError;
use crate::object::view::fields::FieldAccess;

const PATH: &str = "status.storedVersions";

pub(crate) fn check(stored: &[Value], versions: &[Value]) -> Vec<FieldError> {
    if stored.is_empty() {
        return vec![FieldError::invalid(PATH, Value::Null, "must have at least one stored version")];
    }
    let mut left: Vec<(usize, &str)> =
        stored.iter().enumerate().map(|(i, v)| (i, v.as_str().unwrap_or_default())).collect();
    let mut errors = Vec::new();
    for version in versions {
        let name = version.text("name");
        let known = left.iter().position(|(_, stored)| *stored == name);
        if known.is_none() && version.flag("storage") == Some(true) {
            let why = format!("must have the storage version {name}");
            errors.push(FieldError::invalid(PATH, stored.into(), why));
        }
        known.map(|at| left.remove(at));
    }
    errors.extend(left.iter().map(|(index, name)| {
        let why = format!(
            "missing from spec.versions; {name} was previously a storage version, and must remain in spec.versions \
             until a storage migration ensures no data remains persisted in {name} and removes {name} from \
             status.storedVersions"
        );
        FieldError::invalid(format!("{PATH}[{index}]"), (*name).into(), why)
    }));
    errors
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[track_caller]
    fn check_texts(stored: &Value, versions: &Value, expected: &[&str]) {
        let errors = check(stored.as_array().unwrap(), versions.as_array().unwrap());
        let texts: Vec<String> = errors.iter().map(ToString::to_string).collect();
        assert_eq!(texts, expected);
    }

    #[test]
    fn stored_version_cannot_be_removed() {
        check_texts(
            &json!(["v1", "v2"]),
            &json!([{"name": "v2", "storage": true}]),
            &[
                "status.storedVersions[0]: Invalid value: \"v1\": missing from spec.versions; v1 was previously a \
               storage version, and must remain in spec.versions until a storage migration ensures no data remains \
               persisted in v1 and removes v1 from status.storedVersions",
            ],
        );
    }

    #[test]
    fn stored_versions_are_required() {
        let none = "status.storedVersions: Invalid value: null: must have at least one stored version";
        check_texts(&json!([]), &json!([]), &[none]);
    }
}
