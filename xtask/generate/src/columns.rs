//! The printer columns of all listable resources, from lists as Tables.
//!
//! The cells of built-in kinds are computed by the server's code, so the columns have no JSON path.

use anyhow::{Context, Result};
use serde_json::{Map, Value};

use super::resources::Resource;
use super::server::Server;
use super::text;

const TABLE: &str = "application/json;as=Table;v=v1;g=meta.k8s.io";

/// The text of `columns.json`.
pub(crate) async fn read(server: &Server, resources: &[Resource]) -> Result<String> {
    let mut tables = Map::new();
    for resource in resources.iter().filter(|r| r.listable) {
        let path = format!("{}?limit=1", resource.path);
        let table = server.get_as(&path, TABLE).await?;
        let columns = table["columnDefinitions"].as_array().with_context(|| format!("{path} is no Table"))?;
        tables.insert(resource.id.clone(), columns.iter().map(compact).collect());
    }
    text::object_lines(&tables)
}

/// The column without prose and without what is the default.
fn compact(column: &Value) -> Value {
    let mut kept = Map::new();
    for (key, default) in [("name", ""), ("type", "string"), ("format", "")] {
        if column[key] != default {
            kept.insert(key.to_owned(), column[key].clone());
        }
    }
    if column["priority"].as_i64().is_some_and(|priority| priority != 0) {
        kept.insert("priority".to_owned(), column["priority"].clone());
    }
    Value::Object(kept)
}
