//! The container of a build. It is removed on drop; the next build removes one of a killed process.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use bollard::models::{ContainerConfig, ContainerCreateBody, HostConfig};
use bollard::query_parameters::{
    CommitContainerOptionsBuilder, CreateContainerOptionsBuilder, ListContainersOptionsBuilder,
    RemoveContainerOptionsBuilder, StopContainerOptionsBuilder, UploadToContainerOptionsBuilder,
};
use bollard::{Docker, body_try_stream};
use bytes::Bytes;
use futures::Stream;

use super::error::NodeImageError;
use crate::docker::{DiskFull, Output, exec};

/// Prefix of the containers' names. A dot keeps them apart from nodes of a cluster.
const PREFIX: &str = "seatrial.node-image.";

/// A container that is removed when this is dropped.
pub(super) struct Container {
    docker: Docker,
    host: String,
    name: String,
    base: String,
}

impl Container {
    /// A new container, not yet started. `host` is where Docker listens, for the removal.
    pub(super) async fn create(
        docker: &Docker,
        host: &str,
        base: &str,
        command: &[&str],
    ) -> Result<Self, NodeImageError> {
        let name = format!("{PREFIX}{}", std::process::id());
        let body = ContainerCreateBody {
            image: Some(base.to_owned()),
            entrypoint: Some(command.iter().map(|&word| word.to_owned()).collect()),
            host_config: Some(HostConfig {
                privileged: Some(true),
                network_mode: Some("none".to_owned()),
                // What runs meanwhile leaves its sockets where they do not become part of the image.
                tmpfs: Some(HashMap::from([
                    ("/run".to_owned(), String::new()),
                    ("/tmp".to_owned(), String::new()),
                ])),
                ..HostConfig::default()
            }),
            ..ContainerCreateBody::default()
        };
        let options = CreateContainerOptionsBuilder::default().name(&name).build();
        let doing = format!("creating container {name} of {base}");
        docker.create_container(Some(options), body).await.map_err(NodeImageError::docker(doing))?;
        Ok(Self { docker: docker.clone(), host: host.to_owned(), name, base: base.to_owned() })
    }

    /// Unpacks a tar at the root.
    pub(super) async fn upload(
        &self,
        tar: impl Stream<Item = std::io::Result<Bytes>> + Send + 'static,
    ) -> Result<(), NodeImageError> {
        let options = UploadToContainerOptionsBuilder::default().path("/").build();
        let upload = self.docker.upload_to_container(&self.name, Some(options), body_try_stream(tar));
        upload.await.map_err(NodeImageError::docker(format!("writing files into container {}", self.name)))
    }

    pub(super) async fn start(&self) -> Result<(), NodeImageError> {
        let doing = format!("starting container {}", self.name);
        self.docker.start_container(&self.name, None).await.map_err(NodeImageError::docker(doing))
    }

    /// Runs a command until it succeeds.
    pub(super) async fn wait_for(&self, command: &[&str], patience: Duration) -> Result<(), NodeImageError> {
        let started = Instant::now();
        loop {
            let output = self.try_run(command, futures::stream::empty()).await?;
            if output.code == 0 {
                return Ok(());
            }
            if started.elapsed() > patience {
                return Err(self.failed(command, &output));
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Runs a command that must succeed, and returns what it printed.
    pub(super) async fn run(&self, command: &[&str]) -> Result<String, NodeImageError> {
        self.feed(command, futures::stream::empty()).await
    }

    /// The same for a command that reads something.
    pub(super) async fn feed(
        &self,
        command: &[&str],
        input: impl Stream<Item = std::io::Result<Bytes>> + Unpin,
    ) -> Result<String, NodeImageError> {
        let output = self.try_run(command, input).await?;
        if output.code == 0 { Ok(output.stdout) } else { Err(self.failed(command, &output)) }
    }

    fn failed(&self, command: &[&str], output: &Output) -> NodeImageError {
        let reason = output.words().lines().last().unwrap_or("it said nothing").to_owned();
        if let Some(full) = DiskFull::recognise(&format!("`{}`", command.join(" ")), &reason) {
            return full.into();
        }
        NodeImageError::Command {
            command: command.join(" "),
            code: output.code,
            reason,
            base: self.base.clone(),
        }
    }

    async fn try_run(
        &self,
        command: &[&str],
        input: impl Stream<Item = std::io::Result<Bytes>> + Unpin,
    ) -> Result<Output, NodeImageError> {
        Ok(exec(&self.docker, &self.name, command, input).await?)
    }

    /// Ends what runs, which gets the time to write down what it has.
    pub(super) async fn stop(&self) -> Result<(), NodeImageError> {
        let options = StopContainerOptionsBuilder::default().t(30).build();
        let stop = self.docker.stop_container(&self.name, Some(options));
        stop.await.map_err(NodeImageError::docker(format!("stopping container {}", self.name)))
    }

    /// Makes an image of it. Returns the image's identity.
    pub(super) async fn commit(
        &self,
        repository: &str,
        tag: &str,
        config: ContainerConfig,
    ) -> Result<String, NodeImageError> {
        let options =
            CommitContainerOptionsBuilder::default().container(&self.name).repo(repository).tag(tag).build();
        let doing = format!("making image {repository}:{tag}");
        let committed = self.docker.commit_container(options, config).await;
        Ok(committed.map_err(NodeImageError::docker(doing))?.id)
    }

    /// Removes it now, and says if that fails.
    pub(super) async fn remove(mut self) -> Result<(), NodeImageError> {
        let name = std::mem::take(&mut self.name);
        remove(&self.docker, &name)
            .await
            .map_err(NodeImageError::docker(format!("removing container {name}")))
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        if self.name.is_empty() {
            return;
        }
        // Whoever drops it may be in the middle of a runtime that ends: a connection of its own, on a thread of its
        // own.
        let (host, name) = (self.host.clone(), self.name.clone());
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            let Ok(runtime) = runtime else { return };
            runtime.block_on(async {
                if let Ok(docker) = crate::docker::connect_to(&host).await {
                    // What cannot be removed now is swept by the next build.
                    let _ = remove(&docker, &name).await;
                }
            });
        });
        let _ = thread.join();
    }
}

/// Removes containers of killed processes. To be called under the build lock.
pub(super) async fn remove_leftovers(docker: &Docker) -> Result<(), NodeImageError> {
    let filters = HashMap::from([("name", vec![PREFIX])]);
    let options = ListContainersOptionsBuilder::default().all(true).filters(&filters).build();
    let listed =
        docker.list_containers(Some(options)).await.map_err(NodeImageError::docker("listing containers"))?;
    for container in listed {
        // Docker's filter finds the text anywhere in a name.
        let name = container
            .names
            .unwrap_or_default()
            .into_iter()
            .find(|name| name.trim_start_matches('/').starts_with(PREFIX));
        if let (Some(id), Some(name)) = (container.id, name) {
            remove(docker, &id)
                .await
                .map_err(NodeImageError::docker(format!("removing container {name}")))?;
        }
    }
    Ok(())
}

async fn remove(docker: &Docker, name: &str) -> Result<(), bollard::errors::Error> {
    let options = RemoveContainerOptionsBuilder::default().force(true).v(true).build();
    docker.remove_container(name, Some(options)).await
}
