//! A CRD from a file: its defaults, its bounds and its CEL rules apply.
//!
//! Run it with `cargo run -p seatrial-fakeclient --example crd_from_file`.

use kube::api::{Api, ApiResource, DynamicObject, GroupVersionKind, Patch, PatchParams, PostParams};
use seatrial_fakeclient::FakeCluster;
use serde_json::json;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let cluster = FakeCluster::builder().objects(include_str!("widgets.yaml")).build()?;
    let kind = ApiResource::from_gvk(&GroupVersionKind::gvk("example.com", "v1", "Widget"));
    let widgets: Api<DynamicObject> = Api::default_namespaced_with(cluster.client(), &kind);

    let created = widgets.create(&PostParams::default(), &DynamicObject::new("w", &kind)).await?;
    assert_eq!(created.data["spec"]["size"], 3, "the default of the schema");

    let resize = |size: i64| Patch::Merge(json!({"spec": {"size": size}}));
    widgets.patch("w", &PatchParams::default(), &resize(5)).await?;
    for (size, why) in [(12, "should be less than or equal to 9"), (4, "a widget never shrinks")] {
        let refused =
            widgets.patch("w", &PatchParams::default(), &resize(size)).await.unwrap_err().to_string();
        assert!(refused.contains(why), "{refused}");
        println!("{size}: {refused}");
    }
    Ok(())
}

#[test]
fn example_runs() {
    main().unwrap();
}
