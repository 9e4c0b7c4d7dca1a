//! The format of the files: JSON with one entry per line.

use anyhow::Result;
use serde_json::{Map, Value};

/// An array, one item a line.
pub(crate) fn array_lines(items: &[Value]) -> Result<String> {
    let lines: Vec<String> = items.iter().map(serde_json::to_string).collect::<Result<_, _>>()?;
    Ok(format!("[\n{}\n]\n", lines.join(",\n")))
}

/// An object, one field a line.
pub(crate) fn object_lines(fields: &Map<String, Value>) -> Result<String> {
    let mut lines = Vec::new();
    for (name, value) in fields {
        lines.push(format!("{}:{}", serde_json::to_string(name)?, serde_json::to_string(value)?));
    }
    Ok(format!("{{\n{}\n}}\n", lines.join(",\n")))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_entry_is_on_a_line_of_valid_json() {
        let items = [json!({"b": 1, "a": [1, 2]}), json!(2)];
        let text = array_lines(&items).unwrap();
        assert_eq!(text, "[\n{\"a\":[1,2],\"b\":1},\n2\n]\n");
        assert_eq!(serde_json::from_str::<Vec<Value>>(&text).unwrap(), items);
        let map = json!({"x": {"y": 1}, "z": null});
        let text = object_lines(map.as_object().unwrap()).unwrap();
        assert_eq!(text, "{\n\"x\":{\"y\":1},\n\"z\":null\n}\n");
    }
}
