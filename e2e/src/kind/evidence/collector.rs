//! Collector of node evidence: all nodes at once, each command within a limit.
//!
//! It comes to the nodes through Docker alone, so it collects also where the cluster's API server does not answer.

use std::future::Future;
use std::path::PathBuf;
use std::time::Duration;

use bollard::Docker;
use bollard::container::LogOutput;
use bollard::query_parameters::LogsOptions;
use futures::future::{LocalBoxFuture, join_all};
use futures::{FutureExt as _, TryStreamExt as _};

use super::super::cluster::client_of;
use super::super::containers::{ROLE_LABEL, connect, containers, label, name_of};
use super::super::node::ContainerState;
use super::parts::{NodeFile, OF_ONE, inspected, logs, parts, read_logs, whole_lines};
use crate::artefacts::{ArtefactWriter, Collector, FailureScene, add_all_secrets};
use crate::docker::{exec, reason};

/// Longest time that one answer of a node, or of Docker about it, may take.
const ANSWER: Duration = Duration::from_secs(25);

/// Longest time that the cluster's Secrets may take to be listed: an API server that is away does not answer at all.
const SECRETS: Duration = Duration::from_secs(15);

/// Most lines of a node's console that are kept.
const CONSOLE: &str = "20000";

/// Writes `nodes/NODE/…`.
pub(crate) struct NodeEvidence {
    cluster: String,
    /// The way to its API; nothing for the cluster that the spec's own client reaches.
    kubeconfig: Option<PathBuf>,
}

impl NodeEvidence {
    /// For the cluster that specs run on.
    pub(crate) fn new(cluster: &str) -> Self {
        Self { cluster: cluster.to_owned(), kubeconfig: None }
    }

    /// For a cluster that a spec makes for itself; it need not be there yet.
    pub(crate) fn of_another(cluster: &str, kubeconfig: PathBuf) -> Self {
        Self { cluster: cluster.to_owned(), kubeconfig: Some(kubeconfig) }
    }
}

impl Collector for NodeEvidence {
    fn name(&self) -> &'static str {
        "nodes"
    }

    /// Each step has a limit of its own, and these are less together.
    fn limit(&self) -> Duration {
        Duration::from_secs(120)
    }

    fn collect<'a>(
        &'a self,
        scene: &'a FailureScene,
        writer: &'a ArtefactWriter,
    ) -> LocalBoxFuture<'a, Result<(), String>> {
        self.all(scene, writer).boxed_local()
    }
}

impl NodeEvidence {
    async fn all(&self, scene: &FailureScene, writer: &ArtefactWriter) -> Result<(), String> {
        let docker = connect().await.map_err(|error| error.to_string())?;
        let found = containers(&docker, Some(&self.cluster)).await.map_err(|error| error.to_string())?;
        // What nodes log is about all namespaces.
        if let Err(error) = within(SECRETS, self.add_node_secrets(scene)).await {
            writer.note_missing(
                &format!("Secrets of cluster {}", self.cluster),
                &format!("{error}; in what nodes logged they are masked by form alone"),
            );
        }
        let nodes = found
            .iter()
            .filter(|container| matches!(label(container, ROLE_LABEL), Some("control-plane" | "worker")));
        let each = nodes.map(|container| async {
            NodeQuery { docker: &docker, node: name_of(container), scene, writer }.all().await
        });
        join_all(each).await.into_iter().collect()
    }

    async fn add_node_secrets(&self, scene: &FailureScene) -> Result<(), String> {
        let client = match &self.kubeconfig {
            None => scene.client.clone(),
            Some(path) => {
                let client = client_of(path, &self.cluster).await;
                // The first line is the reason; nobody is to do anything about it.
                Some(
                    client
                        .map_err(|error| error.to_string().lines().next().unwrap_or_default().to_owned())?,
                )
            }
        };
        match client {
            Some(client) => add_all_secrets(&client, &scene.redactor).await,
            None => Ok(()),
        }
    }
}

/// One node that is asked.
struct NodeQuery<'a> {
    docker: &'a Docker,
    node: String,
    scene: &'a FailureScene,
    writer: &'a ArtefactWriter,
}

impl NodeQuery<'_> {
    /// Writes evidence from Docker and, if the node runs, from the node. An error is one of the report's folder.
    async fn all(&self) -> Result<(), String> {
        let inspect = self.docker.inspect_container(&self.node, None);
        let found = within(ANSWER, async { inspect.await.map_err(|error| reason(&error)) }).await;
        let condition = match &found {
            Ok(container) => {
                self.put("inspect.json", inspected(container))?;
                ContainerState::from_inspect(container)
            }
            Err(error) => {
                self.lacks("inspect.json", error);
                ContainerState::Running
            }
        };
        match within(ANSWER, self.console()).await {
            Ok(text) => self.put("serial.log", whole_lines(&text, OF_ONE))?,
            Err(error) => self.lacks("serial.log", &error),
        }
        let away = match condition {
            ContainerState::Running => return self.inside().await,
            ContainerState::Paused => "its container is paused",
            ContainerState::Stopped => "its container does not run",
        };
        self.lacks("journal and logs", away);
        Ok(())
    }

    /// Console of the node, to which systemd writes: all that Docker keeps of a node.
    async fn console(&self) -> Result<String, String> {
        let tail = CONSOLE.to_owned();
        let options = LogsOptions { stdout: true, stderr: true, tail, ..LogsOptions::default() };
        let mut text = Vec::new();
        let mut lines = self.docker.logs(&self.node, Some(options));
        while let Some(line) = lines.try_next().await.map_err(|error| reason(&error))? {
            text.extend_from_slice(&LogOutput::into_bytes(line));
        }
        let text = text.split_off(text.len().saturating_sub(OF_ONE));
        Ok(String::from_utf8_lossy(&text).into_owned())
    }

    async fn inside(&self) -> Result<(), String> {
        let files = parts(self.scene.since).into_iter().map(async |NodeFile { file, command }| {
            match self.printed(&command).await {
                Ok(text) => self.put(file, whole_lines(&text, OF_ONE)),
                Err(error) => {
                    self.lacks(file, &error);
                    Ok(())
                }
            }
        });
        let (files, logs) = futures::join!(join_all(files), self.logs());
        files.into_iter().chain([logs]).collect()
    }

    async fn logs(&self) -> Result<(), String> {
        let mark = format!("seatrial-{:016x}", unguessable());
        let printed = match self.printed(&logs(&mark)).await {
            Ok(printed) => printed,
            Err(error) => {
                self.lacks("containers' logs", &error);
                return Ok(());
            }
        };
        let logged = read_logs(&mark, &printed);
        for (path, text) in &logged.files {
            self.put(path, text)?;
        }
        let place = |path: &str| format!("nodes/{}/{path}", self.node);
        for (name, path) in &logged.names {
            self.writer.link(&place(path), &place(&format!("containers/{name}")))?;
        }
        Ok(())
    }

    /// Output of a command in the node.
    async fn printed(&self, command: &[String]) -> Result<String, String> {
        let words: Vec<_> = command.iter().map(String::as_str).collect();
        let run = async {
            let output = exec(self.docker, &self.node, &words, futures::stream::empty()).await;
            output.map_err(|error| error.reason)
        };
        let output = within(ANSWER, run).await?;
        if output.code == 0 {
            Ok(output.stdout)
        } else {
            Err(format!("exit status {}: {}", output.code, output.words()))
        }
    }

    fn put(&self, file: &str, text: impl AsRef<str>) -> Result<(), String> {
        self.writer.write(&format!("node {}", self.node), &format!("nodes/{}/{file}", self.node), text)
    }

    fn lacks(&self, what: &str, why: &str) {
        self.writer.note_missing(&format!("{what} of node {}", self.node), why);
    }
}

async fn within<T>(limit: Duration, work: impl Future<Output = Result<T, String>>) -> Result<T, String> {
    let done = tokio::time::timeout(limit, work).await;
    done.unwrap_or_else(|_| Err(format!("no answer within {} s", limit.as_secs())))
}

/// A number that no container that logs can know.
fn unguessable() -> u64 {
    use std::hash::{BuildHasher as _, RandomState};
    RandomState::new().hash_one(std::process::id())
}
