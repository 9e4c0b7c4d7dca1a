//! What a spec broke and left broken is put right at its end, before anybody else sees it.
//!
//! Clean-ups run newest first: what these specs ask for before they break something runs after that was undone.

use seatrial_e2e::matchers::{equal, satisfy};
use seatrial_e2e::{Cx, Scope, SpecResult, mins};

use crate::probe::{is_reached, pair, reaches};

pub(crate) fn specs(s: &mut Scope) {
    s.time_out(mins(5));
    s.it("is put right when three faults are left on it at once", async |cx: &mut Cx| {
        cx.defer(async |cx: &mut Cx| is_well(cx).await);
        let (control_plane, worker) = pair(cx).await?;
        worker.slow(seatrial_e2e::kind::Bandwidth::megabits(1)).await?;
        worker.cut_off().await?;
        worker.pause().await?;
        cx.expect(reaches(&control_plane, &worker).await?).to(equal(false))
    });
    s.it("is started again when its power is left off", async |cx: &mut Cx| {
        cx.defer(async |cx: &mut Cx| is_well(cx).await);
        let (control_plane, worker) = pair(cx).await?;
        worker.kill().await?;
        cx.expect(reaches(&control_plane, &worker).await?).to(equal(false))
    });
}

/// The worker is reached, reaches others, and has no rule of a fault's left.
async fn is_well(cx: &Cx) -> SpecResult {
    let (control_plane, worker) = pair(cx).await?;
    is_reached(cx, &control_plane, &worker).await?;
    is_reached(cx, &worker, &control_plane).await?;
    let queue = worker.exec(&["tc", "qdisc", "show", "dev", "eth0", "root"]).await?;
    cx.expect(queue.stdout).to(satisfy("name no token bucket", |queue: &String| !queue.contains("tbf")))?;
    let chain = worker.exec(&["iptables", "-w", "-t", "mangle", "-n", "-L", "SEATRIAL-CUT"]).await?;
    cx.expect(chain.code).to(satisfy("say that there is no such chain", |code| *code != 0))
}
