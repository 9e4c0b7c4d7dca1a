//! A node's container: commands, state and address.
//!
//! A node keeps its address over a stop: it is taken off its network and put back at the same place before it starts.
//! It does not know why somebody would stop it.

use bollard::Docker;
use bollard::models::{
    ContainerInspectResponse, EndpointIpamConfig, EndpointSettings, NetworkConnectRequest,
    NetworkDisconnectRequest,
};
use bollard::query_parameters::{KillContainerOptions, StopContainerOptions};

use super::error::{KindError, status};
use crate::docker::{DiskFull, Output, exec};

/// A node of a cluster.
#[derive(Clone, Debug)]
pub struct Node {
    pub(super) docker: Docker,
    pub(super) cluster: String,
    pub(super) name: String,
    /// Its address on the cluster's network, as long as it is known.
    pub(super) address: Option<String>,
}

/// State of a node's container.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ContainerState {
    Running,
    Paused,
    Stopped,
}

impl ContainerState {
    pub(super) fn from_inspect(container: &ContainerInspectResponse) -> Self {
        let state = container.state.as_ref();
        match state.map(|state| (state.running, state.paused)) {
            Some((_, Some(true))) => Self::Paused,
            Some((Some(true), _)) => Self::Running,
            _ => Self::Stopped,
        }
    }
}

impl Node {
    /// The node's name: its container's, and its Node's.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The node's address on its cluster's network. It stays the same over stops and restarts.
    pub fn address(&self) -> Option<&str> {
        self.address.as_deref()
    }

    /// Runs a command in the node.
    pub async fn exec(&self, command: &[&str]) -> Result<Output, KindError> {
        Ok(exec(&self.docker, &self.name, command, futures::stream::empty()).await?)
    }

    /// Runs a command in the node that must succeed.
    pub async fn exec_well(&self, command: &[&str]) -> Result<Output, KindError> {
        well(&self.name, command, self.exec(command).await?)
    }

    pub(super) async fn condition(&self) -> Result<ContainerState, KindError> {
        let found = self.docker.inspect_container(&self.name, None).await;
        Ok(ContainerState::from_inspect(&found.map_err(self.doing("looking at"))?))
    }

    /// Asks the node's systemd to shut down, for as long as it takes but for ten seconds at most.
    pub(super) async fn stop(&self) -> Result<(), KindError> {
        let options = StopContainerOptions { t: Some(10), ..StopContainerOptions::default() };
        self.docker.stop_container(&self.name, Some(options)).await.map_err(self.doing("stopping"))
    }

    /// Takes the node's power away.
    pub(super) async fn kill(&self) -> Result<(), KindError> {
        let options = KillContainerOptions { signal: "KILL".into() };
        self.docker.kill_container(&self.name, Some(options)).await.map_err(self.doing("killing"))
    }

    /// Starts a stopped node at the address that it had.
    pub(super) async fn start(&self) -> Result<(), KindError> {
        if let Some(address) = &self.address {
            self.keep_address(address).await?;
        }
        self.docker.start_container(&self.name, None).await.map_err(self.doing("starting"))
    }

    async fn keep_address(&self, address: &str) -> Result<(), KindError> {
        let leave = NetworkDisconnectRequest { container: self.name.clone(), force: Some(true) };
        match self.docker.disconnect_network(&self.cluster, leave).await {
            Ok(()) => {}
            // It is on no network: a start was interrupted between the two.
            Err(error) if matches!(status(&error), Some(403 | 404)) => {}
            Err(error) => return Err(self.doing("taking from its network")(error)),
        }
        let ipam =
            EndpointIpamConfig { ipv4_address: Some(address.to_owned()), ..EndpointIpamConfig::default() };
        let endpoint = EndpointSettings { ipam_config: Some(ipam), ..EndpointSettings::default() };
        let join = NetworkConnectRequest { container: self.name.clone(), endpoint_config: Some(endpoint) };
        self.docker
            .connect_network(&self.cluster, join)
            .await
            .map_err(self.doing("putting back on its network"))
    }

    pub(super) fn doing(&self, what: &str) -> impl FnOnce(bollard::errors::Error) -> KindError {
        KindError::docker(format!("{what} {}", self.name))
    }
}

/// Turns a status other than 0 into an error.
pub(super) fn well(node: &str, command: &[&str], output: Output) -> Result<Output, KindError> {
    if output.code == 0 {
        return Ok(output);
    }
    let reason = output.words();
    if let Some(full) = DiskFull::recognise(&format!("a command in {node}"), &reason) {
        return Err(full.into());
    }
    let (node, command) = (node.to_owned(), command.join(" "));
    Err(KindError::Command { node, command, code: output.code, reason })
}
