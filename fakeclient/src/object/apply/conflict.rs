//! Conflicts of an apply with other field managers.

use super::field_set::shown;
use super::managed_fields::Manager;
use super::path_element::PathElement;
use crate::error::{ApiError, StatusCause};

/// A field that an apply would change, and its owner.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Conflict {
    pub(super) manager: Manager,
    pub(super) path: Vec<PathElement>,
}

/// 409 with one cause per conflict, grouped by manager.
pub(crate) fn error(conflicts: &[Conflict]) -> ApiError {
    let causes = conflicts.iter().map(|conflict| StatusCause {
        reason: "FieldManagerConflict".to_owned(),
        message: format!("conflict with {}", conflict.manager),
        field: shown(&conflict.path),
    });
    let mut error = ApiError::new(409, "Conflict", message(conflicts));
    error.details.get_or_insert_default().causes = causes.collect();
    error
}

fn message(conflicts: &[Conflict]) -> String {
    if let [only] = conflicts {
        return format!(
            "Apply failed with 1 conflict: conflict with {}: {}",
            only.manager,
            shown(&only.path)
        );
    }
    let mut lines = Vec::new();
    let mut last: Option<&Manager> = None;
    for conflict in conflicts {
        if last.is_none_or(|last| !last.is(&conflict.manager)) {
            lines.push(format!("conflicts with {}:", conflict.manager));
        }
        lines.push(format!("- {}", shown(&conflict.path)));
        last = Some(&conflict.manager);
    }
    format!("Apply failed with {} conflicts: {}", conflicts.len(), lines.join("\n"))
}
