//! Position of a field and its managers during a comparison of two values.

use serde_json::Value;

use super::entry::{ManagerEntry, entries};
use super::path::PathStep;
use super::set::Coverage;

/// The way to a field from the object that it is a part of.
#[derive(Clone, Default)]
pub(crate) struct FieldCursor<'v> {
    object: Option<&'v Value>,
    steps: Vec<PathStep<'v>>,
}

impl<'v> FieldCursor<'v> {
    /// The place of a value that is there: an object with managed fields begins a way of its own.
    #[must_use]
    pub(crate) fn at(self, value: &'v Value) -> Self {
        if value.pointer("/metadata/managedFields").is_some() {
            return Self { object: Some(value), steps: Vec::new() };
        }
        self
    }

    pub(crate) fn field(&self, name: &'v str) -> Self {
        self.step(PathStep::Field(name))
    }

    /// An item of a list, with its place in it.
    pub(crate) fn item(&self, index: usize, item: &'v Value) -> Self {
        self.step(PathStep::Item(index, item))
    }

    fn step(&self, step: PathStep<'v>) -> Self {
        let mut steps = self.steps.clone();
        steps.push(step);
        Self { object: self.object, steps }
    }

    /// For a field that has changed: ` (by my-operator, Update, /status)`; empty where no manager is known.
    pub(crate) fn by(&self) -> String {
        self.describe("by")
    }

    /// For a field as it is: ` (last written by my-operator, Update, /status)`; empty where no manager is known.
    pub(crate) fn last_written(&self) -> String {
        self.describe("last written by")
    }

    /// The managers of the field: `my-operator, Update, /status`. Several of them have written the same value, or
    /// parts of it, and nobody knows who was the last.
    pub(crate) fn managers(&self) -> Vec<String> {
        let entries = self.object.map(entries).unwrap_or_default();
        let of = |cover| {
            let entries = entries.iter().filter(move |entry| entry.fields.covers(&self.steps) == Some(cover));
            entries.map(ManagerEntry::who).collect::<Vec<_>>()
        };
        let itself = of(Coverage::Itself);
        if itself.is_empty() { of(Coverage::Around) } else { itself }
    }

    fn describe(&self, written: &str) -> String {
        match self.managers().as_slice() {
            [] => String::new(),
            [one] => format!(" ({written} {one})"),
            several => format!(" (owned by {})", several.join("; ")),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_field_has_the_managers_of_the_object_that_it_is_in() {
        let entry = |manager: &str, fields: &Value| json!({"manager": manager, "operation": "Update", "fieldsV1": fields});
        let object = json!({
            "metadata": {"managedFields": [
                entry("crew", &json!({"f:data": {"f:depth": {}, "f:course": {}}})),
                entry("pilot", &json!({"f:data": {"f:course": {}}})),
                // Its fields were taken over, or it has none.
                entry("mate", &json!({"f:data": {".": {}}, "f:list": {}})),
            ]},
            "data": {"depth": "7", "course": "NNE", "name": "a"},
            "list": [1],
        });
        let all = json!({"tug": object});
        let tug = FieldCursor::default().at(&all).field("tug").at(&all["tug"]);
        let data = tug.field("data");
        assert_eq!(data.field("depth").by(), " (by crew, Update)");
        assert_eq!(data.field("depth").last_written(), " (last written by crew, Update)");
        assert_eq!(data.field("course").by(), " (owned by crew, Update; pilot, Update)");
        assert_eq!(data.field("name").by(), "");
        assert_eq!(tug.field("list").item(0, &all["tug"]["list"][0]).by(), " (by mate, Update)");
        assert_eq!(tug.field("other").by(), "");
        assert_eq!(
            FieldCursor::default().at(&object["data"]).field("depth").by(),
            "",
            "nobody knows whose data that is"
        );
    }
}
