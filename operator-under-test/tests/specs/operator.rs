//! How a spec starts the operator, kills it and stops it: the same library that the binary runs.

use std::{sync::Arc, time::Duration};

use futures::channel::oneshot;
use k8s_openapi::jiff::{SignedDuration, Timestamp};
use seatrial_e2e::{Cx, SpecResult, Task};
use seatrial_operator::{Clock, Health, Options, Simulated, run};
use tokio::time::Instant;

/// How long a machine takes to come up in these specs, in the cluster's time.
pub(crate) const BOOT: Duration = Duration::from_secs(3);

/// What the operator's specs add to a spec's context.
pub(crate) trait StartOperator {
    /// Starts the operator for the spec's namespace. It runs until the spec's end, or until it is ended.
    fn start_operator(&self) -> RunningOperator;

    /// Starts the operator and ends it after so much time, wherever it stands then.
    async fn let_operator_live(&self, life: Duration) -> SpecResult;
}

/// An operator that a spec has started.
pub(crate) struct RunningOperator {
    task: Task,
    shutdown: oneshot::Sender<()>,
}

impl StartOperator for Cx {
    fn start_operator(&self) -> RunningOperator {
        let (shutdown, asked) = oneshot::channel::<()>();
        let asked_to_stop = async {
            // A sender that was dropped unused asks for nothing: the operator then runs to the spec's end.
            if asked.await.is_err() {
                std::future::pending::<()>().await;
            }
        };
        let (client, options) = (self.client(), options(self, asked_to_stop));
        let task = self.spawn("operator", async { Ok(run(client, options).await?) });
        RunningOperator { task, shutdown }
    }

    async fn let_operator_live(&self, life: Duration) -> SpecResult {
        let operator = run(self.client(), options(self, std::future::pending()));
        match tokio::time::timeout(life, operator).await {
            Ok(ended) => Ok(ended?),
            Err(_over) => Ok(()),
        }
    }
}

fn options(cx: &Cx, shutdown: impl Future<Output = ()> + Send + 'static) -> Options {
    let clock: Arc<dyn Clock> = Arc::new(clock(cx.now()));
    let provider = Arc::new(Simulated::new(cx.client(), Arc::clone(&clock), BOOT));
    let namespace = Some(cx.namespace().to_owned());
    Options { namespace, provider, clock, health: Health::default(), shutdown: Box::pin(shutdown) }
}

impl RunningOperator {
    /// Ends it between any two of its steps, as `kill -9` does.
    pub(crate) async fn kill(self) -> SpecResult {
        self.task.stop().await
    }

    /// Asks it to stop, as SIGTERM does, and waits until it has.
    pub(crate) async fn stop(self) -> SpecResult {
        // An error says that it has ended already; why, says the join.
        let _ended_already = self.shutdown.send(());
        self.task.join().await
    }
}

/// A clock that shows `now` now and goes on as tokio's does, be that in real time or in virtual time.
fn clock(now: Timestamp) -> impl Clock {
    let since = Instant::now();
    move || {
        let passed = SignedDuration::try_from(since.elapsed()).unwrap_or(SignedDuration::MAX);
        now.saturating_add(passed).unwrap_or(Timestamp::MAX)
    }
}
