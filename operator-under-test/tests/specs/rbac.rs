//! Specs of the operator's RBAC rules: sufficient and minimal.

use k8s_openapi::api::events::v1::Event;
use kube::ResourceExt;
use seatrial_e2e::{
    Cx, Need, Scope,
    audit::{deny_nothing, use_every_rule},
    matchers::{all, be_gone, have_len, match_json, satisfy},
};
use seatrial_operator::{Cluster, SimulatedInstance, bundle};
use serde_json::json;

use crate::{
    objects::{NEXT_VERSION, be_ready, cluster, machines_of_ready_cluster},
    start_operator::{StartOperator, operator_user},
};

pub(crate) fn specs(s: &mut Scope) {
    s.needs(Need::Audit).needs(Need::Controllers);
    s.it("is denied nothing and uses every rule", async |cx: &mut Cx| {
        cx.start_operator().await?;
        let blue = cx.create(&cluster("blue", 2)).await?;
        let machines = machines_of_ready_cluster(cx, &blue).await?;
        cx.step("one machine is upgraded, and one is deleted");
        let change = json!({"spec": {"version": NEXT_VERSION, "machines": 1}});
        cx.patch_merge::<Cluster>("blue", change).await?;
        let moved = json!({"status": {"version": NEXT_VERSION, "machines": {"total": 1, "deleting": 0}}});
        cx.eventually(&blue).should(all((be_ready(), match_json(moved)))).await?;
        cx.step("an instance is lost, so that an event is repeated");
        let lost = cx.eventually(cx.all::<SimulatedInstance>()).should(have_len(1)).await?;
        let lost = lost.unwrap_or_default().first().map(ResourceExt::name_any).unwrap_or_default();
        cx.delete::<SimulatedInstance>(&lost).await?;
        let series = satisfy("include a series", |events: &Vec<Event>| {
            events.iter().any(|event| event.series.is_some())
        });
        cx.eventually(cx.all::<Event>()).should(series).await?;
        cx.eventually(&blue).should(be_ready()).await?;
        cx.step("the cluster is deleted");
        cx.delete::<Cluster>("blue").await?;
        cx.eventually(&blue).should(be_gone()).await?;
        for machine in &machines {
            cx.eventually(machine).should(be_gone()).await?;
        }
        let trail = cx.audit().await?.of(&operator_user(cx));
        cx.expect(trail).to(all((deny_nothing(), use_every_rule(&bundle::policy_rules()))))?;
        Ok(())
    });
}
