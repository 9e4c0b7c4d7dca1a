//! A spec that fails while one of its nodes is paused and another one has written a Secret's value into its logs.

use k8s_openapi::api::core::v1::{Pod, Secret};
use seatrial_e2e::kind::KindOfCx as _;
use seatrial_e2e::matchers::{equal, satisfy};
use seatrial_e2e::{Cx, Need, Suite, mins};
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
            // Whoever asks for an image writes down what was asked for.
            let container = json!({"name": "main", "image": format!("registry.invalid/{password}:1")});
            let pod: Pod = serde_json::from_value(json!({
                "metadata": {"name": "tug"},
                "spec": {"nodeName": node, "terminationGracePeriodSeconds": 0, "containers": [container]},
            }))?;
            let pod = cx.create(&pod).await?;
            let refused = satisfy("have no image", |pod: &Pod| {
                let text = serde_json::to_string(pod).unwrap_or_default();
                text.contains("\"ErrImagePull\"") || text.contains("\"ImagePullBackOff\"")
            });
            cx.eventually(&pod).should(refused).within(mins(2)).await?;
            cx.kind()?.node("worker").await?.pause().await?;
            cx.expect("ashore").to(equal("aboard"))
        });
    });
}
