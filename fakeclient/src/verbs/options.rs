//! Typed options of verbs: the options types of `meta.k8s.io/v1` and their validation.

use serde_json::Value;

use crate::error::ApiError;
use crate::error::field::{FieldError, is_printable};
use crate::object::patch::outcome::FieldValidation;

/// `ListOptions`
#[derive(Clone, Debug, Default)]
pub(crate) struct ListOptions {
    pub(crate) label_selector: String,
    pub(crate) field_selector: String,
    pub(crate) resource_version: String,
    pub(crate) resource_version_match: String,
    pub(crate) limit: i64,
    pub(crate) continue_token: String,
    pub(crate) watch: bool,
    pub(crate) allow_bookmarks: bool,
    pub(crate) send_initial_events: Option<bool>,
    pub(crate) timeout_seconds: Option<i64>,
}

impl ListOptions {
    /// Applies the defaults of a watch (apiserver's `SetListOptionsDefaults`, Kubernetes 1.37 with `WatchList`) and
    /// validates.
    pub(crate) fn completed(mut self) -> Result<Self, ApiError> {
        let legacy = matches!(self.resource_version.as_str(), "" | "0");
        if self.watch
            && legacy
            && self.send_initial_events.is_none()
            && self.resource_version_match.is_empty()
        {
            self.send_initial_events = Some(true);
            "NotOlderThan".clone_into(&mut self.resource_version_match);
        }
        let errors = if self.watch { self.watch_errors() } else { self.list_errors() };
        if errors.is_empty() {
            return Ok(self);
        }
        Err(ApiError::invalid("meta.k8s.io", "ListOptions", "", &errors))
    }

    fn list_errors(&self) -> Vec<FieldError> {
        let mut errors = Vec::new();
        let matching = self.resource_version_match.as_str();
        let mut forbid = |why: &str| errors.push(FieldError::forbidden("resourceVersionMatch", why));
        if !matching.is_empty() {
            if self.resource_version.is_empty() {
                forbid("resourceVersionMatch is forbidden unless resourceVersion is provided");
            }
            if !self.continue_token.is_empty() {
                forbid("resourceVersionMatch is forbidden when continue is provided");
            }
            if !matches!(matching, "Exact" | "NotOlderThan") {
                let supported = ["Exact", "NotOlderThan", ""];
                errors.push(FieldError::not_supported("resourceVersionMatch", matching.into(), &supported));
            }
            if matching == "Exact" && self.resource_version == "0" {
                let why = "resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\"";
                errors.push(FieldError::forbidden("resourceVersionMatch", why));
            }
        }
        if self.send_initial_events.is_some() {
            errors
                .push(FieldError::forbidden("sendInitialEvents", "sendInitialEvents is forbidden for list"));
        }
        errors
    }

    fn watch_errors(&self) -> Vec<FieldError> {
        let mut errors = Vec::new();
        let matching = self.resource_version_match.as_str();
        let path = "resourceVersionMatch";
        if self.send_initial_events.is_some() && matching != "NotOlderThan" {
            let why = "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan";
            errors.push(FieldError::forbidden(path, why));
        }
        if !matching.is_empty() {
            if self.send_initial_events.is_none() {
                let why = "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided";
                errors.push(FieldError::forbidden(path, why));
            }
            if matching != "NotOlderThan" {
                errors.push(FieldError::not_supported(path, matching.into(), &["NotOlderThan"]));
            }
            if !self.continue_token.is_empty() {
                let why = "resourceVersionMatch is forbidden when continue is provided";
                errors.push(FieldError::forbidden(path, why));
            }
        }
        errors
    }
}

/// `CreateOptions`, `UpdateOptions` and `PatchOptions`.
#[derive(Clone, Debug, Default)]
pub(crate) struct WriteOptions {
    pub(crate) dry_run: bool,
    pub(crate) field_validation: FieldValidation,
    /// Name of the field manager.
    pub(crate) field_manager: String,
    /// True if an apply takes over fields of other managers.
    pub(crate) force: bool,
}

/// `metav1.DeletionPropagation`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Propagation {
    Background,
    Foreground,
    Orphan,
}

/// `DeleteOptions`
#[derive(Clone, Debug, Default)]
pub(crate) struct DeleteOptions {
    pub(crate) dry_run: bool,
    pub(crate) grace_period_seconds: Option<i64>,
    pub(crate) propagation: Option<Propagation>,
    pub(crate) orphan_dependents: Option<bool>,
    pub(crate) uid: Option<String>,
    pub(crate) resource_version: Option<String>,
}

impl DeleteOptions {
    /// Options from an object of the kind `DeleteOptions`.
    pub(crate) fn from_object(body: &Value) -> Result<Self, ApiError> {
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let preconditions = &body["preconditions"];
        let options = Self {
            grace_period_seconds: body["gracePeriodSeconds"].as_i64(),
            orphan_dependents: body["orphanDependents"].as_bool(),
            uid: text(&preconditions["uid"]),
            resource_version: text(&preconditions["resourceVersion"]),
            ..Self::default()
        };
        let dry_run: Vec<String> =
            body["dryRun"].as_array().map(|a| a.iter().filter_map(text).collect()).unwrap_or_default();
        options.validated(&dry_run, text(&body["propagationPolicy"]).as_deref())
    }

    /// Parses `dryRun` and `propagationPolicy`, and validates the options.
    pub(crate) fn validated(mut self, dry_run: &[String], policy: Option<&str>) -> Result<Self, ApiError> {
        let mut errors = Vec::new();
        if self.orphan_dependents.is_some() && policy.is_some() {
            let why = "orphanDependents and deletionPropagation cannot be both set";
            errors.push(FieldError::invalid("propagationPolicy", policy.into(), why));
        }
        self.propagation = match policy {
            None => None,
            Some("Background") => Some(Propagation::Background),
            Some("Foreground") => Some(Propagation::Foreground),
            Some("Orphan") => Some(Propagation::Orphan),
            Some(other) => {
                let supported = ["Foreground", "Background", "Orphan", "nil"];
                errors.push(FieldError::not_supported("propagationPolicy", other.into(), &supported));
                None
            }
        };
        errors.extend(dry_run_errors(dry_run));
        self.dry_run = !dry_run.is_empty();
        if errors.is_empty() {
            Ok(self)
        } else {
            Err(ApiError::invalid("meta.k8s.io", "DeleteOptions", "", &errors))
        }
    }
}

pub(crate) fn dry_run_errors(dry_run: &[String]) -> Vec<FieldError> {
    if dry_run.iter().all(|value| value == "All") {
        return Vec::new();
    }
    let shown = Value::from(dry_run.to_vec());
    vec![FieldError::not_supported("dryRun", shown, &["All"])]
}

pub(crate) fn manager_errors(manager: &str) -> Vec<FieldError> {
    let mut errors = Vec::new();
    if manager.len() > 128 {
        errors.push(FieldError::too_long("fieldManager", 128));
    }
    for (at, c) in manager.char_indices().filter(|(_, c)| !is_printable(*c)) {
        let detail = format!("invalid character U+{:04X} (at position {at})", u32::from(c));
        errors.push(FieldError::invalid("fieldManager", manager.into(), detail));
    }
    errors
}
