//! Server-side apply: PATCH with `application/apply-patch+yaml`.

use std::sync::Arc;

use bytes::Bytes;
use serde_json::Value;

use super::scope::Scope;
use super::update::{Made, Part, change};
use crate::endpoint::options::WriteOptions;
use crate::endpoint::response::Reply;
use crate::error::ApiError;
use crate::object::apply::field_manager::{Live, group_version_kind};
use crate::object::decode::body::plain_numbers;
use crate::object::decode::text::Parsed;
use crate::object::decode::{text, yaml};
use crate::object::meta;
use crate::object::patch::outcome::{FieldValidation, go_type};

/// How often a create or an update is tried again as the other, because somebody deleted or created in between.
const ATTEMPTS: usize = 8;

pub(crate) fn apply(scope: &mut Scope<'_>, part: Part) -> Result<Reply, ApiError> {
    let options = WriteOptions::parse_apply(&scope.query)?;
    let config = ApplyConfiguration::read(&scope.body)?;
    let mut last = None;
    let creates = part == Part::Main || scope.resource.strategy.creates_on_update();
    for _ in 0..ATTEMPTS {
        let stored = scope.core.store.snapshot().get(&scope.key()).is_some();
        let (code, written) = if stored || !creates {
            let make = |scope: &Scope<'_>, live: &Live<'_>| made(scope, part, Some(live), &config, &options);
            (200, change(scope, part, &options, make))
        } else {
            let new = made(scope, part, None, &config, &options)?;
            (201, super::create::create_object(scope, new, &options))
        };
        match written {
            Ok(object) => return scope.reply(code, &object),
            Err(error) if part == Part::Main && lost_a_race(&error, stored) => last = Some(error),
            Err(error) => return Err(error),
        }
    }
    Err(last.expect("the loop ran, and only a lost race goes on"))
}

/// Whether the object went, or came, between the look and the write.
fn lost_a_race(error: &ApiError, stored: bool) -> bool {
    if stored { error.reason == "NotFound" } else { error.reason == "AlreadyExists" }
}

/// What the client applies.
pub(crate) struct ApplyConfiguration {
    pub(crate) value: Value,
    /// Keys given twice, each with its line.
    duplicates: Vec<String>,
}

impl ApplyConfiguration {
    /// Reads YAML, of which JSON is a part.
    pub(crate) fn read(body: &Bytes) -> Result<Self, ApiError> {
        // What looks like JSON is taken as it is at first.
        let json = body.trim_ascii_start().starts_with(b"{");
        let step = if json { "decoding patch: error converting YAML to JSON" } else { "encoding patch" };
        let Parsed { mut value, duplicates } =
            parse(body).map_err(|why| ApiError::bad_request(format!("error {step}: {why}")))?;
        plain_numbers(&mut value);
        if value.is_object() || value.is_null() {
            return Ok(Self { value, duplicates });
        }
        Err(ApiError::bad_request(format!(
            "error decoding patch: error unmarshaling JSON: while decoding JSON: json: cannot unmarshal {} into Go \
             value of type map[string]interface {{}}",
            go_type(&value)
        )))
    }

    /// Fails the request, or warns, where a key is given twice.
    pub(crate) fn check_duplicates(
        &self,
        scope: &Scope<'_>,
        validation: FieldValidation,
    ) -> Result<(), ApiError> {
        if self.duplicates.is_empty() || validation == FieldValidation::Ignore {
            return Ok(());
        }
        if validation == FieldValidation::Strict {
            let lines: Vec<String> = self.duplicates.iter().map(|line| format!("\n  {line}")).collect();
            let why = format!("error converting YAML to JSON: yaml: unmarshal errors:{}", lines.concat());
            return Err(ApiError::bad_request(format!("error strict decoding patch: {why}")));
        }
        scope.warnings.borrow_mut().extend(self.duplicates.iter().cloned());
        Ok(())
    }
}

fn parse(body: &Bytes) -> Result<Parsed, String> {
    // JSON is read faster as such; a key given twice is named by its line, which the YAML reader knows.
    match text::parse(body) {
        Ok(parsed) if parsed.duplicates.is_empty() && std::str::from_utf8(body).is_ok() => Ok(parsed),
        _ => yaml::parse(body),
    }
}

/// 500 for an object that cannot be read as its kind: an error that nobody gave a reason.
pub(crate) fn unconverted(what: &str, place: &str, kind: &str, why: &str) -> ApiError {
    ApiError::new(500, "", format!("{what} ({place}; {kind}) to proper version: {why}"))
}

/// The object with the configuration applied, decoded and complete.
fn made(
    scope: &Scope<'_>,
    part: Part,
    live: Option<&Live<'_>>,
    config: &ApplyConfiguration,
    options: &WriteOptions,
) -> Result<Made, ApiError> {
    let applied = scope.applied(part, live, &config.value, options)?;
    let mut object = match live {
        Some(live) if *live.object == applied.object => applied.object,
        _ => scope.intake_applied(&applied.object).map_err(|why| {
            let kind = group_version_kind(&scope.resource.api_version(), &scope.resource.kind);
            unconverted("failed to convert new object", &meta::place(&config.value), &kind, &why)
        })?,
    };
    config.check_duplicates(scope, options.field_validation)?;
    let uid = meta::uid(&object);
    if live.is_none() && !uid.is_empty() {
        let why = format!(
            "uid mismatch: the provided object specified uid {uid}, and no existing object was found"
        );
        let resource = Arc::clone(&scope.resource);
        return Err(ApiError::conflict(&resource.group, &resource.plural, &scope.name, &why));
    }
    meta::settle_namespace(&mut object, &scope.namespace)?;
    meta::check_name(&object, &scope.name)?;
    Ok(Made::Managed(object, applied.managed_fields))
}
