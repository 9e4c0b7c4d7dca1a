//! Validation of `spec.names` and `status.acceptedNames`.

use serde_json::Value;

use crate::error::field::FieldError;
use crate::error::path::Path;
use crate::object::names::dns1035_label_errors;
use crate::object::view::fields::FieldAccess;

/// Errors of malformed names. The caller checks required ones.
pub(super) fn check(names: &Value, path: &Path) -> Vec<FieldError> {
    let mut errors = Vec::new();
    for key in ["plural", "singular"] {
        errors.extend(label(names.text(key), &path.child(key)));
    }
    for key in ["kind", "listKind"] {
        let value = names.text(key);
        let broken = dns1035_label_errors(&value.to_lowercase());
        if !value.is_empty() && !broken.is_empty() {
            let why = format!("may have mixed case, but should otherwise match: {}", broken.join(","));
            errors.push(FieldError::invalid(path.child(key), value.into(), why));
        }
    }
    errors.extend(labels(names.list("shortNames"), &path.child("shortNames")));
    if !names.text("kind").is_empty() && names.text("kind") == names.text("listKind") {
        let why = "kind and listKind may not be the same";
        errors.push(FieldError::invalid(path.child("listKind"), names.text("listKind").into(), why));
    }
    errors.extend(labels(names.list("categories"), &path.child("categories")));
    errors
}

fn label(value: &str, path: &Path) -> Option<FieldError> {
    let broken = dns1035_label_errors(value);
    (!value.is_empty() && !broken.is_empty())
        .then(|| FieldError::invalid(path, value.into(), broken.join(",")))
}

fn labels(values: &[Value], path: &Path) -> Vec<FieldError> {
    let broken = |(index, value): (usize, &Value)| {
        let errors = dns1035_label_errors(value.as_str().unwrap_or_default());
        (!errors.is_empty()).then(|| FieldError::invalid(path.index(index), value.clone(), errors.join(",")))
    };
    values.iter().enumerate().filter_map(broken).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn names_are_validated_in_the_order_of_kube_apiserver() {
        let names = json!({"plural": "things", "singular": "thing!", "kind": "Thing", "listKind": "Thing",
            "shortNames": ["T_"], "categories": ["-"]});
        let fields: Vec<String> =
            check(&names, &Path::new("spec.names")).into_iter().map(|e| e.field).collect();
        assert_eq!(
            fields,
            [
                "spec.names.singular",
                "spec.names.shortNames[0]",
                "spec.names.listKind",
                "spec.names.categories[0]"
            ]
        );
    }
}
