//! Specs of a kind of the suite's own, which the harness installs first.

use kube::Api;
use kube::api::{ApiResource, DynamicObject, Patch, PatchParams, PostParams};
use seatrial_e2e::matchers::{be_rejected, have_condition};
use seatrial_e2e::{Cx, Object, Scope, Suite};
use serde_json::json;

pub(crate) fn suite(suite: &mut Suite) {
    suite.crds([sail()]).describe("Sail", sails);
}

pub(crate) fn sail() -> serde_json::Value {
    json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "sails.trial.seatrial.dev"},
        "spec": {
            "group": "trial.seatrial.dev",
            "scope": "Namespaced",
            "names": {"plural": "sails", "singular": "sail", "kind": "Sail"},
            "versions": [{
                "name": "v1", "served": true, "storage": true, "subresources": {"status": {}},
                "schema": {"openAPIV3Schema": {"type": "object", "properties": {
                    "spec": {"type": "object", "properties": {"area": {"type": "integer", "minimum": 1}}},
                    "status": {"type": "object", "x-kubernetes-preserve-unknown-fields": true},
                }}},
            }],
        },
    })
}

fn sails(s: &mut Scope) {
    s.it("has a condition once somebody writes it", async |cx: &mut Cx| {
        let kind = ApiResource {
            group: "trial.seatrial.dev".into(),
            version: "v1".into(),
            api_version: "trial.seatrial.dev/v1".into(),
            kind: "Sail".into(),
            plural: "sails".into(),
        };
        let api: Api<DynamicObject> = Api::namespaced_with(cx.client(), cx.namespace(), &kind);
        let sail = DynamicObject::new("jib", &kind).data(json!({"spec": {"area": 7}}));
        let sail = api.create(&PostParams::default(), &sail).await?;
        let status = json!({"status": {"conditions": [
            {"type": "Set", "status": "True", "reason": "Wind", "observedGeneration": sail.metadata.generation},
        ]}});
        api.patch_status("jib", &PatchParams::default(), &Patch::Merge(status)).await?;
        let object = Object::dynamic(api.clone(), "Sail", "jib");
        cx.eventually(object).should(have_condition("Set", "True").with_reason("Wind").up_to_date()).await?;
        let torn = DynamicObject::new("torn", &kind).data(json!({"spec": {"area": 0}}));
        let refused = api.create(&PostParams::default(), &torn).await;
        cx.expect(refused).to(be_rejected("Invalid").saying("spec.area"))
    });
}
