//! A spec with two clusters: the run's, and one of its own.

use k8s_openapi::api::core::v1::{ConfigMap, Node};
use kube::api::{ListParams, PostParams};
use kube::{Api, ResourceExt};
use seatrial_e2e::kind::{ClusterConfig, KindExt as _};
use seatrial_e2e::matchers::{equal, satisfy};
use seatrial_e2e::{Cx, Scope, mins};
use serde_json::json;

pub(crate) fn specs(s: &mut Scope) {
    s.it("is one of two, and each knows only its own objects and nodes", async |cx: &mut Cx| {
        let here = cx.kind()?;
        let there = here.another_cluster(&ClusterConfig::new().pod_subnet("10.243.0.0/16")).await?;
        let map: ConfigMap = serde_json::from_value(json!({"metadata": {"name": "only-there"}}))?;
        let client = there.client().await?;
        Api::namespaced(client.clone(), "default").create(&PostParams::default(), &map).await?;
        let home: Api<ConfigMap> = Api::namespaced(cx.client(), "default");
        cx.expect(home.get_opt("only-there").await?.is_some()).to(equal(false))?;
        let nodes = Api::<Node>::all(client).list(&ListParams::default()).await?;
        let names: Vec<_> = nodes.iter().map(ResourceExt::name_any).collect();
        cx.expect(names).to(equal(vec![format!("{}-control-plane", there.name())]))?;
        cx.expect(there.name().to_owned()).to(satisfy("be another cluster's name", {
            let name = here.cluster().name().to_owned();
            move |other| *other != name
        }))
    })
    .time_out(mins(8));
}
