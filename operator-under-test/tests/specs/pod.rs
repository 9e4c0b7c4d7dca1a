//! Specs of the operator as a Pod: upgrade, failed start, paused node, two clusters.

use k8s_openapi::api::{apps::v1::Deployment, core::v1::Node, core::v1::Pod};
use kube::{Api, ResourceExt, api::DynamicObject, core::ApiResource};
use seatrial_e2e::{
    Cx, Failure, Need, Object, Scope, SpecResult,
    audit::{Trail, deny_nothing},
    deploy,
    kind::{Cluster as KindCluster, ClusterConfig, KindExt},
    matchers::{equal, have_condition, have_len, satisfy},
    mins,
};
use seatrial_operator::{Bundle, Cluster, Machine, SimulatedInstance, bundle};
use serde_json::json;

use crate::{
    deployed::{self, pods},
    objects::{all_be_ready, be_ready, cluster, instances_by_machine},
    start_operator::{BOOT_DURATION, StartOperator, bundle_for},
};

pub(crate) fn specs(s: &mut Scope) {
    s.label("pod").needs(Need::Kubelet).time_out(mins(10));
    s.context("that is upgraded", upgraded);
    s.context("that cannot come up", stuck);
    s.context("whose node is paused", paused);
    s.context("in two clusters", two_clusters);
}

fn upgraded(s: &mut Scope) {
    s.it("takes over from its predecessor and keeps all instances", async |cx: &mut Cx| {
        cx.start_operator().await?;
        let blue = cx.create(&cluster("blue", 2)).await?;
        cx.eventually(&blue).should(be_ready()).await?;
        let instances = cx.eventually(cx.all::<SimulatedInstance>()).should(have_len(2)).await?;
        let predecessor = only_pod(cx).await?;
        cx.step("the next bundle is applied");
        let image = predecessor.spec.as_ref().and_then(|spec| spec.containers[0].image.clone());
        let mut next = bundle_for(cx, &image.unwrap_or_default());
        next.arguments[0] = "--machine-boot=1".into();
        cx.apply_all(&next.objects()).await?;
        cx.rolled_out(bundle::NAME, mins(3)).await?;
        let successor = only_pod(cx).await?;
        cx.expect(successor.uid() == predecessor.uid()).to(equal(false))?;
        let after = cx.eventually(cx.all::<SimulatedInstance>()).should(have_len(2)).await?;
        cx.expect(instances_by_machine(after.unwrap_or_default()))
            .to(equal(instances_by_machine(instances.unwrap_or_default())))?;
        cx.step("the cluster is scaled");
        cx.patch_merge::<Cluster>("blue", json!({"spec": {"machines": 3}})).await?;
        cx.eventually(cx.all::<Machine>()).should(all_be_ready(3)).within(mins(2)).await?;
        Ok(())
    });
    s.it("reconciles after a restart of its Deployment", async |cx: &mut Cx| {
        cx.start_operator().await?;
        let first = only_pod(cx).await?;
        let annotations = json!({"kubectl.kubernetes.io/restartedAt": "now"});
        let restart = json!({"spec": {"template": {"metadata": {"annotations": annotations}}}});
        cx.patch_merge::<Deployment>(bundle::NAME, restart).await?;
        cx.rolled_out(bundle::NAME, mins(3)).await?;
        cx.expect(only_pod(cx).await?.uid() == first.uid()).to(equal(false))?;
        let blue = cx.create(&cluster("blue", 1)).await?;
        cx.eventually(&blue).should(be_ready()).within(mins(2)).await?;
        Ok(())
    });
}

fn stuck(s: &mut Scope) {
    s.it("reports an image that cannot be pulled long before the timeout", async |cx: &mut Cx| {
        cx.apply_all(&bundle_for(cx, "seatrial.local/nowhere:1").objects()).await?;
        let result = cx.rolled_out(bundle::NAME, mins(9)).await;
        cx.expect(result).to(satisfy("name the image", |result: &SpecResult| {
            fails_with(
                result,
                &["will not be rolled out: Pod seatrial-operator-", "seatrial.local/nowhere:1"],
            )
        }))
    });
    s.it("reports a crash loop with the last lines of the log", async |cx: &mut Cx| {
        let archive = deployed::loaded_image(cx).await?;
        let mut bundle = bundle_for(cx, &archive.reference);
        bundle.arguments = vec!["--log=operator=loud".into()];
        cx.apply_all(&bundle.objects()).await?;
        let result = cx.rolled_out(bundle::NAME, mins(9)).await;
        cx.expect(result).to(satisfy("have the exit code and the log", |result: &SpecResult| {
            fails_with(
                result,
                &["ended with exit code 1", "its last lines:", "failed to read --log \"operator=loud\""],
            )
        }))
    });
}

fn fails_with(result: &SpecResult, parts: &[&str]) -> bool {
    result.as_ref().is_err_and(|failure: &Failure| parts.iter().all(|part| failure.message().contains(part)))
}

fn paused(s: &mut Scope) {
    s.needs(Need::Nodes(2)).serial().label("faults");
    s.it("does nothing meanwhile and continues afterwards", async |cx: &mut Cx| {
        cx.start_operator().await?;
        let blue = cx.create(&cluster("blue", 1)).await?;
        cx.eventually(&blue).should(be_ready()).await?;
        let pod = only_pod(cx).await?;
        let name = pod.spec.as_ref().and_then(|spec| spec.node_name.clone()).unwrap_or_default();
        let kind = cx.kind()?;
        let node = kind.node(&name).await?;
        node.pause().await?;
        cx.patch_merge::<Cluster>("blue", json!({"spec": {"machines": 2}})).await?;
        cx.consistently(cx.all::<Machine>()).should(have_len(1)).during(BOOT_DURATION * 2).await?;
        cx.step("the node becomes Unknown");
        let lost = cx.object::<Node>(&name);
        cx.eventually(lost).should(have_condition("Ready", "Unknown")).within(mins(2)).await?;
        node.unpause().await?;
        cx.eventually(cx.object::<Node>(&name))
            .should(have_condition("Ready", "True"))
            .within(mins(2))
            .await?;
        cx.eventually(cx.all::<Machine>()).should(all_be_ready(2)).within(mins(2)).await?;
        cx.eventually(&blue).should(be_ready()).await?;
        // The same Pod: it was not replaced.
        cx.expect(only_pod(cx).await?.uid()).to(equal(pod.uid()))
    });
}

fn two_clusters(s: &mut Scope) {
    s.serial();
    s.it("reconciles both, one namespace of the first and all of the second", async |cx: &mut Cx| {
        let here = cx.kind()?;
        let config = ClusterConfig::new().pod_subnet("10.245.0.0/16").audited(true);
        let there = Box::pin(here.another_cluster(&config)).await?;
        cx.start_operator().await?;
        install_cluster_wide(cx, &there).await?;
        let blue = cx.create(&cluster("blue", 1)).await?;
        let client = there.client().await?;
        let green: Api<Cluster> = Api::namespaced(client.clone(), "default");
        green.create(&kube::api::PostParams::default(), &cluster("green", 1)).await?;
        cx.eventually(&blue).should(be_ready()).within(mins(2)).await?;
        let clusters: Api<DynamicObject> =
            Api::namespaced_with(client, "default", &ApiResource::erase::<Cluster>(&()));
        let there_green = Object::dynamic(clusters, "Cluster", "green");
        cx.eventually(there_green).should(be_ready()).within(mins(2)).await?;
        let names: Vec<_> = cx.api::<Cluster>().list(&kube::api::ListParams::default()).await?.items;
        cx.expect(names.iter().map(ResourceExt::name_any).collect::<Vec<_>>())
            .to(equal(vec!["blue".into()]))?;
        let account = format!("system:serviceaccount:{}:", bundle::NAMESPACE);
        let trail = Trail::parse(&there.audit_log(&account).await?)?;
        cx.expect(trail).to(deny_nothing())
    })
    .time_out(mins(15));
}

/// Installs the operator for all namespaces of a cluster.
async fn install_cluster_wide(cx: &Cx, there: &KindCluster) -> SpecResult {
    let archive = deployed::loaded_image(cx).await?;
    there.load_archive(&archive).await?;
    let client = there.client().await?;
    let bundle = Bundle {
        arguments: vec![format!("--machine-boot={}", BOOT_DURATION.as_secs())],
        ..Bundle::new(&archive.reference)
    };
    Box::pin(deploy::apply(&client, bundle::NAMESPACE, &bundle.objects())).await?;
    Box::pin(deploy::rolled_out(&client, bundle::NAMESPACE, bundle::NAME, mins(3))).await
}

async fn only_pod(cx: &Cx) -> SpecResult<Pod> {
    let mut pods = pods(cx).await?;
    cx.expect(pods.len()).to(equal(1))?;
    Ok(pods.remove(0))
}
