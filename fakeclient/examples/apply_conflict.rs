//! Server-side apply: an operator owns what it applies, and another field manager gets a conflict.
//!
//! Run it with `cargo run -p seatrial-fakeclient --example apply_conflict`.

use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{Api, Patch, PatchParams};
use seatrial_fakeclient::FakeCluster;
use serde_json::json;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), kube::Error> {
    let maps: Api<ConfigMap> = Api::default_namespaced(FakeCluster::new().client());
    let map = |hello| {
        Patch::Apply(json!({
            "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "greeting"}, "data": {"hello": hello},
        }))
    };
    maps.patch("greeting", &PatchParams::apply("my-operator"), &map("sea")).await?;

    let refused = maps.patch("greeting", &PatchParams::apply("other"), &map("land")).await.unwrap_err();
    let conflict = "Apply failed with 1 conflict: conflict with \"my-operator\": .data.hello";
    assert!(matches!(&refused, kube::Error::Api(status) if status.message == conflict), "{refused}");
    println!("{conflict}");

    let forced = maps.patch("greeting", &PatchParams::apply("other").force(), &map("land")).await?;
    assert_eq!(forced.data.expect("the map has data")["hello"], "land");
    Ok(())
}

#[test]
fn example_runs() {
    main().unwrap();
}
