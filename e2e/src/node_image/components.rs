//! Images of control plane Pods: one binary each, under kubeadm's names.
//!
//! Nobody publishes them where no registry can be reached, so they are made here. It knows what each image needs
//! beside its binary; not how an image is written.

use std::path::Path;
use std::process::Command;

use seatrial_envtest::assets::{Assets, Binary, Version};

use super::archive::{ArchiveImage, Layer};
use super::error::NodeImageError;
use super::parts;

/// The binaries that go into the images of Pods.
pub(super) const IN_PODS: [Binary; 6] = [
    Binary::KubeApiserver,
    Binary::KubeControllerManager,
    Binary::KubeScheduler,
    Binary::KubeProxy,
    Binary::Etcd,
    Binary::Coredns,
];

/// The binaries that a node itself runs.
pub(super) const ON_NODES: [Binary; 3] = [Binary::Kubeadm, Binary::Kubelet, Binary::Kubectl];

/// Folder of binaries in their images.
const FOLDER: &str = "/usr/local/bin";

/// The names of the images that this release's kubeadm makes Pods of.
pub(super) fn names(kubeadm: &Path, version: &Version) -> Result<Vec<String>, NodeImageError> {
    let arguments = ["config", "images", "list", "--kubernetes-version", &format!("v{version}")];
    let failed = |reason: String| NodeImageError::Program {
        command: format!("{} {}", kubeadm.display(), arguments.join(" ")),
        reason,
    };
    let output = Command::new(kubeadm).args(arguments).output().map_err(|error| failed(error.to_string()))?;
    if !output.status.success() {
        return Err(failed(String::from_utf8_lossy(&output.stderr).trim().to_owned()));
    }
    Ok(String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect())
}

/// Among names, that of the image that holds a Pod's network open.
pub(super) fn pause(names: &[String]) -> Option<&str> {
    names.iter().find(|name| last_part(name) == "pause").map(String::as_str)
}

/// The images behind these names. A name that nobody knows is an error: kubeadm would make a Pod of it.
pub(super) fn images(
    names: &[String],
    assets: &Assets,
    parts: &Path,
) -> Result<Vec<ArchiveImage>, NodeImageError> {
    names.iter().map(|name| image(name, assets, parts)).collect()
}

fn image(name: &str, assets: &Assets, parts: &Path) -> Result<ArchiveImage, NodeImageError> {
    let what = last_part(name);
    let mut image = ArchiveImage {
        names: vec![name.to_owned()],
        layers: Vec::new(),
        entrypoint: Vec::new(),
        path: FOLDER,
    };
    if what == "pause" {
        image.layers.push(Layer::Of { tar: parts.to_owned(), keep: parts::is_of_pause });
        image.entrypoint = vec!["/usr/bin/catatonit".to_owned(), "-P".to_owned()];
        return Ok(image);
    }
    let binary = IN_PODS.into_iter().find(|binary| binary.name() == what);
    let path = binary.and_then(|binary| assets.path(binary)).ok_or_else(|| NodeImageError::Program {
        command: "kubeadm config images list".to_owned(),
        reason: format!("it names {name}, of which this project knows nothing"),
    })?;
    let mut links = Vec::new();
    if what == Binary::KubeProxy.name() {
        image.layers.push(Layer::Of { tar: parts.to_owned(), keep: parts::is_of_iptables });
        image.path = "/usr/local/bin:/usr/sbin";
        links = iptables();
    }
    if what == Binary::Coredns.name() {
        // Its Deployment names arguments only.
        image.entrypoint = vec![format!("{FOLDER}/{what}")];
    }
    let inside = format!("{}/{what}", FOLDER.trim_start_matches('/'));
    image.layers.push(Layer::Files { files: vec![(path.to_owned(), inside)], links });
    Ok(image)
}

/// The names that Debian's alternatives give to iptables when it is installed and not only unpacked.
fn iptables() -> Vec<(String, String)> {
    let names = ["iptables", "ip6tables"]
        .into_iter()
        .flat_map(|family| ["", "-save", "-restore"].map(|verb| format!("{family}{verb}")));
    names.map(|name| (format!("usr/sbin/{name}"), "xtables-nft-multi".to_owned())).collect()
}

/// `registry.k8s.io/coredns/coredns:v1.14.6` is `coredns`.
fn last_part(name: &str) -> &str {
    let name = name.rsplit('/').next().unwrap_or(name);
    name.split_once(':').map_or(name, |(name, _tag)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_is_known_by_the_last_part_of_its_name() {
        assert_eq!(last_part("registry.k8s.io/coredns/coredns:v1.14.6"), "coredns");
        assert_eq!(last_part("localhost:5000/etcd:3.7.0-0"), "etcd");
        let names = ["registry.k8s.io/etcd:3.7.0-0", "registry.k8s.io/pause:3.10.2"].map(str::to_owned);
        assert_eq!(pause(&names), Some("registry.k8s.io/pause:3.10.2"));
    }

    #[test]
    fn kube_proxy_finds_iptables_by_the_names_that_it_calls() {
        let links = iptables();
        for name in ["iptables", "iptables-save", "iptables-restore", "ip6tables-restore"] {
            assert!(links.iter().any(|(path, _)| *path == format!("usr/sbin/{name}")), "{name}");
        }
    }

    #[test]
    fn a_kubeadm_that_fails_is_named_with_its_words() {
        let error = names(Path::new("/nowhere/kubeadm"), &Version::new(1, 37, 2)).unwrap_err().to_string();
        let expected = "`/nowhere/kubeadm config images list --kubernetes-version v1.37.2` failed: ";
        assert!(error.starts_with(expected), "{error}");
    }
}
