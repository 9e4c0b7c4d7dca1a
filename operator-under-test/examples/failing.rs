//! A spec that fails on purpose: a foreign finalizer keeps a machine's deleted instance.
//!
//! The test `evidence` runs it as a child process and checks its artefacts; `cargo xtask page` shows them in a browser.
//! The spec's failure does not name the cause, so the artefacts have to.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::jiff::{SignedDuration, Timestamp};
use kube::ResourceExt;
use kube::api::ObjectMeta;
use seatrial_e2e::matchers::{each, have_condition, have_len};
use seatrial_e2e::{Cx, Scope, SpecResult, secs};
use seatrial_operator::api::ClusterSpec;
use seatrial_operator::{
    Clock, Cluster, Health, Machine, Options, SimulatedInstance, SimulatedProvider, run,
};
use serde_json::json;
use tokio::time::Instant;

/// The foreign finalizer.
const FINALIZER: &str = "backup.example.com/snapshot";

fn main() -> ExitCode {
    seatrial_e2e::run(|suite| {
        suite.crds(seatrial_operator::crds());
        suite.describe("Machine", |s| {
            s.context("whose instance is lost", |s| {
                s.before_each(async |cx: &mut Cx| {
                    start_operator(cx);
                    Ok(())
                });
                s.label("recovery");
                lost(s);
            });
        });
    })
}

fn lost(s: &mut Scope) {
    s.it("stays ready while nothing is lost", async |cx: &mut Cx| {
        let harbour = cx.create(&cluster()).await?;
        cx.eventually(&harbour).should(have_condition("Ready", "True")).await?;
        Ok(())
    });
    s.it("is ready again within a minute", async |cx: &mut Cx| {
        cx.create(&credentials()).await?;
        let harbour = cx.create(&cluster()).await?;
        cx.eventually(&harbour).should(have_condition("Ready", "True")).await?;
        let ready = each(have_condition("Ready", "True"));
        cx.eventually(cx.all::<Machine>()).should(ready).await?;
        cx.step("losing the instance of one machine");
        let lost = delete_an_instance(cx).await?;
        cx.eventually(cx.object::<Machine>(&lost)).should(have_condition("Ready", "False")).await?;
        cx.step("waiting for the operator to mend it");
        cx.eventually(cx.object::<Machine>(&lost))
            .should(have_condition("Ready", "True"))
            .within(secs(60))
            .await?;
        Ok(())
    });
}

/// Deletes an instance that has a foreign finalizer and returns the name of its machine.
async fn delete_an_instance(cx: &Cx) -> SpecResult<String> {
    let instances = cx.eventually(cx.all::<SimulatedInstance>()).should(have_len(3)).await?;
    let instance = instances.unwrap_or_default().remove(0);
    let id = instance.name_any();
    cx.patch_merge::<SimulatedInstance>(&id, json!({"metadata": {"finalizers": [FINALIZER]}})).await?;
    cx.delete::<SimulatedInstance>(&id).await?;
    cx.defer(async move |cx: &mut Cx| {
        cx.patch_merge::<SimulatedInstance>(&id, json!({"metadata": {"finalizers": []}})).await?;
        Ok(())
    });
    Ok(instance.spec.machine.name)
}

fn cluster() -> Cluster {
    Cluster::new("harbour", ClusterSpec { version: "1.36.3".into(), machines: 3 })
}

/// A Secret whose value must not be in any artefact.
fn credentials() -> Secret {
    let metadata = ObjectMeta { name: Some("cloud-credentials".into()), ..ObjectMeta::default() };
    let data = [("password".to_owned(), "under-the-sea".to_owned())];
    Secret { metadata, string_data: Some(data.into()), ..Secret::default() }
}

fn start_operator(cx: &Cx) {
    let (start, since) = (cx.now(), Instant::now());
    let clock: Arc<dyn Clock> = Arc::new(move || {
        let elapsed = SignedDuration::try_from(since.elapsed()).unwrap_or(SignedDuration::MAX);
        start.saturating_add(elapsed).unwrap_or(Timestamp::MAX)
    });
    let provider = Arc::new(SimulatedProvider::new(cx.client(), Arc::clone(&clock), Duration::from_secs(3)));
    let (namespace, shutdown) = (Some(cx.namespace().to_owned()), Box::pin(std::future::pending()));
    let options = Options { namespace, provider, clock, health: Health::default(), shutdown };
    let client = cx.client();
    cx.spawn("operator", run(client, options));
}
