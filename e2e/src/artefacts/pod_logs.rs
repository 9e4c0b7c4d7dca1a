//! Collector of Pod logs since the spec's start, and of the logs of restarted containers.

use futures::FutureExt as _;
use futures::future::LocalBoxFuture;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::{ContainerStatus, Pod};
use kube::api::{ListParams, LogParams};
use kube::{Api, ResourceExt as _};

use crate::artefacts::{ArtefactWriter, Collector, FailureScene};
use crate::failure::sentence;
use crate::report::{Moment, MomentKind};

/// Most lines of a container on the timeline; the file has all of them.
const ON_THE_TIMELINE: usize = 200;

/// A container that logs without end must not fill the disk.
const MOST_LINES: i64 = 100_000;

/// Writes `pods/NAMESPACE/POD/CONTAINER.log` and `….previous.log`.
pub(crate) struct PodLogs;

impl Collector for PodLogs {
    fn name(&self) -> &'static str {
        "Pod logs"
    }

    fn collect<'a>(
        &'a self,
        scene: &'a FailureScene,
        writer: &'a ArtefactWriter,
    ) -> LocalBoxFuture<'a, Result<(), String>> {
        collect(scene, writer).boxed_local()
    }
}

async fn collect(scene: &FailureScene, writer: &ArtefactWriter) -> Result<(), String> {
    let Some(client) = &scene.client else { return Ok(()) };
    for namespace in &scene.namespaces {
        let api: Api<Pod> = Api::namespaced(client.clone(), namespace);
        let pods = match api.list(&ListParams::default()).await {
            Ok(pods) => pods,
            Err(error) => {
                writer.note_missing(&format!("Pods of namespace {namespace}"), &sentence(&error));
                continue;
            }
        };
        for pod in &pods {
            for container in containers(pod) {
                container_log(&api, pod, container, scene, writer).await?;
            }
        }
    }
    Ok(())
}

/// The Pod's containers of all sorts, as far as a kubelet has said anything about them.
fn containers(pod: &Pod) -> impl Iterator<Item = &ContainerStatus> {
    let status = pod.status.as_ref();
    let init = status.and_then(|status| status.init_container_statuses.as_ref());
    let main = status.and_then(|status| status.container_statuses.as_ref());
    let ephemeral = status.and_then(|status| status.ephemeral_container_statuses.as_ref());
    init.into_iter().chain(main).chain(ephemeral).flatten()
}

async fn container_log(
    api: &Api<Pod>,
    pod: &Pod,
    container: &ContainerStatus,
    scene: &FailureScene,
    writer: &ArtefactWriter,
) -> Result<(), String> {
    let (name, place) =
        (pod.name_any(), format!("{}/{}", pod.namespace().unwrap_or_default(), pod.name_any()));
    let what = format!("logs of {place}, container {}", container.name);
    let state = container.state.as_ref();
    if state.is_some_and(|state| state.running.is_some() || state.terminated.is_some()) {
        let params = LogParams { since_time: Some(scene.since), ..params(&container.name) };
        match api.logs(&name, &params).await {
            Ok(text) => {
                record(scene, &format!("{name}/{}", container.name), &text);
                writer.write("Pod logs", &format!("pods/{place}/{}.log", container.name), text)?;
            }
            Err(error) => writer.note_missing(&what, &sentence(&error)),
        }
    } else {
        let waiting = state.and_then(|state| state.waiting.as_ref());
        let reason = waiting.and_then(|waiting| waiting.reason.as_deref()).unwrap_or("no reason is given");
        writer.note_missing(&what, &format!("it has not started: {reason}"));
    }
    if container.restart_count > 0 {
        // Not only since the spec's start: what it said when it died is what is looked for.
        match api.logs(&name, &LogParams { previous: true, ..params(&container.name) }).await {
            Ok(text) => {
                writer.write(
                    "previous Pod logs",
                    &format!("pods/{place}/{}.previous.log", container.name),
                    text,
                )?;
            }
            Err(error) => writer.note_missing(&format!("previous {what}"), &sentence(&error)),
        }
    }
    Ok(())
}

fn params(container: &str) -> LogParams {
    LogParams {
        container: Some(container.to_owned()),
        timestamps: true,
        tail_lines: Some(MOST_LINES),
        ..LogParams::default()
    }
}

/// Puts the last lines on the timeline, each at its own time, unless they are there already.
fn record(scene: &FailureScene, who: &str, text: &str) {
    if scene.timeline.has_followed(who) {
        return;
    }
    let lines: Vec<_> = text.lines().filter_map(timed).collect();
    for (at, line) in &lines[lines.len().saturating_sub(ON_THE_TIMELINE)..] {
        let text = format!("{who}: {line}");
        let after = at.duration_since(scene.since).unsigned_abs();
        scene.timeline.push(Moment { kind: MomentKind::Log, text, ..Moment::default() }, after);
    }
}

/// A line that begins with its time, since the server was asked for that.
fn timed(line: &str) -> Option<(Timestamp, &str)> {
    let (time, text) = line.split_once(' ')?;
    Some((time.parse().ok()?, text))
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::sync::{Arc, Mutex};

    use bytes::Bytes;
    use http_body_util::Full;
    use kube::Client;
    use serde_json::json;

    use super::*;
    use crate::redaction::Redactor;
    use crate::report::Timeline;

    /// A Pod of two containers, one of which was started again; the other one has not started yet.
    fn answer(request: &http::Request<kube::client::Body>) -> String {
        let (path, query) = (request.uri().path(), request.uri().query().unwrap_or_default());
        match path {
            "/api/v1/namespaces/demo/pods" => {
                let running = json!({"running": {}});
                let container = |name: &str, restarts: u32, state: &serde_json::Value| {
                    json!({"name": name, "restartCount": restarts, "state": state, "ready": false,
                        "image": "", "imageID": ""})
                };
                let waiting = json!({"waiting": {"reason": "ContainerCreating"}});
                let statuses = [container("main", 1, &running), container("slow", 0, &waiting)];
                let pod = json!({"metadata": {"name": "web", "namespace": "demo"},
                    "status": {"containerStatuses": statuses}});
                json!({"apiVersion": "v1", "kind": "PodList", "metadata": {}, "items": [pod]}).to_string()
            }
            "/api/v1/namespaces/demo/pods/web/log" if query.contains("previous=true") => {
                "2026-01-01T00:00:01Z out of memory\n".to_owned()
            }
            "/api/v1/namespaces/demo/pods/web/log" => "2026-01-01T00:00:03Z hello again\n".to_owned(),
            other => panic!("nobody has a script for {other}"),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_container_that_was_started_again_leaves_also_what_it_said_before() {
        let asked = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&asked);
        let service = tower::service_fn(move |request: http::Request<kube::client::Body>| {
            seen.lock().unwrap().push(request.uri().to_string());
            let body = Full::new(Bytes::from(answer(&request)));
            std::future::ready(Ok::<_, Infallible>(http::Response::new(body)))
        });
        let (folder, timeline) = (tempfile::tempdir().unwrap(), Timeline::begin());
        let scene = FailureScene {
            client: Some(Client::new(service, "demo")),
            namespaces: vec!["demo".into()],
            since: "2026-01-01T00:00:02Z".parse().unwrap(),
            timeline: Arc::clone(&timeline),
            redactor: Redactor::new(),
        };
        let writer = ArtefactWriter::new(folder.path(), "evidence", Redactor::new());
        PodLogs.collect(&scene, &writer).await.unwrap();
        let read =
            |file: &str| std::fs::read_to_string(folder.path().join("evidence/pods/demo/web").join(file));
        assert!(read("main.previous.log").unwrap().ends_with("out of memory\n"));
        assert!(read("main.log").unwrap().ends_with("hello again\n"));
        let (artefacts, uncollected) = writer.finish();
        assert_eq!(artefacts.len(), 2);
        assert_eq!(uncollected, ["logs of demo/web, container slow: it has not started: ContainerCreating"]);
        // What a container said when it died may be older than the spec.
        let logs: Vec<_> =
            asked.lock().unwrap().iter().filter(|path| path.contains("/log?")).cloned().collect();
        assert!(logs[0].contains("sinceTime=") && !logs[1].contains("sinceTime="), "{logs:?}");
        assert_eq!(timeline.moments()[0].text, "web/main: hello again");
    }

    #[test]
    fn a_log_line_s_time_is_reported_from_its_text() {
        let (at, text) = timed("2026-01-01T00:00:02.5Z level=info reconciled").unwrap();
        assert_eq!((at.to_string().as_str(), text), ("2026-01-01T00:00:02.5Z", "level=info reconciled"));
        assert_eq!(timed("level=info reconciled"), None);
    }
}
