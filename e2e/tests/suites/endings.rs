//! One spec for each way of ending, each with the same hooks and clean-ups around it.
//!
//! Every part of a spec's life writes a line `told SPEC: PART` on stderr, where the harness writes nothing in between,
//! so that a test can read the order.

use std::time::Duration;

use k8s_openapi::api::core::v1::ConfigMap;
use seatrial_e2e::matchers::{equal, exist};
use seatrial_e2e::{Cx, Failure, Scope, SpecResult, Suite, mins, secs};

pub(crate) fn suite(suite: &mut Suite) {
    suite.describe("Ending", |s| {
        s.after_each(async |cx: &mut Cx| tell(cx, "outer after_each"));
        s.before_each(async |cx: &mut Cx| tell(cx, "outer before_each"));
        s.context("inside", |s| {
            // The hooks stand below the specs on purpose: they hold for all of them.
            bodies(s);
            s.before_each(async |cx: &mut Cx| {
                cx.defer(async |cx: &mut Cx| tell(cx, "first deferred"));
                cx.defer(async |cx: &mut Cx| {
                    tell(cx, "second deferred")?;
                    cx.defer(async |cx: &mut Cx| tell(cx, "deferred by a clean-up"));
                    Ok(())
                });
                tell(cx, "inner before_each")
            });
            s.after_each(async |cx: &mut Cx| tell(cx, "inner after_each"));
        });
        s.context("in trouble", troubles);
    });
}

#[expect(clippy::unnecessary_wraps, reason = "it stands in for hooks, which may fail")]
pub(crate) fn tell(cx: &Cx, part: &str) -> SpecResult {
    let spec = cx.spec().rsplit(" / ").next().unwrap_or_default();
    eprintln!("told {spec}: {part}");
    Ok(())
}

fn bodies(s: &mut Scope) {
    s.it("succeeds", async |cx: &mut Cx| {
        tell(cx, "body")?;
        cx.expect(1).to(equal(1))
    });
    s.it("fails", async |cx: &mut Cx| {
        tell(cx, "body")?;
        cx.step("looking for a machine");
        cx.get::<ConfigMap>("missing").await?;
        Ok(())
    });
    s.it("panics", async |cx: &mut Cx| {
        tell(cx, "body")?;
        panic!("the mast is {}", "broken")
    });
    s.it("takes too long", async |cx: &mut Cx| {
        tell(cx, "body")?;
        cx.step("waiting for a ship");
        cx.eventually(cx.object::<ConfigMap>("ship")).should(exist()).within(mins(60)).await?;
        Ok(())
    })
    .time_out(secs(2));
}

fn troubles(s: &mut Scope) {
    s.it("asserts nothing", async |_: &mut Cx| Ok(()));
    s.it("forgets to await", async |cx: &mut Cx| {
        cx.expect(1).to(equal(1))?;
        drop(cx.eventually(cx.object::<ConfigMap>("a")).should(exist()));
        Ok(())
    });
    s.it("fails twice", async |cx: &mut Cx| {
        cx.defer(async |_: &mut Cx| Err(Failure::new("the second reason")));
        cx.defer(async |_: &mut Cx| panic!("the third reason"));
        Err(Failure::new("the first reason"))
    });
    s.it("cannot clean up", async |cx: &mut Cx| {
        cx.defer(async |_: &mut Cx| Err(Failure::new("the anchor is stuck")));
        cx.expect(1).to(equal(1))
    });
    s.it("has a task that fails", async |cx: &mut Cx| {
        cx.spawn("pump", async { Err("no water") });
        cx.spawn("radar", loses_power());
        cx.spawn("radio", std::future::pending::<()>());
        tokio::time::sleep(Duration::from_millis(10)).await;
        cx.expect(1).to(equal(1))
    });
    s.context("before it begins", |s| {
        s.before_each(async |cx: &mut Cx| {
            cx.defer(async |cx: &mut Cx| tell(cx, "deferred before the hook failed"));
            Err(Failure::new("no crew"))
        });
        s.it("is not begun", async |cx: &mut Cx| tell(cx, "a body that must not run"));
    });
}

async fn loses_power() {
    tokio::task::yield_now().await;
    panic!("no power")
}
