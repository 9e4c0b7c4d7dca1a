//! Everything that a wait can be told, on a real path from the spec to the API: rules to stop, counts to hold, probes,
//! Events, partial objects, matchers of one's own.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use k8s_openapi::api::core::v1::{ConfigMap, Event, Pod};
use seatrial_e2e::matchers::{
    all, any, be_gone, check, equal, exist, have_event, have_ready_replicas, match_yaml, not,
};
use seatrial_e2e::{Cx, Failure, Matcher, Mismatch, Scope, Suite, mins, secs, stop};
use serde_json::json;

use crate::passing::config;

pub(crate) fn suite(suite: &mut Suite) {
    suite.describe("Lookout", |s| {
        s.context("that sees what it waits for", sees);
        s.context("that has no hope", hopeless);
    });
}

/// A matcher of the suite's own.
struct HaveKey(&'static str);

impl Matcher<ConfigMap> for HaveKey {
    fn expected(&self) -> String {
        format!("have the key {:?}", self.0)
    }

    fn check(&self, actual: Option<&ConfigMap>) -> Result<(), Mismatch> {
        let data = actual.ok_or_else(Mismatch::absent)?.data.clone().unwrap_or_default();
        if data.contains_key(self.0) { Ok(()) } else { Err(Mismatch::new("its keys are others")) }
    }
}

fn sees(s: &mut Scope) {
    s.it("finds parts of objects and combines matchers", async |cx: &mut Cx| {
        let map = cx.create(&config("a", "1")).await?;
        let mine =
            check("have one key", |map: &ConfigMap| match map.data.as_ref().map_or(0, BTreeMap::len) {
                1 => Ok(()),
                keys => Err(format!("it has {keys} keys")),
            });
        let whole = all((match_yaml("data: {key: '1'}"), HaveKey("key"), mine, not(HaveKey("other"))));
        cx.eventually(&map).should(any((be_gone(), whole))).await?;
        Ok(())
    });
    s.it("reads Events about an object", async |cx: &mut Cx| {
        let map = cx.create(&config("a", "1")).await?;
        let about =
            json!({"kind": "ConfigMap", "name": "a", "namespace": cx.namespace(), "uid": map.metadata.uid});
        let event: Event =
            serde_json::from_value(json!({"metadata": {"name": "a.1"}, "involvedObject": about,
            "type": "Warning", "reason": "Leaks", "message": "water in the hold", "count": 3}))?;
        cx.create(&event).await?;
        let leaks = have_event("Leaks").of_type("Warning").saying("in the hold").at_least(3);
        cx.eventually(cx.events_of(&map)).should(leaks).await?;
        Ok(())
    });
    s.it("counts looks at a probe", async |cx: &mut Cx| {
        let asked = Rc::new(Cell::new(0));
        let counted = Rc::clone(&asked);
        let depth = cx.probe("the depth", async move || {
            counted.set(counted.get() + 1);
            Ok(if counted.get() == 2 { 3 } else { 7 })
        });
        cx.eventually(depth).should(equal(7)).every(Duration::from_millis(20)).must_hold(3).await?;
        // The second look was wrong, so it was begun anew.
        cx.expect(asked.get() >= 5).to(equal(true))
    });
    s.it("holds a probe still", async |cx: &mut Cx| {
        let depth = cx.probe("the depth", async || Ok(7));
        cx.consistently(depth).should(equal(7)).every(Duration::from_millis(20)).during(secs(1)).await?;
        Ok(())
    });
}

fn hopeless(s: &mut Scope) {
    s.it("stops when a condition says so", async |cx: &mut Cx| {
        let map = cx.create(&config("a", "sunk")).await?;
        let sunk = stop::once(match_yaml("data: {key: sunk}"));
        cx.eventually(&map)
            .should(match_yaml("data: {key: afloat}"))
            .stop_when(sunk)
            .within(mins(50))
            .await?;
        Ok(())
    });
    s.it("stops when a Pod beside it cannot get its image", async |cx: &mut Cx| {
        let pod: Pod = serde_json::from_value(json!({"metadata": {"name": "web"},
            "spec": {"serviceAccountName": "default", "containers": [{"name": "app", "image": "none"}]}}))?;
        cx.create(&pod).await?;
        let waiting = json!({"status": {"containerStatuses": [{"name": "app", "ready": false, "restartCount": 0,
            "image": "none", "imageID": "", "state": {"waiting": {"reason": "ImagePullBackOff", "message": "no such image"}}}]}});
        let patch = kube::api::Patch::Merge(waiting);
        cx.api::<Pod>().patch_status("web", &kube::api::PatchParams::default(), &patch).await?;
        let wait = cx.eventually(cx.object::<ConfigMap>("never")).should(exist()).within(mins(50));
        wait.stop_when_in(cx.all::<Pod>(), stop::image_pull_back_off()).await?;
        Ok(())
    });
    s.it("tells how far it was when it did not hold often enough", async |cx: &mut Cx| {
        let map = cx.create(&config("a", "1")).await?;
        let wait = cx.eventually(&map).should(match_yaml("data: {key: '1'}")).must_hold(100);
        wait.every(secs(1)).within(Duration::from_millis(2500)).await?;
        Ok(())
    });
    s.it("tells the errors of a probe", async |cx: &mut Cx| {
        let depth = cx.probe("the depth", async || Err::<i32, _>(Failure::new("no line")));
        cx.eventually(depth).should(equal(7)).within(secs(1)).await?;
        Ok(())
    });
    s.it("counts replicas that are not there", async |cx: &mut Cx| {
        let status = json!({"spec": {"replicas": 3}, "status": {"readyReplicas": 1}});
        cx.expect(status).to(have_ready_replicas(3))
    });
}
