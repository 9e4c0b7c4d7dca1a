//! `cargo xtask support`: `SUPPORT.md`, the table of what the fake serves and of what answers 501.
//!
//! Verbs and subresources are those of the fake's discovery, each asked once. Features are a list with one request each.

mod abilities;
mod features;

use std::fmt::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use http::Method;
use kube::core::admission::AdmissionResponse;
use kube::core::conversion::{ConversionRequest, ConversionResponse};
use seatrial_fakeclient::{FakeCluster, FakeService, admission_webhook, conversion_webhook};
use seatrial_fixtures::wire::{Request, ServiceWire, Wire as _};

/// Write SUPPORT.md from what the fake answers.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  cargo xtask support\n  cargo xtask support --check   write nothing; fail if it differs"
)]
pub(crate) struct Args {
    /// Write nothing; fail if SUPPORT.md differs.
    #[arg(long)]
    check: bool,
}

/// The text before the tables.
const HEAD: &str = "\
# Support

The API of Kubernetes 1.37 that `seatrial-fakeclient` serves. A request that is not modelled answers HTTP 501 with a
Status that names what is missing. The differences in what is served stand in
[the ledger](fixtures/src/conformance/divergence.rs).

This file is generated: `cargo xtask support` asks the fake and writes it, and `cargo test -p xtask` fails if it differs.
";

/// The text after the tables.
const TAIL: &str = "
## Beside the API server

- Controllers that run: CustomResourceDefinitions, default ServiceAccounts, the root CA's ConfigMaps, garbage
  collection and the deletion of namespaces. Other controllers of kube-controller-manager do not run: a Deployment
  makes no ReplicaSet, a ResourceQuota gets no status.
- There is no scheduler and no kubelet: a Pod gets a node by `pods/binding`, and its status by who writes it. The log
  of a Pod without a node is empty; that of a Pod with a node answers 501.
- A spec about Pods that run states the need `kubelet`, which tier `kind` has.
";

/// Writes the file, or compares it.
pub(crate) async fn support(args: &Args) -> Result<()> {
    let text = document().await?;
    if !args.check {
        return std::fs::write(file(), text).with_context(|| format!("failed to write {}", file().display()));
    }
    let committed =
        std::fs::read_to_string(file()).with_context(|| format!("failed to read {}", file().display()))?;
    match first_difference(&committed, &text) {
        Some(difference) => {
            bail!("SUPPORT.md is stale: {difference}; write it anew with `cargo xtask support`")
        }
        None => Ok(()),
    }
}

fn file() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../SUPPORT.md")
}

/// The objects of a probed cluster.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Objects {
    Plain,
    /// With webhooks, policies and an aggregated API server, which are in the way of other requests.
    WithExtensions,
}

/// A new cluster with the objects that the probes need.
async fn cluster(objects: Objects) -> Result<ServiceWire<FakeService>> {
    let mut builder = FakeCluster::builder().objects(include_str!("objects.yaml"));
    if objects == Objects::WithExtensions {
        builder = builder.objects(include_str!("extensions.yaml"));
    }
    let cluster = builder.build().context("failed to build the cluster of the probes")?;
    let denying = |request| async move { AdmissionResponse::from(&request).deny("the probe") };
    cluster.serve_webhooks("default", "admission", admission_webhook(denying));
    let converting = |request: ConversionRequest| async move {
        let mut objects = request.objects.clone();
        for object in &mut objects {
            object["apiVersion"] = request.desired_api_version.as_str().into();
        }
        ConversionResponse::for_request(request).success(objects)
    };
    cluster.serve_webhooks("default", "conversion", conversion_webhook(converting));
    let wire = ServiceWire::new(cluster.service());
    // A quota counts from its status, which no create writes.
    let quota = "/api/v1/namespaces/limited/resourcequotas/probe/status";
    let status = Request::new(Method::PATCH, quota);
    let status = status.body("application/merge-patch+json", r#"{"status": {"hard": {"configmaps": "1"}}}"#);
    wire.send(status).await?.expect_status(200);
    Ok(wire)
}

async fn document() -> Result<String> {
    let mut text = HEAD.to_owned();
    text.push_str(&features::table().await?);
    text.push_str(&abilities::table().await?);
    text.push_str(TAIL);
    Ok(text)
}

/// The first line that differs, in both forms.
fn first_difference(committed: &str, generated: &str) -> Option<String> {
    let (mut old, mut new) = (committed.lines(), generated.lines());
    for number in 1.. {
        match (old.next(), new.next()) {
            (None, None) => return None,
            (old, new) if old == new => {}
            (old, new) => {
                let mut text = format!("line {number}");
                let _ = write!(
                    text,
                    " is {:?}, and the fake says {:?}",
                    old.unwrap_or_default(),
                    new.unwrap_or_default()
                );
                return Some(text);
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_is_told_with_its_line() {
        assert_eq!(first_difference("a\nb\n", "a\nb\n"), None);
        let difference = first_difference("a\nb\n", "a\nc\n");
        assert_eq!(difference.as_deref(), Some("line 2 is \"b\", and the fake says \"c\""));
        assert_eq!(
            first_difference("a\n", "a\nc\n").as_deref(),
            Some("line 2 is \"\", and the fake says \"c\"")
        );
    }

    #[tokio::test]
    async fn the_support_table_says_what_the_fake_answers() {
        support(&Args { check: true }).await.unwrap();
    }
}
