//! Methods of a spec's context for deployments in its namespace.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use serde_json::Value;

use crate::attempt_log::AttemptLog;
use crate::context::{Cx, Task};
use crate::deploy::logs::LogSink;
use crate::deploy::{apply, logs, rollout};
use crate::failure::SpecResult;
use crate::report::MomentKind;
use crate::watch::Selection;

/// Most lines of followed containers on a spec's timeline.
const MOST_LINES: usize = 2000;

/// Log lines of followed containers so far.
#[derive(Clone)]
pub struct FollowedLogs {
    lines: Rc<RefCell<Vec<String>>>,
    task: Task,
}

/// Puts lines on the spec's timeline when they are written: a Pod that is gone has none any more.
struct TimelineSink {
    lines: Rc<RefCell<Vec<String>>>,
    attempt_log: Arc<AttemptLog>,
}

impl LogSink for TimelineSink {
    fn source_started(&self, source: &str) {
        self.attempt_log.timeline().add_followed(source);
    }

    fn line(&self, source: &str, line: &str) {
        let line = format!("{source}: {line}");
        let mut lines = self.lines.borrow_mut();
        // The report must stay readable, whatever an operator logs.
        match lines.len() {
            ..MOST_LINES => self.attempt_log.record(MomentKind::Log, &line),
            MOST_LINES => {
                self.attempt_log.record(MomentKind::Log, "what was logged after this is not shown here");
            }
            _ => {}
        }
        lines.push(line);
    }
}

/// Deploying.
impl Cx {
    /// Applies objects of any kind server-side, in their order, definitions included. An object that belongs into a
    /// namespace and names none goes into the spec's.
    pub async fn apply_all(&self, objects: &[Value]) -> SpecResult {
        Box::pin(apply::apply(&self.client, &self.namespace, objects)).await
    }

    /// Waits until a Deployment of the spec's namespace runs what its spec says; scaled to zero, until its last Pod is
    /// gone. Fails at once, with the reason, where waiting is of no use: an image that cannot be pulled, a container
    /// that ends again and again.
    pub async fn rolled_out(&self, deployment: &str, within: Duration) -> SpecResult {
        Box::pin(rollout::rolled_out(&self.client, &self.namespace, deployment, within)).await
    }

    /// Follows what the containers of the selected Pods of the spec's namespace say, until the spec's end.
    pub fn follow_logs(&self, selector: &str) -> FollowedLogs {
        let pods = Selection {
            label: format!("logs of {selector}"),
            api: Api::<Pod>::namespaced(self.client.clone(), &self.namespace),
            labels: Some(selector.to_owned()),
            fields: None,
            value: |_| None,
            snapshot: |_| None,
        };
        let lines = Rc::new(RefCell::new(Vec::new()));
        let record = TimelineSink { lines: Rc::clone(&lines), attempt_log: Arc::clone(&self.attempt_log) };
        let task = self.spawn("logs", async move { logs::follow(pods, record).await });
        FollowedLogs { lines, task }
    }
}

impl FollowedLogs {
    /// The lines, each after its Pod and container.
    pub fn lines(&self) -> Vec<String> {
        self.lines.borrow().clone()
    }

    /// Stops following.
    pub async fn stop(&self) -> SpecResult {
        self.task.stop().await
    }
}
