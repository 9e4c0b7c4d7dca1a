//! DELETE of a collection: each selected object as if it were deleted by itself, not atomic.

use serde_json::{Value, json};

use super::delete::{Deleted, delete_object};
use super::scope::Scope;
use super::select::Selection;
use crate::endpoint::body;
use crate::endpoint::options::{DeleteOptions, ListOptions};
use crate::endpoint::response::Reply;
use crate::error::ApiError;
use crate::object::meta;

pub(crate) fn delete_collection(scope: &mut Scope<'_>) -> Result<Reply, ApiError> {
    let listing = ListOptions::parse(&scope.query, false)?;
    let body = body::delete_options(&scope.body, &scope.content_type)?;
    let options = DeleteOptions::parse(&scope.query, body.as_ref())?;
    let selection = Selection::parse(&scope.resource, &listing.label_selector, &listing.field_selector)?;
    let snapshot = scope.core.store.snapshot();
    let namespace = Some(scope.namespace.clone()).filter(|n| !n.is_empty());
    let storage = scope.resource.storage.key.clone();
    let limit = usize::try_from(listing.limit).ok().filter(|limit| *limit > 0).unwrap_or(usize::MAX);
    let mut items = Vec::new();
    for (key, object) in snapshot.range(&storage, namespace.as_deref(), None) {
        let served = scope.core.served(&scope.resource, object.value())?;
        if items.len() == limit || !selection.matches(&scope.resource, &served) {
            continue;
        }
        scope.namespace = key.namespace.to_string();
        scope.name = key.name.to_string();
        match delete_object(scope, &options) {
            Ok(Deleted::Gone(_) | Deleted::Marked(_)) => items.push(served.into_owned()),
            Err(error) if error.code == 404 => {}
            Err(error) => return Err(error),
        }
    }
    let listed: Vec<Value> = items.into_iter().map(|item| as_item(scope, item)).collect();
    let list = json!({
        "kind": scope.resource.list_kind, "apiVersion": scope.resource.api_version(),
        "metadata": {"resourceVersion": snapshot.revision().to_string()}, "items": listed,
    });
    Ok(Reply::value(200, &list))
}

fn as_item(scope: &Scope<'_>, mut item: Value) -> Value {
    debug_assert!(!meta::text(&item, "name").is_empty(), "what was stored has a name");
    if scope.resource.is_builtin()
        && let Some(map) = item.as_object_mut()
    {
        map.remove("kind");
        map.remove("apiVersion");
    }
    item
}
