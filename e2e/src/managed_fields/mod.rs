//! Field managers and their fields, read from `metadata.managedFields`.
//!
//! Everything here is pure. `path` has the steps of a field's path and `set` the fields of one entry, as `FieldsV1`
//! encodes them; `entry` reads the entries and lists who owns what. `cursor` finds the managers of a field while two
//! values are compared, `conflict` tells a refused apply, and `status` finds the managers that write a kind's status.

mod path;
mod set;

mod entry;

mod cursor;

mod conflict;
mod status;

pub(crate) use conflict::{conflicts, describe_conflicts};
pub(crate) use cursor::FieldCursor;
pub use entry::{FieldOwner, managers};
pub(crate) use status::several_status_writers;

use serde_json::Value;

/// The field manager of the specs' own writes.
pub(crate) const FIELD_MANAGER: &str = "seatrial";

/// Removes `metadata.managedFields` from an object, and from the objects in a list or a map: it is long, and told
/// field by field where it matters.
pub(crate) fn remove(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            if let Some(Value::Object(metadata)) = fields.get_mut("metadata") {
                metadata.remove("managedFields");
            }
            fields.values_mut().for_each(remove);
        }
        Value::Array(items) => items.iter_mut().for_each(remove),
        _ => {}
    }
}

/// The same on a copy.
pub(crate) fn without(value: &Value) -> Value {
    let mut value = value.clone();
    remove(&mut value);
    value
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn managed_fields_are_removed_from_objects_wherever_they_are() {
        let object =
            json!({"metadata": {"name": "a", "managedFields": [{}]}, "managedFields": "a field of its own"});
        let plain = json!({"metadata": {"name": "a"}, "managedFields": "a field of its own"});
        assert_eq!(without(&object), plain);
        assert_eq!(without(&json!({"a": object, "items": [object]})), json!({"a": plain, "items": [plain]}));
    }
}
