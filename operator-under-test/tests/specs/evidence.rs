//! What a failure leaves behind: a spec that fails on purpose, and a spec that reads what it left.
//!
//! The operator lacks one right, so its machines never come to be. Whoever looks at the report alone must find that out.

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
    fleet::cluster,
    operator::{bundle_for, release_all},
};

/// Set for a run of nothing but the spec that fails.
const DELIBERATELY: &str = "SEATRIAL_FAIL_DELIBERATELY";

/// What the operator may not do, in the API server's words.
const CAUSE: &str = "cannot create resource \"simulatedinstances\"";

/// Whether this is that run.
pub(crate) fn is_wanted() -> bool {
    std::env::var_os(DELIBERATELY).is_some()
}

/// That run.
pub(crate) fn fail_deliberately() -> ExitCode {
    seatrial_e2e::run(|suite| {
        suite.crds(seatrial_operator::crds());
        suite.describe("Cluster", |s| {
            s.needs(Need::Kubelet);
            s.it("becomes ready", async |cx: &mut Cx| {
                cx.defer_within(mins(8), async |cx: &mut Cx| release_all(cx).await);
                deploy_without_a_right(cx).await?;
                end_the_first_operator(cx).await?;
                let blue = cx.create(&cluster("blue", 1)).await?;
                // Whatever that is: it is told by now, on a busy machine, too.
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

async fn deploy_without_a_right(cx: &Cx) -> SpecResult {
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

/// Kills the operator's process: what it said until then is in the logs of a container that is no more.
async fn end_the_first_operator(cx: &Cx) -> SpecResult {
    for pod in deployed::pods(cx).await? {
        Box::pin(cx.kind()?.kill_process(&pod, deployed::CONTAINER)).await?;
        let again = satisfy("run once more", |pod: &Pod| {
            let statuses = pod.status.as_ref().and_then(|status| status.container_statuses.as_deref());
            statuses.unwrap_or_default().iter().any(|status| status.ready && status.restart_count == 1)
        });
        cx.eventually(&pod).should(again).within(mins(2)).await?;
    }
    Ok(())
}

pub(crate) fn specs(s: &mut Scope) {
    s.label("pod").needs(Need::Kubelet).time_out(mins(10));
    s.it("leaves events, logs and a difference that name the cause", async |cx: &mut Cx| {
        let folder = tempfile::tempdir()?;
        let status = run_the_failing_spec(cx.kind()?.cluster().name(), folder.path()).await?;
        cx.expect(status).to(equal(Some(101)))?;
        let report = std::fs::read_to_string(folder.path().join("report.json"))?;
        let report: Value = serde_json::from_str(&report)?;
        let attempt = &report["specs"][0]["attempts"][0];
        let failure = &attempt["failures"][0];
        cx.expect(text(&failure["difference"]))
            .to(all((contain("-    ready: 1"), contain("+    ready: 0"))))?;
        let file = |part: &str| find(attempt, folder.path(), part);
        cx.expect(file("events.txt")?).to(all((
            contain("Warning"),
            contain("ProviderFailed"),
            contain(CAUSE),
        )))?;
        cx.expect(file("operator.log")?).to(all((contain("it is tried again"), contain(CAUSE))))?;
        // The first one said so and was killed before there was anything to be refused.
        cx.expect(file("operator.previous.log")?)
            .to(all((contain("the operator runs"), not(contain(CAUSE)))))?;
        // YAML has quotes of its own around the API server's.
        let in_yaml = CAUSE.replace('"', "\\\"");
        cx.expect(file("machines.fleet")?).to(all((contain("reason: ProviderFailed"), contain(&in_yaml))))?;
        let told: Vec<_> = attempt["timeline"].as_array().into_iter().flatten().collect();
        let lines = told.iter().filter(|moment| moment["kind"] == "log").map(|moment| text(&moment["text"]));
        cx.expect(lines.collect::<Vec<_>>().join("\n")).to(contain(CAUSE))
    });
}

/// Runs it as a process of its own, on the same cluster, and gives its exit status.
async fn run_the_failing_spec(cluster: &str, report: &Path) -> SpecResult<Option<i32>> {
    let mut command = Command::new(std::env::current_exe()?);
    command.env(DELIBERATELY, "yes").env("SEATRIAL_TIER", "kind").env("SEATRIAL_KIND_CLUSTER", cluster);
    command.env("SEATRIAL_REPORT", report).env_remove("SEATRIAL_LABELS");
    let ended = tokio::task::spawn_blocking(move || command.output()).await??;
    Ok(ended.status.code())
}

fn contain(part: &str) -> impl Matcher<String> + use<> {
    let sought = part.to_owned();
    satisfy(&format!("contain {part:?}"), move |text: &String| text.contains(&sought))
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// The content of the artefact whose path contains `part`.
fn find(attempt: &Value, folder: &Path, part: &str) -> SpecResult<String> {
    let artefacts = attempt["artefacts"].as_array().cloned().unwrap_or_default();
    let paths: Vec<String> = artefacts.iter().map(|artefact| text(&artefact["path"])).collect();
    let path = paths.iter().find(|path| path.contains(part));
    let path = path.ok_or_else(|| Failure::new(format!("no artefact has {part} in its name: {paths:?}")))?;
    Ok(std::fs::read_to_string(folder.join(path))?)
}
