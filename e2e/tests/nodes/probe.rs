//! What the specs look at: whether one node reaches another, and what a node last said of itself.

use k8s_openapi::api::core::v1::Node;
use kube::{Api, ResourceExt as _};
use seatrial_e2e::kind::{FaultyNode, KindOfCx as _};
use seatrial_e2e::{Cx, Failure, SpecResult};

/// The kubelet's port: open on every node that is well.
const KUBELET: u16 = 10250;

/// The two nodes that every spec here has.
pub(crate) async fn pair(cx: &Cx) -> SpecResult<(FaultyNode<'_>, FaultyNode<'_>)> {
    let kind = cx.kind()?;
    Ok((kind.node("control-plane").await?, kind.node("worker").await?))
}

/// Whether one node opens a connection to another one's kubelet within five seconds.
pub(crate) async fn reaches(from: &FaultyNode<'_>, to: &FaultyNode<'_>) -> SpecResult<bool> {
    let address = to.address().ok_or_else(|| Failure::new(format!("{} has no address", to.name())))?;
    let open = format!("exec 3<>/dev/tcp/{address}/{KUBELET}");
    let output = from.exec(&["timeout", "5", "bash", "-c", &open]).await?;
    Ok(output.code == 0)
}

/// The address that the node's Node has.
pub(crate) async fn told_address(cx: &Cx, node: &FaultyNode<'_>) -> SpecResult<Option<String>> {
    let api: Api<Node> = Api::all(cx.client());
    let node = api.get(node.name()).await?;
    let addresses = node.status.and_then(|status| status.addresses).unwrap_or_default();
    Ok(addresses.into_iter().find(|address| address.type_ == "InternalIP").map(|address| address.address))
}

/// An image that every node has: the one that holds a Pod's namespaces.
pub(crate) async fn pause_image(cx: &Cx, node: &str) -> SpecResult<String> {
    let api: Api<Node> = Api::all(cx.client());
    let node = api.get(node).await?;
    let images = node.status.as_ref().and_then(|status| status.images.clone()).unwrap_or_default();
    let names = images.into_iter().flat_map(|image| image.names.unwrap_or_default());
    let mut pause = names.filter(|name| name.contains("/pause:"));
    pause.next().ok_or_else(|| Failure::new(format!("{} has no pause image", node.name_any())))
}
