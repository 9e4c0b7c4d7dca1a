//! Specs of Clusters: number and version of their machines.

use std::collections::BTreeSet;

use k8s_openapi::api::events::v1::Event;
use kube::ResourceExt;
use seatrial_e2e::{
    Cx, Need, Scope,
    matchers::{all, be_gone, be_rejected, each, equal, have_condition, have_len, match_json, satisfy},
};
use seatrial_operator::{Cluster, Machine, SimulatedInstance, api::ClusterSpec};
use serde_json::json;

use crate::{
    objects::{
        NEXT_VERSION, VERSION, all_be_ready, be_ready, cluster, include_event, machines_of_ready_cluster,
    },
    start_operator::{BOOT_DURATION, StartOperator},
};

pub(crate) fn specs(s: &mut Scope) {
    s.before_each(async |cx: &mut Cx| {
        cx.start_operator().await?;
        Ok(())
    });
    s.context("that is created", created);
    s.context("whose number of machines changes", scaled);
    s.context("whose version moves up", upgraded);
    s.context("that is deleted", deleted);
    s.context("with a bad spec", rejected);
}

fn created(s: &mut Scope) {
    s.it("becomes ready when all its machines run", async |cx: &mut Cx| {
        let blue = cx.create(&cluster("blue", 3)).await?;
        cx.eventually(&blue).should(be_ready()).await?;
        cx.eventually(cx.all::<Machine>()).should(all_be_ready(3)).await?;
        cx.eventually(cx.all::<SimulatedInstance>()).should(have_len(3)).await?;
        let counts = json!({"total": 3, "ready": 3, "upToDate": 3, "deleting": 0});
        let status = json!({"status": {"version": VERSION, "machines": counts}});
        cx.eventually(&blue).should(match_json(status)).await?;
        Ok(())
    });
    s.it("is not ready before its machines have booted", async |cx: &mut Cx| {
        let blue = cx.create(&cluster("blue", 1)).await?;
        cx.eventually(&blue).should(have_condition("Ready", "False").with_reason("MachinesNotReady")).await?;
        let instances = cx.eventually(cx.all::<SimulatedInstance>()).should(have_len(1)).await?;
        let ready_at =
            instances.unwrap_or_default().iter().map(|instance| instance.spec.ready_at.0.as_second()).max();
        // Compares recorded times, so a late observation on a busy machine makes no difference.
        let no_sooner = satisfy("be ready no sooner than its machines", move |cluster: &Cluster| {
            ready_since(cluster).is_none_or(|since| Some(since) >= ready_at)
        });
        cx.consistently(&blue).should(no_sooner).during(BOOT_DURATION * 2).await?;
        cx.eventually(&blue).should(be_ready()).await?;
        Ok(())
    });
    s.it("owns its machines, and they have a finalizer", async |cx: &mut Cx| {
        let blue = cx.create(&cluster("blue", 1)).await?;
        let machines = machines_of_ready_cluster(cx, &blue).await?;
        let owner = json!({"kind": "Cluster", "name": "blue", "uid": blue.uid(), "controller": true});
        let metadata = json!({
            "ownerReferences": [owner],
            "finalizers": ["machines.fleet.seatrial.dev/release"],
        });
        cx.expect(machines).to(all((have_len(1), each(match_json(json!({"metadata": metadata}))))))?;
        Ok(())
    });
    s.it("has events of each step", async |cx: &mut Cx| {
        let blue = cx.create(&cluster("blue", 1)).await?;
        let machines = machines_of_ready_cluster(cx, &blue).await?;
        let name = machines.first().map(ResourceExt::name_any).unwrap_or_default();
        let published = all((
            include_event("MachineCreated", "blue"),
            include_event("AllMachinesReady", "blue"),
            include_event("Booting", &name),
            include_event("Running", &name),
        ));
        cx.eventually(cx.all::<Event>()).should(published).await?;
        Ok(())
    });
    s.it("with no machines is ready at once", async |cx: &mut Cx| {
        let empty = cx.create(&cluster("empty", 0)).await?;
        // Less than the boot of a machine; a Pod on a busy machine needs longer to report.
        let limit = if cx.tier() == "kind" { BOOT_DURATION * 10 } else { BOOT_DURATION };
        cx.eventually(&empty).should(be_ready()).within(limit).await?;
        cx.eventually(cx.all::<Machine>()).should(have_len(0)).await?;
        Ok(())
    });
}

fn scaled(s: &mut Scope) {
    s.it("grows and keeps the machines that it has", async |cx: &mut Cx| {
        let blue = cx.create(&cluster("blue", 1)).await?;
        let before = uids(&machines_of_ready_cluster(cx, &blue).await?);
        cx.patch_merge::<Cluster>("blue", json!({"spec": {"machines": 3}})).await?;
        let after = uids(&machines_of_ready_cluster(cx, &blue).await?);
        cx.expect((after.len(), after.is_superset(&before))).to(equal((3, true)))?;
        Ok(())
    });
    s.it("shrinks and releases the instances of deleted machines", async |cx: &mut Cx| {
        let blue = cx.create(&cluster("blue", 3)).await?;
        let before = uids(&machines_of_ready_cluster(cx, &blue).await?);
        cx.patch_merge::<Cluster>("blue", json!({"spec": {"machines": 1}})).await?;
        cx.eventually(cx.all::<Machine>()).should(have_len(1)).await?;
        cx.eventually(cx.all::<SimulatedInstance>()).should(have_len(1)).await?;
        let after = uids(&machines_of_ready_cluster(cx, &blue).await?);
        cx.expect((after.len(), after.is_subset(&before))).to(equal((1, true)))?;
        Ok(())
    });
    s.it("replaces a machine that somebody deletes", async |cx: &mut Cx| {
        let blue = cx.create(&cluster("blue", 2)).await?;
        let machines = machines_of_ready_cluster(cx, &blue).await?;
        let lost = machines.first().map(ResourceExt::name_any).unwrap_or_default();
        cx.delete::<Machine>(&lost).await?;
        cx.eventually(cx.object::<Machine>(&lost)).should(be_gone()).await?;
        cx.eventually(cx.all::<Machine>()).should(all_be_ready(2)).await?;
        cx.eventually(cx.all::<SimulatedInstance>()).should(have_len(2)).await?;
        Ok(())
    });
}

fn upgraded(s: &mut Scope) {
    s.it("upgrades its machines in place and never all at once", async |cx: &mut Cx| {
        let blue = cx.create(&cluster("blue", 2)).await?;
        let before = uids(&machines_of_ready_cluster(cx, &blue).await?);
        cx.patch_merge::<Cluster>("blue", json!({"spec": {"version": NEXT_VERSION}})).await?;
        let serve = satisfy("have a machine that runs", |machines: &Vec<Machine>| {
            let runs =
                |machine: &Machine| machine.status.as_ref().is_some_and(|status| status.version.is_some());
            machines.iter().any(runs)
        });
        let served =
            cx.consistently(cx.all::<Machine>()).should(serve).during(BOOT_DURATION * 3).into_future();
        let moved = json!({"status": {"version": NEXT_VERSION, "machines": {"upToDate": 2, "ready": 2}}});
        let moved = cx.eventually(&blue).should(all((be_ready(), match_json(moved)))).into_future();
        futures::future::try_join(served, moved).await?;
        let after = uids(&machines_of_ready_cluster(cx, &blue).await?);
        cx.expect(after).to(equal(before))?;
        Ok(())
    });
}

fn deleted(s: &mut Scope) {
    s.needs(Need::Controllers);
    s.it("releases everything", async |cx: &mut Cx| {
        let blue = cx.create(&cluster("blue", 3)).await?;
        cx.eventually(&blue).should(be_ready()).await?;
        cx.delete::<Cluster>("blue").await?;
        cx.eventually(&blue).should(be_gone()).await?;
        cx.eventually(cx.all::<Machine>()).should(have_len(0)).await?;
        cx.eventually(cx.all::<SimulatedInstance>()).should(have_len(0)).await?;
        Ok(())
    });
    s.it("releases everything while its machines boot", async |cx: &mut Cx| {
        let blue = cx.create(&cluster("blue", 2)).await?;
        cx.eventually(cx.all::<SimulatedInstance>()).should(have_len(2)).await?;
        cx.delete::<Cluster>("blue").await?;
        cx.eventually(&blue).should(be_gone()).await?;
        cx.eventually(cx.all::<Machine>()).should(have_len(0)).await?;
        cx.eventually(cx.all::<SimulatedInstance>()).should(have_len(0)).await?;
        Ok(())
    });
    s.it("leaves other clusters alone", async |cx: &mut Cx| {
        let blue = cx.create(&cluster("blue", 1)).await?;
        let green = cx.create(&cluster("green", 2)).await?;
        cx.eventually(&blue).should(be_ready()).await?;
        let before = uids(&machines_of_ready_cluster(cx, &green).await?);
        cx.delete::<Cluster>("blue").await?;
        cx.eventually(cx.all::<SimulatedInstance>()).should(have_len(2)).await?;
        let after = uids(&machines_of_ready_cluster(cx, &green).await?);
        cx.expect(after).to(equal(before))?;
        Ok(())
    });
}

fn rejected(s: &mut Scope) {
    s.it("is rejected when its version is no release", async |cx: &mut Cx| {
        let spec = ClusterSpec { version: "latest".into(), machines: 1 };
        let result = cx.create(&Cluster::new("blue", spec)).await;
        let reason =
            "spec.version: Invalid value: \"latest\": version must be a Kubernetes release such as 1.37.2";
        cx.expect(result).to(be_rejected("Invalid").saying(reason))?;
        Ok(())
    });
    s.it("is rejected when it asks for too many machines or fewer than none", async |cx: &mut Cx| {
        let result = cx.create(&cluster("blue", 101)).await;
        let many =
            "spec.machines: Invalid value: 101: spec.machines in body should be less than or equal to 100";
        cx.expect(result).to(be_rejected("Invalid").saying(many))?;
        let result = cx.create(&cluster("blue", -1)).await;
        let few =
            "spec.machines: Invalid value: -1: spec.machines in body should be greater than or equal to 0";
        cx.expect(result).to(be_rejected("Invalid").saying(few))?;
        Ok(())
    });
    s.it("is rejected when its name is too long for its machines", async |cx: &mut Cx| {
        let result = cx.create(&cluster(&"a".repeat(53), 1)).await;
        cx.expect(result).to(be_rejected("Invalid").saying("name must have at most 52 characters"))?;
        Ok(())
    });
    s.it("is rejected when its version goes back or skips a minor release", async |cx: &mut Cx| {
        cx.create(&cluster("blue", 0)).await?;
        for version in ["1.35.9", "1.38.0"] {
            let result = cx.patch_merge::<Cluster>("blue", json!({"spec": {"version": version}})).await;
            let reason =
                format!("spec.version: Invalid value: \"{version}\": version must stay in its minor release");
            cx.expect(result).to(be_rejected("Invalid").saying(&reason))?;
        }
        Ok(())
    });
}

/// The transition time of `Ready=True`, in whole seconds, the precision of conditions.
fn ready_since(cluster: &Cluster) -> Option<i64> {
    let conditions = &cluster.status.as_ref()?.conditions;
    let ready = conditions.iter().find(|condition| condition.type_ == "Ready" && condition.status == "True");
    Some(ready?.last_transition_time.0.as_second())
}

fn uids(machines: &[Machine]) -> BTreeSet<Option<String>> {
    machines.iter().map(ResourceExt::uid).collect()
}
