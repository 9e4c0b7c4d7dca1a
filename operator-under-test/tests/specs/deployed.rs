//! The operator as people run it: a Pod of its own image, deployed from its bundle, under its own account.
//!
//! It is built, put into an image and brought to the nodes once; after that a start is an apply.

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

use crate::operator::bundle_for;

/// How long a start may take: nodes may be busy with other specs.
const STARTED_WITHIN: Duration = mins(3);

/// How long the end of a Pod may take.
const ENDED_WITHIN: Duration = mins(1);

/// The bundle's container.
pub(crate) const CONTAINER: &str = "operator";

/// The operator's Pods.
const SELECTOR: &str = "app.kubernetes.io/name=seatrial-operator";

/// An operator in a Pod of the spec's namespace.
pub(crate) struct Operator;

/// Set once a spec follows what its operator says.
struct Followed;

/// Deploys the operator and waits until it looks after its kinds.
pub(crate) async fn start(cx: &Cx) -> SpecResult<Operator> {
    let archive = loaded_image(cx).await?;
    apply(cx, &bundle_for(cx, &archive.reference).objects()).await?;
    Ok(Operator)
}

/// Deploys these objects, follows what the operator says, and waits until it looks after its kinds.
pub(crate) async fn apply(cx: &Cx, objects: &[Value]) -> SpecResult {
    if cx.kept::<Followed>().is_err() {
        cx.keep(Followed);
        cx.follow_logs(SELECTOR);
    }
    cx.apply_all(objects).await?;
    cx.rolled_out(bundle::NAME, STARTED_WITHIN).await
}

/// Deploys the operator and kills it so much time after it began its work.
pub(crate) async fn live(cx: &Cx, life: Duration) -> SpecResult {
    let operator = start(cx).await?;
    // Its life is what this waits for, and nothing else.
    tokio::time::sleep(life).await;
    operator.kill(cx).await
}

impl Operator {
    /// Kills its process, and keeps the kubelet and the Deployment from starting another one.
    pub(crate) async fn kill(self, cx: &Cx) -> SpecResult {
        for pod in pods(cx).await? {
            let kind = cx.kind()?;
            Box::pin(kind.kill_process(&pod, CONTAINER)).await?;
            scale(cx, 0).await?;
            let now = DeleteParams::background().grace_period(0);
            match cx.api::<Pod>().delete(&pod.name_any(), &now).await {
                // The Deployment's controllers were faster.
                Err(kube::Error::Api(status)) if status.is_not_found() => {}
                deleted => drop(deleted?),
            }
        }
        cx.rolled_out(bundle::NAME, ENDED_WITHIN).await
    }

    /// Scales it to nothing, so that it is sent SIGTERM, and waits until it has ended.
    pub(crate) async fn stop(self, cx: &Cx) -> SpecResult {
        scale(cx, 0).await?;
        cx.rolled_out(bundle::NAME, ENDED_WITHIN).await
    }
}

/// The operator's image, in all nodes.
pub(crate) async fn loaded_image(cx: &Cx) -> SpecResult<Archive> {
    // Specs that start at the same time wait for the first one, and find the image in the nodes.
    static LOADING: Mutex<()> = Mutex::const_new(());
    let archive = image().await?;
    let _one_at_a_time = LOADING.lock().await;
    cx.kind()?.cluster().load_archive(&archive).await?;
    Ok(archive)
}

/// The operator's Pods that are not on their way out.
pub(crate) async fn pods(cx: &Cx) -> SpecResult<Vec<Pod>> {
    let mut pods = cx.api::<Pod>().list(&ListParams::default().labels(SELECTOR)).await?.items;
    pods.retain(|pod| pod.meta().deletion_timestamp.is_none());
    Ok(pods)
}

async fn scale(cx: &Cx, replicas: i32) -> SpecResult {
    cx.patch_merge::<Deployment>(bundle::NAME, json!({"spec": {"replicas": replicas}})).await?;
    Ok(())
}

/// The operator's image: built if there is something new to build, once for all specs of this process.
async fn image() -> SpecResult<Archive> {
    static IMAGE: OnceLock<SpecResult<Archive>> = OnceLock::new();
    let building = || {
        let program = Program::new("seatrial-operator", "seatrial-operator").profile("image").build()?;
        let image = Image::new("seatrial.local/seatrial-operator").program("/seatrial-operator", &program)?;
        Ok(image.write_to(&PathBuf::from(env!("CARGO_TARGET_TMPDIR")))?)
    };
    tokio::task::spawn_blocking(move || IMAGE.get_or_init(building).clone()).await?
}
