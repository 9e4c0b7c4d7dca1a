//! Lists of strategic merge patches: merge by key or as sets, and order (apimachinery's `util/strategicpatch`,
//! kube-apiserver 1.37).

use serde_json::Value;

use crate::object::go_format::printed_list;

use super::strategic::{
    Fields, Merger, PATCH, PatchMeta, lists_of_lists, no_merge_key, unknown_directive, untranslated,
    without_directives,
};
use crate::error::ApiError;

type List = Vec<Value>;

/// Merges `patch` into `original`; with `deleting`, removes its items instead.
pub(super) fn merge(
    objects: &Merger<'_>,
    original: List,
    patch: List,
    plan: &PatchMeta<'_>,
    deleting: bool,
) -> Result<List, ApiError> {
    if original.is_empty() && patch.is_empty() {
        return Ok(original);
    }
    if !holds_objects(&[&original, &patch])? {
        if deleting {
            return Ok(original.into_iter().filter(|item| !patch.contains(item)).collect());
        }
        let mut merged: List = Vec::new();
        for item in original.iter().chain(&patch) {
            if !merged.contains(item) {
                merged.push(item.clone());
            }
        }
        return in_order(merged, &patch, &original, &plan.merge_key);
    }
    if plan.merge_key.is_empty() {
        let name = plan.schema.reference.as_deref().unwrap_or_default();
        let name = name.rsplit('.').next().unwrap_or_default();
        return Err(untranslated(format!("cannot merge lists without merge key for {name}")));
    }
    let (original, patch) = apply_directives(original, patch, &plan.merge_key)?;
    let merged = merge_items(objects, original.clone(), &patch, plan)?;
    in_order(merged, &patch, &original, &plan.merge_key)
}

/// Merges with the order of the patch's directive; `None` if neither side has the list.
pub(super) fn merge_in_order(
    objects: &Merger<'_>,
    original: Option<List>,
    patch: Option<List>,
    order: &[Value],
    plan: &PatchMeta<'_>,
) -> Result<Option<List>, ApiError> {
    check_order(patch.as_deref().unwrap_or_default(), order, &plan.merge_key)?;
    let server_order = original.clone().unwrap_or_default();
    let merged = match (original, patch) {
        (None, None) => return Ok(None),
        (Some(original), None) => original,
        (None, Some(patch)) => patch.into_iter().filter_map(without_directives).collect(),
        (Some(original), Some(patch)) if plan.strategy == "merge" => {
            merge(objects, original, patch, plan, false)?
        }
        (Some(_), Some(patch)) => patch,
    };
    in_order(merged, order, &server_order, &plan.merge_key).map(Some)
}

/// True if the items are objects. All items must have one type, which must not be a list.
fn holds_objects(lists: &[&List]) -> Result<bool, ApiError> {
    let mut items = lists.iter().flat_map(|list| list.iter());
    let Some(first) = items.next() else {
        return Err(untranslated("no elements in any of the given slices"));
    };
    if first.is_array() {
        return Err(lists_of_lists());
    }
    if items.any(|item| kind(item) != kind(first)) {
        let shown: Vec<_> = lists.iter().map(|list| printed_list(list)).collect();
        return Err(untranslated(format!("list element types are not identical: [{}]", shown.join(" "))));
    }
    Ok(first.is_object())
}

/// A number per Go type of a value; integers and floats differ.
fn kind(value: &Value) -> u8 {
    match value {
        Value::Null => 0,
        Value::Bool(_) => 1,
        Value::Number(number) if number.is_f64() => 2,
        Value::Number(_) => 3,
        Value::String(_) => 4,
        Value::Array(_) => 5,
        Value::Object(_) => 6,
    }
}

/// Applies the items with `$patch`. Returns the remaining original items, and the items without `$patch`.
fn apply_directives(mut original: List, patch: List, key: &str) -> Result<(List, List), ApiError> {
    let mut plain = List::new();
    let mut replace = false;
    for item in patch {
        let Some(fields) = item.as_object() else {
            continue;
        };
        match fields.get(PATCH) {
            None => plain.push(item),
            Some(Value::String(directive)) if directive == "delete" => {
                let value = fields.get(key).ok_or_else(|| no_merge_key(fields, key))?;
                original.retain(|present| present.get(key) != Some(value));
            }
            Some(Value::String(directive)) if directive == "replace" => replace = true,
            Some(Value::String(directive)) if directive == "merge" => {
                return Err(untranslated("merging lists cannot yet be specified in the patch"));
            }
            Some(other) => return Err(unknown_directive(other, fields)),
        }
    }
    if replace { Ok((plain, List::new())) } else { Ok((original, plain)) }
}

/// Merges each item into that with the same key, or appends it.
fn merge_items(
    objects: &Merger<'_>,
    mut merged: List,
    patch: &List,
    plan: &PatchMeta<'_>,
) -> Result<List, ApiError> {
    let key = plan.merge_key.as_str();
    for item in patch.iter().filter_map(Value::as_object) {
        let value = item.get(key).ok_or_else(|| no_merge_key(item, key))?;
        match merged.iter().position(|present| present.get(key) == Some(value)) {
            Some(at) => {
                let present = merged[at].as_object().cloned().unwrap_or_default();
                merged[at] = Value::Object(objects.maps(present, item.clone(), plan.schema)?);
            }
            None => merged.push(Value::Object(item.clone())),
        }
    }
    Ok(merged)
}

/// Items of the patch get its order, all others keep the server's. An item of the patch comes first, unless the
/// server's order puts it later.
fn in_order(merged: List, patch: &[Value], server: &[Value], key: &str) -> Result<List, ApiError> {
    let mut named = Vec::new();
    let mut rest = Vec::new();
    for item in merged {
        if !key.is_empty() {
            let fields = item.as_object().map_or_else(Fields::new, Clone::clone);
            if !fields.contains_key(key) {
                return Err(no_merge_key(&fields, key));
            }
        }
        match position(patch, &item, key) {
            Some(at) => named.push((at, item)),
            None => rest.push(item),
        }
    }
    named.sort_by_key(|(at, _)| *at);
    let mut result = List::with_capacity(named.len() + rest.len());
    let mut rest = rest.into_iter().peekable();
    for (_, item) in named {
        let at = position(server, &item, key);
        while let Some(before) =
            rest.next_if(|left| matches!((position(server, left, key), at), (Some(l), Some(r)) if l < r))
        {
            result.push(before);
        }
        result.push(item);
    }
    result.extend(rest);
    Ok(result)
}

/// Position of the item with the same key (or of the same scalar) in a list.
fn position(list: &[Value], item: &Value, key: &str) -> Option<usize> {
    list.iter().position(|other| {
        if key.is_empty() {
            other == item
        } else {
            other.get(key).is_some() && other.get(key) == item.get(key)
        }
    })
}

/// An error if the order of the items differs from the directive's.
fn check_order(patch: &[Value], order: &[Value], key: &str) -> Result<(), ApiError> {
    if patch.is_empty() || order.is_empty() {
        return Ok(());
    }
    let mut order_left = order.iter();
    for item in patch.iter().filter(|item| item.get(PATCH).is_none()) {
        let same = |other: &Value| {
            if key.is_empty() { other == item } else { other.get(key) == item.get(key) }
        };
        if !order_left.any(same) {
            return Err(untranslated(format!(
                "The order in patch list:\n{}\n doesn't match $setElementOrder list:\n{}\n",
                printed_list(patch),
                printed_list(order)
            )));
        }
    }
    Ok(())
}
