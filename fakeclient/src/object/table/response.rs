//! Tables and metadata-only responses.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::include_object::IncludeObjectPolicy;
use super::printer::{Column, Printer};

/// Options of a table.
#[derive(Clone, Copy)]
pub(crate) struct TableOptions<'a> {
    /// Version of `meta.k8s.io`.
    pub(crate) version: &'a str,
    /// The part of the object in each row.
    pub(crate) include: IncludeObjectPolicy,
    /// True if the table has column definitions: only the first event of a watch has them.
    pub(crate) headers: bool,
    /// The current time, for ages.
    pub(crate) now: Timestamp,
}

/// A `Table` of objects. `metadata` is the list's, or that of [`metadata_of_one`].
pub(crate) fn table<'v>(
    printer: &Printer<'_>,
    objects: impl IntoIterator<Item = &'v Value>,
    metadata: Value,
    options: TableOptions<'_>,
) -> Value {
    let rows: Vec<Value> = objects.into_iter().map(|object| row(object, printer, options)).collect();
    let columns: Value = printer.columns.iter().map(definition).collect();
    let mut table = json!({
        "kind": "Table",
        "apiVersion": format!("meta.k8s.io/{}", options.version),
        "columnDefinitions": if options.headers { columns } else { Value::Null },
        "rows": rows,
    });
    table["metadata"] = metadata;
    table
}

/// The metadata of a table of one object: its resourceVersion.
pub(crate) fn metadata_of_one(object: &Value) -> Value {
    match object.get("metadata").and_then(|m| m.get("resourceVersion")) {
        Some(version) => json!({"resourceVersion": version}),
        None => json!({}),
    }
}

/// An object's metadata as `PartialObjectMetadata`.
pub(crate) fn partial(object: &Value, version: &str) -> Value {
    let metadata = object.get("metadata").cloned().unwrap_or_else(|| json!({}));
    json!({
        "kind": "PartialObjectMetadata", "apiVersion": format!("meta.k8s.io/{version}"), "metadata": metadata,
    })
}

fn row(object: &Value, printer: &Printer<'_>, options: TableOptions<'_>) -> Value {
    let carried = match options.include {
        IncludeObjectPolicy::None => Value::Null,
        IncludeObjectPolicy::Metadata => partial(object, options.version),
        IncludeObjectPolicy::Object => object.clone(),
    };
    let mut row = json!({"cells": (printer.cells)(object, options.now), "object": carried});
    if let Some(conditions) = (printer.row_conditions)(object) {
        row["conditions"] = conditions;
    }
    row
}

fn definition(column: &Column) -> Value {
    json!({
        "name": column.name, "type": column.kind, "format": column.format, "description": column.description,
        "priority": column.priority,
    })
}
