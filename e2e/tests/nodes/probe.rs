//! What the specs look at: whether one node reaches another, and what a node last said of itself.

use k8s_openapi::api::core::v1::Node;
use kube::Api;
use seatrial_e2e::kind::{FaultyNode, KindExt as _};
use seatrial_e2e::matchers::{equal, satisfy};
use seatrial_e2e::{Cx, Failure, SpecResult, mins};

/// The kubelet's port: open on every node that is well.
const KUBELET: u16 = 10250;

/// The two nodes that every spec here has.
pub(crate) async fn pair(cx: &Cx) -> SpecResult<(FaultyNode<'_>, FaultyNode<'_>)> {
    let kind = cx.kind()?;
    Ok((kind.node("control-plane").await?, kind.node("worker").await?))
}

/// Whether one node opens a connection to another one's kubelet within five seconds: asked where it cannot.
pub(crate) async fn reaches(from: &FaultyNode<'_>, to: &FaultyNode<'_>) -> SpecResult<bool> {
    let output = from.exec(&["timeout", "5", "bash", "-c", &opening(to)?]).await?;
    Ok(output.code == 0)
}

/// Waits until one node opens a connection to another one's kubelet: both may be busy.
pub(crate) async fn is_reached(cx: &Cx, from: &FaultyNode<'_>, to: &FaultyNode<'_>) -> SpecResult {
    let (node, open) = (cx.kind()?.cluster().node(from.name()).await?, opening(to)?);
    let what = format!("whether {} reaches {}", from.name(), to.name());
    let ask =
        async move || Ok::<_, Failure>(node.exec(&["timeout", "5", "bash", "-c", &open]).await?.code == 0);
    cx.eventually(cx.probe(&what, ask)).should(equal(true)).within(mins(2)).await?;
    Ok(())
}

fn opening(to: &FaultyNode<'_>) -> SpecResult<String> {
    let address = to.address().ok_or_else(|| Failure::new(format!("{} has no address", to.name())))?;
    Ok(format!("exec 3<>/dev/tcp/{address}/{KUBELET}"))
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
    // The kubelet tells of images now and then only.
    let told = satisfy("have a pause image", |node: &Node| pause_of(node).is_some());
    let node = cx.eventually(cx.object::<Node>(node)).should(told).within(mins(2)).await?;
    node.as_ref().and_then(pause_of).ok_or_else(|| Failure::new("the node is gone"))
}

fn pause_of(node: &Node) -> Option<String> {
    let images = node.status.as_ref()?.images.as_ref()?;
    let mut names = images.iter().filter_map(|image| image.names.as_ref()).flatten();
    names.find(|name| name.contains("/pause:")).cloned()
}
