//! The project's own files in a node image; each explains itself under `files/`.
//!
//! It fits two of them to the host (its missing capabilities, the release's pause image) and says where all of them
//! go.

use std::io::{self, Write};
use std::path::PathBuf;

use tar::{Builder, EntryType};

use super::archive::header;
use super::capabilities::Capabilities;
use super::recipe::RecipeHasher;

/// Path of the specification that containerd starts containers from, in nodes whose root lacks a capability.
pub(super) const BASE_SPEC: &str = "etc/containerd/base-spec.json";

/// Configuration of an image's process.
pub(super) const ENTRYPOINT: [&str; 2] = ["/usr/local/bin/entrypoint", "/sbin/init"];

/// Units that make no sense in a container: they would fail and be shown as failed.
const MASKED: [&str; 3] = ["getty@tty1.service", "systemd-binfmt.service", "systemd-udevd.service"];

/// Units that start at boot.
const ENABLED: [&str; 3] = ["containerd.service", "kubelet.service", "node-cgroups.service"];

/// One thing in a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FileEntry {
    pub(super) path: String,
    pub(super) what: What,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum What {
    Text(String),
    Program(String),
    Link(&'static str),
    /// A binary of this machine.
    Binary(PathBuf),
    Folder,
}

/// Files of a node beside Debian's packages, without binaries.
pub(super) fn entries(version: &str, pause: &str, capabilities: &Capabilities) -> Vec<FileEntry> {
    let entry = |path: &str, what| FileEntry { path: path.to_owned(), what };
    let text = |path: &str, text: &str| entry(path, What::Text(text.to_owned()));
    let program = |path: &str, text: &str| entry(path, What::Program(text.to_owned()));
    let unit = |name: &str| format!("etc/systemd/system/{name}");
    let mut entries = vec![
        program("usr/local/bin/entrypoint", include_str!("files/entrypoint")),
        program("usr/local/bin/kubelet-cgroups", include_str!("files/kubelet-cgroups")),
        text(&unit("node-cgroups.service"), include_str!("files/node-cgroups.service")),
        text(&unit("kubelet.service"), include_str!("files/kubelet.service")),
        text(&unit("containerd.service"), include_str!("files/containerd.service")),
        text(
            "etc/containerd/config.toml",
            &containerd(include_str!("files/containerd.toml"), pause, capabilities),
        ),
        text("kind/version", &format!("v{version}")),
        text("kind/manifests/default-storage.yaml", include_str!("files/default-storage.yaml")),
        // Each node writes its own.
        text("etc/machine-id", ""),
        entry("etc/kubernetes/manifests", What::Folder),
        entry("etc/cni/net.d", What::Folder),
        // Where kubelets and networks that people install look for plugins.
        entry("opt/cni/bin", What::Link("/usr/lib/cni")),
        entry(&unit("default.target"), What::Link("/lib/systemd/system/multi-user.target")),
    ];
    if capabilities.may_raise_limits() {
        entries.push(text(&unit("containerd.service.d/limits.conf"), include_str!("files/limits.conf")));
    }
    entries.extend(MASKED.map(|name| entry(&unit(name), What::Link("/dev/null"))));
    let targets = ["../containerd.service", "../kubelet.service", "../node-cgroups.service"];
    let enabled = ENABLED.into_iter().zip(targets);
    entries.extend(
        enabled.map(|(name, target)| {
            entry(&unit(&format!("multi-user.target.wants/{name}")), What::Link(target))
        }),
    );
    entries
}

/// containerd's configuration for this host.
fn containerd(template: &str, pause: &str, capabilities: &Capabilities) -> String {
    const BOUNDED: &str = "@bounded@";
    let lines = template.lines().filter_map(|line| match line.strip_prefix(BOUNDED) {
        Some(line) => (!capabilities.are_complete()).then_some(line),
        None => Some(line),
    });
    lines.map(|line| line.replace("= \"@pause@\"", &format!("= {pause:?}")) + "\n").collect()
}

/// All entries as inputs of a hash; binaries are hashed elsewhere.
pub(super) fn hashed(entries: &[FileEntry], inputs: RecipeHasher) -> RecipeHasher {
    entries.iter().fold(inputs, |inputs, entry| {
        let (kind, content) = match &entry.what {
            What::Text(text) => ("text", text.as_str()),
            What::Program(text) => ("program", text.as_str()),
            What::Link(target) => ("link", *target),
            What::Folder => ("folder", ""),
            What::Binary(_) => return inputs,
        };
        inputs.with(&format!("{kind} {}", entry.path), content)
    })
}

/// Writes entries as a tar, to be unpacked at a container's root.
pub(super) fn write(out: impl Write, entries: &[FileEntry]) -> io::Result<()> {
    let mut tar = Builder::new(out);
    for FileEntry { path, what } in entries {
        match what {
            What::Text(text) | What::Program(text) => {
                let mode = if matches!(what, What::Program(_)) { 0o755 } else { 0o644 };
                let mut header = header(EntryType::Regular, mode, text.len() as u64);
                tar.append_data(&mut header, path, text.as_bytes())?;
            }
            What::Link(target) => tar.append_link(&mut header(EntryType::Symlink, 0o777, 0), path, target)?,
            What::Folder => {
                tar.append_data(
                    &mut header(EntryType::Directory, 0o755, 0),
                    format!("{path}/"),
                    io::empty(),
                )?;
            }
            What::Binary(from) => {
                let mut file = std::fs::File::open(from)?;
                let size = file.metadata()?.len();
                tar.append_data(&mut header(EntryType::Regular, 0o755, size), path, &mut file)?;
            }
        }
    }
    tar.into_inner()?.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAUSE: &str = "registry.k8s.io/pause:3.10.2";

    fn bounded() -> Capabilities {
        Capabilities::lacking(&["SYS_RESOURCE"])
    }

    fn text<'e>(entries: &'e [FileEntry], path: &str) -> Option<&'e str> {
        entries.iter().find(|entry| entry.path == path).and_then(|entry| match &entry.what {
            What::Text(text) | What::Program(text) => Some(text.as_str()),
            _ => None,
        })
    }

    #[test]
    fn containerd_knows_the_pause_image_by_the_name_that_kubeadm_gives_it() {
        let entries = entries("1.37.2", PAUSE, &Capabilities::default());
        let config = text(&entries, "etc/containerd/config.toml").unwrap();
        assert!(config.contains("\nsandbox_image = \"registry.k8s.io/pause:3.10.2\"\n"), "{config}");
    }

    #[test]
    fn containers_are_unrestricted_when_root_has_all_capabilities() {
        let entries = entries("1.37.2", PAUSE, &Capabilities::default());
        let config = text(&entries, "etc/containerd/config.toml").unwrap();
        assert!(
            !config.contains("\nbase_runtime_spec") && !config.contains("\nrestrict_oom_score_adj"),
            "{config}"
        );
        assert!(text(&entries, "etc/systemd/system/containerd.service.d/limits.conf").is_some());
    }

    #[test]
    fn missing_capability_is_not_requested() {
        let entries = entries("1.37.2", PAUSE, &bounded());
        let config = text(&entries, "etc/containerd/config.toml").unwrap();
        assert!(config.contains(&format!("\nbase_runtime_spec = \"/{BASE_SPEC}\"\n")), "{config}");
        assert!(config.contains("\nrestrict_oom_score_adj = true\n"), "{config}");
        assert_eq!(text(&entries, "etc/systemd/system/containerd.service.d/limits.conf"), None);
        let asks = |line: &str| line.starts_with("Limit") || line.starts_with("OOMScoreAdjust");
        for entry in &entries {
            if let What::Text(text) = &entry.what {
                assert!(!text.lines().any(asks), "{}: {text}", entry.path);
            }
        }
    }

    #[test]
    fn a_change_of_a_file_changes_the_hash() {
        let hash = |pause, capabilities: &Capabilities| {
            hashed(&entries("1.37.2", pause, capabilities), RecipeHasher::new("node")).hash()
        };
        let usual = hash(PAUSE, &Capabilities::default());
        assert_eq!(usual, hash(PAUSE, &Capabilities::default()));
        assert_ne!(usual, hash("registry.k8s.io/pause:3.10.1", &Capabilities::default()));
        assert_ne!(usual, hash(PAUSE, &bounded()));
    }

    #[test]
    fn every_enabled_unit_is_linked_and_every_program_may_run() {
        let entries = entries("1.37.2", PAUSE, &Capabilities::default());
        let mut bytes = Vec::new();
        write(&mut bytes, &entries).unwrap();
        let mut archive = tar::Archive::new(bytes.as_slice());
        let mut seen = 0;
        for entry in archive.entries().unwrap() {
            let entry = entry.unwrap();
            let path = entry.path().unwrap().display().to_string();
            let executable = entry.header().mode().unwrap() & 0o111 != 0;
            if path.starts_with("usr/local/bin/") {
                assert!(executable, "{path}");
                seen += 1;
            }
            if let Some(unit) = path.strip_prefix("etc/systemd/system/multi-user.target.wants/") {
                assert_eq!(entry.link_name().unwrap().unwrap().display().to_string(), format!("../{unit}"));
                seen += 1;
            }
        }
        assert_eq!(seen, 5);
    }

    #[test]
    fn the_shell_scripts_are_shell_scripts() {
        for script in [include_str!("files/entrypoint"), include_str!("files/kubelet-cgroups")] {
            let check = std::process::Command::new("bash").args(["-n", "-c", script]).output().unwrap();
            assert!(check.status.success(), "{}", String::from_utf8_lossy(&check.stderr));
        }
    }
}
