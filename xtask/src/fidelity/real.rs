//! The real side: a control plane of our own, or one that runs already.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use kube::Config;
use kube::config::{KubeConfigOptions, Kubeconfig};
use seatrial_envtest::{Environment, conformance};
use seatrial_fixtures::conformance::sides::Server;

/// A real server, and what must live as long as it is asked.
pub(crate) struct Real {
    pub(crate) config: Config,
    environment: Option<Environment>,
}

impl Real {
    /// Starts etcd, kube-apiserver and the controllers that both sides run; or takes the server of a kubeconfig, which
    /// must run the same (and forget its history in time for the cases that wait for it).
    pub(crate) async fn start(kubeconfig: Option<&PathBuf>, server: &Server) -> Result<Self> {
        if let Some(path) = kubeconfig {
            return Ok(Self { config: read(path).await?, environment: None });
        }
        let environment =
            conformance::environment(*server).start().await.context("start the real control plane")?;
        Ok(Self { config: environment.config(), environment: Some(environment) })
    }

    /// Ends what `start` began.
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
