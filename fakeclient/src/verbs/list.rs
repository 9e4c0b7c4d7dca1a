//! GET of a collection: selectors, pages from one snapshot, revisions.

use std::borrow::Cow;

use bytes::Bytes;
use serde_json::{Value, json};

use super::page::{self, Continue};
use super::scope::Scope;
use super::select::Selection;
use crate::endpoint::media::Form;
use crate::endpoint::options::ListOptions;
use crate::endpoint::response::Reply;
use crate::error::ApiError;
use crate::object::table::answer;
use crate::store::{Key, Object, Revision, Snapshot};
use std::sync::Arc;

/// One page of a list.
pub(crate) struct Page {
    pub(crate) objects: Vec<Arc<Object>>,
    pub(crate) meta: Value,
}

pub(crate) fn list(scope: &Scope<'_>, options: &ListOptions) -> Result<Reply, ApiError> {
    let selection = Selection::parse(&scope.resource, &options.label_selector, &options.field_selector)?;
    let mut page = page(scope, options, &selection)?;
    if matches!(scope.form, Form::Table(_)) {
        if page.meta["continue"] == "" {
            page.meta.as_object_mut().map(|meta| meta.remove("continue"));
        }
        let served = page.objects.iter().map(|object| scope.whole(object)).collect::<Result<Vec<_>, _>>()?;
        let objects: Vec<&Value> = served.iter().collect();
        return Ok(Reply::value(200, &scope.table(&objects, page.meta, true)?));
    }
    let items = page.objects.iter().map(|object| item(scope, object)).collect::<Result<Vec<_>, _>>()?;
    Ok(scope.reply_list(&items, page.meta))
}

/// An item as it stands in the list. (Items of a list that a client decodes by the list's type carry their own kind
/// in the fake only where the server prints it: not in built-in lists.)
fn item(scope: &Scope<'_>, object: &Object) -> Result<Bytes, ApiError> {
    let served = scope.core.served(&scope.resource, object.value())?;
    if let (Form::Object, Cow::Borrowed(_)) = (scope.form, &served) {
        return Ok(if scope.resource.is_builtin() { object.item_bytes() } else { object.bytes() });
    }
    let mut value = served.into_owned();
    object.managed_fields().put(&mut value);
    let value = if let Form::Metadata(version) = scope.form {
        answer::partial(&value, version)
    } else {
        if scope.resource.is_builtin()
            && let Some(map) = value.as_object_mut()
        {
            map.remove("kind");
            map.remove("apiVersion");
        }
        value
    };
    Ok(serde_json::to_vec(&value).expect("a JSON value can be serialised").into())
}

/// What a list with these options shows.
pub(crate) fn page(
    scope: &Scope<'_>,
    options: &ListOptions,
    selection: &Selection,
) -> Result<Page, ApiError> {
    let storage = scope.resource.storage.key.as_str();
    let (snapshot, after) = snapshot(scope, options)?;
    let namespace = match (scope.namespace.as_str(), selection.namespace()) {
        ("", None) => None,
        ("", Some(selected)) => Some(selected),
        (namespace, _) => Some(namespace),
    };
    // A list that takes any revision comes from the server's cache, which knows no pages.
    let limit = if options.resource_version == "0" { 0 } else { usize::try_from(options.limit).unwrap_or(0) };
    let mut objects = Vec::new();
    let mut last = None;
    let mut more = false;
    if let (Some(name), Some(namespace), None) = (selection.name(), namespace.or(own_place(scope)), &after) {
        let found = snapshot.get(&Key::new(storage, namespace, name));
        objects.extend(found.filter(|o| selected(scope, selection, o)).cloned());
    } else {
        for (key, object) in snapshot.range(storage, namespace, after.as_ref()) {
            // Whether what follows is selected is not looked at: the next page may be empty, as the server's may.
            if limit > 0 && objects.len() == limit {
                more = true;
                break;
            }
            if !selected(scope, selection, object) {
                continue;
            }
            objects.push(Arc::clone(object));
            last = Some(key);
        }
    }
    let mut meta = json!({"resourceVersion": snapshot.revision().to_string()});
    if !scope.resource.is_builtin() && !matches!(scope.form, Form::Metadata(_)) {
        // Lists of custom resources print the token always.
        meta["continue"] = "".into();
    }
    if let (true, Some(last)) = (more, last) {
        let next = Continue { revision: snapshot.revision(), after: last.clone() };
        meta["continue"] = next.encode(&scope.namespace).into();
        if selection.is_empty() {
            meta["remainingItemCount"] = snapshot.range(storage, namespace, Some(last)).count().into();
        }
    }
    Ok(Page { objects, meta })
}

fn selected(scope: &Scope<'_>, selection: &Selection, object: &Object) -> bool {
    if selection.is_empty() {
        return true;
    }
    if scope.resource.is_storage_version() {
        return selection.matches(&scope.resource, object.value());
    }
    let served = scope.core.served(&scope.resource, object.value());
    served.is_ok_and(|value| selection.matches(&scope.resource, &value))
}

/// Cluster-scoped objects live in the empty namespace, so their name alone finds them.
fn own_place(scope: &Scope<'_>) -> Option<&'static str> {
    (!scope.resource.namespaced).then_some("")
}

/// The state that the list shows, and the key after which it goes on.
fn snapshot(scope: &Scope<'_>, options: &ListOptions) -> Result<(Snapshot, Option<Key>), ApiError> {
    let store = &scope.core.store;
    let storage = scope.resource.storage.key.as_str();
    if !options.continue_token.is_empty() {
        if !matches!(options.resource_version.as_str(), "" | "0") {
            let why = "specifying resource version is not allowed when using continue";
            return Err(ApiError::bad_request(why));
        }
        let token = &options.continue_token;
        let next = Continue::decode(token, storage, scope.resource.namespaced, &scope.namespace)?;
        let current = store.snapshot();
        if next.revision == page::ANYTIME {
            return Ok((current, Some(next.after)));
        }
        page::not_in_the_future(next.revision, current.revision())?;
        let past =
            store.at(storage, next.revision).map_err(|_| page::expired_page(&next, &scope.namespace))?;
        return Ok((past, Some(next.after)));
    }
    let current = store.snapshot();
    let asked = page::parse_revision(&options.resource_version)
        .map_err(|error| ApiError::bad_request(format!("invalid resource version: {}", error.message)))?;
    if asked == Revision(0) {
        return Ok((current, None));
    }
    page::not_in_the_future(asked, current.revision())?;
    let exact = options.resource_version_match == "Exact"
        || (options.resource_version_match.is_empty() && options.limit > 0);
    if exact {
        let past = store.at(storage, asked).map_err(|_| page::expired_list())?;
        return Ok((past, None));
    }
    Ok((current, None))
}
