//! Waits that are not fulfilled, and what they tell; waits across the end of a watch.

use std::time::Duration;

use k8s_openapi::api::core::v1::ConfigMap;
use kube::Api;
use kube::api::{Patch, PatchParams};
use seatrial_e2e::matchers::{be_gone, equal, exist, match_json, not};
use seatrial_e2e::{Cx, Scope, SpecResult, Suite, mins, secs};
use serde_json::json;

use crate::passing::config;

pub(crate) fn suite(suite: &mut Suite) {
    suite.describe("Wait", |s| {
        s.context("that is not fulfilled", unfulfilled);
        s.context("over a window", windows);
        s.it("is told when the namespace cannot go", async |cx: &mut Cx| {
            let mut map = config("barnacle", "0");
            map.metadata.finalizers = Some(vec!["trial.seatrial.dev/stuck".into()]);
            let map = cx.create(&map).await?;
            cx.eventually(&map).should(exist()).await?;
            Ok(())
        })
        .label("stuck");
        s.it("goes on when a watch ends", async |cx: &mut Cx| {
            // Watches end after 290 seconds by themselves; this change comes in the second one.
            let map = cx.create(&config("a", "0")).await?;
            let api = cx.api();
            cx.spawn("writer", async move {
                tokio::time::sleep(secs(400)).await;
                write(&api, "1").await
            });
            let changed = match_json(json!({"data": {"key": "1"}}));
            cx.eventually(&map).should(changed).within(mins(15)).await?;
            Ok(())
        })
        .label("virtual");
    });
}

async fn write(api: &Api<ConfigMap>, value: &str) -> SpecResult {
    let patch = Patch::Merge(json!({"data": {"key": value}}));
    api.patch("a", &PatchParams::default(), &patch).await?;
    Ok(())
}

fn unfulfilled(s: &mut Scope) {
    s.it("tells what it saw", async |cx: &mut Cx| {
        let map = cx.create(&config("a", "0")).await?;
        let api = cx.api();
        cx.spawn("writer", async move {
            for value in ["1", "2"] {
                tokio::time::sleep(Duration::from_millis(200)).await;
                write(&api, value).await?;
            }
            SpecResult::Ok(())
        });
        let wanted = match_json(json!({"data": {"key": "3"}, "immutable": true}));
        cx.eventually(&map).should(wanted).within(secs(1)).await?;
        Ok(())
    });
    s.it("tells that it saw nothing", async |cx: &mut Cx| {
        cx.eventually(cx.object::<ConfigMap>("a")).should(exist()).within(secs(1)).await?;
        Ok(())
    });
    s.it("tells a value in hand", async |cx: &mut Cx| cx.expect(vec![1, 2]).to(equal(vec![1, 3])));
    s.it("does not take an absent object for one that is not so", async |cx: &mut Cx| {
        let wrong = not(match_json(json!({"data": {"key": "1"}})));
        cx.consistently(cx.object::<ConfigMap>("typo")).should(wrong).during(secs(1)).await?;
        Ok(())
    });
}

fn windows(s: &mut Scope) {
    s.it("catches a brief flip", async |cx: &mut Cx| {
        let map = cx.create(&config("a", "0")).await?;
        let api = cx.api();
        cx.spawn("flipper", async move {
            tokio::time::sleep(Duration::from_millis(300)).await;
            // One write after the other, without a pause: nobody who looks now and then sees the first.
            write(&api, "flipped").await?;
            write(&api, "0").await
        });
        let same = match_json(json!({"data": {"key": "0"}}));
        cx.consistently(&map).should(same).during(secs(1)).await?;
        Ok(())
    });
    s.it("holds although a watch ends", async |cx: &mut Cx| {
        let map = cx.create(&config("a", "0")).await?;
        cx.consistently(&map).should(not(be_gone())).during(mins(10)).await?;
        Ok(())
    })
    .label("virtual");
}
