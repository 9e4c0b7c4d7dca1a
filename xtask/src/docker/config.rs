//! The configurations of containerd and dockerd.

use serde_json::{Value, json};

use super::paths::DaemonPaths;
use super::runtime;

/// dockerd's configuration. With it the machine's own `/etc/docker/daemon.json` is not read.
pub(super) fn dockerd(paths: &DaemonPaths, bounded: bool) -> Value {
    let mut config = json!({
        "hosts": [paths.host()],
        "data-root": paths.path("data"),
        "exec-root": paths.path("exec"),
        "pidfile": paths.path("docker.pid"),
        "containerd": paths.containerd_socket(),
        "bridge": paths.bridge(),
    });
    if bounded {
        config["runtimes"] = json!({ runtime::NAME: {"path": paths.path(runtime::NAME)} });
        config["default-runtime"] = json!(runtime::NAME);
    }
    config
}

/// containerd's configuration: version 2, which 1.6 and everything newer reads.
pub(super) fn containerd(paths: &DaemonPaths) -> String {
    // JSON's strings are TOML's.
    let text = |path: std::path::PathBuf| json!(path).to_string();
    format!(
        "version = 2\nroot = {}\nstate = {}\n# Docker does not need it, and it would look for networks of the machine's.\n\
         disabled_plugins = [\"io.containerd.grpc.v1.cri\"]\n[grpc]\naddress = {}\n",
        text(paths.path("containerd")),
        text(paths.path("containerd-state")),
        text(paths.containerd_socket()),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    #[test]
    fn all_paths_are_in_the_folder_of_the_daemon() {
        let paths = DaemonPaths::at(Path::new("/cache/docker"));
        let config = dockerd(&paths, true);
        assert_eq!(config["hosts"][0], "unix:///cache/docker/docker.sock");
        for key in ["data-root", "exec-root", "pidfile", "containerd"] {
            assert!(config[key].as_str().unwrap().starts_with("/cache/docker/"), "{key}: {config}");
        }
        let containerd = containerd(&paths);
        let paths = containerd.lines().filter(|line| line.contains("/cache/docker/containerd")).count();
        assert_eq!(paths, 3, "{containerd}");
    }

    #[test]
    fn the_runtime_is_configured_only_if_needed() {
        let paths = DaemonPaths::at(Path::new("/cache/docker"));
        assert_eq!(dockerd(&paths, false).get("default-runtime"), None);
        assert_eq!(dockerd(&paths, true)["default-runtime"], runtime::NAME);
    }
}
