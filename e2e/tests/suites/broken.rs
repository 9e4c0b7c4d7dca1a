//! Specs that break a node, leave it broken, and come to no good end themselves.

use seatrial_e2e::kind::{Bandwidth, KindExt as _};
use seatrial_e2e::matchers::equal;
use seatrial_e2e::{Cx, Failure, Need, SpecResult, Suite, mins, secs};

use crate::endings::tell;

pub(crate) fn suite(suite: &mut Suite) {
    suite.describe("Raft", |s| {
        s.needs(Need::Kubelet).needs(Need::Nodes(2)).serial().time_out(mins(3));
        s.it("fails", async |cx: &mut Cx| {
            three_faults(cx).await?;
            cx.expect("ashore").to(equal("aboard"))
        });
        s.it("panics", async |cx: &mut Cx| {
            cx.kind()?.node("worker").await?.kill().await?;
            panic!("the raft sinks")
        });
        s.it("takes too long", async |cx: &mut Cx| {
            let worker = cx.kind()?.node("worker").await?;
            worker.slow(Bandwidth::megabits(1)).await?;
            worker.cut_off().await?;
            std::future::pending().await
        })
        .time_out(secs(40));
        s.it("is ended", async |cx: &mut Cx| {
            three_faults(cx).await?;
            tell(cx, "waits")?;
            std::future::pending().await
        });
    });
}

async fn three_faults(cx: &Cx) -> SpecResult {
    let worker = cx.kind()?.node("worker").await?;
    worker.slow(Bandwidth::megabits(1)).await?;
    worker.cut_off().await?;
    Ok::<_, Failure>(worker.pause().await?)
}
