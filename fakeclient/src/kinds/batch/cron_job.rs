//! `CronJob`: schedule, concurrency policy and Job template.
//!
//! Only the number of a schedule's fields is validated, and a time zone is not looked up.

use serde_json::Value;

use crate::error::field::FieldError;
use crate::error::path::Path;
use crate::kinds::pod_spec::disabled::drop_disabled;
use crate::kinds::rules::numbers::not_negative;
use crate::object::view::fields::{FieldAccess, object_mut, set_default};
use crate::registry::strategy::{CreateStrategy, DeleteStrategy, StatusStrategy, Strategy, UpdateStrategy};

use super::job;

/// `cronjobs.batch`
#[derive(Debug)]
pub(crate) struct CronJob;

impl Strategy for CronJob {
    fn drop_disabled_fields(&self, object: &mut Value) {
        drop_disabled(object, "/spec/jobTemplate/spec/template/spec");
    }

    fn apply_defaults(&self, object: &mut Value) {
        let spec = object_mut(object, "spec");
        set_default(spec, "concurrencyPolicy", "Allow");
        set_default(spec, "suspend", false);
        set_default(spec, "successfulJobsHistoryLimit", 3);
        set_default(spec, "failedJobsHistoryLimit", 1);
        job::complete_job(object_mut(object_mut(spec, "jobTemplate"), "spec"));
    }
}

impl CreateStrategy for CronJob {
    fn validate_create(&self, object: &Value) -> Vec<FieldError> {
        validate(&object["spec"])
    }
}

impl UpdateStrategy for CronJob {
    fn validate_update(&self, object: &Value, _old: &Value) -> Vec<FieldError> {
        validate(&object["spec"])
    }
}

impl StatusStrategy for CronJob {}
impl DeleteStrategy for CronJob {}

fn validate(spec: &Value) -> Vec<FieldError> {
    let path = Path::new("spec");
    let schedule = spec.text("schedule");
    let mut errors: Vec<_> = schedule_error(&path, schedule).into_iter().collect();
    if schedule.contains("TZ") {
        let why = "cannot use TZ or CRON_TZ in schedule, use timeZone field instead";
        errors.push(FieldError::invalid(path.child("schedule"), schedule.into(), why));
    }
    errors.extend(time_zone(&path.child("timeZone"), &spec["timeZone"]));
    errors.extend(not_negative(&path, spec, "startingDeadlineSeconds"));
    let (policy, known) = (spec.text("concurrencyPolicy"), ["Allow", "Forbid", "Replace"]);
    if !known.contains(&policy) {
        errors.push(FieldError::not_supported(path.child("concurrencyPolicy"), policy.into(), &known));
    }
    let at = path.child("jobTemplate").child("spec");
    let job = &spec["jobTemplate"]["spec"];
    errors.extend(job::numbers(&at, job));
    errors.extend(job::job_template(&at, job));
    if job.flag("manualSelector") == Some(true) {
        let at = at.child("manualSelector");
        errors.push(FieldError::not_supported(at, true.into(), &["nil", "false"]));
    }
    for key in ["successfulJobsHistoryLimit", "failedJobsHistoryLimit"] {
        errors.extend(not_negative(&path, spec, key));
    }
    if schedule.is_empty() {
        errors.push(FieldError::required(path.child("schedule"), ""));
    }
    errors
}

/// The form of a time zone's name. Its existence depends on the controller's host.
fn time_zone(path: &Path, zone: &Value) -> Option<FieldError> {
    let zone = zone.as_str()?;
    let why = match zone {
        "" => "timeZone must be nil or non-empty string",
        _ if zone.eq_ignore_ascii_case("local") => {
            "timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones"
        }
        _ => return None,
    };
    Some(FieldError::invalid(path, zone.into(), why))
}

/// The error of a schedule without five fields, after an optional time zone; descriptors such as `@daily` are valid.
fn schedule_error(path: &Path, schedule: &str) -> Option<FieldError> {
    let mut fields: Vec<&str> = schedule.split_whitespace().collect();
    if fields.first().is_some_and(|first| first.starts_with("TZ=") || first.starts_with("CRON_TZ=")) {
        fields.remove(0);
    }
    if schedule.is_empty() || schedule.starts_with('@') || fields.len() == 5 {
        return None;
    }
    let why = format!("expected exactly 5 fields, found {}: [{}]", fields.len(), fields.join(" "));
    Some(FieldError::invalid(path.child("schedule"), schedule.into(), why))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn texts(spec: Value) -> Vec<String> {
        let mut object = json!({"metadata": {"name": "d"}});
        object["spec"] = spec;
        CronJob.apply_defaults(&mut object);
        CronJob.validate_create(&object).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn schedule_without_five_fields_is_rejected() {
        let template = json!({"spec": {"template": {"spec": {"restartPolicy": "Never", "containers": [{"name": "c", "image": "x"}]}}}});
        assert_eq!(texts(json!({"schedule": "* * * * *", "jobTemplate": template})), [""; 0]);
        assert_eq!(texts(json!({"schedule": "@daily", "jobTemplate": template})), [""; 0]);
        assert_eq!(
            texts(json!({"schedule": "bad", "concurrencyPolicy": "x", "jobTemplate": template})),
            [
                "spec.schedule: Invalid value: \"bad\": expected exactly 5 fields, found 1: [bad]",
                "spec.concurrencyPolicy: Unsupported value: \"x\": supported values: \"Allow\", \"Forbid\", \"Replace\"",
            ]
        );
        assert_eq!(
            texts(json!({"startingDeadlineSeconds": -1, "jobTemplate": template})),
            [
                "spec.startingDeadlineSeconds: Invalid value: -1: must be greater than or equal to 0",
                "spec.schedule: Required value",
            ]
        );
    }
}
