//! Specs that pass on every tier, with labels and needs to list and filter by.

use std::time::Duration;

use k8s_openapi::api::core::v1::{ConfigMap, Namespace};
use seatrial_e2e::matchers::{
    all, any, be_gone, be_rejected, each, equal, exist, have_len, match_json, not, satisfy,
};
use seatrial_e2e::{Cx, Need, Scope, Suite};
use serde_json::json;

use kube::ResourceExt as _;

pub(crate) fn suite(suite: &mut Suite) {
    suite.namespace_prefix("trial");
    suite.describe("ConfigMap", |s| {
        s.label("core");
        objects(s);
        s.context("that changes", changes);
    });
    suite.describe("Cluster", |s| {
        s.it("starts Pods", async |_: &mut Cx| panic!("no tier of the tests has a kubelet"))
            .needs(Need::Kubelet);
        s.it("spreads Pods", async |_: &mut Cx| panic!("no tier of the tests has nodes"))
            .needs(Need::Nodes(3))
            .needs(Need::Kubelet);
    });
}

pub(crate) fn config(name: &str, value: &str) -> ConfigMap {
    serde_json::from_value(json!({"metadata": {"name": name}, "data": {"key": value}})).unwrap()
}

fn objects(s: &mut Scope) {
    s.it("is there once it was created", async |cx: &mut Cx| {
        let map = cx.create(&config("a", "1")).await?;
        let seen = cx.eventually(&map).should(exist()).await?;
        cx.expect(seen.map(|seen| seen.uid())).to(equal(Some(map.uid())))?;
        cx.expect(map.namespace().as_deref()).to(equal(Some(cx.namespace())))
    })
    .label("quick");
    s.it("is gone once it was deleted", async |cx: &mut Cx| {
        cx.create(&config("a", "1")).await?;
        cx.delete::<ConfigMap>("a").await?;
        let gone = cx.eventually(cx.object::<ConfigMap>("a")).should(be_gone()).await?;
        cx.expect(gone).to(equal(None))
    });
    s.it("is refused twice and brought to a state by ensure", async |cx: &mut Cx| {
        cx.create(&config("a", "1")).await?;
        cx.expect(cx.create(&config("a", "2")).await).to(be_rejected("AlreadyExists").saying("\"a\""))?;
        let ensured = cx.ensure(&config("a", "2")).await?;
        cx.expect(ensured).to(match_json(json!({"data": {"key": "2"}})))?;
        cx.expect(cx.get::<ConfigMap>("b").await).to(be_rejected("NotFound"))
    });
    s.it("has its namespace to itself", async |cx: &mut Cx| {
        cx.eventually(cx.object::<Namespace>(cx.namespace())).should(exist()).await?;
        // The cluster may add its own; the other specs' objects would be seen here.
        let alien = |map: &ConfigMap| map.name_any() != "kube-root-ca.crt";
        cx.eventually(cx.all::<ConfigMap>()).should(each(not(satisfy("be another spec's", alien)))).await?;
        Ok(())
    });
}

fn changes(s: &mut Scope) {
    s.before_each(async |cx: &mut Cx| {
        cx.keep(cx.create(&config("a", "0")).await?);
        Ok(())
    });
    s.it("is seen when a task changes it", async |cx: &mut Cx| {
        let map = cx.kept::<ConfigMap>()?;
        let api = cx.api::<ConfigMap>();
        cx.spawn("writer", async move {
            for n in 1..=3 {
                tokio::time::sleep(Duration::from_millis(50)).await;
                let patch = kube::api::Patch::Merge(json!({"data": {"key": n.to_string()}}));
                api.patch("a", &kube::api::PatchParams::default(), &patch).await?;
            }
            seatrial_e2e::SpecResult::Ok(())
        });
        cx.eventually(&*map).should(match_json(json!({"data": {"key": "3"}}))).await?;
        Ok(())
    });
    s.it("is counted with the others", async |cx: &mut Cx| {
        cx.create(&config("b", "0")).await?;
        let named = cx.all::<ConfigMap>().fields("metadata.name!=kube-root-ca.crt");
        cx.eventually(named.clone()).should(have_len(2)).await?;
        cx.delete::<ConfigMap>("b").await?;
        cx.eventually(named).should(all((have_len(1), each(exist())))).await?;
        Ok(())
    });
    s.it("stays as it is when nobody writes", async |cx: &mut Cx| {
        let map = cx.kept::<ConfigMap>()?;
        let same = any((match_json(json!({"data": {"key": "0"}})), be_gone()));
        cx.consistently(&*map).should(same).during(Duration::from_millis(300)).await?;
        Ok(())
    });
}
