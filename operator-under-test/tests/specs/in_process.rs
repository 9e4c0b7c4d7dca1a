//! The operator in process: the library, on the spec's own thread.

use std::{rc::Rc, sync::Arc, time::Duration};

use futures::channel::oneshot;
use k8s_openapi::jiff::{SignedDuration, Timestamp};
use kube::Client;
use seatrial_e2e::{Cx, SpecResult, Task};
use seatrial_operator::{Clock, Health, Options, SimulatedProvider, bundle, run};
use tokio::time::Instant;

use crate::start_operator::{BOOT_DURATION, bundle_for};

/// An operator that runs in process.
pub(crate) struct Operator {
    task: Task,
    shutdown: oneshot::Sender<()>,
}

/// The client of the bundle's service account, created once for each spec.
struct ServiceAccountClient(Client);

/// Starts the operator with this client.
pub(crate) fn start(cx: &Cx, client: Client) -> Operator {
    let (shutdown, signal) = oneshot::channel::<()>();
    let shutdown_signal = async {
        // After a drop of the sender, the operator runs to the end of the spec.
        if signal.await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    let options = options(cx, client.clone(), shutdown_signal);
    let task = cx.spawn("operator", run(client, options));
    Operator { task, shutdown }
}

/// Runs the operator for `duration`, then drops it.
pub(crate) async fn run_for(cx: &Cx, client: Client, duration: Duration) -> SpecResult {
    let operator = run(client.clone(), options(cx, client, std::future::pending()));
    match tokio::time::timeout(duration, operator).await {
        Ok(result) => Ok(result?),
        Err(_elapsed) => Ok(()),
    }
}

/// A client with the service account and the RBAC rules of the bundle, which are applied first.
pub(crate) async fn service_account_client(cx: &Cx) -> SpecResult<Client> {
    if let Ok(account) = cx.kept::<ServiceAccountClient>() {
        return Ok(account.0.clone());
    }
    let kinds = ["ServiceAccount", "Role", "RoleBinding"];
    let mut objects = bundle_for(cx, "none: it runs in process").objects();
    objects.retain(|object| kinds.iter().any(|kind| object["kind"] == *kind));
    cx.apply_all(&objects).await?;
    let account: Rc<ServiceAccountClient> = cx.keep(ServiceAccountClient(cx.client_as(bundle::NAME).await?));
    Ok(account.0.clone())
}

fn options(cx: &Cx, client: Client, shutdown: impl Future<Output = ()> + Send + 'static) -> Options {
    let clock: Arc<dyn Clock> = Arc::new(clock(cx.now()));
    let provider = Arc::new(SimulatedProvider::new(client, Arc::clone(&clock), BOOT_DURATION));
    let namespace = Some(cx.namespace().to_owned());
    Options { namespace, provider, clock, health: Health::default(), shutdown: Box::pin(shutdown) }
}

impl Operator {
    pub(crate) async fn kill(self) -> SpecResult {
        self.task.stop().await
    }

    pub(crate) async fn stop(self) -> SpecResult {
        // An error means that the operator has ended already; `join` returns its result.
        let _already_ended = self.shutdown.send(());
        self.task.join().await
    }
}

/// A clock that starts at `now` and advances with tokio's, paused or not.
fn clock(now: Timestamp) -> impl Clock {
    let since = Instant::now();
    move || {
        let elapsed = SignedDuration::try_from(since.elapsed()).unwrap_or(SignedDuration::MAX);
        now.saturating_add(elapsed).unwrap_or(Timestamp::MAX)
    }
}
