//! How a spec starts the operator, kills it and stops it, whatever the tier.
//!
//! Where Pods are started it is deployed from its bundle (`deployed.rs`); elsewhere the library that the binary runs is
//! run beside the spec (`in_process.rs`). Where an API server knows rights, it has those of its bundle in either case.

use std::time::Duration;

use seatrial_e2e::{Cx, SpecResult, audit::deny_nothing, matchers::have_len, mins};
use seatrial_operator::{Bundle, Cluster, Machine, SimulatedInstance, bundle};

use crate::{deployed, in_process};

/// How long a machine takes to come up in these specs, in the cluster's time.
pub(crate) const BOOT: Duration = Duration::from_secs(3);

/// What the operator's specs add to a spec's context.
pub(crate) trait StartOperator {
    /// Starts the operator for the spec's namespace. It runs until the spec's end, or until it is ended.
    async fn start_operator(&self) -> SpecResult<RunningOperator>;

    /// Starts the operator and ends it after so much time, wherever it stands then.
    async fn let_operator_live(&self, life: Duration) -> SpecResult;
}

/// An operator that a spec has started.
pub(crate) enum RunningOperator {
    InProcess(in_process::Operator),
    Deployed(deployed::Operator),
}

/// Who acts, where the API server knows rights.
pub(crate) fn account(cx: &Cx) -> String {
    format!("system:serviceaccount:{}:{}", cx.namespace(), bundle::NAME)
}

/// The bundle of an operator that lives in the spec's namespace and looks after it alone.
pub(crate) fn bundle_for(cx: &Cx, image: &str) -> Bundle {
    Bundle {
        namespace: cx.namespace().to_owned(),
        creates_namespace: false,
        watch: Some(cx.namespace().to_owned()),
        arguments: vec![
            format!("--machine-boot={}", BOOT.as_secs()),
            "--log=info,seatrial_operator=debug".into(),
        ],
        ..Bundle::new(image)
    }
}

/// Where the operator of a tier has rights, and how it is run there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// With the spec's own client, which may do everything.
    Beside,
    /// The same under the account of the bundle.
    BesideWithRights,
    Pod,
}

fn place(cx: &Cx) -> Place {
    match cx.tier() {
        "kind" => Place::Pod,
        "envtest" => Place::BesideWithRights,
        _ => Place::Beside,
    }
}

impl StartOperator for Cx {
    async fn start_operator(&self) -> SpecResult<RunningOperator> {
        answer_for_rights(self);
        Ok(match place(self) {
            Place::Beside => beside(self, self.client()),
            Place::BesideWithRights => beside(self, in_process::client_with_rights(self).await?),
            Place::Pod => RunningOperator::Deployed(deployed::start(self).await?),
        })
    }

    async fn let_operator_live(&self, life: Duration) -> SpecResult {
        answer_for_rights(self);
        match place(self) {
            Place::Beside => in_process::live(self, self.client(), life).await,
            Place::BesideWithRights => {
                in_process::live(self, in_process::client_with_rights(self).await?, life).await
            }
            Place::Pod => deployed::live(self, life).await,
        }
    }
}

fn beside(cx: &Cx, client: kube::Client) -> RunningOperator {
    cx.keep(Standing(true));
    RunningOperator::InProcess(in_process::start(cx, client))
}

impl RunningOperator {
    /// Ends it between any two of its steps, as `kill -9` does.
    pub(crate) async fn kill(self, cx: &Cx) -> SpecResult {
        cx.keep(Standing(false));
        match self {
            Self::InProcess(operator) => operator.kill().await,
            Self::Deployed(operator) => operator.kill(cx).await,
        }
    }

    /// Asks it to stop, as SIGTERM does, and waits until it has.
    pub(crate) async fn stop(self, cx: &Cx) -> SpecResult {
        cx.keep(Standing(false));
        match self {
            Self::InProcess(operator) => operator.stop().await,
            Self::Deployed(operator) => operator.stop(cx).await,
        }
    }
}

/// Whether an operator runs beside the spec.
///
/// There is never a second one beside it, as a Deployment that recreates its Pod sees to it: of two, one may make an
/// instance for a Machine that the other has just let go.
struct Standing(bool);

/// Set once a spec has promised what stands below.
struct Answers;

/// Where the operator has the rights of its bundle, sees to it that the spec ends with nothing denied to it.
///
/// The operator's account and rights live in the spec's namespace and go with it. So whatever needs the operator to go is
/// gone before that.
fn answer_for_rights(cx: &Cx) {
    if place(cx) == Place::Beside || cx.kept::<Answers>().is_ok() {
        return;
    }
    cx.keep(Answers);
    // An operator that was killed has to be started for it, as a Pod where it is one.
    cx.defer_within(mins(8), async |cx: &mut Cx| {
        release_all(cx).await?;
        let trail = cx.audit().await?.of(&account(cx));
        cx.expect(trail).to(deny_nothing())
    });
}

/// Deletes what needs the operator to go, and sees to it that there is one.
pub(crate) async fn release_all(cx: &Cx) -> SpecResult {
    let everything = kube::api::ListParams::default();
    let left = cx.api::<Machine>().list_metadata(&everything).await?.items.len()
        + cx.api::<SimulatedInstance>().list_metadata(&everything).await?.items.len();
    let clusters = cx.api::<Cluster>().list_metadata(&everything).await?.items.len();
    if left + clusters == 0 {
        return Ok(());
    }
    // Whatever the spec did with its own operator: nothing goes without one.
    if !cx.kept::<Standing>().is_ok_and(|standing| standing.0) {
        cx.start_operator().await?;
    }
    let background = kube::api::DeleteParams::background();
    cx.api::<Cluster>().delete_collection(&background, &everything).await?;
    cx.eventually(cx.all::<Cluster>()).should(have_len(0)).await?;
    cx.api::<Machine>().delete_collection(&background, &everything).await?;
    cx.eventually(cx.all::<Machine>()).should(have_len(0)).await?;
    cx.eventually(cx.all::<SimulatedInstance>()).should(have_len(0)).await?;
    Ok(())
}
