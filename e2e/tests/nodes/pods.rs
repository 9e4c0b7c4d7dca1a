//! A Pod whose process is killed.

use k8s_openapi::api::core::v1::Pod;
use seatrial_e2e::kind::KindExt as _;
use seatrial_e2e::matchers::{all, have_condition, satisfy};
use seatrial_e2e::{Cx, Scope, SpecResult, mins};
use serde_json::json;

use crate::probe::pause_image;

pub(crate) fn specs(s: &mut Scope) {
    s.it("is started again when its process is killed", async |cx: &mut Cx| {
        let pod = run(cx, "sleeper").await?;
        cx.kind()?.kill_process(&pod, "main").await?;
        let again = satisfy("have been started again", |pod: &Pod| restarts(pod) >= 1);
        cx.eventually(&pod).should(all((again, have_condition("Ready", "True")))).within(mins(2)).await?;
        Ok(())
    });
}

/// Runs a Pod that does nothing until it is killed.
async fn run(cx: &Cx, name: &str) -> SpecResult<Pod> {
    let node = cx.kind()?.nodes().await?.last().map(|node| node.name().to_owned()).unwrap_or_default();
    let image = pause_image(cx, &node).await?;
    let pod: Pod = serde_json::from_value(json!({
        "metadata": {"name": name},
        "spec": {
            "nodeName": node, "terminationGracePeriodSeconds": 0,
            "containers": [{"name": "main", "image": image, "imagePullPolicy": "Never"}],
        },
    }))?;
    let pod = cx.create(&pod).await?;
    cx.eventually(&pod).should(have_condition("Ready", "True")).within(mins(2)).await?;
    Ok(cx.get::<Pod>(name).await?)
}

fn restarts(pod: &Pod) -> i32 {
    let statuses = pod.status.as_ref().and_then(|status| status.container_statuses.as_deref());
    statuses.unwrap_or_default().iter().map(|status| status.restart_count).sum()
}
