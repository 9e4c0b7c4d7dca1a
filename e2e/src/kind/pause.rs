//! Pausing and resuming of nodes, with retries while Docker cannot freeze a container.
//!
//! Docker freezes a container's control group. On a busy machine the kernel may not stop all processes in the time
//! that the container runtime gives it; Docker then answers with status 500 and words such as `OCI runtime pause
//! failed: unable to freeze`. The same request succeeds a moment later.

use std::time::Duration;

use bollard::errors::Error;
use tokio::time::{Instant, sleep};

use super::error::{KindError, status};
use super::node::{ContainerState, Node};
use crate::display::seconds;
use crate::docker::reason;

/// Time for retries of a pause. The last attempt may end later.
const WITHIN: Duration = Duration::from_secs(60);

/// Delays between attempts begin here, double, and end there.
const DELAY: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(5));

impl Node {
    /// Freezes every process of the node. While Docker cannot freeze it, this is tried again for up to a minute. A
    /// node that cannot be paused is left running.
    pub async fn pause(&self) -> Result<(), KindError> {
        let started = Instant::now();
        let (mut delay, mut attempts) = (DELAY.0, 0_u32);
        loop {
            attempts += 1;
            let error = match self.docker.pause_container(&self.name).await {
                Ok(()) => return Ok(()),
                Err(error) => error,
            };
            if !is_freeze_failure(&error) {
                return Err(KindError::docker(format!("pausing {}", self.name))(error));
            }
            self.thaw().await?;
            let elapsed = started.elapsed();
            if elapsed + delay > WITHIN {
                return Err(self.timed_out(attempts, elapsed, &error));
            }
            sleep(delay).await;
            delay = (delay * 2).min(DELAY.1);
        }
    }

    /// Lets the processes of a paused node run again.
    pub async fn unpause(&self) -> Result<(), KindError> {
        self.docker.unpause_container(&self.name).await.map_err(self.doing("resuming"))
    }

    /// Resumes a container that Docker calls paused although its pause failed.
    async fn thaw(&self) -> Result<(), KindError> {
        match self.condition().await? {
            ContainerState::Paused => self.unpause().await,
            ContainerState::Running | ContainerState::Stopped => Ok(()),
        }
    }

    fn timed_out(&self, attempts: u32, elapsed: Duration, last: &Error) -> KindError {
        KindError::Fault {
            fault: "a pause",
            node: self.name.clone(),
            reason: format!(
                "Docker could not freeze it in {attempts} attempts within {}; the last answer: {}",
                seconds(elapsed),
                reason(last)
            ),
            next: "run fewer specs at once (`--test-threads=1`) or on a machine that is less busy; `docker restart NODE` \
                   helps if the node no longer answers",
        }
    }
}

/// True if the container runtime gave up freezing: `unable to freeze`, `timeout … waiting for the cgroup to freeze`.
fn is_freeze_failure(error: &Error) -> bool {
    status(error) == Some(500) && reason(error).to_ascii_lowercase().contains("freez")
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::docker::scripted::{InMemory, error, in_memory};

    const NODE: &str = "seatrial-busy-worker";

    const REFUSED: &str = "Cannot pause container 5f1: OCI runtime pause failed: unable to freeze: unknown";

    /// A daemon that cannot freeze its container for the first `refusals` times.
    struct Daemon {
        refusals: u32,
        /// True if a failed freeze leaves the container paused.
        leaves_paused: bool,
        paused: bool,
    }

    impl Daemon {
        fn answer(&mut self, request: &str) -> (u16, Value) {
            match request.rsplit('/').next().unwrap_or_default() {
                "pause" if self.refusals > 0 => {
                    self.refusals -= 1;
                    self.paused = self.leaves_paused;
                    error(500, REFUSED)
                }
                "pause" => {
                    self.paused = true;
                    (204, Value::Null)
                }
                "unpause" => {
                    self.paused = false;
                    (204, Value::Null)
                }
                state if state.starts_with("json") => {
                    (200, json!({"Id": "5f1", "State": {"Running": true, "Paused": self.paused}}))
                }
                other => panic!("no answer is scripted for {other:?}"),
            }
        }

        fn start(mut self) -> (Node, InMemory) {
            let memory = in_memory(move |request| self.answer(request));
            (node(&memory), memory)
        }
    }

    fn node(memory: &InMemory) -> Node {
        let docker = memory.docker.clone();
        Node { docker, cluster: "seatrial-busy".into(), name: NODE.into(), address: None }
    }

    fn count(memory: &InMemory, verb: &str) -> usize {
        memory.asked().iter().filter(|request| request.ends_with(&format!("/{verb}"))).count()
    }

    #[tokio::test(start_paused = true)]
    async fn a_pause_is_retried_until_docker_can_freeze_the_node() {
        let (node, memory) = Daemon { refusals: 2, leaves_paused: false, paused: false }.start();
        let started = Instant::now();
        node.pause().await.unwrap();
        assert_eq!((count(&memory, "pause"), count(&memory, "unpause")), (3, 0), "{:?}", memory.asked());
        assert_eq!(started.elapsed().as_millis(), 750);
        assert_eq!(node.condition().await.unwrap(), ContainerState::Paused);
    }

    #[tokio::test(start_paused = true)]
    async fn pause_gives_up_with_the_daemon_s_last_error() {
        let (node, memory) = Daemon { refusals: u32::MAX, leaves_paused: false, paused: false }.start();
        let started = Instant::now();
        let error = node.pause().await.unwrap_err().to_string();
        let elapsed = started.elapsed();
        assert!(elapsed <= WITHIN && elapsed + DELAY.1 > WITHIN, "{elapsed:?}");
        let attempts = count(&memory, "pause");
        let begin = format!(
            "a pause is not possible on {NODE}: Docker could not freeze it in {attempts} attempts within {}; \
             the last answer: {REFUSED} (500)\n  next: run fewer specs at once",
            seconds(elapsed)
        );
        assert!(attempts > 10 && error.starts_with(&begin), "{error}");
    }

    #[tokio::test(start_paused = true)]
    async fn another_error_than_a_failed_freeze_is_not_retried() {
        for (status, words) in [(409, "container 5f1 is already paused"), (500, "the disk is on fire")] {
            let memory = in_memory(move |_| error(status, words));
            let started = Instant::now();
            let told = node(&memory).pause().await.unwrap_err().to_string();
            assert!(told.starts_with(&format!("pausing {NODE} failed: {words} ({status})")), "{told}");
            assert_eq!(
                (memory.asked().len(), started.elapsed()),
                (1, Duration::ZERO),
                "{:?}",
                memory.asked()
            );
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_node_that_a_failed_freeze_left_paused_is_resumed() {
        let (node, memory) = Daemon { refusals: u32::MAX, leaves_paused: true, paused: false }.start();
        node.pause().await.unwrap_err();
        assert_eq!(count(&memory, "unpause"), count(&memory, "pause"));
        assert_eq!(node.condition().await.unwrap(), ContainerState::Running);
    }

    #[test]
    fn failed_freeze_is_recognised_for_both_cgroup_versions() {
        let says = |status_code, message: &str| {
            is_freeze_failure(&Error::DockerResponseServerError { status_code, message: message.into() })
        };
        assert!(says(500, REFUSED));
        assert!(says(
            500,
            "OCI runtime pause failed: timeout of 10s reached waiting for the cgroup to freeze"
        ));
        assert!(!says(404, "No such container: freezer"));
        assert!(!says(500, "OCI runtime pause failed: container not running"));
    }
}
