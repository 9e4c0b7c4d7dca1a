//! Specs of Machines: one instance each, released before the Machine is deleted.

use k8s_openapi::api::events::v1::Event;
use kube::ResourceExt;
use seatrial_e2e::{
    Cx, Scope,
    matchers::{all, be_gone, be_rejected, have_condition, have_len, match_json, satisfy},
};
use seatrial_operator::{Machine, SimulatedInstance};
use serde_json::json;

use crate::{
    objects::{NEXT_VERSION, VERSION, be_ready, include_event, instances_by_machine, machine},
    start_operator::{BOOT_DURATION, StartOperator},
};

pub(crate) fn specs(s: &mut Scope) {
    s.before_each(async |cx: &mut Cx| {
        cx.start_operator().await?;
        Ok(())
    });
    s.context("that is created", created);
    s.context("whose instance is lost", lost);
    s.context("that is deleted", deleted);
    s.context("with a bad spec", rejected);
}

fn created(s: &mut Scope) {
    s.it("becomes ready when its instance runs", async |cx: &mut Cx| {
        let lone = cx.create(&machine("lone")).await?;
        cx.eventually(&lone).should(have_condition("Ready", "False").with_reason("Booting")).await?;
        cx.eventually(&lone).should(all((have_condition("Provisioned", "True"), be_ready()))).await?;
        let instance = json!({"spec": {"version": VERSION, "machine": {"name": "lone", "uid": lone.uid()}}});
        let one = satisfy("be one", |instances: &Vec<SimulatedInstance>| instances.len() == 1);
        let instances = cx.eventually(cx.all::<SimulatedInstance>()).should(one).await?;
        cx.expect(instances.unwrap_or_default().remove(0)).to(match_json(instance))?;
        Ok(())
    });
    s.it("is not ready before the instance's readyAt", async |cx: &mut Cx| {
        let lone = cx.create(&machine("lone")).await?;
        cx.eventually(&lone).should(be_ready()).await?;
        let now = cx.now();
        let on_time = satisfy("have booted before now", move |instances: &Vec<SimulatedInstance>| {
            instances.iter().all(|instance| instance.spec.ready_at.0 <= now)
        });
        cx.eventually(cx.all::<SimulatedInstance>()).should(all((have_len(1), on_time))).await?;
        Ok(())
    });
    s.it("keeps its instance when its version is upgraded", async |cx: &mut Cx| {
        let lone = cx.create(&machine("lone")).await?;
        cx.eventually(&lone).should(be_ready()).await?;
        cx.patch_merge::<Machine>("lone", json!({"spec": {"version": NEXT_VERSION}})).await?;
        let moved = json!({"status": {"version": NEXT_VERSION}});
        cx.eventually(&lone).should(all((be_ready(), match_json(moved)))).await?;
        cx.eventually(cx.all::<SimulatedInstance>()).should(have_len(1)).await?;
        Ok(())
    });
}

fn lost(s: &mut Scope) {
    s.it("gets a new one and is ready again", async |cx: &mut Cx| {
        let lone = cx.create(&machine("lone")).await?;
        let ready = cx.eventually(&lone).should(be_ready()).await?;
        let id = ready.and_then(|machine| machine.status?.provider_id).unwrap_or_default();
        let before = instances_by_machine(vec![cx.get::<SimulatedInstance>(&id).await?]);
        cx.delete::<SimulatedInstance>(&id).await?;
        let anew = satisfy("be another instance", move |instances: &Vec<SimulatedInstance>| {
            instances.len() == 1 && instances_by_machine(instances.clone()) != before
        });
        cx.eventually(cx.all::<SimulatedInstance>()).should(anew).await?;
        cx.eventually(&lone).should(be_ready()).await?;
        Ok(())
    });
    s.it("counts a repeated event in a series", async |cx: &mut Cx| {
        let lone = cx.create(&machine("lone")).await?;
        let ready = cx.eventually(&lone).should(be_ready()).await?;
        let id = ready.and_then(|machine| machine.status?.provider_id).unwrap_or_default();
        cx.delete::<SimulatedInstance>(&id).await?;
        let counted = satisfy("include one Booting with a count of two", |events: &Vec<Event>| {
            let booting = |event: &&Event| event.reason.as_deref() == Some("Booting");
            let counts: Vec<_> = events.iter().filter(booting).map(|event| event.series.as_ref()).collect();
            matches!(counts.as_slice(), [Some(series)] if series.count == 2)
        });
        cx.eventually(cx.all::<Event>()).should(counted).await?;
        Ok(())
    });
}

fn deleted(s: &mut Scope) {
    s.it("is deleted when its instance is released, with an event", async |cx: &mut Cx| {
        let lone = cx.create(&machine("lone")).await?;
        cx.eventually(&lone).should(be_ready()).await?;
        cx.delete::<Machine>("lone").await?;
        cx.eventually(&lone).should(be_gone()).await?;
        cx.eventually(cx.all::<SimulatedInstance>()).should(have_len(0)).await?;
        cx.eventually(cx.all::<Event>()).should(include_event("Released", "lone")).await?;
        Ok(())
    });
    s.it("stays as long as its instance does", async |cx: &mut Cx| {
        let lone = cx.create(&machine("lone")).await?;
        let ready = cx.eventually(&lone).should(be_ready()).await?;
        let id = ready.and_then(|machine| machine.status?.provider_id).unwrap_or_default();
        cx.step("the instance has a foreign finalizer, and the machine is deleted");
        let finalizer = json!({"metadata": {"finalizers": ["example.com/inventory"]}});
        cx.patch_merge::<SimulatedInstance>(&id, finalizer).await?;
        cx.delete::<Machine>("lone").await?;
        let releasing = have_condition("Ready", "False").with_reason("Releasing");
        cx.eventually(&lone).should(releasing).await?;
        let releasing = have_condition("Ready", "False").with_reason("Releasing");
        cx.consistently(&lone).should(releasing).during(BOOT_DURATION / 2).await?;
        cx.step("the foreign finalizer is removed");
        cx.patch_merge::<SimulatedInstance>(&id, json!({"metadata": {"finalizers": null}})).await?;
        cx.eventually(&lone).should(be_gone()).await?;
        cx.eventually(cx.all::<SimulatedInstance>()).should(have_len(0)).await?;
        Ok(())
    });
}

fn rejected(s: &mut Scope) {
    s.it("is rejected when it wants to move to another cluster", async |cx: &mut Cx| {
        cx.create(&machine("lone")).await?;
        let result = cx.patch_merge::<Machine>("lone", json!({"spec": {"clusterName": "red"}})).await;
        let reason = "spec.clusterName: Invalid value: \"red\": clusterName is immutable";
        cx.expect(result).to(be_rejected("Invalid").saying(reason))?;
        Ok(())
    });
    s.it("is rejected when its version is no release", async |cx: &mut Cx| {
        let mut lone = machine("lone");
        lone.spec.version = "1.37".into();
        let result = cx.create(&lone).await;
        let reason =
            "spec.version: Invalid value: \"1.37\": version must be a Kubernetes release such as 1.37.2";
        cx.expect(result).to(be_rejected("Invalid").saying(reason))?;
        Ok(())
    });
}
