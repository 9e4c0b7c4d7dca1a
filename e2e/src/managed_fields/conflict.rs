//! Conflicts of a server-side apply: fields, their owners and values.

use std::fmt;

use kube::core::Status;
use serde_json::Value;

use super::entry::entries;
use super::path::{text, value_at};

/// The reason that a cause of such a Status has.
const REASON: &str = "FieldManagerConflict";

/// Prefix of the message of such a cause; the owner follows: `conflict with "pilot" using v1`.
const BEGIN: &str = "conflict with ";

/// A field that an apply was to change and that belongs to another manager.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Conflict {
    /// `.data.depth`.
    field: String,
    /// The API server's words for the owner: `"pilot" using v1`.
    owner: String,
    /// The values that the field has and would have had, as text, where they are known.
    now: Option<String>,
    wanted: Option<String>,
}

/// The conflicts in a Status, by field: none for any other error. The API server has them in no order.
pub(crate) fn conflicts(status: &Status) -> Vec<Conflict> {
    let causes = status.details.iter().flat_map(|details| &details.causes);
    let conflicts = causes.filter(|cause| cause.reason == REASON).map(|cause| Conflict {
        field: cause.field.clone(),
        owner: cause.message.strip_prefix(BEGIN).unwrap_or(&cause.message).to_owned(),
        ..Conflict::default()
    });
    let mut conflicts: Vec<_> = conflicts.collect();
    conflicts.sort_by(|one, other| one.field.cmp(&other.field));
    conflicts
}

impl Conflict {
    /// Adds the values that the field has in the object as it is and in what was to be applied. `show` writes a value.
    pub(crate) fn look_up(&mut self, live: &Value, applied: &Value, show: impl Fn(&Value) -> String) {
        let paths = entries(live).into_iter().flat_map(|entry| entry.fields.paths());
        // The text of a path cannot be taken apart: names of fields may have dots in them.
        let Some(path) = paths.into_iter().find(|path| text(path) == self.field) else { return };
        self.now = value_at(&path, live).map(&show);
        self.wanted = value_at(&path, applied).map(&show);
    }
}

/// Conflicts as one line each, below a line that says how many there are. There must be one at least.
pub(crate) fn describe_conflicts(conflicts: &[Conflict]) -> String {
    let head = match conflicts.len() {
        1 => "1 field belongs to another field manager".to_owned(),
        count => format!("{count} fields belong to other field managers"),
    };
    conflicts.iter().fold(head, |text, conflict| format!("{text}\n  {conflict}"))
}

/// `.data.depth: "7", owned by "pilot"; the apply has "9"`.
impl fmt::Display for Conflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.field)?;
        if let Some(now) = &self.now {
            write!(f, "{now}, ")?;
        }
        write!(f, "owned by {}", self.owner)?;
        if let Some(wanted) = &self.wanted {
            write!(f, "; the apply has {wanted}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn status(causes: &[(&str, &str)]) -> Status {
        let cause =
            |(message, field): &(&str, &str)| json!({"reason": REASON, "message": message, "field": field});
        let causes: Vec<_> = causes.iter().map(cause).collect();
        let details = serde_json::from_value(json!({"causes": causes})).unwrap();
        Status { code: 409, reason: "Conflict".into(), details: Some(details), ..Status::default() }
    }

    #[test]
    fn fields_are_reported_with_their_owners() {
        let refused = status(&[
            ("conflict with \"pilot\"", ".data.depth"),
            ("conflict with \"kubectl\" using v1", ".data.course"),
        ]);
        assert_eq!(
            describe_conflicts(&conflicts(&refused)),
            "2 fields belong to other field managers\n  \
             .data.course: owned by \"kubectl\" using v1\n  .data.depth: owned by \"pilot\""
        );
        assert_eq!(conflicts(&Status::default()), []);
    }

    #[test]
    fn values_are_reported_where_they_are_known() {
        let fields =
            json!({"f:spec": {"f:containers": {r#"k:{"name":"main"}"#: {"f:image": {}, "f:args": {}}}}});
        let live = json!({
            "metadata": {"managedFields": [{"manager": "pilot", "operation": "Apply", "fieldsV1": fields}]},
            "spec": {"containers": [{"name": "side"}, {"name": "main", "image": "old"}]},
        });
        let applied = json!({"spec": {"containers": [{"name": "main", "image": "new"}]}});
        let field = |name: &str| format!(r#".spec.containers[name="main"].{name}"#);
        let (image, gone) = (field("image"), field("volumes"));
        let refused = status(&[("conflict with \"pilot\"", &image), ("conflict with \"pilot\"", &gone)]);
        let mut conflicts = conflicts(&refused);
        for conflict in &mut conflicts {
            conflict.look_up(&live, &applied, Value::to_string);
        }
        assert_eq!(
            describe_conflicts(&conflicts),
            format!(
                "2 fields belong to other field managers\n  \
                 {image}: \"old\", owned by \"pilot\"; the apply has \"new\"\n  {gone}: owned by \"pilot\""
            )
        );
    }
}
