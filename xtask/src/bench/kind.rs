//! Clusters of real nodes, compared with kind's own command and the same network step.
//!
//! The runs alternate between both, so that other load affects them alike.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::Node;
use kube::api::ListParams;
use kube::{Api, ResourceExt as _};
use seatrial_e2e::kind::{self, ClusterConfig, Home};
use seatrial_envtest::assets::{self, Binary, Request};

use super::Row;
use super::stopwatch::median_of;

/// A cluster takes most of a minute: few runs, and the median of them.
const RUNS: usize = 3;

/// The image that is loaded: as large as an operator's.
const IMAGE: &str = "seatrial.bench/image:1";
const IMAGE_BYTES: usize = 100 * 1024 * 1024;

/// A cluster's start against kind's own, an image's way to three nodes, and a cluster's end against kind's own.
pub(super) async fn rows() -> Result<Vec<Row>> {
    let folder = tempfile::tempdir()?;
    let home = Home::at(folder.path());
    let (mut ours, mut by_hand, mut removed, mut by_kind) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for run in 1..=RUNS {
        eprintln!("clusters of two nodes: run {run} of {RUNS}");
        let start = Instant::now();
        let cluster = kind::create(&home, &ClusterConfig::new().nodes(2), &|_| ()).await?;
        ours.push(start.elapsed());
        let image = image_of(cluster.name())?;
        let start = Instant::now();
        cluster.delete().await?;
        removed.push(start.elapsed());
        let (create, delete) = with_kind(folder.path(), &image).await?;
        by_hand.push(create);
        by_kind.push(delete);
    }
    let (create, delete) = ("kind create cluster + the network by hand", "kind delete cluster");
    let (by_hand, by_kind) = (median_of(by_hand), median_of(by_kind));
    let mut rows = vec![
        Row::new(create, by_hand),
        Row::new("a cluster of two nodes, ready, DNS available", median_of(ours)).against(
            create,
            by_hand,
            Some(1.15),
        ),
        Row::new(delete, by_kind),
        Row::new("a cluster's end", median_of(removed)).against(delete, by_kind, Some(1.1)),
    ];
    rows.push(load(&home).await?);
    Ok(rows)
}

/// The image of 100 MB, from this machine's Docker to three nodes that do not have it.
async fn load(home: &Home) -> Result<Row> {
    let cluster = kind::create(home, &ClusterConfig::new().nodes(3), &|_| ()).await?;
    let (mut times, mut images) = (Vec::new(), Vec::new());
    let mut failed = None;
    for run in 0..RUNS {
        eprintln!("an image to three nodes: run {} of {RUNS}", run + 1);
        // Another content each time: what a node has already is not unpacked again.
        let one = async {
            images.push(import(u64::try_from(run)?)?);
            let start = Instant::now();
            cluster.load_image(IMAGE).await?;
            anyhow::Ok(start.elapsed())
        };
        match one.await {
            Ok(time) => times.push(time),
            Err(error) => failed = Some(error),
        }
    }
    cluster.delete().await?;
    // Each one has taken the name from the one before it, which is still there.
    for image in images {
        shell("docker", &["rmi", "--force", &image], None)?;
    }
    failed.map_or(Ok(()), Err)?;
    Ok(Row::new("an image of 100 MB to three nodes", median_of(times)).under(6e6))
}

/// Makes the image of bytes that do not compress, and returns its identity.
fn import(seed: u64) -> Result<String> {
    let mut state = seed.wrapping_mul(2).wrapping_add(1);
    let content: Vec<u8> = std::iter::repeat_with(|| {
        // xorshift: fast, and nothing that a compressor could use.
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    })
    .take(IMAGE_BYTES / 8)
    .flatten()
    .collect();
    let mut header = tar::Header::new_gnu();
    header.set_size(content.len() as u64);
    header.set_mode(0o755);
    let mut archive = tar::Builder::new(Vec::with_capacity(IMAGE_BYTES + 4096));
    archive.append_data(&mut header, "operator", content.as_slice())?;
    shell("docker", &["import", "-", IMAGE], Some(&archive.into_inner()?))
}

/// The same cluster as a person makes it: kind's command, then the network on each node, then waiting.
async fn with_kind(folder: &Path, image: &str) -> Result<(Duration, Duration)> {
    const NAME: &str = "seatrial-bench-by-hand";
    let config = folder.join("by-hand.yaml");
    let text = "kind: Cluster\napiVersion: kind.x-k8s.io/v1alpha4\nnetworking: {disableDefaultCNI: true, kubeProxyMode: iptables}\n\
                nodes: [{role: control-plane}, {role: worker}]\n\
                kubeadmConfigPatches: ['{\"kind\": \"KubeletConfiguration\", \"failCgroupV1\": false}']\n";
    std::fs::write(&config, text)?;
    let (config, kubeconfig) = (config.display().to_string(), folder.join("by-hand"));
    let kubeconfig = kubeconfig.display().to_string();
    // The one that the clusters are made with: it need not be on PATH.
    let found = assets::resolve(&Request::only(None, [Binary::Kind])?).await?;
    let kind =
        found.path(Binary::Kind).expect("what was asked for and not found is an error").display().to_string();
    let start = Instant::now();
    shell(
        &kind,
        &[
            "create",
            "cluster",
            "--name",
            NAME,
            "--config",
            &config,
            "--kubeconfig",
            &kubeconfig,
            "--image",
            image,
        ],
        None,
    )?;
    let made = network_by_hand(&kubeconfig).await;
    let created = start.elapsed();
    let start = Instant::now();
    shell(&kind, &["delete", "cluster", "--name", NAME, "--kubeconfig", &kubeconfig], None)?;
    made?;
    Ok((created, start.elapsed()))
}

async fn network_by_hand(kubeconfig: &str) -> Result<()> {
    let config = kube::config::Kubeconfig::read_from(kubeconfig)?;
    let config =
        kube::Config::from_custom_kubeconfig(config, &kube::config::KubeConfigOptions::default()).await?;
    let client = kube::Client::try_from(config)?;
    let api: Api<Node> = Api::all(client.clone());
    let nodes = until(async || {
        let nodes = api.list(&ListParams::default()).await?.items;
        let all: Vec<_> = nodes
            .iter()
            .filter_map(|node| Some((node.name_any(), pod_subnet(node)?, address(node)?)))
            .collect();
        Ok((all.len() == 2).then_some(all))
    })
    .await?;
    for (name, own, _) in &nodes {
        let conflist = format!(
            r#"{{"cniVersion":"0.3.1","name":"n","plugins":[{{"type":"ptp","ipam":{{"type":"host-local","dataDir":"/run/cni-n","ranges":[[{{"subnet":"{own}"}}]],"routes":[{{"dst":"0.0.0.0/0"}}]}}}},{{"type":"portmap","capabilities":{{"portMappings":true}}}}]}}"#
        );
        let routes = nodes.iter().filter(|(other, ..)| other != name);
        let routes: Vec<_> =
            routes.map(|(_, subnet, via)| format!("ip route replace {subnet} via {via}")).collect();
        let script =
            format!("mkdir -p /etc/cni/net.d; cat > /etc/cni/net.d/10-n.conflist; {}", routes.join("; "));
        shell("docker", &["exec", "-i", name, "sh", "-c", &script], Some(conflist.as_bytes()))?;
    }
    let system: Api<Deployment> = Api::namespaced(client, "kube-system");
    until(async || {
        let nodes = api.list(&ListParams::default()).await?.items;
        let dns = system.get("coredns").await?.status.and_then(|status| status.available_replicas);
        Ok((nodes.iter().all(is_ready) && dns.is_some_and(|count| count > 0)).then_some(()))
    })
    .await
}

/// Asks again and again, as `kubectl wait` in a script would, for four minutes at most.
async fn until<T>(ask: impl AsyncFn() -> Result<Option<T>>) -> Result<T> {
    let deadline = Instant::now() + Duration::from_secs(240);
    loop {
        if let Some(found) = ask().await? {
            return Ok(found);
        }
        ensure!(Instant::now() < deadline, "the cluster that was made by hand did not get ready");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

fn pod_subnet(node: &Node) -> Option<String> {
    node.spec.as_ref()?.pod_cidr.clone()
}

fn address(node: &Node) -> Option<String> {
    let addresses = node.status.as_ref()?.addresses.as_ref()?;
    Some(addresses.iter().find(|address| address.type_ == "InternalIP")?.address.clone())
}

fn is_ready(node: &Node) -> bool {
    let conditions = node.status.as_ref().and_then(|status| status.conditions.as_deref()).unwrap_or_default();
    conditions.iter().any(|condition| condition.type_ == "Ready" && condition.status == "True")
}

/// The image that a cluster's nodes were made of.
fn image_of(cluster: &str) -> Result<String> {
    let node = format!("{cluster}-control-plane");
    shell("docker", &["inspect", "--format", "{{.Config.Image}}", &node], None)
}

/// Runs a command that must succeed, with an input, and returns what it printed.
fn shell(program: &str, arguments: &[&str], input: Option<&[u8]>) -> Result<String> {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    // Docker's client and kind look where the clusters look.
    command.env("DOCKER_HOST", seatrial_e2e::docker::host());
    let mut child = command.spawn().with_context(|| format!("failed to start {program}"))?;
    let mut pipe = child.stdin.take().context("its input was asked for")?;
    pipe.write_all(input.unwrap_or_default())?;
    drop(pipe);
    let output = child.wait_with_output()?;
    let error = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{program} {} failed: {error}", arguments.join(" "));
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
