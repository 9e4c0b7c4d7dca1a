//! DELETE of a collection: what a list with the same options shows, each object as if it were deleted by itself; not
//! atomic.

use serde_json::{Value, json};

use super::delete::{Deleted, delete_object, warn};
use super::list;
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
    warn(scope, &options);
    let selection = Selection::parse(&scope.resource, &listing.label_selector, &listing.field_selector)?;
    let page = list::page(scope, &listing, &selection)?;
    let mut items = Vec::new();
    for object in &page.objects {
        let served = scope.whole(object)?;
        meta::text(&served, "namespace").clone_into(&mut scope.namespace);
        meta::text(&served, "name").clone_into(&mut scope.name);
        match delete_object(scope, &options) {
            Ok(Deleted::Gone(_) | Deleted::Marked(_)) => {}
            Err(error) if error.code == 404 => {}
            Err(error) => return Err(error),
        }
        items.push(as_item(scope, served));
    }
    let list = json!({
        "kind": scope.resource.list_kind, "apiVersion": scope.resource.api_version(), "metadata": page.meta,
        "items": items,
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
