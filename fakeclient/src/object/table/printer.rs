//! Printers: the columns of a resource's tables and the cells of one object.

use jiff::Timestamp;
use serde_json::Value;

/// One printer column of a `Table`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Column {
    /// Heading.
    pub name: String,
    /// `string`, `integer`, `number`, `boolean`, `date`.
    pub kind: String,
    /// `OpenAPI` format, such as `name`.
    pub format: String,
    /// Text that `kubectl explain`-like clients show.
    pub description: String,
    /// 0 is always shown, more only with `-o wide`.
    pub priority: i64,
    /// JSON path of the value, such as `.spec.version`; empty for a built-in's computed column.
    pub json_path: String,
}

/// The cells of one object at that moment.
pub(crate) type Cells<'r> = Box<dyn Fn(&Value, Timestamp) -> Vec<Value> + 'r>;

/// How the objects of a resource are printed.
pub(crate) struct Printer<'r> {
    /// Columns, `Name` among them.
    pub(crate) columns: Vec<Column>,
    /// One cell for each column.
    pub(crate) cells: Cells<'r>,
    /// Conditions of an object's row.
    pub(crate) row_conditions: fn(&Value) -> Option<Value>,
}
