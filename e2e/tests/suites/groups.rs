//! Groups of every sort: circumstances, tables, groups that share a cluster, stories told in their order.
//!
//! As in `endings`, lines `told SPEC: PART` on stderr let a test read what ran, in which order.

use k8s_openapi::api::core::v1::ConfigMap;
use seatrial_e2e::matchers::{equal, exist};
use seatrial_e2e::{Cx, Failure, Row, Scope, SpecResult, Suite, secs};

use crate::endings::tell;
use crate::passing::config;

pub(crate) fn suite(suite: &mut Suite) {
    suite.describe("Fleet", |s| {
        s.when("the wind drops", |s| {
            s.it("waits", async |cx: &mut Cx| cx.expect(1).to(equal(1)));
        });
        let rows = [
            Row::new("shallow", 1),
            Row::new("deep", 100).label("edge"),
            Row::new("abyssal", 6000).pending("no line is long enough"),
        ];
        s.table("measures a depth that is", rows, async |cx: &mut Cx, depth: &i32| {
            tell(cx, &format!("{depth} fathoms"))?;
            cx.expect(*depth > 0).to(equal(true))
        })
        .label("depth");
        s.not_yet("is insured", "no insurer was found");
        s.context("that shares a harbour", harbour);
        s.context("over its life", life);
    });
    suite.describe("Wreck", |s| {
        s.context("in the middle of a story", wreck);
        s.context("before anybody is aboard", |s| {
            s.before_all(async |_: &mut Cx| Err(Failure::new("no harbour")));
            s.after_all(async |cx: &mut Cx| tell(cx, "after_all"));
            s.it("sails", async |cx: &mut Cx| tell(cx, "a body that must not run"));
            s.it("fishes", async |cx: &mut Cx| tell(cx, "a body that must not run"));
        });
        s.context("after everybody has left", |s| {
            s.after_all(async |_: &mut Cx| Err(Failure::new("the harbour burns")));
            s.it("sails", async |cx: &mut Cx| cx.expect(1).to(equal(1)));
            s.it("fishes", async |cx: &mut Cx| cx.expect(1).to(equal(1)));
        });
        s.context("whose crew trusts the harbour", |s| {
            s.before_all(async |cx: &mut Cx| cx.expect(1).to(equal(1)));
            s.it("asserts nothing", async |_: &mut Cx| Ok(()));
        });
    });
}

/// What the harbour's specs find of what was kept for them.
struct Berth(String);

fn harbour(s: &mut Scope) {
    s.before_all(async |cx: &mut Cx| {
        tell(cx, "before_all")?;
        cx.create(&config("chart", "0")).await?;
        cx.keep(Berth(cx.namespace().to_owned()));
        let (api, namespace) = (cx.api::<ConfigMap>(), cx.namespace().to_owned());
        cx.spawn("harbour master", async move {
            let list = api.list(&kube::api::ListParams::default()).await?;
            assert!(!list.items.is_empty(), "nothing was created in {namespace}");
            std::future::pending::<SpecResult>().await
        });
        cx.defer(async |cx: &mut Cx| tell(cx, "deferred by before_all"));
        Ok(())
    });
    s.after_all(async |cx: &mut Cx| tell(cx, "after_all"));
    s.before_each(async |cx: &mut Cx| tell(cx, "before_each"));
    for spec in ["reads the chart", "moors"] {
        s.it(spec, async |cx: &mut Cx| {
            cx.defer(async |cx: &mut Cx| tell(cx, "deferred by the spec"));
            let berth = cx.kept::<Berth>()?;
            cx.expect(berth.0.as_str()).to(equal(cx.namespace()))?;
            cx.eventually(cx.object::<ConfigMap>("chart")).should(exist()).within(secs(5)).await?;
            Ok(())
        });
    }
    s.context("with a lighthouse", |s| {
        s.before_all(async |cx: &mut Cx| {
            cx.kept::<Berth>()?;
            tell(cx, "inner before_all")
        });
        s.after_all(async |cx: &mut Cx| tell(cx, "inner after_all"));
        s.it("sees the light", async |cx: &mut Cx| {
            cx.eventually(cx.object::<ConfigMap>("chart")).should(exist()).within(secs(5)).await?;
            Ok(())
        });
    });
}

fn life(s: &mut Scope) {
    s.ordered().label("story");
    s.it("is built", async |cx: &mut Cx| {
        let map = cx.create(&config("ship", "0")).await?;
        tell(cx, "body")?;
        cx.eventually(&map).should(exist()).await?;
        Ok(())
    });
    s.it("is named", async |_: &mut Cx| Ok(())).pending("nobody has a name for it");
    s.when("it sails", |s| {
        s.it("is at sea", async |cx: &mut Cx| {
            tell(cx, "body")?;
            cx.eventually(cx.object::<ConfigMap>("ship")).should(exist()).within(secs(1)).await?;
            Ok(())
        });
    });
    s.it("is broken up", async |cx: &mut Cx| {
        tell(cx, "body")?;
        cx.delete::<ConfigMap>("ship").await?;
        cx.expect(1).to(equal(1))
    });
}

fn wreck(s: &mut Scope) {
    fn ok(cx: &mut Cx) -> SpecResult {
        tell(cx, "body")?;
        cx.expect(1).to(equal(1))
    }
    s.ordered();
    s.it("sails out", async |cx: &mut Cx| ok(cx));
    s.it("hits a rock", async |cx: &mut Cx| cx.expect("rock").to(equal("water")));
    s.it("comes home", async |cx: &mut Cx| ok(cx));
    s.after_all(async |cx: &mut Cx| tell(cx, "after_all"));
}
