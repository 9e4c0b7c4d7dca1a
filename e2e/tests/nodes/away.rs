//! A node that is paused, shut down, killed or restarted, and comes back.

use k8s_openapi::api::core::v1::Node;
use seatrial_e2e::matchers::{equal, have_condition};
use seatrial_e2e::{Cx, Scope, mins};

use crate::probe::{is_reached, pair, reaches, told_address};

pub(crate) fn specs(s: &mut Scope) {
    s.time_out(mins(5));
    s.it("is given up while it is paused, and taken back when it goes on", async |cx: &mut Cx| {
        let (_, worker) = pair(cx).await?;
        let node = cx.object::<Node>(worker.name());
        cx.eventually(node.clone()).should(have_condition("Ready", "True")).await?;
        worker.pause().await?;
        // The control plane waits for 40 to 50 seconds before it believes it.
        cx.eventually(node.clone()).should(have_condition("Ready", "Unknown")).within(mins(2)).await?;
        worker.unpause().await?;
        cx.eventually(node).should(have_condition("Ready", "True")).within(mins(2)).await?;
        Ok(())
    });
    s.it("answers nobody while it is stopped, and is itself again after a start", async |cx: &mut Cx| {
        let (control_plane, worker) = pair(cx).await?;
        let address = told_address(cx, &worker).await?;
        is_reached(cx, &control_plane, &worker).await?;
        worker.stop().await?;
        cx.expect(reaches(&control_plane, &worker).await?).to(equal(false))?;
        worker.start().await?;
        worker.wait_ready().await?;
        is_reached(cx, &control_plane, &worker).await?;
        cx.expect(told_address(cx, &worker).await?).to(equal(address))
    });
    s.it("keeps its address when it is killed and started again", async |cx: &mut Cx| {
        let (control_plane, worker) = pair(cx).await?;
        let address = told_address(cx, &worker).await?;
        worker.kill().await?;
        cx.expect(reaches(&control_plane, &worker).await?).to(equal(false))?;
        worker.start().await?;
        worker.wait_ready().await?;
        cx.expect(told_address(cx, &worker).await?).to(equal(address))?;
        is_reached(cx, &control_plane, &worker).await
    });
    s.it("lets the API server come back with the control plane after a restart", async |cx: &mut Cx| {
        let (control_plane, worker) = pair(cx).await?;
        control_plane.restart().await?;
        control_plane.wait_ready().await?;
        let node = cx.object::<Node>(control_plane.name());
        cx.eventually(node).should(have_condition("Ready", "True")).within(mins(2)).await?;
        is_reached(cx, &worker, &control_plane).await
    });
}
