//! The operator beside the spec: the same library that the binary runs, on the spec's own thread.

use std::{rc::Rc, sync::Arc, time::Duration};

use futures::channel::oneshot;
use k8s_openapi::jiff::{SignedDuration, Timestamp};
use kube::Client;
use seatrial_e2e::{Cx, SpecResult, Task};
use seatrial_operator::{Clock, Health, Options, Simulated, bundle, run};
use tokio::time::Instant;

use crate::operator::{BOOT, bundle_for};

/// An operator that runs beside the spec.
pub(crate) struct Operator {
    task: Task,
    shutdown: oneshot::Sender<()>,
}

/// The client of the bundle's account, made once for each spec.
struct Account(Client);

/// Starts the operator with this client.
pub(crate) fn start(cx: &Cx, client: Client) -> Operator {
    let (shutdown, asked) = oneshot::channel::<()>();
    let asked_to_stop = async {
        // A sender that was dropped unused asks for nothing: the operator then runs to the spec's end.
        if asked.await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    let options = options(cx, client.clone(), asked_to_stop);
    let task = cx.spawn("operator", run(client, options));
    Operator { task, shutdown }
}

/// Runs the operator for so much time.
pub(crate) async fn live(cx: &Cx, client: Client, life: Duration) -> SpecResult {
    let operator = run(client.clone(), options(cx, client, std::future::pending()));
    match tokio::time::timeout(life, operator).await {
        Ok(ended) => Ok(ended?),
        Err(_over) => Ok(()),
    }
}

/// A client with the rights that the bundle gives, which are granted first.
pub(crate) async fn client_with_rights(cx: &Cx) -> SpecResult<Client> {
    if let Ok(account) = cx.kept::<Account>() {
        return Ok(account.0.clone());
    }
    let rights = ["ServiceAccount", "Role", "RoleBinding"];
    let mut objects = bundle_for(cx, "none: it runs beside the spec").objects();
    objects.retain(|object| rights.iter().any(|kind| object["kind"] == *kind));
    cx.apply_all(&objects).await?;
    let account: Rc<Account> = cx.keep(Account(cx.client_as(bundle::NAME).await?));
    Ok(account.0.clone())
}

fn options(cx: &Cx, client: Client, shutdown: impl Future<Output = ()> + Send + 'static) -> Options {
    let clock: Arc<dyn Clock> = Arc::new(clock(cx.now()));
    let provider = Arc::new(Simulated::new(client, Arc::clone(&clock), BOOT));
    let namespace = Some(cx.namespace().to_owned());
    Options { namespace, provider, clock, health: Health::default(), shutdown: Box::pin(shutdown) }
}

impl Operator {
    pub(crate) async fn kill(self) -> SpecResult {
        self.task.stop().await
    }

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
