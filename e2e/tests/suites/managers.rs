//! Specs about field managers: objects that are applied, the owners of their fields, conflicts, and a kind's status that two
//! managers write.

use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use kube::Api;
use kube::api::{ApiResource, DynamicObject, Patch, PatchParams};
use seatrial_e2e::matchers::{all, be_rejected, equal, have_field_owner, match_json};
use seatrial_e2e::{Cx, Scope, SpecResult, Suite, managers, secs, stable};
use serde_json::{Value, json};

use crate::custom::sail;
use crate::passing::config;

pub(crate) fn suite(suite: &mut Suite) {
    suite.crds([sail()]);
    suite.describe("Field managers", |s| {
        s.context("that agree", agree);
        s.context("that do not", disagree);
    });
}

/// A suite in which one manager may write a kind's status.
pub(crate) fn one_writer(suite: &mut Suite) {
    suite.crds([sail()]).one_status_writer_per_kind();
    suite.describe("Sail", |s| {
        s.it("has one writer", async |cx: &mut Cx| {
            let jib = hoisted(cx, "jib").await?;
            for field in ["depth", "course"] {
                write_status(cx, &jib, "bosun", json!({field: 1})).await?;
            }
            // The spec plays a controller that is not there.
            write_status(cx, &jib, "seatrial", json!({"depth": 2})).await?;
            cx.expect(jib.metadata.name.as_deref()).to(equal(Some("jib")))
        });
        s.it("has two writers", async |cx: &mut Cx| {
            let (jib, main) = (hoisted(cx, "jib").await?, hoisted(cx, "main").await?);
            write_status(cx, &jib, "bosun", json!({"depth": 1})).await?;
            write_status(cx, &main, "mate", json!({"depth": 2, "course": 3})).await?;
            cx.expect(jib.metadata.name.as_deref()).to(equal(Some("jib")))
        });
    });
}

fn sails() -> ApiResource {
    let (group, version, plural) = ("trial.seatrial.dev", "v1", "sails");
    let api_version = format!("{group}/{version}");
    ApiResource {
        group: group.into(),
        version: version.into(),
        api_version,
        kind: "Sail".into(),
        plural: plural.into(),
    }
}

async fn hoisted(cx: &Cx, name: &str) -> SpecResult<DynamicObject> {
    let sail = DynamicObject::new(name, &sails()).data(json!({"spec": {"area": 7}}));
    let api: Api<DynamicObject> = Api::namespaced_with(cx.client(), cx.namespace(), &sails());
    Ok(api.create(&kube::api::PostParams::default(), &sail).await?)
}

async fn write_status(cx: &Cx, sail: &DynamicObject, manager: &str, status: Value) -> SpecResult {
    let api: Api<DynamicObject> = Api::namespaced_with(cx.client(), cx.namespace(), &sails());
    let parameters = PatchParams { field_manager: Some(manager.into()), ..PatchParams::default() };
    let patch = Patch::Merge(json!({"status": status}));
    api.patch_status(sail.metadata.name.as_deref().unwrap_or_default(), &parameters, &patch).await?;
    Ok(())
}

fn agree(s: &mut Scope) {
    s.it("own what they apply", async |cx: &mut Cx| {
        let map = cx.apply(&config("a", "1")).await?;
        cx.expect(map.metadata.namespace.as_deref()).to(equal(Some(cx.namespace())))?;
        let owners = managers(&map);
        cx.expect(owners.len()).to(equal(1))?;
        cx.expect(owners[0].operation.as_str()).to(equal("Apply"))?;
        cx.apply(&config("a", "1")).manager("pilot").await?;
        let both = all((have_field_owner(".data.key", "seatrial"), have_field_owner("data.key", "pilot")));
        cx.eventually(&map).should(both).await?;
        Ok(())
    });
    s.it("own what they apply of a kind that is known at run time only", async |cx: &mut Cx| {
        let jib = DynamicObject::new("jib", &sails()).data(json!({"spec": {"area": 7}}));
        let jib = cx.apply(&jib).manager("bosun").await?;
        cx.expect(jib.clone()).to(have_field_owner(".spec.area", "bosun"))?;
        let status = DynamicObject::new("jib", &sails()).data(json!({"status": {"depth": 1}}));
        let jib = cx.apply(&status).manager("mate").status().await?;
        cx.expect(jib).to(all((
            have_field_owner(".status.depth", "mate"),
            match_json(json!({"status": {"depth": 1}, "spec": {"area": 7}})),
        )))
    });
    s.it("are told from those that update", async |cx: &mut Cx| {
        let map = cx.create(&config("a", "1")).await?;
        cx.patch_merge::<ConfigMap>("a", json!({"data": {"other": "2"}})).await?;
        let seatrial = have_field_owner(".data.other", "seatrial");
        let seen = cx.eventually(&map).should(seatrial).await?;
        let operations = managers(&seen).into_iter().map(|owner| owner.operation);
        cx.expect(operations.collect::<Vec<_>>()).to(equal(vec!["Update".to_owned(); 3]))
    });
    s.it("give one snapshot", async |cx: &mut Cx| {
        cx.apply(&config("a", "1")).await?;
        let map = cx.get::<ConfigMap>("a").await?;
        let expected = json!({
            "apiVersion": "v1", "kind": "ConfigMap", "data": {"key": "1"},
            "metadata": {
                "name": "a", "namespace": cx.namespace(), "uid": "[uid]",
                "resourceVersion": "[resourceVersion]", "creationTimestamp": "[time]",
            },
        });
        cx.expect(stable(&map)).to(equal(expected))
    });
}

fn disagree(s: &mut Scope) {
    s.it("take fields over by force alone", async |cx: &mut Cx| {
        cx.apply(&config("a", "1")).manager("pilot").await?;
        let refused = cx.apply(&config("a", "2")).await;
        cx.expect(refused).to(be_rejected("Conflict").saying("pilot"))?;
        let map = cx.apply(&config("a", "2")).force().await?;
        cx.expect(map)
            .to(all((have_field_owner(".data.key", "seatrial"), match_json(json!({"data": {"key": "2"}})))))
    });
    s.it("tell a conflict with its values", async |cx: &mut Cx| {
        let mut map = config("a", "1");
        map.data.get_or_insert_default().insert("other".into(), "x".into());
        cx.apply(&map).manager("pilot").await?;
        cx.patch_merge::<ConfigMap>("a", json!({"data": {"other": "y"}})).await?;
        map.data = Some([("key".into(), "2".into()), ("other".into(), "z".into())].into());
        cx.apply(&map).manager("crew").await?;
        Ok(())
    });
    s.it("tell a conflict of requests of one's own", async |cx: &mut Cx| {
        cx.apply(&config("a", "1")).manager("pilot").await?;
        let mut map = serde_json::to_value(config("a", "2"))?;
        map["kind"] = json!("ConfigMap");
        cx.api::<ConfigMap>().patch("a", &PatchParams::apply("crew"), &Patch::Apply(map)).await?;
        Ok(())
    });
    s.it("keep the values of Secrets", async |cx: &mut Cx| {
        let secret = |value: &str| -> SpecResult<Secret> {
            Ok(serde_json::from_value(json!({"metadata": {"name": "login"}, "data": {"password": value}}))?)
        };
        cx.apply(&secret("aHVudGVyMi1vZi10aGUtZGVlcA==")?).manager("pilot").await?;
        cx.apply(&secret("d3JvbmctYnV0LXNlY3JldA==")?).await?;
        Ok(())
    });
    s.it("are told with the fields that differ", async |cx: &mut Cx| {
        let jib = hoisted(cx, "jib").await?;
        write_status(cx, &jib, "bosun", json!({"depth": 1})).await?;
        let api: Api<DynamicObject> = Api::namespaced_with(cx.client(), cx.namespace(), &sails());
        let task = (api.clone(), jib.clone());
        cx.spawn("mate", async move {
            tokio::time::sleep(std::time::Duration::from_millis(300)).await;
            let parameters = PatchParams { field_manager: Some("mate".into()), ..PatchParams::default() };
            let patch = Patch::Merge(json!({"status": {"depth": 2}}));
            task.0
                .patch_status(task.1.metadata.name.as_deref().unwrap_or_default(), &parameters, &patch)
                .await
                .map(drop)
        });
        let jib = seatrial_e2e::Object::dynamic(api, "Sail", "jib");
        cx.eventually(jib).should(match_json(json!({"status": {"depth": 3}}))).within(secs(1)).await?;
        Ok(())
    });
    s.it("are told instead of the one that was expected", async |cx: &mut Cx| {
        let map = cx.apply(&config("a", "1")).manager("pilot").await?;
        cx.expect(map).to(have_field_owner(".data.key", "crew"))
    });
}
