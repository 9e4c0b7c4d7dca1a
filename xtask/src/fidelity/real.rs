//! The real side: a started control plane, or the server of a kubeconfig.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use kube::Config;
use kube::config::{KubeConfigOptions, Kubeconfig};
use seatrial_envtest::{Environment, conformance};
use seatrial_fixtures::conformance::server_config::ServerKind;

/// A real server.
pub(crate) struct RealServer {
    pub(crate) config: Config,
    environment: Option<Environment>,
}

impl RealServer {
    /// Starts a control plane, or uses the server of a kubeconfig, which must have the same controllers and, for cases that
    /// wait for it, the same compaction interval.
    pub(crate) async fn start(kubeconfig: Option<&PathBuf>, server: &ServerKind) -> Result<Self> {
        if let Some(path) = kubeconfig {
            return Ok(Self { config: read(path).await?, environment: None });
        }
        let environment =
            conformance::environment(*server).start().await.context("start the real control plane")?;
        Ok(Self { config: environment.config(), environment: Some(environment) })
    }

    /// Stops the control plane, if `start` started one.
    pub(crate) async fn stop(self) {
        if let Some(environment) = self.environment {
            environment.stop().await;
        }
    }
}

async fn read(path: &Path) -> Result<Config> {
    let kubeconfig = Kubeconfig::read_from(path).with_context(|| format!("read {}", path.display()))?;
    let options = KubeConfigOptions::default();
    let config = Config::from_custom_kubeconfig(kubeconfig, &options).await;
    config.with_context(|| format!("use {}", path.display()))
}
