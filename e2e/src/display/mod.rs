//! Values as people read them: YAML, differences, durations, labels of objects.

mod difference;
mod readable;

pub(crate) use difference::{FieldChange, changes, seconds, short, text_difference, to_json, yaml};
pub(crate) use readable::readable;

/// `Machine demo/a`, `Node a`.
pub(crate) fn object_label(kind: &str, namespace: Option<&str>, name: &str) -> String {
    match namespace {
        Some(namespace) => format!("{kind} {namespace}/{name}"),
        None => format!("{kind} {name}"),
    }
}
