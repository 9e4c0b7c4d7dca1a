//! Specs that fail on real nodes: one of which is paused, and another one has written a Secret's value into its logs; in a
//! cluster that the spec has made for itself; in one that did not come up.

use k8s_openapi::api::core::v1::{Pod, Secret};
use kube::api::{DynamicObject, PostParams};
use kube::core::ApiResource;
use kube::{Api, Client};
use seatrial_e2e::kind::{ClusterConfig, KindExt as _};
use seatrial_e2e::matchers::{equal, satisfy};
use seatrial_e2e::{Cx, Need, Object, Scope, SpecResult, Suite, mins};
use serde_json::{Value, json};

pub(crate) fn suite(suite: &mut Suite) {
    suite.describe("Harbour", |s| {
        s.needs(Need::Kubelet).needs(Need::Nodes(2)).time_out(mins(10));
        s.it("is left while a node is away", async |cx: &mut Cx| {
            let node = cx.kind()?.node("control-plane").await?.name().to_owned();
            let (secret, pod) = secret_and_tug("moored-at-dawn", &node)?;
            cx.create(&secret).await?;
            let pod = cx.create(&pod).await?;
            cx.eventually(&pod).should(satisfy("have no image", is_refused)).within(mins(4)).await?;
            cx.kind()?.node("worker").await?.pause().await?;
            cx.expect("ashore").to(equal("aboard"))
        });
        s.context("with another one", others);
    });
}

fn others(s: &mut Scope) {
    s.it("is left by both", async |cx: &mut Cx| {
        let there = cx.kind()?.another_cluster(&ClusterConfig::new().pod_subnet("10.243.0.0/16")).await?;
        let (secret, pod) = secret_and_tug("adrift-at-dusk", &format!("{}-control-plane", there.name()))?;
        let client = there.client().await?;
        in_default::<Secret>(&client).create(&PostParams::default(), &secret).await?;
        in_default::<Pod>(&client).create(&PostParams::default(), &pod).await?;
        let pods = Api::namespaced_with(client, "default", &ApiResource::erase::<Pod>(&()));
        let tug = Object::dynamic(pods, "Pod", "tug");
        let refused = satisfy("have no image", is_refused::<DynamicObject>);
        cx.eventually(tug).should(refused).within(mins(4)).await?;
        cx.expect("ashore").to(equal("aboard"))
    });
    s.it("is left when that one does not come up", async |cx: &mut Cx| {
        let image = std::env::var("BROKEN_IMAGE")?;
        cx.expect(1).to(equal(1))?;
        cx.kind()?.another_cluster(&ClusterConfig::new().image(image)).await?;
        Ok(())
    });
}

fn in_default<K>(client: &Client) -> Api<K>
where
    K: kube::Resource<DynamicType = (), Scope = kube::core::NamespaceResourceScope>,
{
    Api::namespaced(client.clone(), "default")
}

/// A Secret, and a Pod whose image has its value in its name: whoever asks for an image writes down what was asked for.
fn secret_and_tug(password: &str, node: &str) -> SpecResult<(Secret, Pod)> {
    let secret = json!({"metadata": {"name": "login"}, "stringData": {"password": password}});
    let container = json!({"name": "main", "image": format!("registry.invalid/{password}:1")});
    let pod: Value = json!({
        "metadata": {"name": "tug"},
        "spec": {"nodeName": node, "terminationGracePeriodSeconds": 0, "containers": [container]},
    });
    Ok((serde_json::from_value(secret)?, serde_json::from_value(pod)?))
}

fn is_refused<K: serde::Serialize>(pod: &K) -> bool {
    let text = serde_json::to_string(pod).unwrap_or_default();
    text.contains("\"ErrImagePull\"") || text.contains("\"ImagePullBackOff\"")
}
