//! Get of one object.

use super::outcome::ServedObject;
use super::page;
use super::scope::RequestScope;
use crate::error::ApiError;
use crate::store::Revision;

/// The current object. A `resource_version` (empty for none) requires a state at least as new; 504 if the revision is
/// in the future.
pub(crate) async fn get(scope: &RequestScope, resource_version: &str) -> Result<ServedObject, ApiError> {
    let snapshot = scope.state.store.snapshot();
    if !resource_version.is_empty() {
        let asked = page::parse_revision(resource_version)?;
        page::check_not_in_future(asked, snapshot.revision())?;
    }
    let object = scope.stored(&snapshot)?;
    debug_assert!(object.revision() > Revision(0), "everything stored has a revision");
    scope.served(object).await.map_err(|error| scope.unreadable(error))
}
