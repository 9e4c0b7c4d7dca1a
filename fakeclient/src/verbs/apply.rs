//! Server-side apply (KEP-555).

use crate::object::system_fields;
use std::sync::Arc;

use super::create::create;
use super::options::WriteOptions;
use super::outcome::Written;
use super::scope::RequestScope;
use super::update::{Part, Proposed, guaranteed_update};
use crate::error::ApiError;
use crate::object::apply::configuration::ApplyConfiguration;
use crate::object::apply::field_manager::Live;
use crate::object::go_format::shown_kind;
use crate::object::view::metadata;

/// Maximum number of attempts: a create or an update is retried as the other if a concurrent write deletes or creates
/// the object.
const ATTEMPTS: usize = 8;

/// Applies the configuration to the stored object, or creates the object.
pub(crate) async fn apply(
    scope: &mut RequestScope,
    part: Part,
    config: &ApplyConfiguration,
    options: &WriteOptions,
) -> Result<Written, ApiError> {
    let mut last = None;
    let creates = part == Part::Main || scope.resource.strategy.creates_on_update();
    for _ in 0..ATTEMPTS {
        let stored = scope.state.store.snapshot().get(&scope.key()).is_some();
        let written = if stored || !creates {
            let propose = |live: &Live<'_>| proposed(scope, part, Some(live), config, options);
            guaranteed_update(scope, part, options, propose).await
        } else {
            let new = proposed(scope, part, None, config, options)?;
            create(scope, new, options).await
        };
        match written {
            Ok(object) => return Ok(Written { object, created: !stored && creates }),
            Err(error) if part == Part::Main && is_concurrent_write(&error, stored) => last = Some(error),
            Err(error) => return Err(error),
        }
    }
    Err(last.expect("the loop ran, and only a lost race goes on"))
}

/// True if a concurrent write has deleted or created the object.
fn is_concurrent_write(error: &ApiError, stored: bool) -> bool {
    if stored { error.reason == "NotFound" } else { error.reason == "AlreadyExists" }
}

/// 500 without a reason, for an object that cannot be converted to its Go type.
pub(crate) fn unconverted(what: &str, place: &str, kind: &str, why: &str) -> ApiError {
    ApiError::new(500, "", format!("{what} ({place}; {kind}) to proper version: {why}"))
}

/// The object with the applied configuration, decoded and defaulted.
fn proposed(
    scope: &RequestScope,
    part: Part,
    live: Option<&Live<'_>>,
    config: &ApplyConfiguration,
    options: &WriteOptions,
) -> Result<Proposed, ApiError> {
    let applied = scope.applied(part, live, &config.value, options)?;
    let mut object = match live {
        Some(live) if *live.object == applied.object => applied.object,
        _ => scope.decode_applied(&applied.object).map_err(|why| {
            let kind = shown_kind(&scope.resource.api_version(), &scope.resource.kind);
            unconverted("failed to convert new object", &metadata::place(&config.value), &kind, &why)
        })?,
    };
    metadata::remove(&mut object, "managedFields");
    scope.warnings.extend(config.check_duplicates(options.field_validation)?.iter().cloned());
    let uid = metadata::uid(&object);
    if live.is_none() && !uid.is_empty() {
        let why = format!(
            "uid mismatch: the provided object specified uid {uid}, and no existing object was found"
        );
        let resource = Arc::clone(&scope.resource);
        return Err(ApiError::conflict(&resource.group, &resource.plural, &scope.name, &why));
    }
    system_fields::set_namespace(&mut object, &scope.namespace)?;
    system_fields::check_name(&object, &scope.name)?;
    Ok(Proposed::WithManagedFields(object, applied.managed_fields))
}
