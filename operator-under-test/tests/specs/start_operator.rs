//! Start, stop and kill of the operator in a spec, on each tier.
//!
//! On tiers with a kubelet it is deployed from its bundle (`deployed`); on others the library runs in process
//! (`in_process`). Where the API server enforces RBAC, it has the service account of its bundle.

use std::time::Duration;

use seatrial_e2e::{Cx, SpecResult, audit::deny_nothing, matchers::have_len, mins};
use seatrial_operator::{Bundle, Cluster, Machine, SimulatedInstance, bundle};

use crate::{deployed, in_process};

/// The time that a machine takes to boot in these specs, on the cluster's clock.
pub(crate) const BOOT_DURATION: Duration = Duration::from_secs(3);

/// Methods for the operator on a spec's context.
pub(crate) trait StartOperator {
    /// Starts the operator for the spec's namespace. It runs until the end of the spec unless it is stopped or killed.
    async fn start_operator(&self) -> SpecResult<RunningOperator>;

    /// Starts the operator and kills it after `duration`.
    async fn run_operator_for(&self, duration: Duration) -> SpecResult;
}

/// An operator that a spec has started.
pub(crate) enum RunningOperator {
    InProcess(in_process::Operator),
    Deployed(deployed::Operator),
}

/// The user name of the operator's service account.
pub(crate) fn operator_user(cx: &Cx) -> String {
    format!("system:serviceaccount:{}:{}", cx.namespace(), bundle::NAME)
}

/// The bundle of an operator that runs in the spec's namespace and watches it alone.
pub(crate) fn bundle_for(cx: &Cx, image: &str) -> Bundle {
    Bundle {
        namespace: cx.namespace().to_owned(),
        include_namespace: false,
        watch_namespace: Some(cx.namespace().to_owned()),
        arguments: vec![
            format!("--machine-boot={}", BOOT_DURATION.as_secs()),
            "--log=info,seatrial_operator=debug".into(),
        ],
        ..Bundle::new(image)
    }
}

/// The way in which the operator runs on a tier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum RunMode {
    /// In process with the spec's own client, which has all permissions.
    InProcess,
    /// In process with the service account of the bundle.
    InProcessWithRbac,
    Pod,
}

fn run_mode(cx: &Cx) -> RunMode {
    match cx.tier() {
        "kind" => RunMode::Pod,
        "envtest" => RunMode::InProcessWithRbac,
        _ => RunMode::InProcess,
    }
}

impl StartOperator for Cx {
    async fn start_operator(&self) -> SpecResult<RunningOperator> {
        check_denials_at_end(self);
        Ok(match run_mode(self) {
            RunMode::InProcess => start_in_process(self, self.client()),
            RunMode::InProcessWithRbac => {
                start_in_process(self, in_process::service_account_client(self).await?)
            }
            RunMode::Pod => RunningOperator::Deployed(deployed::start(self).await?),
        })
    }

    async fn run_operator_for(&self, duration: Duration) -> SpecResult {
        check_denials_at_end(self);
        match run_mode(self) {
            RunMode::InProcess => in_process::run_for(self, self.client(), duration).await,
            RunMode::InProcessWithRbac => {
                in_process::run_for(self, in_process::service_account_client(self).await?, duration).await
            }
            RunMode::Pod => deployed::run_for(self, duration).await,
        }
    }
}

fn start_in_process(cx: &Cx, client: kube::Client) -> RunningOperator {
    cx.keep(RunsInProcess(true));
    RunningOperator::InProcess(in_process::start(cx, client))
}

impl RunningOperator {
    /// Kills the operator at any await point, as SIGKILL does.
    pub(crate) async fn kill(self, cx: &Cx) -> SpecResult {
        cx.keep(RunsInProcess(false));
        match self {
            Self::InProcess(operator) => operator.kill().await,
            Self::Deployed(operator) => operator.kill(cx).await,
        }
    }

    /// Stops the operator, as SIGTERM does, and waits for its end.
    pub(crate) async fn stop(self, cx: &Cx) -> SpecResult {
        cx.keep(RunsInProcess(false));
        match self {
            Self::InProcess(operator) => operator.stop().await,
            Self::Deployed(operator) => operator.stop(cx).await,
        }
    }
}

/// True while an operator runs in process.
///
/// There is at most one, as with a Deployment of strategy `Recreate`: of two, one might create an instance for a Machine
/// that the other has just released.
struct RunsInProcess(bool);

/// A marker that the spec has the clean-up of [`check_denials_at_end`].
struct ChecksDenials;

/// Defers a check that RBAC denied no request of the operator.
///
/// The service account is in the spec's namespace and is deleted with it, so objects with the operator's finalizer have
/// to be deleted before.
fn check_denials_at_end(cx: &Cx) {
    if run_mode(cx) == RunMode::InProcess || cx.kept::<ChecksDenials>().is_ok() {
        return;
    }
    cx.keep(ChecksDenials);
    // The limit includes the start of another operator if the spec killed its own.
    cx.defer_within(mins(8), async |cx: &mut Cx| {
        release_all(cx).await?;
        let trail = cx.audit().await?.of(&operator_user(cx));
        cx.expect(trail).to(deny_nothing())
    });
}

/// Deletes the objects that have the operator's finalizer, and starts an operator for them if none runs.
pub(crate) async fn release_all(cx: &Cx) -> SpecResult {
    let all = kube::api::ListParams::default();
    let remaining = cx.api::<Machine>().list_metadata(&all).await?.items.len()
        + cx.api::<SimulatedInstance>().list_metadata(&all).await?.items.len();
    let clusters = cx.api::<Cluster>().list_metadata(&all).await?.items.len();
    if remaining + clusters == 0 {
        return Ok(());
    }
    // The spec may have stopped or killed its own operator.
    if !cx.kept::<RunsInProcess>().is_ok_and(|running| running.0) {
        cx.start_operator().await?;
    }
    let background = kube::api::DeleteParams::background();
    cx.api::<Cluster>().delete_collection(&background, &all).await?;
    cx.eventually(cx.all::<Cluster>()).should(have_len(0)).await?;
    cx.api::<Machine>().delete_collection(&background, &all).await?;
    cx.eventually(cx.all::<Machine>()).should(have_len(0)).await?;
    cx.eventually(cx.all::<SimulatedInstance>()).should(have_len(0)).await?;
    Ok(())
}
