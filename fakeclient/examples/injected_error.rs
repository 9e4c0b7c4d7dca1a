//! An error injected on the second create, and a client that tries again.
//!
//! Run it with `cargo run -p seatrial-fakeclient --example injected_error`.

use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{Api, ObjectMeta, PostParams};
use kube::{Client, Error};
use seatrial_fakeclient::{ApiError, FakeCluster, RequestMatch};

/// The code under test: it creates maps, each once more if the server had an internal error.
async fn create_all(client: Client, names: &[&str]) -> Result<(), Error> {
    let maps: Api<ConfigMap> = Api::default_namespaced(client);
    for name in names {
        let metadata = ObjectMeta { name: Some((*name).to_owned()), ..ObjectMeta::default() };
        let map = ConfigMap { metadata, ..ConfigMap::default() };
        match maps.create(&PostParams::default(), &map).await {
            Err(Error::Api(status)) if status.code == 500 => {
                maps.create(&PostParams::default(), &map).await?;
            }
            other => drop(other?),
        }
    }
    Ok(())
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let cluster = FakeCluster::new();
    let creates = RequestMatch::verb("create").resource("configmaps");
    let fault = cluster.faults().on(creates).nth(2).fail(ApiError::internal("etcd has no leader"));

    create_all(cluster.client(), &["a", "b", "c"]).await?;

    assert_eq!(fault.matched(), 4, "three maps, one of them tried twice");
    let refused: Vec<_> = cluster.requests().into_iter().filter(|request| request.code == 500).collect();
    println!("refused: {} {}", refused[0].method, refused[0].path);
    Ok(())
}

#[test]
fn example_runs() {
    main().unwrap();
}
