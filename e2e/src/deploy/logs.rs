//! Following of container logs, line by line, from a container's start to its end.
//!
//! A Pod that is gone has no logs any more, so they are read while it is there; each container is followed once for
//! each time that it was started. What becomes of a line is up to who asked.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use futures::channel::mpsc::{UnboundedReceiver, unbounded};
use futures::stream::FuturesUnordered;
use futures::{AsyncBufReadExt as _, FutureExt as _, StreamExt as _, TryStreamExt as _};
use k8s_openapi::api::core::v1::{ContainerStatus, Pod};
use kube::api::LogParams;
use kube::{Api, ResourceExt as _};

use crate::failure::sentence;
use crate::watch::{Selection, WatchUpdate};

/// Receiver of containers' log lines.
pub(crate) trait LogSink {
    /// Told once, before the first line of a container: `POD/CONTAINER`.
    fn source_started(&self, source: &str);

    /// A line that a container wrote, or what kept it from being read.
    fn line(&self, source: &str, line: &str);
}

/// One run of one container.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Run {
    uid: String,
    pod: String,
    container: String,
    /// Number of earlier starts.
    number: i32,
    /// True if it has ended and another one has begun, or will.
    previous: bool,
}

/// Follows all Pods that `pods` selects, and passes each line to `listener`. Ends only when it is dropped.
pub(crate) async fn follow(pods: Selection<Pod, ()>, listener: impl LogSink) {
    let (send, runs) = unbounded();
    let mut known = BTreeSet::new();
    let watch = pods.follow(|update| {
        if let WatchUpdate::Current(pods) = update {
            for run in pods.values().flat_map(runs_of) {
                // The same run is seen as the present one and later as the previous one.
                if known.insert((run.uid.clone(), run.container.clone(), run.number)) {
                    drop(send.unbounded_send(run));
                }
            }
        }
        ControlFlow::Continue(())
    });
    futures::select! {
        () = watch.fuse() => (),
        () = read_all(&pods.api, runs, &listener).fuse() => (),
    }
}

async fn read_all(api: &Api<Pod>, runs: UnboundedReceiver<Run>, listener: &impl LogSink) {
    let mut runs = runs.fuse();
    let mut reading = FuturesUnordered::new();
    loop {
        futures::select! {
            run = runs.next() => match run {
                Some(run) => reading.push(read(api, run, listener)),
                None => return,
            },
            () = reading.select_next_some() => (),
        }
    }
}

/// Reads one run of a container to its end.
async fn read(api: &Api<Pod>, run: Run, listener: &impl LogSink) {
    let source = format!("{}/{}", run.pod, run.container);
    listener.source_started(&source);
    let parameters = LogParams {
        container: Some(run.container),
        follow: !run.previous,
        previous: run.previous,
        ..LogParams::default()
    };
    let told = |text: &str| listener.line(&source, text);
    match api.log_stream(&run.pod, &parameters).await {
        Ok(stream) => {
            let mut lines = stream.lines();
            loop {
                match lines.try_next().await {
                    Ok(Some(text)) => told(&text),
                    Ok(None) => return,
                    Err(error) => return told(&format!("(its log broke off: {error})")),
                }
            }
        }
        // Gone before it could be read: nothing is wrong with who is followed.
        Err(kube::Error::Api(status)) if status.code == 404 => {}
        Err(error) => told(&format!("(its log cannot be read: {})", sentence(&error))),
    }
}

fn runs_of(pod: &Pod) -> Vec<Run> {
    let (uid, name) = (pod.uid().unwrap_or_default(), pod.name_any());
    let status = pod.status.as_ref();
    let first = status.and_then(|status| status.init_container_statuses.as_ref());
    let then = status.and_then(|status| status.container_statuses.as_ref());
    let statuses = first.into_iter().flatten().chain(then.into_iter().flatten());
    let run = |status: &ContainerStatus, number, previous| Run {
        uid: uid.clone(),
        pod: name.clone(),
        container: status.name.clone(),
        number,
        previous,
    };
    statuses
        .flat_map(|status| {
            let state = status.state.as_ref();
            let now = state.is_some_and(|state| state.running.is_some() || state.terminated.is_some());
            let ended = status.last_state.as_ref().is_some_and(|last| last.terminated.is_some());
            let before = if now { status.restart_count - 1 } else { status.restart_count };
            let previous = ended.then(|| run(status, before.max(0), true));
            let present = now.then(|| run(status, status.restart_count, false));
            previous.into_iter().chain(present)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[track_caller]
    fn check(state: &Value, restarts: i32, expected: &[(i32, bool)]) {
        let mut status =
            json!({"name": "operator", "image": "", "imageID": "", "ready": true, "restartCount": restarts});
        status.as_object_mut().unwrap().extend(state.as_object().unwrap().clone());
        let pod = json!({"metadata": {"name": "a", "uid": "u"}, "status": {"containerStatuses": [status]}});
        let runs = runs_of(&serde_json::from_value(pod).unwrap());
        let found: Vec<_> = runs.iter().map(|run| (run.number, run.previous)).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn a_container_that_was_never_started_says_nothing() {
        check(&json!({"state": {"waiting": {"reason": "ImagePullBackOff"}}}), 0, &[]);
    }

    #[test]
    fn a_container_is_followed_from_its_start_on() {
        check(&json!({"state": {"running": {}}}), 0, &[(0, false)]);
        check(&json!({"state": {"terminated": {"exitCode": 0}}}), 0, &[(0, false)]);
    }

    #[test]
    fn logs_of_a_restarted_container_belong_to_its_earlier_run() {
        let last = json!({"terminated": {"exitCode": 1}});
        // The numbers are those under which the runs were followed while they lasted: nothing is read twice.
        check(&json!({"state": {"running": {}}, "lastState": last}), 3, &[(2, true), (3, false)]);
        check(
            &json!({"state": {"waiting": {"reason": "CrashLoopBackOff"}}, "lastState": last}),
            3,
            &[(3, true)],
        );
    }
}
