//! Printers: columns of a resource's tables, and cells of an object.

use jiff::Timestamp;
use serde_json::Value;

/// A printer column (`metav1.TableColumnDefinition`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Column {
    /// Heading.
    pub name: String,
    /// `string`, `integer`, `number`, `boolean`, `date`.
    pub kind: String,
    /// `OpenAPI` format, such as `name`.
    pub format: String,
    /// Description for users.
    pub description: String,
    /// 0 for columns that are always shown; greater ones are shown with `-o wide`.
    pub priority: i64,
    /// JSON path of the value, such as `.spec.version`; empty for a computed column of a built-in kind.
    pub json_path: String,
}

/// The cells of an object at the given time.
pub(crate) type CellPrinter<'r> = Box<dyn Fn(&Value, Timestamp) -> Vec<Value> + 'r>;

/// Printer of a resource.
pub(crate) struct Printer<'r> {
    /// Columns, including `Name`.
    pub(crate) columns: Vec<Column>,
    /// Returns one cell per column.
    pub(crate) cells: CellPrinter<'r>,
    /// Returns the conditions of an object's row.
    pub(crate) row_conditions: fn(&Value) -> Option<Value>,
}
