//! GET of one object.

use super::scope::Scope;
use crate::endpoint::response::Reply;
use crate::error::ApiError;
use crate::store::Revision;

/// `resourceVersion` may ask for a state at least as new; one that has not come yet is a time-out.
pub(crate) fn get(scope: &Scope<'_>) -> Result<Reply, ApiError> {
    let snapshot = scope.core.store.snapshot();
    if let Some(asked) = scope.query.get("resourceVersion").filter(|text| !text.is_empty()) {
        let asked = super::page::parse_revision(asked)?;
        super::page::not_in_the_future(asked, snapshot.revision())?;
    }
    let object = scope.stored(&snapshot)?;
    debug_assert!(object.revision() > Revision(0), "everything stored has a revision");
    scope.reply(200, &object)
}
