//! Metadata that the server sets: name, namespace, uid, times and generation.

use serde_json::Value;

use super::view::metadata;
use crate::error::ApiError;

/// Fields that a client cannot set on create.
const SYSTEM_FIELDS: [&str; 5] =
    ["uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "selfLink"];

/// Sets the request's namespace (empty for a cluster-scoped resource). 400 if the object has another one.
pub(crate) fn set_namespace(object: &mut Value, requested: &str) -> Result<(), ApiError> {
    let own = metadata::namespace(object);
    if own == requested {
        return Ok(());
    }
    if requested.is_empty() {
        metadata::of_mut(object).remove("namespace");
        return Ok(());
    }
    if own.is_empty() {
        metadata::of_mut(object).insert("namespace".to_owned(), requested.into());
        return Ok(());
    }
    Err(ApiError::bad_request(
        "the namespace of the provided object does not match the namespace sent on the request",
    ))
}

/// 400 if the object's name differs from the request's.
pub(crate) fn check_name(object: &Value, requested: &str) -> Result<(), ApiError> {
    let own = metadata::name(object);
    if own.is_empty() {
        let why = format!(
            "the name of the object ({requested} based on URL) was undeterminable: name must be provided"
        );
        return Err(ApiError::bad_request(why));
    }
    if own != requested {
        return Err(ApiError::bad_request(format!(
            "the name of the object ({own}) does not match the name on the URL ({requested})"
        )));
    }
    Ok(())
}

/// Removes fields that a client cannot set on create.
pub(crate) fn wipe_system_fields(object: &mut Value) {
    let metadata = metadata::of_mut(object);
    for field in SYSTEM_FIELDS {
        metadata.remove(field);
    }
}

/// Removes fields that a client cannot set on create, and sets the uid and the creation time (RFC 3339, whole seconds).
pub(crate) fn set_system_fields(object: &mut Value, uid: &str, now: &str) {
    wipe_system_fields(object);
    let metadata = metadata::of_mut(object);
    metadata.insert("uid".to_owned(), uid.into());
    metadata.insert("creationTimestamp".to_owned(), now.into());
}

/// Keeps the fields that only the server changes on update: generation, creationTimestamp and deletionTimestamp. An
/// absent uid or grace period is copied; a different one is left to the validation.
pub(crate) fn keep_system_fields(object: &mut Value, old: &Value) {
    let Some(old) = old.get("metadata").and_then(Value::as_object) else {
        return;
    };
    let metadata = metadata::of_mut(object);
    match old.get("generation") {
        Some(generation) => metadata.insert("generation".to_owned(), generation.clone()),
        None => metadata.remove("generation"),
    };
    for field in ["creationTimestamp", "deletionTimestamp"] {
        if let Some(value) = old.get(field) {
            metadata.insert(field.to_owned(), value.clone());
        }
    }
    for field in ["uid", "deletionGracePeriodSeconds"] {
        let absent = metadata.get(field).is_none_or(|value| value.is_null() || value == "");
        if let (true, Some(value)) = (absent, old.get(field)) {
            metadata.insert(field.to_owned(), value.clone());
        }
    }
}

/// 409 for a write with another uid than the stored object's. `key` is the storage key without prefix, such as
/// `/configmaps/default/web` or `/example.com/widgets/default/web`.
pub(crate) fn uid_conflict(group: &str, resource: &str, key: &str, wanted: &str, stored: &Value) -> ApiError {
    let why = format!(
        "StorageError: invalid object, Code: 4, Key: {key}, ResourceVersion: 0, AdditionalErrorMsg: Precondition \
         failed: UID in precondition: {wanted}, UID in object meta: {}",
        metadata::uid(stored)
    );
    ApiError::conflict(group, resource, metadata::name(stored), &why)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn new_object_gets_uid_and_creation_timestamp() {
        let mut object = json!({"metadata": {
            "name": "x", "uid": "abc", "creationTimestamp": "2020-01-01T00:00:00Z", "selfLink": "/x",
            "deletionTimestamp": "2020-01-01T00:00:00Z", "deletionGracePeriodSeconds": 4, "generation": 7,
        }});
        set_system_fields(&mut object, "u-1", "2026-11-22T18:12:00Z");
        assert_eq!(
            object["metadata"],
            json!({"name": "x", "uid": "u-1", "creationTimestamp": "2026-11-22T18:12:00Z", "generation": 7})
        );
    }

    #[test]
    fn update_keeps_creation_and_deletion_timestamps() {
        let old = json!({"metadata": {
            "name": "x", "uid": "u-1", "creationTimestamp": "a", "deletionTimestamp": "b",
            "deletionGracePeriodSeconds": 0, "generation": 2,
        }});
        let mut object = json!({"metadata": {"name": "x", "creationTimestamp": "z", "generation": 99}});
        keep_system_fields(&mut object, &old);
        assert_eq!(object, old);
        let mut object = json!({"metadata": {"name": "x", "uid": "other"}});
        keep_system_fields(&mut object, &old);
        assert_eq!(object["metadata"]["uid"], "other", "another uid is for the rules to refuse");
    }

    #[test]
    fn name_that_differs_from_the_request_is_rejected() {
        let error = |object: Value| check_name(&object, "c").unwrap_err().message;
        assert_eq!(
            error(json!({"metadata": {"name": "d"}})),
            "the name of the object (d) does not match the name on the URL (c)"
        );
        assert_eq!(
            error(json!({})),
            "the name of the object (c based on URL) was undeterminable: name must be provided"
        );
    }

    #[test]
    fn namespace_defaults_to_that_of_the_request() {
        let mut object = json!({"metadata": {"name": "x"}});
        set_namespace(&mut object, "team").unwrap();
        assert_eq!(metadata::namespace(&object), "team");
        let error = set_namespace(&mut object, "other").unwrap_err();
        assert_eq!(
            error.message,
            "the namespace of the provided object does not match the namespace sent on the request"
        );
        set_namespace(&mut object, "").unwrap();
        assert_eq!(metadata::namespace(&object), "", "a cluster-scoped object loses it");
    }

    #[test]
    fn other_uid_is_a_conflict() {
        let stored = json!({"metadata": {"name": "m", "uid": "d5ce"}});
        let error = uid_conflict("example.com", "widgets", "/example.com/widgets/default/m", "abc", &stored);
        assert_eq!(
            error.message,
            "Operation cannot be fulfilled on widgets.example.com \"m\": StorageError: invalid object, Code: 4, Key: /example.com/widgets/default/m, ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: UID in precondition: abc, UID in object meta: d5ce"
        );
    }
}
