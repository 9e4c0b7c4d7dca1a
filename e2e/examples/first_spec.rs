//! A first spec: a small operator, started by the spec, and a wait for its work.
//!
//! `cargo run -p seatrial-e2e --example first_spec` runs it in memory, in virtual time. An operator's own specs are a
//! target `[[test]]` with `harness = false` and the same `main`.

use std::process::ExitCode;
use std::sync::Arc;

use futures::StreamExt;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{Api, Patch, PatchParams};
use kube::runtime::controller::{Action, Controller};
use kube::runtime::watcher;
use kube::{Client, ResourceExt};
use seatrial_e2e::matchers::{match_json, satisfy};
use seatrial_e2e::{Cx, Failure, Suite, secs};
use serde_json::{Value, json};

/// The operator under test: it answers each ConfigMap that has a `name` with a `greeting`.
async fn run_operator(client: Client, namespace: String) {
    let maps: Api<ConfigMap> = Api::namespaced(client, &namespace);
    Controller::new(maps.clone(), watcher::Config::default())
        .run(reconcile, |_, _, _| Action::requeue(secs(5)), Arc::new(maps))
        .for_each(|_| std::future::ready(()))
        .await;
}

async fn reconcile(map: Arc<ConfigMap>, maps: Arc<Api<ConfigMap>>) -> Result<Action, kube::Error> {
    if let Some(name) = map.data.as_ref().and_then(|data| data.get("name")) {
        let greeting = json!({
            "apiVersion": "v1", "kind": "ConfigMap", "data": {"greeting": format!("Hello, {name}")},
        });
        maps.patch(&map.name_any(), &PatchParams::apply("greeter"), &Patch::Apply(greeting)).await?;
    }
    Ok(Action::await_change())
}

fn suite(suite: &mut Suite) {
    suite.describe("Greeter", |s| {
        s.before_each(async |cx: &mut Cx| {
            cx.spawn("operator", run_operator(cx.client(), cx.namespace().to_owned()));
            Ok(())
        });
        s.it("greets by name", async |cx: &mut Cx| {
            let map = cx.create(&visitor(&json!({"name": "Ada"}))?).await?;
            let greeted = json!({"data": {"greeting": "Hello, Ada"}});
            cx.eventually(&map).should(match_json(greeted)).within(secs(10)).await?;
            Ok(())
        });
        s.it("follows a change of the name", async |cx: &mut Cx| {
            let map = cx.create(&visitor(&json!({"name": "Ada"}))?).await?;
            cx.patch_merge::<ConfigMap>("visitor", json!({"data": {"name": "Grace"}})).await?;
            let greeted = json!({"data": {"greeting": "Hello, Grace"}});
            cx.eventually(&map).should(match_json(greeted)).await?;
            Ok(())
        });
        s.it("leaves a map without a name alone", async |cx: &mut Cx| {
            let map = cx.create(&visitor(&json!({"other": "data"}))?).await?;
            let without_greeting = satisfy("have no greeting", |map: &ConfigMap| {
                map.data.as_ref().is_none_or(|data| !data.contains_key("greeting"))
            });
            // In virtual time, this takes no longer than the other specs.
            cx.consistently(&map).should(without_greeting).during(secs(30)).await?;
            Ok(())
        });
    });
}

fn visitor(data: &Value) -> Result<ConfigMap, Failure> {
    Ok(serde_json::from_value(json!({"metadata": {"name": "visitor"}, "data": data}))?)
}

fn main() -> ExitCode {
    seatrial_e2e::run(suite)
}
