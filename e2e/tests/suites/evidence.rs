//! A spec that fails while one of its nodes is paused and a container of another one cannot be started.
//!
//! The container's environment holds a Secret's value: the kubelet writes it into its log.

use k8s_openapi::api::core::v1::{Node, Pod, Secret};
use kube::{Api, ResourceExt as _};
use seatrial_e2e::kind::KindOfCx as _;
use seatrial_e2e::matchers::{equal, satisfy};
use seatrial_e2e::{Cx, Failure, Need, SpecResult, Suite, mins};
use serde_json::json;

pub(crate) fn suite(suite: &mut Suite) {
    suite.describe("Harbour", |s| {
        s.needs(Need::Kubelet).needs(Need::Nodes(2)).time_out(mins(4));
        s.it("is left while a node is away", async |cx: &mut Cx| {
            let node = cx.kind()?.node("control-plane").await?.name().to_owned();
            let password = "moored-at-dawn";
            let secret: Secret = serde_json::from_value(
                json!({"metadata": {"name": "login"}, "stringData": {"password": password}}),
            )?;
            cx.create(&secret).await?;
            let missing =
                json!({"name": "X", "valueFrom": {"configMapKeyRef": {"name": "none", "key": "x"}}});
            let container = json!({
                "name": "main", "image": pause_image(cx, &node).await?, "imagePullPolicy": "Never",
                "env": [{"name": "PASSWORD", "value": password}, missing],
            });
            let pod: Pod = serde_json::from_value(json!({
                "metadata": {"name": "tug"},
                "spec": {"nodeName": node, "terminationGracePeriodSeconds": 0, "containers": [container]},
            }))?;
            let pod = cx.create(&pod).await?;
            let refused = satisfy("not be startable", |pod: &Pod| {
                serde_json::to_string(pod).is_ok_and(|text| text.contains("CreateContainerConfigError"))
            });
            cx.eventually(&pod).should(refused).within(mins(2)).await?;
            cx.kind()?.node("worker").await?.pause().await?;
            cx.expect("ashore").to(equal("aboard"))
        });
    });
}

/// An image that every node has: the one that holds a Pod's namespaces.
async fn pause_image(cx: &Cx, node: &str) -> SpecResult<String> {
    let node = Api::<Node>::all(cx.client()).get(node).await?;
    let images = node.status.as_ref().and_then(|status| status.images.clone()).unwrap_or_default();
    let mut names = images.into_iter().flat_map(|image| image.names.unwrap_or_default());
    let pause = names.find(|name| name.contains("/pause:"));
    pause.ok_or_else(|| Failure::new(format!("{} has no pause image", node.name_any())))
}
