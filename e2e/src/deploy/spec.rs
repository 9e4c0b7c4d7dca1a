//! What a spec can do to have something deployed, in its own namespace.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use serde_json::Value;

use crate::deploy::{apply, logs, rollout};
use crate::expect::Subject;
use crate::failure::SpecResult;
use crate::spec::{Cx, Task};

/// What followed containers have said so far.
#[derive(Clone)]
pub struct FollowedLogs {
    lines: Rc<RefCell<Vec<String>>>,
    task: Task,
}

/// Deploying.
impl Cx {
    /// Applies objects of any kind server-side, in their order, definitions included. An object that belongs into a
    /// namespace and names none goes into the spec's.
    pub async fn apply_all(&self, objects: &[Value]) -> SpecResult {
        apply::apply(&self.client, &self.namespace, objects).await
    }

    /// Waits until a Deployment of the spec's namespace runs what its spec says; scaled to zero, until its last Pod is
    /// gone. Fails at once, with the reason, where waiting is of no use: an image that cannot be pulled, a container that
    /// ends again and again.
    pub async fn rolled_out(&self, deployment: &str, within: Duration) -> SpecResult {
        rollout::rolled_out(&self.client, &self.namespace, deployment, within).await
    }

    /// Follows what the containers of the selected Pods of the spec's namespace say, until the spec's end.
    pub fn follow_logs(&self, selector: &str) -> FollowedLogs {
        let pods = Subject {
            label: format!("logs of {selector}"),
            api: Api::<Pod>::namespaced(self.client.clone(), &self.namespace),
            labels: Some(selector.to_owned()),
            fields: None,
            value: |_| None,
            snapshot: |_| None,
        };
        let lines = Rc::new(RefCell::new(Vec::new()));
        let kept = Rc::clone(&lines);
        let task = self.spawn("logs", async move {
            logs::follow(pods, |line| kept.borrow_mut().push(format!("{}: {}", line.source, line.text)))
                .await;
            Ok(())
        });
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
