//! etcd for one control plane: a single member on unix sockets, which no port can collide with.
//!
//! It knows etcd's flags; it does not know what is stored.

use std::path::{Path, PathBuf};

use super::{flags::Flags, folder::Folder};
use crate::process::child::{Spec, bare_environment};

/// What to start, and the folder that will hold its data.
pub(crate) fn spec(program: &Path, folder: &Folder, log: PathBuf, caller: &[(String, String)]) -> Spec {
    let client = endpoint(folder);
    // A lone member has no peers, but etcd wants an address for them. Its own name for it is relative to its working
    // folder, so the length of the path does not matter.
    let peer = "unix://peer.sock:0";
    let flags = Flags::default()
        .with("name", "default")
        .with("data-dir", folder.path().join("etcd").to_string_lossy())
        // The data is thrown away: a crash of the machine may lose it.
        .with("unsafe-no-fsync", "true")
        .with("listen-client-urls", client.as_str())
        .with("advertise-client-urls", client.as_str())
        .with("listen-peer-urls", peer)
        .with("initial-advertise-peer-urls", peer)
        .with("initial-cluster", format!("default={peer}"))
        // A lone member elects itself after one of these; the default is 100 ms and 1 s.
        .with("heartbeat-interval", "20")
        .with("election-timeout", "200")
        .with("log-level", "warn")
        .overridden_by(caller);
    Spec {
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
