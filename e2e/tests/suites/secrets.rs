//! Specs that fail over a Secret, each in another way that its value could be told by.

use k8s_openapi::api::core::v1::Secret;
use kube::Api;
use kube::api::{Patch, PatchParams};
use kube::core::{ApiResource, DynamicObject};
use seatrial_e2e::matchers::{check, equal, match_json};
use seatrial_e2e::{Cx, Failure, Object, SpecResult, Suite, secs};
use serde_json::json;

/// What is looked for in everything that is written.
const PASSWORD: &str = "hunter2-of-the-deep";

pub(crate) fn suite(suite: &mut Suite) {
    suite.describe("Vault", |s| {
        s.it("waits for another value", async |cx: &mut Cx| {
            let secret = locked(cx).await?;
            let other = json!({"data": {"password": "d3JvbmctYnV0LXNlY3JldA=="}});
            cx.eventually(&secret).should(match_json(other)).within(secs(2)).await?;
            Ok(())
        });
        s.it("sees the value change", async |cx: &mut Cx| {
            let secret = locked(cx).await?;
            let change = Patch::Merge(json!({"stringData": {"password": format!("{PASSWORD}!")}}));
            cx.api::<Secret>().patch("login", &PatchParams::default(), &change).await?;
            cx.patch_merge::<Secret>("login", json!({"stringData": {"password": PASSWORD}})).await?;
            let kept = check("be kept", |secret: &Secret| Err(format!("{:?}", secret.data)));
            cx.consistently(&secret).should(kept).await?;
            Ok(())
        });
        s.it("looks at all of them and by kind", async |cx: &mut Cx| {
            locked(cx).await?;
            let api: Api<DynamicObject> =
                Api::namespaced_with(cx.client(), cx.namespace(), &ApiResource::erase::<Secret>(&()));
            let gone = json!({"data": {"password": null}});
            let by_kind = Object::dynamic(api, "Secret", "login");
            let wait = cx.eventually(by_kind).should(match_json(&gone)).within(secs(2)).await.unwrap_err();
            cx.eventually(cx.all::<Secret>()).should(match_json(json!([gone]))).within(secs(2)).await?;
            Err(wait)
        });
        s.it("compares what it read", async |cx: &mut Cx| {
            let value = read(cx).await?;
            cx.step(format!("found {value}"));
            cx.expect(value).to(equal("open".to_owned()))
        });
        s.it("panics over it", async |cx: &mut Cx| {
            let value = read(cx).await?;
            tracing::warn!(value, "logged in");
            panic!("{value} is wrong")
        });
    });
}

async fn locked(cx: &Cx) -> SpecResult<Secret> {
    let secret = json!({"metadata": {"name": "login"}, "stringData": {"password": PASSWORD}});
    Ok(cx.create(&serde_json::from_value::<Secret>(secret)?).await?)
}

/// The value as an operator would come to it: past everything that knows it is one.
async fn read(cx: &Cx) -> SpecResult<String> {
    let secret = json!({"metadata": {"name": "login"}, "stringData": {"password": PASSWORD}});
    let api: Api<Secret> = Api::namespaced(cx.client(), cx.namespace());
    api.create(&kube::api::PostParams::default(), &serde_json::from_value(secret)?).await?;
    let data = api.get("login").await?.data.unwrap_or_default();
    let value = data.get("password").ok_or_else(|| Failure::new("no password"))?;
    Ok(String::from_utf8(value.0.clone())?)
}
