//! Diagnosis of a cluster that did not come up, by its nodes' logs, for causes that the user can mend.
//!
//! It knows one complaint so far: the user's instances of inotify are used up, which nodes tell in words about files.

use std::time::Duration;

use bollard::Docker;
use bollard::query_parameters::LogsOptions;
use futures::{FutureExt as _, StreamExt as _};

use super::containers::{containers, name_of};
use super::error::KindError;
use crate::docker::exec;

/// Longest time that one node may take to answer.
const ANSWER: Duration = Duration::from_secs(10);

const NEXT: &str = "raise the limit (`sysctl -w fs.inotify.max_user_instances=512`), or remove clusters that nobody uses \
                    (`cargo xtask e2e reap`)";

/// Prints what systemd, containerd and the kubelet said about files.
const COMMAND: [&str; 3] = [
    "sh",
    "-c",
    "journalctl --no-pager --output=cat | grep --ignore-case --max-count=20 'too many open files'",
];

/// The error that a create ended with, or a better one if a node says what it was.
pub(super) async fn explained(docker: &Docker, cluster: &str, error: KindError) -> KindError {
    for container in containers(docker, Some(cluster)).await.unwrap_or_default() {
        let node = name_of(&container);
        let text = node_logs(docker, &node).await;
        if let Some(line) = text.lines().find(|line| is_about_inotify(line)) {
            let (name, told) = (cluster.to_owned(), error.to_string());
            let told = told.split("\n  next: ").next().unwrap_or_default();
            let reason = format!(
                "this machine's instances of inotify are used up ({node}: {})\n    {told}",
                line.trim()
            );
            return KindError::Create { name, reason, next: NEXT.to_owned() };
        }
    }
    error
}

/// A node's console and, if it runs, its journal; empty for a node that does not answer.
async fn node_logs(docker: &Docker, node: &str) -> String {
    let options =
        LogsOptions { stdout: true, stderr: true, tail: "1000".to_owned(), ..LogsOptions::default() };
    let console = async {
        let lines = docker.logs(node, Some(options)).filter_map(async |line| line.ok()).collect::<Vec<_>>();
        lines.await.iter().map(ToString::to_string).collect::<String>()
    };
    let journal = exec(docker, node, &COMMAND, futures::stream::empty());
    let console = tokio::time::timeout(ANSWER, console).map(Result::unwrap_or_default);
    let journal = tokio::time::timeout(ANSWER, journal);
    let (console, journal) = futures::join!(console, journal);
    let journal = journal.ok().and_then(Result::ok).unwrap_or_default().stdout;
    format!("{console}\n{journal}")
}

fn is_about_inotify(line: &str) -> bool {
    let line = line.to_ascii_lowercase();
    line.contains("too many open files")
        && ["inotify", "fsnotify", "watcher"].iter().any(|word| line.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn used_up_watchers_are_reported_from_used_up_files() {
        for line in [
            "Failed to create control group inotify object: Too many open files",
            "failed to create fsnotify watcher: too many open files",
            "err=\"failed to run Kubelet: unable to start watcher: too many open files\"",
        ] {
            assert!(is_about_inotify(line), "{line}");
        }
        for line in ["accept4: too many open files", "inotify is in use", ""] {
            assert!(!is_about_inotify(line), "{line}");
        }
    }
}
