//! Loading of images from this machine's Docker: exported once, imported by all nodes at once.
//!
//! It knows archives as bytes only.

use bollard::Docker;
use bytes::Bytes;
use futures::future::try_join_all;
use futures::{SinkExt as _, Stream, StreamExt as _, channel::mpsc};

use super::error::KindError;
use super::node::{Node, well};
use super::origin::present;
use crate::deploy::Archive;
use crate::docker::exec;

/// Parts of the archive that may wait for a slow node: 64 KB each or less.
const AHEAD: usize = 64;

const IMPORT: &[&str] =
    &["ctr", "--namespace=k8s.io", "images", "import", "--all-platforms", "--digests", "-"];

/// Brings an image into nodes.
pub(super) async fn load(docker: &Docker, image: &str, nodes: &[Node]) -> Result<(), KindError> {
    if !present(docker, image).await? {
        return Err(KindError::Image {
            image: image.to_owned(),
            reason: "it is not here".into(),
            next: "build or pull it into this machine's Docker first".into(),
        });
    }
    let source = for_one_platform(docker).await?;
    let (mut sinks, imports): (Vec<_>, Vec<_>) = nodes
        .iter()
        .map(|node| {
            let (sink, parts) = mpsc::channel::<Bytes>(AHEAD);
            (sink, import(node, parts))
        })
        .unzip();
    let export = async {
        let mut archive = source.export_image(image).boxed();
        while let Some(part) = archive.next().await {
            let part = part.map_err(KindError::docker(format!("exporting image {image}")))?;
            let fed = sinks.iter_mut().map(|sink| sink.send(part.clone()));
            // A node that ended early says why with its status.
            if try_join_all(fed).await.is_err() {
                break;
            }
        }
        sinks.clear();
        Ok(())
    };
    let (exported, imported) = futures::join!(export, try_join_all(imports));
    imported?;
    exported
}

/// Brings an image from a file into those of the nodes that do not have it.
pub(super) async fn load_archive(archive: &Archive, nodes: &[Node]) -> Result<(), KindError> {
    let content = std::fs::read(&archive.path).map_err(KindError::file(&archive.path, "read"))?;
    let content = Bytes::from(content);
    let loads = nodes.iter().map(|node| {
        let parts = futures::stream::iter([content.clone()]);
        async move { if has(node, &archive.reference).await? { Ok(()) } else { import(node, parts).await } }
    });
    try_join_all(loads).await.map(drop)
}

async fn has(node: &Node, reference: &str) -> Result<bool, KindError> {
    let named = format!("name=={reference}");
    let found = node.exec_well(&["ctr", "--namespace=k8s.io", "images", "ls", "--quiet", &named]).await?;
    Ok(!found.stdout.trim().is_empty())
}

async fn import(node: &Node, parts: impl Stream<Item = Bytes> + Unpin) -> Result<(), KindError> {
    let output = exec(&node.docker, &node.name, IMPORT, parts.map(Ok)).await?;
    well(&node.name, IMPORT, output).map(drop)
}

/// An image of several platforms is exported with all that is known of them, and then some parts are missing: newer
/// versions of Docker are asked for the machine's own platform. bollard has no parameter for it.
async fn for_one_platform(docker: &Docker) -> Result<Docker, KindError> {
    let version = docker.client_version();
    if (version.major_version, version.minor_version) < (1, 48) {
        return Ok(docker.clone());
    }
    let machine = docker.version().await.map_err(KindError::docker("asking Docker for its version"))?;
    let architecture = machine.arch.unwrap_or_default();
    // {"os":"linux","architecture":"…"}, encoded.
    let platform = format!("%7B%22os%22%3A%22linux%22%2C%22architecture%22%3A%22{architecture}%22%7D");
    Ok(docker.clone().with_request_modifier(move |mut request| {
        let export = request.uri().path().ends_with("/get") && request.uri().query().is_none();
        if export && let Ok(uri) = format!("{}?platform={platform}", request.uri()).parse() {
            *request.uri_mut() = uri;
        }
        request
    }))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::docker::scripted::{error, scripted, version};

    /// Asks a daemon that has the image, and no room left to export it.
    async fn exported(api: &'static str) -> (KindError, Vec<String>) {
        let scripted = scripted(move |request| match request {
            request if request.contains("/version") => version(api),
            request if request.contains("/json") => (200, json!({"Id": "sha256:1"})),
            _ => error(500, "write /var/lib/docker/tmp/export: no space left on device"),
        });
        let failed = load(&scripted.connect().await, "seatrial.test/a:1", &[]).await.unwrap_err();
        (failed, scripted.asked().into_iter().filter(|request| request.contains("/get")).collect())
    }

    #[tokio::test]
    async fn a_disk_that_is_full_in_the_middle_of_an_export_is_reported_as_such() {
        let told = exported("1.41").await.0.to_string();
        let begin = "the disk is full: exporting image seatrial.test/a:1 failed: write /var/lib/docker";
        assert!(told.starts_with(begin) && told.contains("\n  next: free some space"), "{told}");
    }

    #[tokio::test]
    async fn platform_is_sent_only_to_daemons_that_support_it() {
        let asked = exported("1.41").await.1;
        assert!(asked.len() == 1 && asked[0].ends_with("/get"), "{asked:?}");
        let asked = exported("1.48").await.1;
        assert!(asked.len() == 1 && asked[0].contains("/get?platform=%7B%22os%22"), "{asked:?}");
        assert!(asked[0].contains("amd64"), "{asked:?}");
    }
}
