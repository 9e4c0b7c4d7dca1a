//! Specs of the artefacts of a failure: a spec that fails on purpose, and a spec that checks its report.
//!
//! The failing spec's operator lacks one RBAC verb. The report alone has to show that.

use std::{
    path::Path,
    process::{Command, ExitCode},
};

use k8s_openapi::api::core::v1::{Event, Pod};
use seatrial_e2e::{
    Cx, Failure, Matcher, Need, Scope, SpecResult,
    kind::KindExt,
    matchers::{all, equal, match_json, not, satisfy},
    mins, secs,
};
use serde_json::{Value, json};

use crate::{
    deployed,
    objects::cluster,
    start_operator::{bundle_for, release_all},
};

/// The variable that selects the failing spec.
const FAIL_DELIBERATELY: &str = "SEATRIAL_FAIL_DELIBERATELY";

/// The API server's message about the missing verb.
const CAUSE: &str = "cannot create resource \"simulatedinstances\"";

/// True if this process runs the failing spec.
pub(crate) fn is_failing_run() -> bool {
    std::env::var_os(FAIL_DELIBERATELY).is_some()
}

/// Runs the failing spec.
pub(crate) fn run_failing_spec() -> ExitCode {
    seatrial_e2e::run(|suite| {
        suite.crds(seatrial_operator::crds());
        suite.describe("Cluster", |s| {
            s.needs(Need::Kubelet);
            s.it("becomes ready", async |cx: &mut Cx| {
                cx.defer_within(mins(8), async |cx: &mut Cx| release_all(cx).await);
                deploy_without_create_verb(cx).await?;
                kill_first_container(cx).await?;
                let blue = cx.create(&cluster("blue", 1)).await?;
                // The first warning is the cause; a busy machine may take long to get there.
                let warned = satisfy("warn", |events: &Vec<Event>| {
                    events.iter().any(|event| event.type_.as_deref() == Some("Warning"))
                });
                cx.eventually(cx.all::<Event>()).should(warned).within(mins(2)).await?;
                let ready = json!({"status": {"machines": {"total": 1, "ready": 1}}});
                cx.eventually(&blue).should(match_json(ready)).within(secs(20)).await?;
                Ok(())
            });
        });
    })
}

async fn deploy_without_create_verb(cx: &Cx) -> SpecResult {
    let archive = deployed::loaded_image(cx).await?;
    let mut objects = bundle_for(cx, &archive.reference).objects();
    for role in objects.iter_mut().filter(|object| object["kind"] == "Role") {
        for rule in role["rules"].as_array_mut().into_iter().flatten() {
            if rule["resources"] == json!(["simulatedinstances"]) {
                rule["verbs"] = json!(["get", "list", "watch", "update", "delete"]);
            }
        }
    }
    deployed::apply(cx, &objects).await
}

/// Kills the operator's process, so that its log becomes that of the previous container.
async fn kill_first_container(cx: &Cx) -> SpecResult {
    for pod in deployed::pods(cx).await? {
        Box::pin(cx.kind()?.kill_process(&pod, deployed::CONTAINER)).await?;
        let restarted = satisfy("run once more", |pod: &Pod| {
            let statuses = pod.status.as_ref().and_then(|status| status.container_statuses.as_deref());
            statuses.unwrap_or_default().iter().any(|status| status.ready && status.restart_count == 1)
        });
        cx.eventually(&pod).should(restarted).within(mins(2)).await?;
    }
    Ok(())
}

pub(crate) fn specs(s: &mut Scope) {
    s.label("pod").needs(Need::Kubelet).time_out(mins(10));
    s.it("leaves events, logs and a difference that name the cause", async |cx: &mut Cx| {
        let folder = tempfile::tempdir()?;
        let status = spawn_failing_spec(cx.kind()?.cluster().name(), folder.path()).await?;
        cx.expect(status).to(equal(Some(101)))?;
        let report = std::fs::read_to_string(folder.path().join("report.json"))?;
        let report: Value = serde_json::from_str(&report)?;
        let attempt = &report["specs"][0]["attempts"][0];
        let failure = &attempt["failures"][0];
        cx.expect(text(&failure["difference"]))
            .to(all((contain("-    ready: 1"), contain("+    ready: 0"))))?;
        let file = |part: &str| read_artefact(attempt, folder.path(), part);
        cx.expect(file("events.txt")?).to(all((
            contain("Warning"),
            contain("ProviderFailed"),
            contain(CAUSE),
        )))?;
        cx.expect(file("operator.log")?).to(all((contain("it is tried again"), contain(CAUSE))))?;
        // The first container was killed before its first denied request.
        cx.expect(file("operator.previous.log")?)
            .to(all((contain("the operator runs"), not(contain(CAUSE)))))?;
        // The quotes are escaped in YAML.
        let in_yaml = CAUSE.replace('"', "\\\"");
        cx.expect(file("machines.fleet")?).to(all((contain("reason: ProviderFailed"), contain(&in_yaml))))?;
        let entries: Vec<_> = attempt["timeline"].as_array().into_iter().flatten().collect();
        let lines = entries.iter().filter(|entry| entry["kind"] == "log").map(|entry| text(&entry["text"]));
        cx.expect(lines.collect::<Vec<_>>().join("\n")).to(contain(CAUSE))
    });
}

/// Runs the failing spec in a child process on the same cluster and returns its exit code.
async fn spawn_failing_spec(cluster: &str, report: &Path) -> SpecResult<Option<i32>> {
    let mut command = Command::new(std::env::current_exe()?);
    command.env(FAIL_DELIBERATELY, "yes").env("SEATRIAL_TIER", "kind").env("SEATRIAL_KIND_CLUSTER", cluster);
    command.env("SEATRIAL_REPORT", report).env_remove("SEATRIAL_LABELS");
    let output = tokio::task::spawn_blocking(move || command.output()).await??;
    Ok(output.status.code())
}

fn contain(part: &str) -> impl Matcher<String> + use<> {
    let part = part.to_owned();
    satisfy(&format!("contain {part:?}"), move |text: &String| text.contains(&part))
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// The content of the artefact whose path contains `part`.
fn read_artefact(attempt: &Value, folder: &Path, part: &str) -> SpecResult<String> {
    let artefacts = attempt["artefacts"].as_array().cloned().unwrap_or_default();
    let paths: Vec<String> = artefacts.iter().map(|artefact| text(&artefact["path"])).collect();
    let path = paths.iter().find(|path| path.contains(part));
    let path = path.ok_or_else(|| Failure::new(format!("no artefact has {part} in its name: {paths:?}")))?;
    Ok(std::fs::read_to_string(folder.join(path))?)
}
