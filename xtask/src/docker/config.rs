//! What containerd and dockerd are told. Everything that they would share with another daemon is named here.

use serde_json::{Value, json};

use super::places::Places;
use super::runtime;

/// dockerd's configuration. With it the machine's own `/etc/docker/daemon.json` is not read.
pub(super) fn dockerd(places: &Places, bounded: bool) -> Value {
    let mut config = json!({
        "hosts": [places.host()],
        "data-root": places.path("data"),
        "exec-root": places.path("exec"),
        "pidfile": places.path("docker.pid"),
        "containerd": places.containerd_socket(),
        "bridge": places.bridge(),
    });
    if bounded {
        config["runtimes"] = json!({ runtime::NAME: {"path": places.path(runtime::NAME)} });
        config["default-runtime"] = json!(runtime::NAME);
    }
    config
}

/// containerd's configuration: version 2, which 1.6 and everything newer reads.
pub(super) fn containerd(places: &Places) -> String {
    // JSON's strings are TOML's.
    let text = |path: std::path::PathBuf| json!(path).to_string();
    format!(
        "version = 2\nroot = {}\nstate = {}\n# Docker does not need it, and it would look for networks of the machine's.\n\
         disabled_plugins = [\"io.containerd.grpc.v1.cri\"]\n[grpc]\naddress = {}\n",
        text(places.path("containerd")),
        text(places.path("containerd-state")),
        text(places.containerd_socket()),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    #[test]
    fn everything_lies_in_the_daemon_s_own_folder() {
        let places = Places::at(Path::new("/cache/docker"));
        let config = dockerd(&places, true);
        assert_eq!(config["hosts"][0], "unix:///cache/docker/docker.sock");
        for key in ["data-root", "exec-root", "pidfile", "containerd"] {
            assert!(config[key].as_str().unwrap().starts_with("/cache/docker/"), "{key}: {config}");
        }
        let containerd = containerd(&places);
        let paths = containerd.lines().filter(|line| line.contains("/cache/docker/containerd")).count();
        assert_eq!(paths, 3, "{containerd}");
    }

    #[test]
    fn the_runtime_that_bounds_is_used_only_where_it_is_needed() {
        let places = Places::at(Path::new("/cache/docker"));
        assert_eq!(dockerd(&places, false).get("default-runtime"), None);
        assert_eq!(dockerd(&places, true)["default-runtime"], runtime::NAME);
    }
}
