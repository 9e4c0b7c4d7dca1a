//! Parsing of query parameters into typed options, with the server's errors.

use serde_json::Value;

use super::query::Query;
use crate::error::ApiError;
use crate::error::field::FieldError;
use crate::object::patch::outcome::FieldValidation;
use crate::verbs::options::{DeleteOptions, ListOptions, WriteOptions, dry_run_errors, manager_errors};

impl ListOptions {
    /// `watch` is true for a path with `/watch/`, which overrides the query.
    pub(crate) fn parse(query: &Query, watch: bool) -> Result<Self, ApiError> {
        let options = Self {
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
        options.completed()
    }
}

impl WriteOptions {
    /// `kind` is `CreateOptions`, `UpdateOptions` or `PatchOptions`, and appears in errors. `user_agent` is the field
    /// manager if the query has none.
    pub(crate) fn parse(query: &Query, kind: &str, user_agent: &str) -> Result<Self, ApiError> {
        let mut options = Self::read(query, kind, false)?;
        if options.field_manager.is_empty() {
            options.field_manager = default_manager(user_agent);
        }
        Ok(options)
    }

    /// `PatchOptions` of a server-side apply.
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

impl DeleteOptions {
    /// Options from the body if there is one, else from the query: the server never merges them.
    pub(crate) fn parse(query: &Query, body: Option<&Value>) -> Result<Self, ApiError> {
        if let Some(body) = body {
            return Self::from_object(body);
        }
        let options = Self {
            grace_period_seconds: query.number("gracePeriodSeconds")?,
            orphan_dependents: query.flag("orphanDependents"),
            ..Self::default()
        };
        options.validated(&query.all("dryRun"), query.get("propagationPolicy"))
    }
}

/// Maximum length of a field manager's name in bytes.
const NAME_LIMIT: usize = 128;

/// The default field manager from a `User-Agent`: up to the first slash, without unprintable characters, cut at the
/// limit.
fn default_manager(user_agent: &str) -> String {
    let mut name = String::new();
    for c in user_agent.trim_ascii().split('/').next().unwrap_or_default().chars() {
        if !crate::error::field::is_printable(c) {
            continue;
        }
        if name.len() + c.len_utf8() > NAME_LIMIT {
            break;
        }
        name.push(c);
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verbs::options::Propagation;
    use serde_json::json;

    #[test]
    fn invalid_limit_is_a_bad_request() {
        let error = ListOptions::parse(&Query::parse("limit=ten"), false).expect_err("ten is no number");
        assert_eq!(
            (error.code, error.message.as_str()),
            (400, "strconv.ParseInt: parsing \"ten\": invalid syntax")
        );
    }

    #[test]
    fn version_match_without_resource_version_is_forbidden() {
        let error =
            ListOptions::parse(&Query::parse("resourceVersionMatch=Exact"), false).expect_err("no version");
        let expected = "ListOptions.meta.k8s.io \"\" is invalid: resourceVersionMatch: Forbidden: \
                        resourceVersionMatch is forbidden unless resourceVersion is provided";
        assert_eq!(error.message, expected);
    }

    #[test]
    fn delete_options_in_the_body_have_precedence() {
        let body = json!({"propagationPolicy": "Foreground", "preconditions": {"uid": "u"}});
        let options =
            DeleteOptions::parse(&Query::parse("propagationPolicy=Orphan"), Some(&body)).expect("valid");
        assert_eq!(options.propagation, Some(Propagation::Foreground));
        assert_eq!(options.uid.as_deref(), Some("u"));
    }

    #[test]
    fn manager_is_the_user_agent_without_version() {
        assert_eq!(default_manager("kubectl/v1.37.2 (linux/amd64) kubernetes/abc"), "kubectl");
        assert_eq!(default_manager("my operator\t2"), "my operator2");
        assert_eq!(default_manager(""), "");
        assert_eq!(default_manager(&"ä".repeat(100)).len(), 128);
    }
}
