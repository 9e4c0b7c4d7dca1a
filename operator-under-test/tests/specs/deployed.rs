//! The operator as a Pod of its own image, deployed from its bundle with its own service account.
//!
//! The image is built and loaded into the nodes once; after that, a start is an apply.

use std::{path::PathBuf, sync::OnceLock, time::Duration};

use k8s_openapi::api::{apps::v1::Deployment, core::v1::Pod};
use kube::{
    Resource, ResourceExt,
    api::{DeleteParams, ListParams},
};
use seatrial_e2e::{
    Cx, SpecResult,
    deploy::{Archive, Image, Program},
    kind::KindExt,
    mins,
};
use seatrial_operator::bundle;
use serde_json::{Value, json};
use tokio::sync::Mutex;

use crate::start_operator::bundle_for;

/// The timeout of a start, while the nodes may be busy with other specs.
const START_TIMEOUT: Duration = mins(3);

/// The timeout for the end of a Pod.
const STOP_TIMEOUT: Duration = mins(1);

/// The name of the bundle's container.
pub(crate) const CONTAINER: &str = "operator";

/// The label selector of the operator's Pods.
const SELECTOR: &str = "app.kubernetes.io/name=seatrial-operator";

/// An operator in a Pod of the spec's namespace.
pub(crate) struct Operator;

/// A marker that the spec follows the operator's logs.
struct FollowsLogs;

/// Deploys the operator and waits until it is ready.
pub(crate) async fn start(cx: &Cx) -> SpecResult<Operator> {
    let archive = loaded_image(cx).await?;
    apply(cx, &bundle_for(cx, &archive.reference).objects()).await?;
    Ok(Operator)
}

/// Deploys `objects`, follows the operator's logs and waits until it is ready.
pub(crate) async fn apply(cx: &Cx, objects: &[Value]) -> SpecResult {
    if cx.kept::<FollowsLogs>().is_err() {
        cx.keep(FollowsLogs);
        cx.follow_logs(SELECTOR);
    }
    cx.apply_all(objects).await?;
    cx.rolled_out(bundle::NAME, START_TIMEOUT).await
}

/// Deploys the operator and kills it `duration` after it became ready.
pub(crate) async fn run_for(cx: &Cx, duration: Duration) -> SpecResult {
    let operator = start(cx).await?;
    // The duration is the purpose here; there is no condition to wait for.
    tokio::time::sleep(duration).await;
    operator.kill(cx).await
}

impl Operator {
    /// Kills the process and scales to zero, so that neither kubelet nor Deployment starts another one.
    pub(crate) async fn kill(self, cx: &Cx) -> SpecResult {
        for pod in pods(cx).await? {
            let kind = cx.kind()?;
            Box::pin(kind.kill_process(&pod, CONTAINER)).await?;
            scale(cx, 0).await?;
            let now = DeleteParams::background().grace_period(0);
            match cx.api::<Pod>().delete(&pod.name_any(), &now).await {
                // The ReplicaSet controller was faster.
                Err(kube::Error::Api(status)) if status.is_not_found() => {}
                deleted => drop(deleted?),
            }
        }
        cx.rolled_out(bundle::NAME, STOP_TIMEOUT).await
    }

    /// Scales to zero, so that the kubelet sends SIGTERM, and waits for the end.
    pub(crate) async fn stop(self, cx: &Cx) -> SpecResult {
        scale(cx, 0).await?;
        cx.rolled_out(bundle::NAME, STOP_TIMEOUT).await
    }
}

/// The operator's image, loaded into all nodes.
pub(crate) async fn loaded_image(cx: &Cx) -> SpecResult<Archive> {
    // Concurrent specs wait for the first one, then find the image in the nodes.
    static LOADING: Mutex<()> = Mutex::const_new(());
    let archive = image().await?;
    let _one_at_a_time = LOADING.lock().await;
    cx.kind()?.cluster().load_archive(&archive).await?;
    Ok(archive)
}

/// The operator's Pods that are not being deleted.
pub(crate) async fn pods(cx: &Cx) -> SpecResult<Vec<Pod>> {
    let mut pods = cx.api::<Pod>().list(&ListParams::default().labels(SELECTOR)).await?.items;
    pods.retain(|pod| pod.meta().deletion_timestamp.is_none());
    Ok(pods)
}

async fn scale(cx: &Cx, replicas: i32) -> SpecResult {
    cx.patch_merge::<Deployment>(bundle::NAME, json!({"spec": {"replicas": replicas}})).await?;
    Ok(())
}

/// The operator's image, built at most once per process.
async fn image() -> SpecResult<Archive> {
    static IMAGE: OnceLock<SpecResult<Archive>> = OnceLock::new();
    let build = || {
        let program = Program::new("seatrial-operator", "seatrial-operator").profile("image").build()?;
        let image = Image::new("seatrial.local/seatrial-operator").program("/seatrial-operator", &program)?;
        Ok(image.write_to(&PathBuf::from(env!("CARGO_TARGET_TMPDIR")))?)
    };
    tokio::task::spawn_blocking(move || IMAGE.get_or_init(build).clone()).await?
}
