//! Specs of the operator's restart: it recovers from a kill at any point.

use std::time::Duration;

use k8s_openapi::api::events::v1::Event;
use seatrial_e2e::{
    Cx, Need, Scope,
    matchers::{all, be_gone, equal, have_len, not, satisfy},
    mins,
};
use seatrial_operator::{Cluster, Machine, SimulatedInstance};

use crate::{
    objects::{all_be_ready, be_ready, cluster, include_event, instances_by_machine, machine},
    start_operator::{BOOT_DURATION, StartOperator},
};

pub(crate) fn specs(s: &mut Scope) {
    s.context("that is killed", |s| {
        s.label("recovery");
        killed_at_work(s);
        killed_at_a_deletion(s);
    });
    s.context("that is stopped", stopped);
}

fn killed_at_work(s: &mut Scope) {
    s.it("survives a restart while machines boot: they keep their instances", async |cx: &mut Cx| {
        let first = cx.start_operator().await?;
        let blue = cx.create(&cluster("blue", 2)).await?;
        let instances = cx.eventually(cx.all::<SimulatedInstance>()).should(have_len(2)).await?;
        first.kill(cx).await?;
        cx.step("killed while the machines booted");
        cx.start_operator().await?;
        cx.eventually(&blue).should(be_ready()).await?;
        let after = cx.eventually(cx.all::<SimulatedInstance>()).should(have_len(2)).await?;
        // Equal uids and times: no instance was created again, and no boot started over.
        cx.expect(instances_by_machine(after.unwrap_or_default()))
            .to(equal(instances_by_machine(instances.unwrap_or_default())))?;
        Ok(())
    });
    s.it("creates no machine twice when it is killed between two of them", async |cx: &mut Cx| {
        let first = cx.start_operator().await?;
        let blue = cx.create(&cluster("blue", 3)).await?;
        let some = satisfy("be at least one", |machines: &Vec<Machine>| !machines.is_empty());
        cx.eventually(cx.all::<Machine>()).should(some).await?;
        first.kill(cx).await?;
        cx.step("killed while it created machines");
        cx.start_operator().await?;
        cx.eventually(&blue).should(be_ready()).await?;
        cx.consistently(cx.all::<Machine>()).should(all_be_ready(3)).during(BOOT_DURATION).await?;
        cx.eventually(cx.all::<SimulatedInstance>()).should(have_len(3)).await?;
        // A surplus machine would have been deleted, with an event.
        cx.eventually(cx.all::<Event>())
            .should(all((
                include_event("AllMachinesReady", "blue"),
                not(include_event("MachineDeleted", "blue")),
            )))
            .await?;
        Ok(())
    });
    s.it("completes its work however often it is killed", async |cx: &mut Cx| {
        let blue = cx.create(&cluster("blue", 2)).await?;
        // Each run ends at another step of the work; together they cover all of it.
        for milliseconds in [0, 1, 3, 5, 10, 20, 30, 50, 80, 130] {
            cx.run_operator_for(Duration::from_millis(milliseconds)).await?;
        }
        cx.start_operator().await?;
        cx.eventually(&blue).should(be_ready()).await?;
        cx.eventually(cx.all::<Machine>()).should(all_be_ready(2)).await?;
        cx.eventually(cx.all::<SimulatedInstance>()).should(have_len(2)).await?;
        Ok(())
    })
    // Ten starts and ends of a Pod on tier kind.
    .time_out(mins(15));
}

fn killed_at_a_deletion(s: &mut Scope) {
    s.it("finishes a deletion during which it was killed", async |cx: &mut Cx| {
        let first = cx.start_operator().await?;
        let blue = cx.create(&cluster("blue", 3)).await?;
        cx.eventually(&blue).should(be_ready()).await?;
        cx.delete::<Cluster>("blue").await?;
        let deleting = satisfy("have one that is being deleted", |machines: &Vec<Machine>| {
            machines.len() < 3 || machines.iter().any(|machine| machine.metadata.deletion_timestamp.is_some())
        });
        cx.eventually(cx.all::<Machine>()).should(deleting).await?;
        first.kill(cx).await?;
        cx.step("killed while it released instances");
        cx.start_operator().await?;
        cx.eventually(cx.all::<Machine>()).should(have_len(0)).await?;
        cx.eventually(cx.all::<SimulatedInstance>()).should(have_len(0)).await?;
        Ok(())
    })
    .needs(Need::Controllers);
    s.it("releases instances of machines deleted while it was down", async |cx: &mut Cx| {
        let first = cx.start_operator().await?;
        let lone = cx.create(&machine("lone")).await?;
        cx.eventually(&lone).should(be_ready()).await?;
        first.kill(cx).await?;
        cx.delete::<Machine>("lone").await?;
        cx.step("deleted while no operator ran");
        cx.start_operator().await?;
        cx.eventually(&lone).should(be_gone()).await?;
        cx.eventually(cx.all::<SimulatedInstance>()).should(have_len(0)).await?;
        Ok(())
    });
}

fn stopped(s: &mut Scope) {
    s.it("exits and leaves its objects in place", async |cx: &mut Cx| {
        let operator = cx.start_operator().await?;
        let blue = cx.create(&cluster("blue", 2)).await?;
        cx.eventually(&blue).should(be_ready()).await?;
        operator.stop(cx).await?;
        cx.consistently(cx.all::<Machine>()).should(all_be_ready(2)).during(BOOT_DURATION).await?;
        cx.step("started again for the clean-up");
        cx.start_operator().await?;
        Ok(())
    });
}
