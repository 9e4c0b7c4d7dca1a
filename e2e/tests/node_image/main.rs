//! Node images with a real Docker. Built with the feature `docker` only: the first run may take minutes.

use bollard::Docker;
use bollard::body_full;
use bollard::query_parameters::{ImportImageOptions, ListContainersOptionsBuilder, RemoveImageOptions};
use futures::TryStreamExt as _;
use seatrial_e2e::docker::{connect_to, host};
use seatrial_e2e::node_image::{NodeImageError, Origin, Request, find, obtain_with};

async fn docker() -> Docker {
    connect_to(&host()).await.unwrap_or_else(|error| panic!("{error}"))
}

fn built() -> Request {
    Request::new(None).unwrap().build(true)
}

/// The temporary containers of builds.
async fn left(docker: &Docker) -> Vec<String> {
    let options = ListContainersOptionsBuilder::default().all(true).build();
    let listed = docker.list_containers(Some(options)).await.unwrap();
    let names = listed.into_iter().flat_map(|container| container.names.unwrap_or_default());
    names.filter(|name| name.starts_with("/seatrial.node-image.")).collect()
}

#[tokio::test]
async fn a_second_call_finds_what_the_first_one_built() {
    let docker = docker().await;
    let first = obtain_with(&docker, &host(), &built()).await.unwrap_or_else(|error| panic!("{error}"));
    let second = obtain_with(&docker, &host(), &built()).await.unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(second.origin, Origin::BuiltBefore);
    assert_eq!((&second.name, &second.id), (&first.name, &first.id));
    assert_eq!(left(&docker).await, Vec::<String>::new());
    let found = find(&docker, &Request::new(None).unwrap()).await.unwrap();
    assert!(found.is_some(), "what was built can be found without building");
}

#[tokio::test]
async fn an_image_that_was_built_starts_as_a_machine_does() {
    let docker = docker().await;
    let image = obtain_with(&docker, &host(), &built()).await.unwrap_or_else(|error| panic!("{error}"));
    let config = docker.inspect_image(&image.name).await.unwrap().config.unwrap();
    assert_eq!(config.entrypoint.unwrap(), ["/usr/local/bin/entrypoint", "/sbin/init"]);
    assert_eq!(config.cmd.unwrap_or_default(), Vec::<String>::new());
    assert_eq!(config.stop_signal.as_deref(), Some("SIGRTMIN+3"), "any other would be ignored by systemd");
    assert!(config.env.unwrap().contains(&"container=docker".to_owned()));
    assert!(!image.has_network);
}

/// An image with nothing in it, for machines of this architecture, as `docker save` writes it.
fn empty_image(name: &str, architecture: &str) -> Vec<u8> {
    let mut layer = tar::Builder::new(Vec::new());
    add(&mut layer, "nothing", b"");
    let layer = layer.into_inner().unwrap();
    let hash = <sha2::Sha256 as sha2::Digest>::digest(&layer);
    let hash = hash.iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"));
    let config = serde_json::json!({
        "architecture": architecture, "os": "linux", "config": {},
        "rootfs": {"type": "layers", "diff_ids": [format!("sha256:{hash}")]},
    });
    let manifest =
        serde_json::json!([{"Config": "config.json", "RepoTags": [name], "Layers": ["layer.tar"]}]);
    let mut image = tar::Builder::new(Vec::new());
    add(&mut image, "layer.tar", &layer);
    add(&mut image, "config.json", config.to_string().as_bytes());
    add(&mut image, "manifest.json", manifest.to_string().as_bytes());
    image.into_inner().unwrap()
}

fn add(archive: &mut tar::Builder<Vec<u8>>, name: &str, content: &[u8]) {
    let mut header = tar::Header::new_gnu();
    header.set_size(content.len() as u64);
    header.set_mode(0o644);
    archive.append_data(&mut header, name, content).unwrap();
}

#[tokio::test]
async fn a_given_image_of_another_architecture_is_refused_by_name() {
    let docker = docker().await;
    let machine = docker.version().await.unwrap().arch.unwrap();
    let other = if machine == "arm64" { "amd64" } else { "arm64" };
    let name = format!("seatrial-test/node-of-{other}:1");
    let body = body_full(empty_image(&name, other).into());
    docker.import_image(ImportImageOptions::default(), body, None).try_collect::<Vec<_>>().await.unwrap();
    let outcome = obtain_with(&docker, &host(), &Request::new(None).unwrap().image(&name)).await;
    docker.remove_image(&name, None::<RemoveImageOptions>, None).await.unwrap();
    let error = outcome.unwrap_err();
    assert!(matches!(error, NodeImageError::WrongArchitecture { .. }), "{error}");
    let expected = format!("the node image {name} is for {other} and Docker runs on {machine}");
    assert!(error.to_string().starts_with(&expected), "{error}");
}

#[tokio::test]
async fn missing_named_image_is_not_replaced() {
    let docker = docker().await;
    // A registry on a port of this machine that nobody listens on.
    let name = "127.0.0.1:1/seatrial-test/no-such-node:1";
    let error = obtain_with(&docker, &host(), &Request::new(None).unwrap().image(name)).await.unwrap_err();
    assert!(matches!(error, NodeImageError::NotHere { .. }), "{error}");
    assert!(
        error.to_string().contains(name) && error.to_string().contains("next: check its name"),
        "{error}"
    );
}
