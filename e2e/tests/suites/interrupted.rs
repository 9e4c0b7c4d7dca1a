//! Specs that wait for good, in the machine's time also where the cluster's is virtual, until the run is ended.

use std::task::Poll;

use k8s_openapi::api::core::v1::ConfigMap;
use seatrial_e2e::matchers::{equal, exist};
use seatrial_e2e::{Cx, Suite, mins};

use crate::endings::tell;

pub(crate) fn suite(suite: &mut Suite) {
    suite.describe("Watch", |s| {
        s.after_each(async |cx: &mut Cx| tell(cx, "after_each"));
        s.it("was kept", async |cx: &mut Cx| cx.expect(1).to(equal(1)));
        s.it("is kept", async |cx: &mut Cx| {
            cx.defer(async |cx: &mut Cx| tell(cx, "deferred"));
            cx.step("looking out");
            never_idle(cx);
            tell(cx, "waits")?;
            cx.eventually(cx.object::<ConfigMap>("relief")).should(exist()).within(mins(60)).await?;
            Ok(())
        });
        s.it("comes later", async |cx: &mut Cx| cx.expect(1).to(equal(1)));
    });
}

/// The same with a clean-up that never ends.
pub(crate) fn stubborn(suite: &mut Suite) {
    suite.describe("Watch", |s| {
        s.it("is not given up", async |cx: &mut Cx| {
            cx.defer(async |cx: &mut Cx| {
                tell(cx, "cleans up")?;
                std::future::pending().await
            });
            never_idle(cx);
            tell(cx, "waits")?;
            cx.eventually(cx.object::<ConfigMap>("relief")).should(exist()).within(mins(60)).await?;
            Ok(())
        });
    });
}

/// A paused clock moves on when nobody can run: here somebody always can.
fn never_idle(cx: &Cx) {
    cx.spawn(
        "lookout",
        std::future::poll_fn(|context| {
            context.waker().wake_by_ref();
            Poll::<()>::Pending
        }),
    );
}
