//! List of a collection: selectors, resource versions, and pages of one snapshot.

use std::sync::Arc;

use super::options::ListOptions;
use super::outcome::ListPage;
use super::page::{self, ListPosition};
use super::scope::RequestScope;
use super::selection::Selection;
use crate::error::{ApiError, StatusCause, StatusDetails};
use crate::object::view::metadata;
use crate::store::{Key, Object, Revision, Snapshot};

/// A page of a list.
pub(crate) async fn list(
    scope: &RequestScope,
    options: &ListOptions,
    selection: &Selection,
) -> Result<ListPage, ApiError> {
    let storage = scope.resource.storage.key.as_str();
    let (snapshot, after) = snapshot(scope, options)?;
    let namespace = match (scope.namespace.as_str(), selection.namespace()) {
        ("", None) => None,
        ("", Some(selected)) => Some(selected),
        (namespace, _) => Some(namespace),
    };
    // resourceVersion 0 is answered by the watch cache, which ignores limits.
    let limit = if options.resource_version == "0" { 0 } else { usize::try_from(options.limit).unwrap_or(0) };
    let mut objects = Vec::new();
    let mut last = None;
    let mut more = false;
    if let (Some(name), Some(namespace), None) =
        (selection.name(), namespace.or(namespace_of_cluster_scoped(scope)), &after)
    {
        let found = snapshot.get(&Key::new(storage, namespace, name));
        if let Some(found) = found
            && selected(scope, selection, found).await
        {
            objects.push(Arc::clone(found));
        }
    } else {
        for (key, object) in snapshot.range(storage, namespace, after.as_ref()) {
            // Remaining objects are not filtered: like the server's, the next page may be empty.
            if limit > 0 && objects.len() == limit {
                more = true;
                break;
            }
            if !selected(scope, selection, object).await {
                continue;
            }
            objects.push(Arc::clone(object));
            last = Some(key);
        }
    }
    let mut page = ListPage {
        items: Vec::with_capacity(objects.len()),
        revision: snapshot.revision(),
        next: None,
        remaining: None,
    };
    if let (true, Some(last)) = (more, last) {
        let next = ListPosition { revision: snapshot.revision(), after: last.clone() };
        page.next = Some(next.encode(&scope.namespace));
        page.remaining = selection.is_empty().then(|| snapshot.range(storage, namespace, Some(last)).count());
    }
    let mut unreadable = Vec::new();
    for object in objects {
        match scope.served(Arc::clone(&object)).await {
            Ok(served) => page.items.push(served),
            Err(error) if error.is_not_modelled() => return Err(error.into()),
            Err(error) => {
                let (namespace, name) = (metadata::namespace(object.value()), metadata::name(object.value()));
                let key = scope.etcd_key_of(namespace, name);
                unreadable.push((error.corrupt(&key), key));
            }
        }
    }
    if unreadable.is_empty() { Ok(page) } else { Err(read_error(scope, &unreadable)) }
}

/// True if the selectors match the object in the version of the request.
async fn selected(scope: &RequestScope, selection: &Selection, object: &Object) -> bool {
    if selection.is_empty() {
        return true;
    }
    let resource = &scope.resource;
    if resource.is_storage_version() && (resource.is_builtin() || resource.has_version_of(object.value())) {
        return selection.matches_stored(resource, object);
    }
    // An object that cannot be converted is an error of the list.
    let served = scope.state.served(resource, object.value()).await;
    served.map_or(true, |value| selection.matches(resource, &value))
}

/// 500 for objects that cannot be read in the version of the request: pairs of error and key.
fn read_error(scope: &RequestScope, unreadable: &[(String, String)]) -> ApiError {
    let resource = &scope.resource;
    let (first, more) = (unreadable.first().map_or("", |(error, _)| error), unreadable.len() - 1);
    let more = if more == 0 { String::new() } else { format!(" (and {more} more)") };
    let message =
        format!("failed to read one or more {} from the storage: {first}{more}", resource.group_resource());
    let causes = unreadable.iter().map(|(error, key)| StatusCause {
        reason: "UnexpectedServerResponse".to_owned(),
        message: error.clone(),
        field: key.clone(),
    });
    let mut error = ApiError::new(500, "StorageReadError", message);
    error.details = Some(Box::new(StatusDetails {
        name: "list".to_owned(),
        group: resource.group.clone(),
        kind: resource.plural.clone(),
        causes: causes.collect(),
        ..StatusDetails::default()
    }));
    error
}

/// The namespace of a cluster-scoped object, which is empty, so that its name alone identifies it.
fn namespace_of_cluster_scoped(scope: &RequestScope) -> Option<&'static str> {
    (!scope.resource.namespaced).then_some("")
}

/// The snapshot of the list, and the key after which a continued list starts.
fn snapshot(scope: &RequestScope, options: &ListOptions) -> Result<(Snapshot, Option<Key>), ApiError> {
    let store = &scope.state.store;
    let storage = scope.resource.storage.key.as_str();
    if !options.continue_token.is_empty() {
        if !matches!(options.resource_version.as_str(), "" | "0") {
            let why = "specifying resource version is not allowed when using continue";
            return Err(ApiError::bad_request(why));
        }
        let token = &options.continue_token;
        let next = ListPosition::decode(token, storage, scope.resource.namespaced, &scope.namespace)?;
        let current = store.snapshot();
        if next.revision == page::CURRENT {
            return Ok((current, Some(next.after)));
        }
        page::check_not_in_future(next.revision, current.revision())?;
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
    page::check_not_in_future(asked, current.revision())?;
    let exact = options.resource_version_match == "Exact"
        || (options.resource_version_match.is_empty() && options.limit > 0);
    if exact {
        let past = store.at(storage, asked).map_err(|_| page::expired_list())?;
        return Ok((past, None));
    }
    Ok((current, None))
}
