//! The flags of etcd: a single member on Unix sockets, so that no port is needed.

use std::path::{Path, PathBuf};

use super::{flags::Flags, folder::Folder};
use crate::process::child::{ProcessSpec, bare_environment};

/// The child process of etcd.
pub(crate) fn spec(
    program: &Path,
    folder: &Folder,
    log: PathBuf,
    overrides: &[(String, String)],
) -> ProcessSpec {
    let client = endpoint(folder);
    // A single member has no peers, but etcd requires a URL. The path is relative to its working folder.
    let peer = "unix://peer.sock:0";
    let flags = Flags::default()
        .with("name", "default")
        .with("data-dir", folder.path().join("etcd").to_string_lossy())
        // The data is temporary.
        .with("unsafe-no-fsync", "true")
        .with("listen-client-urls", client.as_str())
        .with("advertise-client-urls", client.as_str())
        .with("listen-peer-urls", peer)
        .with("initial-advertise-peer-urls", peer)
        .with("initial-cluster", format!("default={peer}"))
        // A single member elects itself after the election timeout. The defaults are 100 ms and 1 s.
        .with("heartbeat-interval", "20")
        .with("election-timeout", "200")
        .with("log-level", "warn")
        .overridden_by(overrides);
    ProcessSpec {
        name: "etcd",
        program: program.to_owned(),
        args: flags.into_args(),
        env: bare_environment(),
        dir: folder.path().to_owned(),
        log,
    }
}

/// The endpoint that kube-apiserver connects to.
pub(crate) fn endpoint(folder: &Folder) -> String {
    format!("unix://{}", folder.socket().display())
}
