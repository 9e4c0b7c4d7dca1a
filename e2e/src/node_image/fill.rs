//! Last build step: the base image, the project's files and the binaries become a node image.
//!
//! A container of the base image is filled while containerd runs in it, which takes in the images of the Pods; then it
//! is kept as an image. Nothing of it stays but the image.

use std::collections::HashMap;
use std::path::PathBuf;
use std::time::Duration;

use bollard::Docker;
use bollard::models::ContainerConfig;
use seatrial_envtest::assets::{Assets, Version};

use super::archive;
use super::capabilities::Capabilities;
use super::components::{self, ON_NODES};
use super::container::Container;
use super::error::NodeImageError;
use super::files::{self, BASE_SPEC, ENTRYPOINT, FileEntry, What};
use super::pipe;
use super::recipe::INPUTS_LABEL;

/// The command that speaks to containerd about the kubelet's images.
const CTR: [&str; 3] = ["ctr", "--namespace", "k8s.io"];

/// Longest time that containerd may take to answer.
const PATIENCE: Duration = Duration::from_secs(60);

/// The signal that systemd takes as "halt".
const HALT: &str = "SIGRTMIN+3";

/// Inputs of a node image.
pub(super) struct NodeImageParts {
    pub(super) version: Version,
    pub(super) architecture: String,
    pub(super) capabilities: Capabilities,
    pub(super) base: String,
    pub(super) parts: PathBuf,
    pub(super) assets: Assets,
    /// The hash of all of it.
    pub(super) hash: String,
}

/// Makes the image and returns its identity. `host` is where Docker listens.
pub(super) async fn fill(
    docker: &Docker,
    host: &str,
    of: &NodeImageParts,
    (repository, tag): (&str, &str),
    say: fn(&str),
) -> Result<String, NodeImageError> {
    let kubeadm = of.assets.path(ON_NODES[0]).expect("kubeadm was asked for");
    let names = components::names(kubeadm, &of.version)?;
    let images = components::images(&names, &of.assets, &of.parts)?;
    // Without configuration: what it is configured to use is not there yet.
    let container =
        Container::create(docker, host, &of.base, &["containerd", "--config", "/dev/null"]).await?;
    say(&format!("node: writing files and {} binaries …", ON_NODES.len()));
    let entries = entries(of, &names);
    container.upload(pipe::stream(move |out| files::write(out, &entries))).await?;
    container.start().await?;
    container.wait_for(&["ctr", "version"], PATIENCE).await?;
    bound(&container, &of.capabilities).await?;
    say(&format!("node: packing {} images of Pods …", images.len()));
    let architecture = of.architecture.clone();
    let packed = pipe::stream(move |out| archive::write(out, &images, &architecture));
    // Unpacked by each node: what is unpacked here lies in a file system that a node's containerd cannot use.
    container.feed(&with_ctr(&["images", "import", "--no-unpack", "-"]), packed).await?;
    expect_all(&container, &names).await?;
    container.stop().await?;
    say(&format!("node: keeping {repository}:{tag} …"));
    let id = container.commit(repository, tag, config(of)).await?;
    container.remove().await?;
    Ok(id)
}

/// The project's files for this release and host, and the binaries that a node runs itself.
fn entries(of: &NodeImageParts, names: &[String]) -> Vec<FileEntry> {
    let pause = components::pause(names).unwrap_or_default();
    let mut entries = files::entries(&of.version.to_string(), pause, &of.capabilities);
    entries.extend(ON_NODES.map(|binary| {
        let path = of.assets.path(binary).expect("a binary that was asked for").to_owned();
        FileEntry { path: format!("usr/bin/{binary}"), what: What::Binary(path) }
    }));
    entries
}

fn with_ctr<'a>(arguments: &[&'a str]) -> Vec<&'a str> {
    CTR.into_iter().chain(arguments.iter().copied()).collect()
}

/// For machines whose root lacks a capability: the specification that containers start from, without it and without
/// limits that cannot be set.
async fn bound(container: &Container, capabilities: &Capabilities) -> Result<(), NodeImageError> {
    if capabilities.are_complete() {
        return Ok(());
    }
    let command = with_ctr(&["oci", "spec"]);
    let text = container.run(&command).await?;
    let bounded = bounded_spec(&text, capabilities).map_err(|error| NodeImageError::Program {
        command: command.join(" "),
        reason: format!("what it prints is no OCI spec: {error}"),
    })?;
    let entry = FileEntry { path: BASE_SPEC.to_owned(), what: What::Text(bounded) };
    container.upload(pipe::stream(move |out| files::write(out, &[entry]))).await
}

fn bounded_spec(text: &str, capabilities: &Capabilities) -> serde_json::Result<String> {
    let mut spec: serde_json::Value = serde_json::from_str(text)?;
    capabilities.strip(&mut spec["process"]["capabilities"]);
    if !capabilities.may_raise_limits()
        && let Some(process) = spec["process"].as_object_mut()
    {
        process.remove("rlimits");
    }
    serde_json::to_string_pretty(&spec)
}

/// An image that is missing here would be pulled by every node, in vain.
async fn expect_all(container: &Container, names: &[String]) -> Result<(), NodeImageError> {
    let command = with_ctr(&["images", "list", "--quiet"]);
    let listed = container.run(&command).await?;
    let missing: Vec<&str> =
        names.iter().map(String::as_str).filter(|name| !listed.lines().any(|line| line == *name)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let reason = format!("containerd took the images in and does not list {}", missing.join(", "));
    Err(NodeImageError::Program { command: command.join(" "), reason })
}

fn config(of: &NodeImageParts) -> ContainerConfig {
    let label = |name: &str, value: String| (name.to_owned(), value);
    ContainerConfig {
        // By this variable systemd knows that it does not run on a machine of its own.
        env: Some(vec!["container=docker".to_owned()]),
        entrypoint: Some(ENTRYPOINT.map(str::to_owned).to_vec()),
        stop_signal: Some(HALT.to_owned()),
        labels: Some(HashMap::from([
            label(INPUTS_LABEL, of.hash.clone()),
            label("dev.seatrial.node-image.kubernetes", of.version.to_string()),
        ])),
        ..ContainerConfig::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spec_loses_what_root_lacks_and_keeps_the_rest() {
        let spec = r#"{"process": {"rlimits": [{"type": "RLIMIT_NOFILE"}], "cwd": "/",
            "capabilities": {"bounding": ["CAP_CHOWN", "CAP_SYS_RESOURCE", "CAP_BPF"]}}}"#;
        let bounded = |names: &[&'static str]| -> serde_json::Value {
            serde_json::from_str(&bounded_spec(spec, &Capabilities::lacking(names)).unwrap()).unwrap()
        };
        let without_limits = bounded(&["SYS_RESOURCE"]);
        assert_eq!(
            without_limits["process"]["capabilities"]["bounding"],
            serde_json::json!(["CAP_CHOWN", "CAP_BPF"])
        );
        assert_eq!(without_limits["process"].get("rlimits"), None);
        assert_eq!(without_limits["process"]["cwd"], "/");
        let with_limits = bounded(&["BPF"]);
        assert!(with_limits["process"]["rlimits"].is_array(), "limits can be raised without CAP_BPF");
    }

    #[test]
    fn invalid_suites_are_rejected() {
        assert!(bounded_spec("ctr: not found", &Capabilities::lacking(&["BPF"])).is_err());
    }
}
