//! Installation of CRDs from files and folders.

use std::fs;

use kube::{
    Api,
    api::{DynamicObject, ListParams},
    core::{ApiResource, GroupVersionKind},
};
use seatrial_envtest::{Environment, Error, InstallError};

fn definition(kind: &str, plural: &str) -> String {
    "apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: PLURAL.shop.example}
spec:
  group: shop.example
  names: {kind: KIND, plural: PLURAL}
  scope: Namespaced
  versions:
  - name: v1
    served: true
    storage: true
    schema: {openAPIV3Schema: {type: object, properties: {spec: {type: object, properties: {mode: {type: integer, \
     default: 0644}}}}}}
"
    .replace("KIND", kind)
    .replace("PLURAL", plural)
}

async fn list(env: &Environment, kind: &str) -> kube::Result<usize> {
    let resource = ApiResource::from_gvk(&GroupVersionKind::gvk("shop.example", "v1", kind));
    let api: Api<DynamicObject> = Api::all_with(env.client().unwrap(), &resource);
    Ok(api.list(&ListParams::default()).await?.items.len())
}

#[tokio::test]
async fn installed_crds_are_served() {
    let dir = tempfile::tempdir().unwrap();
    let two =
        format!("{}---\n# nothing\n---\n{}", definition("Cart", "carts"), definition("Order", "orders"));
    fs::write(dir.path().join("two.yaml"), two).unwrap();
    fs::write(dir.path().join("other.yaml"), "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n")
        .unwrap();
    fs::write(dir.path().join("README.md"), "not a manifest: [").unwrap();
    // At the start, …
    let env = Environment::builder().crds(dir.path()).start().await.unwrap();
    assert_eq!(list(&env, "Cart").await.unwrap(), 0);
    assert_eq!(list(&env, "Order").await.unwrap(), 0);

    // … later, and again with a change.
    let file = dir.path().join("later.yaml");
    fs::write(&file, definition("Bill", "bills")).unwrap();
    assert_eq!(env.install_crds([&file]).await.unwrap(), ["bills.shop.example"]);
    assert_eq!(list(&env, "Bill").await.unwrap(), 0);
    fs::write(&file, definition("Bill", "bills").replace("0644", "0600")).unwrap();
    env.install_crds([&file]).await.unwrap();
    let resource = GroupVersionKind::gvk("apiextensions.k8s.io", "v1", "CustomResourceDefinition");
    let all: Api<DynamicObject> = Api::all_with(env.client().unwrap(), &ApiResource::from_gvk(&resource));
    let bill = all.get("bills.shop.example").await.unwrap();
    let mode = &bill.data["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]
        ["mode"];
    assert_eq!(mode["default"], 384, "0600 is octal");

    // Errors.
    let Err(Error::Install(error)) = env.install_crds([dir.path().join("missing")]).await else { panic!() };
    assert!(error.to_string().contains("missing: No such file"), "{error}");
    let Err(Error::Install(error)) = env.install_crds([dir.path().join("other.yaml")]).await else {
        panic!()
    };
    assert!(matches!(error, InstallError::NoCrds { .. }), "{error}");
    fs::write(&file, definition("Cart", "trolleys")).unwrap();
    let Err(Error::Install(error)) = env.install_crds([&file]).await else { panic!() };
    assert!(
        matches!(&error, InstallError::NamesNotAccepted { message, .. } if message.contains("Cart")),
        "{error}"
    );
    fs::write(&file, definition("Cart", "carts").replace("type: integer", "type: whole")).unwrap();
    let Err(Error::Install(error)) = env.install_crds([&file]).await else { panic!() };
    assert!(matches!(&error, InstallError::Rejected { name, .. } if name == "carts.shop.example"), "{error}");
    env.stop().await;
}

#[tokio::test]
async fn a_start_with_a_missing_crd_fails() {
    let error = Environment::builder().crds("/nonexistent/crds").start().await.unwrap_err();
    assert!(error.to_string().starts_with("cannot read /nonexistent/crds: "), "{error}");
}
