//! Delete of a collection: one delete for each object of a list with the same options, not atomic.

use super::delete::{delete, warn};
use super::list::list;
use super::options::{DeleteOptions, ListOptions};
use super::outcome::ListPage;
use super::scope::RequestScope;
use super::selection::Selection;
use crate::error::ApiError;
use crate::object::view::metadata;

/// Deletes the listed objects. Returns them as they were.
pub(crate) async fn delete_collection(
    scope: &mut RequestScope,
    listing: &ListOptions,
    options: &DeleteOptions,
) -> Result<ListPage, ApiError> {
    warn(scope, options);
    let selection = Selection::parse(&scope.resource, &listing.label_selector, &listing.field_selector)?;
    let found = list(scope, listing, &selection).await?;
    for object in &found.items {
        metadata::text(object.value(), "namespace").clone_into(&mut scope.namespace);
        metadata::text(object.value(), "name").clone_into(&mut scope.name);
        match delete(scope, options).await {
            Err(error) if error.code != 404 => return Err(error),
            _ => {}
        }
    }
    Ok(found)
}
