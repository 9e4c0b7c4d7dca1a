//! Query parameters (and a delete's body) as the options types of `meta.k8s.io/v1`, with the server's errors.

use serde_json::Value;

use crate::error::ApiError;
use crate::error::field::{FieldError, is_printable};
use crate::object::patch::outcome::FieldValidation;

/// The query, decoded, in order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    pub(crate) fn parse(raw: &str) -> Self {
        let decode = |text: &str| {
            let spaced = text.replace('+', " ");
            super::request_info::percent_decode_lossy(&spaced)
        };
        let pairs = raw.split('&').filter(|pair| !pair.is_empty());
        // A pair with a malformed escape or a semicolon is dropped, as Go's url.Values does.
        let pairs = pairs.filter(|pair| !pair.contains(';')).filter_map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            Some((decode(key)?, decode(value)?))
        });
        Self(pairs.collect())
    }

    pub(crate) fn get(&self, key: &str) -> Option<&str> {
        self.0.iter().find(|(k, _)| k == key).map(|(_, v)| v.as_str())
    }

    fn text(&self, key: &str) -> String {
        self.get(key).unwrap_or_default().to_owned()
    }

    fn all(&self, key: &str) -> Vec<String> {
        self.0.iter().filter(|(k, _)| k == key).map(|(_, v)| v.clone()).collect()
    }

    /// A boolean as apimachinery converts it: everything but `false` and `0` is true.
    pub(crate) fn flag(&self, key: &str) -> Option<bool> {
        self.get(key).map(|value| !(value.eq_ignore_ascii_case("false") || value == "0"))
    }

    /// A number as Go's `strconv.ParseInt` reads it; an empty one is absent.
    fn number(&self, key: &str) -> Result<Option<i64>, ApiError> {
        let Some(value) = self.get(key) else { return Ok(None) };
        let digits = value.strip_prefix(['+', '-']).unwrap_or(value);
        match value.parse() {
            Ok(number) => Ok(Some(number)),
            Err(_) if !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) => {
                Err(ApiError::bad_request(format!("strconv.ParseInt: parsing {value:?}: value out of range")))
            }
            Err(_) => {
                Err(ApiError::bad_request(format!("strconv.ParseInt: parsing {value:?}: invalid syntax")))
            }
        }
    }
}

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
    /// `watch` is whether this is a watch whatever the query says (a path with `/watch/`).
    pub(crate) fn parse(query: &Query, watch: bool) -> Result<Self, ApiError> {
        let mut options = Self {
            label_selector: query.text("labelSelector"),
            field_selector: query.text("fieldSelector"),
            resource_version: query.text("resourceVersion"),
            resource_version_match: query.text("resourceVersionMatch"),
            limit: query.number("limit")?.unwrap_or(0),
            continue_token: query.text("continue"),
            watch: watch || query.flag("watch").unwrap_or(false),
            allow_bookmarks: query.flag("allowWatchBookmarks").unwrap_or(false),
            send_initial_events: query.flag("sendInitialEvents"),
            timeout_seconds: query.number("timeoutSeconds")?,
        };
        let legacy = matches!(options.resource_version.as_str(), "" | "0");
        if options.watch
            && legacy
            && options.send_initial_events.is_none()
            && options.resource_version_match.is_empty()
        {
            // apiserver's SetListOptionsDefaults (Kubernetes 1.37, feature WatchList).
            options.send_initial_events = Some(true);
            "NotOlderThan".clone_into(&mut options.resource_version_match);
        }
        let errors = if options.watch { options.watch_errors() } else { options.list_errors() };
        if errors.is_empty() {
            return Ok(options);
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

/// What create, update and patch share.
#[derive(Clone, Debug, Default)]
pub(crate) struct WriteOptions {
    pub(crate) dry_run: bool,
    pub(crate) field_validation: FieldValidation,
    /// Empty where the client names none.
    pub(crate) field_manager: String,
    /// Of an apply: whether it takes over what others own.
    pub(crate) force: bool,
}

impl WriteOptions {
    /// `kind` is `CreateOptions`, `UpdateOptions` or `PatchOptions`: the name in the error.
    pub(crate) fn parse(query: &Query, kind: &str) -> Result<Self, ApiError> {
        Self::read(query, kind, false)
    }

    /// `PatchOptions` of an apply.
    pub(crate) fn parse_apply(query: &Query) -> Result<Self, ApiError> {
        Self::read(query, "PatchOptions", true)
    }

    fn read(query: &Query, kind: &str, apply: bool) -> Result<Self, ApiError> {
        let mut errors = Vec::new();
        if apply && query.text("fieldManager").is_empty() {
            errors.push(FieldError::required("fieldManager", "is required for apply patch"));
        }
        if kind == "PatchOptions" && !apply && query.get("force").is_some() {
            errors.push(FieldError::forbidden("force", "may not be specified for non-apply patch"));
        }
        let manager = query.text("fieldManager");
        errors.extend(manager_errors(&manager));
        let dry_run = query.all("dryRun");
        errors.extend(dry_run_errors(&dry_run));
        let field_validation = query.text("fieldValidation");
        let parsed = match field_validation.as_str() {
            "" | "Warn" => FieldValidation::Warn,
            "Ignore" => FieldValidation::Ignore,
            "Strict" => FieldValidation::Strict,
            other => {
                let supported = ["", "Ignore", "Strict", "Warn"];
                errors.push(FieldError::not_supported("fieldValidation", other.into(), &supported));
                FieldValidation::Warn
            }
        };
        if errors.is_empty() {
            return Ok(Self {
                dry_run: !dry_run.is_empty(),
                field_validation: parsed,
                field_manager: manager,
                force: query.flag("force").unwrap_or(false),
            });
        }
        Err(ApiError::invalid("meta.k8s.io", kind, "", &errors))
    }
}

fn dry_run_errors(dry_run: &[String]) -> Vec<FieldError> {
    if dry_run.iter().all(|value| value == "All") {
        return Vec::new();
    }
    let shown = Value::from(dry_run.to_vec());
    vec![FieldError::not_supported("dryRun", shown, &["All"])]
}

fn manager_errors(manager: &str) -> Vec<FieldError> {
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
    /// From the body where there is one, else from the query: the server never mixes them.
    pub(crate) fn parse(query: &Query, body: Option<&Value>) -> Result<Self, ApiError> {
        let (options, dry_run, policy) = if let Some(body) = body {
            Self::from_body(body)
        } else {
            let options = Self {
                grace_period_seconds: query.number("gracePeriodSeconds")?,
                orphan_dependents: query.flag("orphanDependents"),
                ..Self::default()
            };
            (options, query.all("dryRun"), query.get("propagationPolicy").map(str::to_owned))
        };
        options.validated(&dry_run, policy.as_deref())
    }

    fn from_body(body: &Value) -> (Self, Vec<String>, Option<String>) {
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let preconditions = &body["preconditions"];
        let options = Self {
            grace_period_seconds: body["gracePeriodSeconds"].as_i64(),
            orphan_dependents: body["orphanDependents"].as_bool(),
            uid: text(&preconditions["uid"]),
            resource_version: text(&preconditions["resourceVersion"]),
            ..Self::default()
        };
        let dry_run =
            body["dryRun"].as_array().map(|a| a.iter().filter_map(text).collect()).unwrap_or_default();
        (options, dry_run, text(&body["propagationPolicy"]))
    }

    fn validated(mut self, dry_run: &[String], policy: Option<&str>) -> Result<Self, ApiError> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_limit_that_is_no_number_is_a_bad_request() {
        let error = ListOptions::parse(&Query::parse("limit=ten"), false).expect_err("ten is no number");
        assert_eq!(
            (error.code, error.message.as_str()),
            (400, "strconv.ParseInt: parsing \"ten\": invalid syntax")
        );
    }

    #[test]
    fn everything_but_false_and_zero_is_true() {
        let query = Query::parse("a&b=false&c=0&d=FALSE&e=x");
        let flags: Vec<_> = ["a", "b", "c", "d", "e", "f"].map(|key| query.flag(key)).into();
        assert_eq!(flags, [Some(true), Some(false), Some(false), Some(false), Some(true), None]);
    }

    #[test]
    fn a_match_without_a_version_is_forbidden() {
        let error =
            ListOptions::parse(&Query::parse("resourceVersionMatch=Exact"), false).expect_err("no version");
        let expected = "ListOptions.meta.k8s.io \"\" is invalid: resourceVersionMatch: Forbidden: \
                        resourceVersionMatch is forbidden unless resourceVersion is provided";
        assert_eq!(error.message, expected);
    }

    #[test]
    fn a_body_wins_over_the_query() {
        let body = json!({"propagationPolicy": "Foreground", "preconditions": {"uid": "u"}});
        let options =
            DeleteOptions::parse(&Query::parse("propagationPolicy=Orphan"), Some(&body)).expect("valid");
        assert_eq!(options.propagation, Some(Propagation::Foreground));
        assert_eq!(options.uid.as_deref(), Some("u"));
    }
}
