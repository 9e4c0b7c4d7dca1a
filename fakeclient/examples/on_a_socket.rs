//! The fake on a TLS socket, for kubectl and for clients in any language.
//!
//! `cargo run -p seatrial-fakeclient --example on_a_socket` connects once and ends; with `-- --wait` it serves until
//! Ctrl-C, and prints the kubeconfig to use.

use k8s_openapi::api::core::v1::Namespace;
use kube::api::{Api, ListParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config, ResourceExt};
use seatrial_fakeclient::FakeCluster;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let cluster = FakeCluster::new();
    let serving = cluster.serve(0).await?;
    let kubeconfig = serving.kubeconfig();

    // What any other program does: it reads the kubeconfig and connects.
    let kubeconfig_of_client = Kubeconfig::from_yaml(kubeconfig)?;
    let config = Config::from_custom_kubeconfig(kubeconfig_of_client, &KubeConfigOptions::default()).await?;
    let namespaces: Api<Namespace> = Api::all(Client::try_from(config)?);
    for namespace in namespaces.list(&ListParams::default()).await? {
        println!("{}", namespace.name_any());
    }
    if std::env::args().any(|argument| argument == "--wait") {
        println!("{kubeconfig}");
        std::future::pending::<()>().await;
    }
    Ok(())
}

#[test]
fn example_runs() {
    main().unwrap();
}
