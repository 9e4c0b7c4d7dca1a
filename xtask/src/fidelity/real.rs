//! The real side: a control plane of our own, or one that runs already.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use kube::Config;
use kube::config::{KubeConfigOptions, Kubeconfig};
use seatrial_envtest::Environment;
use seatrial_fixtures::conformance::sides;

/// A real server, and what must live as long as it is asked.
pub(crate) struct Real {
    pub(crate) config: Config,
    environment: Option<Environment>,
}

impl Real {
    /// Starts etcd, kube-apiserver and the controllers that both sides run; or takes the server of a kubeconfig, which
    /// must run the same.
    pub(crate) async fn start(kubeconfig: Option<&PathBuf>) -> Result<Self> {
        if let Some(path) = kubeconfig {
            return Ok(Self { config: read(path).await?, environment: None });
        }
        let environment = started().await?;
        Ok(Self { config: environment.config(), environment: Some(environment) })
    }

    /// Ends what `start` began.
    pub(crate) async fn stop(self) {
        if let Some(environment) = self.environment {
            environment.stop().await;
        }
    }
}

async fn started() -> Result<Environment> {
    let mut builder = Environment::builder().version(sides::KUBERNETES).controllers(sides::CONTROLLERS);
    for (name, value) in sides::APISERVER_ARGS {
        builder = builder.apiserver_arg(name, value);
    }
    for (name, value) in sides::CONTROLLER_MANAGER_ARGS {
        builder = builder.controller_manager_arg(name, value);
    }
    for plugin in sides::DISABLED_ADMISSION_PLUGINS {
        builder = builder.disable_admission(plugin);
    }
    builder.start().await.context("start the real control plane")
}

async fn read(path: &Path) -> Result<Config> {
    let kubeconfig = Kubeconfig::read_from(path).with_context(|| format!("read {}", path.display()))?;
    let options = KubeConfigOptions::default();
    let config = Config::from_custom_kubeconfig(kubeconfig, &options).await;
    config.with_context(|| format!("use {}", path.display()))
}
