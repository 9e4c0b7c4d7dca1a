//! Path elements of list items.

use serde_json::Value;
use smol_str::SmolStr;

use super::path_element::PathElement;
use super::value_type::{ItemIdentity, List};

/// The path element of an item in a set or list map; an error if the item has no identity.
pub(super) fn element_of(list: &List<'_>, item: &Value) -> Result<PathElement, String> {
    match list.items {
        ItemIdentity::Keys([]) | ItemIdentity::Set => set_element(item),
        ItemIdentity::Keys(keys) => key_element(list, keys, item),
        ItemIdentity::Atomic => Err("invalid indexing of non-associative list".to_owned()),
    }
}

fn key_element(list: &List<'_>, keys: &[String], item: &Value) -> Result<PathElement, String> {
    let fields = match item {
        Value::Object(fields) => fields,
        Value::Null => return Err("associative list with keys may not have a null element".to_owned()),
        _ => return Err("associative list with keys may not have non-map elements".to_owned()),
    };
    let map = list.element.resolve().map;
    let mut found = Vec::with_capacity(keys.len());
    for key in keys {
        // An absent key without a default is omitted: the other keys identify the item.
        let value = match (fields.get(key), &map) {
            (Some(value), _) => Some(value),
            (None, None) => {
                let why = "associative list may not have non-map types";
                return Err(format!("couldn't find default value for {key}: {why}"));
            }
            (None, Some(map)) => map.default_of(key),
        };
        found.extend(value.map(|value| (SmolStr::new(key), value.clone())));
    }
    if found.is_empty() {
        let keys: Vec<String> = keys.iter().map(|key| crate::error::field::go_quoted(key)).collect();
        return Err(format!(
            "associative list with keys has an element that omits all key fields [{}] (and doesn't have default \
             values for any key fields)",
            keys.join(" ")
        ));
    }
    Ok(PathElement::key(found))
}

fn set_element(item: &Value) -> Result<PathElement, String> {
    let why = match item {
        Value::Object(_) => "associative list without keys has an element that's a map type",
        Value::Array(_) => "not supported: associative list with lists as elements",
        Value::Null => "associative list without keys has an element that's an explicit null",
        scalar => return Ok(PathElement::Value(Box::new(scalar.clone()))),
    };
    Err(why.to_owned())
}
