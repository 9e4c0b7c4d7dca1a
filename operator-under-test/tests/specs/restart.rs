//! The operator itself: what is asked for comes true however often it is killed, and wherever.

use std::time::Duration;

use k8s_openapi::api::events::v1::Event;
use seatrial_e2e::{
    Cx, Need, Scope,
    matchers::{all, be_gone, equal, have_len, not, satisfy},
    mins,
};
use seatrial_operator::{Cluster, Machine, SimulatedInstance};

use crate::{
    fleet::{be_ready, be_ready_machines, books, cluster, machine, tell},
    operator::{BOOT, StartOperator},
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
    s.it(
        "survives a restart in the middle: machines that come up keep their instances",
        async |cx: &mut Cx| {
            let first = cx.start_operator().await?;
            let blue = cx.create(&cluster("blue", 2)).await?;
            let instances = cx.eventually(cx.all::<SimulatedInstance>()).should(have_len(2)).await?;
            first.kill(cx).await?;
            cx.step("killed while the machines came up");
            cx.start_operator().await?;
            cx.eventually(&blue).should(be_ready()).await?;
            let after = cx.eventually(cx.all::<SimulatedInstance>()).should(have_len(2)).await?;
            // The same uids and times: nothing was made anew, and the wait already served counted.
            cx.expect(books(after.unwrap_or_default())).to(equal(books(instances.unwrap_or_default())))?;
            Ok(())
        },
    );
    s.it("creates no machine twice when it is killed between two of them", async |cx: &mut Cx| {
        let first = cx.start_operator().await?;
        let blue = cx.create(&cluster("blue", 3)).await?;
        let some = satisfy("be at least one", |machines: &Vec<Machine>| !machines.is_empty());
        cx.eventually(cx.all::<Machine>()).should(some).await?;
        first.kill(cx).await?;
        cx.step("killed while it created machines");
        cx.start_operator().await?;
        cx.eventually(&blue).should(be_ready()).await?;
        cx.consistently(cx.all::<Machine>()).should(be_ready_machines(3)).during(BOOT).await?;
        cx.eventually(cx.all::<SimulatedInstance>()).should(have_len(3)).await?;
        // One too many would have been taken away again, and told.
        cx.eventually(cx.all::<Event>())
            .should(all((tell("AllMachinesReady", "blue"), not(tell("MachineDeleted", "blue")))))
            .await?;
        Ok(())
    });
    s.it("comes to the end however often it is killed on the way", async |cx: &mut Cx| {
        let blue = cx.create(&cluster("blue", 2)).await?;
        // Each life ends at another step of the work; together they cross all of it.
        for milliseconds in [0, 1, 3, 5, 10, 20, 30, 50, 80, 130] {
            cx.let_operator_live(Duration::from_millis(milliseconds)).await?;
        }
        cx.start_operator().await?;
        cx.eventually(&blue).should(be_ready()).await?;
        cx.eventually(cx.all::<Machine>()).should(be_ready_machines(2)).await?;
        cx.eventually(cx.all::<SimulatedInstance>()).should(have_len(2)).await?;
        Ok(())
    })
    // Ten times a Pod's start and end, where it is one.
    .time_out(mins(15));
}

fn killed_at_a_deletion(s: &mut Scope) {
    s.it("finishes a deletion that it was killed in", async |cx: &mut Cx| {
        let first = cx.start_operator().await?;
        let blue = cx.create(&cluster("blue", 3)).await?;
        cx.eventually(&blue).should(be_ready()).await?;
        cx.delete::<Cluster>("blue").await?;
        let leaving = satisfy("have one on its way out", |machines: &Vec<Machine>| {
            machines.len() < 3 || machines.iter().any(|machine| machine.metadata.deletion_timestamp.is_some())
        });
        cx.eventually(cx.all::<Machine>()).should(leaving).await?;
        first.kill(cx).await?;
        cx.step("killed while it released instances");
        cx.start_operator().await?;
        cx.eventually(cx.all::<Machine>()).should(have_len(0)).await?;
        cx.eventually(cx.all::<SimulatedInstance>()).should(have_len(0)).await?;
        Ok(())
    })
    .needs(Need::Controllers);
    s.it("releases what was deleted while it was away", async |cx: &mut Cx| {
        let first = cx.start_operator().await?;
        let lone = cx.create(&machine("lone")).await?;
        cx.eventually(&lone).should(be_ready()).await?;
        first.kill(cx).await?;
        cx.delete::<Machine>("lone").await?;
        cx.step("deleted while nobody looked");
        cx.start_operator().await?;
        cx.eventually(&lone).should(be_gone()).await?;
        cx.eventually(cx.all::<SimulatedInstance>()).should(have_len(0)).await?;
        Ok(())
    });
}

fn stopped(s: &mut Scope) {
    s.it("ends by itself and leaves what it made in place", async |cx: &mut Cx| {
        let operator = cx.start_operator().await?;
        let blue = cx.create(&cluster("blue", 2)).await?;
        cx.eventually(&blue).should(be_ready()).await?;
        operator.stop(cx).await?;
        cx.consistently(cx.all::<Machine>()).should(be_ready_machines(2)).during(BOOT).await?;
        cx.step("so that the clean-up finds an operator that releases");
        cx.start_operator().await?;
        Ok(())
    });
}
