//! The operator's rights: enough for everything that it does, and not one too many.

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
    fleet::{NEXT_VERSION, be_ready, cluster, machines_of_ready},
    operator::{StartOperator, account},
};

pub(crate) fn specs(s: &mut Scope) {
    s.needs(Need::Audit).needs(Need::Controllers);
    s.it("does all of its work without being denied anything, and needs every rule", async |cx: &mut Cx| {
        cx.start_operator().await?;
        let blue = cx.create(&cluster("blue", 2)).await?;
        let machines = machines_of_ready(cx, &blue).await?;
        cx.step("a machine's version moves up, and one machine goes");
        let change = json!({"spec": {"version": NEXT_VERSION, "machines": 1}});
        cx.patch_merge::<Cluster>("blue", change).await?;
        let moved = json!({"status": {"version": NEXT_VERSION, "machines": {"total": 1, "deleting": 0}}});
        cx.eventually(&blue).should(all((be_ready(), match_json(moved)))).await?;
        cx.step("an instance is lost, so that something is told that was told before");
        let lost = cx.eventually(cx.all::<SimulatedInstance>()).should(have_len(1)).await?;
        let lost = lost.unwrap_or_default().first().map(ResourceExt::name_any).unwrap_or_default();
        cx.delete::<SimulatedInstance>(&lost).await?;
        let again = satisfy("tell something again", |events: &Vec<Event>| {
            events.iter().any(|event| event.series.is_some())
        });
        cx.eventually(cx.all::<Event>()).should(again).await?;
        cx.eventually(&blue).should(be_ready()).await?;
        cx.step("everything goes");
        cx.delete::<Cluster>("blue").await?;
        cx.eventually(&blue).should(be_gone()).await?;
        for machine in &machines {
            cx.eventually(machine).should(be_gone()).await?;
        }
        let trail = cx.audit().await?.of(&account(cx));
        cx.expect(trail).to(all((deny_nothing(), use_every_rule(&bundle::rules()))))?;
        Ok(())
    });
}
