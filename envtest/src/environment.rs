//! `Environment`: a control plane for tests, and the builder that says how it should be.
//!
//! The one file that knows all parts: it finds binaries, starts the processes and hands out clients.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use crate::{
    assets::{self, Binary, Request, Surroundings},
    error::Error,
    install,
    plane::{
        apiserver::Admission,
        run::{self, MASTERS, Plan, Running},
        service_account,
        timings::Timings,
        users::User,
    },
};

/// A running etcd and kube-apiserver, with controllers if they were asked for.
///
/// Its processes die with it, and with this process whatever ends that. Its data is thrown away.
#[derive(Debug)]
pub struct Environment {
    running: Running,
    admin: User,
    report: assets::Report,
    stop_timeout: Duration,
}

/// How an [`Environment`] should be.
#[derive(Debug, Clone)]
#[must_use = "a builder does nothing before `start`"]
pub struct EnvironmentBuilder {
    version: Option<String>,
    assets_dir: Option<PathBuf>,
    etcd_args: Vec<(String, String)>,
    apiserver_args: Vec<(String, String)>,
    controller_manager_args: Vec<(String, String)>,
    admission: Admission,
    controllers: Vec<String>,
    crds: Vec<PathBuf>,
    start_timeout: Option<Duration>,
    stop_timeout: Option<Duration>,
    logs_dir: Option<PathBuf>,
    surroundings: Surroundings,
}

impl Environment {
    /// A builder with the default version, flags and admission plugins, and no controllers.
    pub fn builder() -> EnvironmentBuilder {
        EnvironmentBuilder {
            version: None,
            assets_dir: None,
            etcd_args: Vec::new(),
            apiserver_args: Vec::new(),
            controller_manager_args: Vec::new(),
            admission: Admission::default(),
            controllers: Vec::new(),
            crds: Vec::new(),
            start_timeout: None,
            stop_timeout: None,
            logs_dir: None,
            surroundings: Surroundings::of_this_process(),
        }
    }

    /// A client that may do everything. It belongs to the tokio runtime that it is made in.
    pub fn client(&self) -> Result<kube::Client, Error> {
        self.admin.client().map_err(Error::Client)
    }

    /// The configuration of [`Environment::client`].
    pub fn config(&self) -> kube::Config {
        self.admin.config()
    }

    /// The text of a kubeconfig file whose user may do everything.
    pub fn kubeconfig(&self) -> String {
        self.admin.kubeconfig()
    }

    /// Writes that kubeconfig to a file that only its owner may read (mode 0600).
    pub fn write_kubeconfig(&self, path: impl AsRef<Path>) -> Result<(), Error> {
        let path = path.as_ref();
        self.admin.write_kubeconfig(path).map_err(Error::io("write the kubeconfig", path))
    }

    /// Where the API server listens: `https://127.0.0.1:PORT`.
    pub fn url(&self) -> &str {
        &self.running.server.url
    }

    /// The authority that signed the API server's certificate, in PEM.
    pub fn ca_pem(&self) -> &str {
        &self.running.server.ca_pem
    }

    /// The user that may do everything (group `system:masters`).
    pub fn admin(&self) -> &User {
        &self.admin
    }

    /// Adds a user with a client certificate. What it may do is up to RBAC; the group `system:masters` may do all.
    #[expect(clippy::unused_async, reason = "users with tokens will have to ask the server")]
    pub async fn add_user<G: Into<String>>(
        &self,
        name: impl Into<String>,
        groups: impl IntoIterator<Item = G>,
    ) -> Result<User, Error> {
        let (name, groups) = (name.into(), groups.into_iter().map(Into::into).collect::<Vec<_>>());
        let identity = self.running.authority.client(&name, &groups)?;
        Ok(User::new(name, groups, identity, self.running.server.clone()))
    }

    /// Where the processes write their logs: `etcd.log`, `kube-apiserver.log`, `kube-controller-manager.log`.
    pub fn logs_dir(&self) -> &Path {
        &self.running.logs
    }

    /// Where the binaries came from.
    pub fn assets(&self) -> &assets::Report {
        &self.report
    }

    /// How long each part of the start took.
    pub fn timings(&self) -> Timings {
        self.running.timings
    }

    /// The processes by name, with their ids.
    pub fn processes(&self) -> impl Iterator<Item = (&'static str, u32)> {
        self.running.processes()
    }

    /// Installs the `CustomResourceDefinitions` found in files and folders, and waits until each is established.
    pub async fn install_crds<P: AsRef<Path>>(
        &self,
        paths: impl IntoIterator<Item = P>,
    ) -> Result<Vec<String>, Error> {
        let paths: Vec<PathBuf> = paths.into_iter().map(|path| path.as_ref().to_owned()).collect();
        Ok(install::crds::install(self.client()?, &paths).await?)
    }

    /// Ends the processes and removes their data. Dropping does the same, but blocks the thread for the moment that it
    /// takes, and never waits for a graceful end.
    pub async fn stop(self) {
        let Self { mut running, stop_timeout, .. } = self;
        let stopping = tokio::task::spawn_blocking(move || {
            if !stop_timeout.is_zero() {
                running.wind_down(stop_timeout);
            }
            drop(running);
        });
        stopping.await.expect("stopping does not panic");
    }
}

impl EnvironmentBuilder {
    /// Kubernetes' version: a minor release (`"1.37"`, the patch release is chosen) or an exact one (`"1.37.2"`).
    pub fn version(mut self, version: impl Into<String>) -> Self {
        self.version = Some(version.into());
        self
    }

    /// A folder that holds the binaries, looked into before anything else but environment variables.
    pub fn assets_dir(mut self, dir: impl Into<PathBuf>) -> Self {
        self.assets_dir = Some(dir.into());
        self
    }

    /// A flag of kube-apiserver; it replaces the default for this flag. Given several times, it is passed several times.
    pub fn apiserver_arg(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.apiserver_args.push((name.into(), value.into()));
        self
    }

    /// Several flags of kube-apiserver.
    pub fn apiserver_args<N: Into<String>, V: Into<String>>(
        self,
        args: impl IntoIterator<Item = (N, V)>,
    ) -> Self {
        args.into_iter().fold(self, |builder, (name, value)| builder.apiserver_arg(name, value))
    }

    /// A flag of etcd, in the same way.
    pub fn etcd_arg(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.etcd_args.push((name.into(), value.into()));
        self
    }

    /// A flag of kube-controller-manager, in the same way. It has no effect without [`EnvironmentBuilder::controllers`].
    pub fn controller_manager_arg(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.controller_manager_args.push((name.into(), value.into()));
        self
    }

    /// Several flags of kube-controller-manager.
    pub fn controller_manager_args<N: Into<String>, V: Into<String>>(
        self,
        args: impl IntoIterator<Item = (N, V)>,
    ) -> Self {
        args.into_iter().fold(self, |builder, (name, value)| builder.controller_manager_arg(name, value))
    }

    /// Turns an admission plugin on. Without this the server's default plugins run, save `ServiceAccount`.
    pub fn enable_admission(mut self, plugin: &str) -> Self {
        self.admission.enable(plugin);
        self
    }

    /// Turns an admission plugin off.
    pub fn disable_admission(mut self, plugin: &str) -> Self {
        self.admission.disable(plugin);
        self
    }

    /// Turns several admission plugins off.
    pub fn disable_admission_plugins<S: AsRef<str>>(self, plugins: impl IntoIterator<Item = S>) -> Self {
        plugins.into_iter().fold(self, |builder, plugin| builder.disable_admission(plugin.as_ref()))
    }

    /// Starts kube-controller-manager with these controllers, named as its `--controllers` flag names them:
    /// `namespace-controller`, `garbage-collector-controller`, `serviceaccount-controller`, … (or their short aliases).
    pub fn controllers<S: AsRef<str>>(mut self, names: impl IntoIterator<Item = S>) -> Self {
        self.controllers.extend(names.into_iter().map(|name| name.as_ref().to_owned()));
        self
    }

    /// `CustomResourceDefinitions` to install at start: a file (several documents are fine) or a folder.
    pub fn crds(mut self, path: impl Into<PathBuf>) -> Self {
        self.crds.push(path.into());
        self
    }

    /// How long the processes may take to be ready; 60 s unless `KUBEBUILDER_CONTROLPLANE_START_TIMEOUT` says otherwise.
    /// Finding or building the binaries does not count.
    pub fn start_timeout(mut self, timeout: Duration) -> Self {
        self.start_timeout = Some(timeout);
        self
    }

    /// How long [`Environment::stop`] lets the processes end by themselves before it kills them. Zero by default: the
    /// data is thrown away, and a graceful end costs more than a start.
    pub fn stop_timeout(mut self, timeout: Duration) -> Self {
        self.stop_timeout = Some(timeout);
        self
    }

    /// Other environment variables than this process's, where they say which binaries to use and how long to wait.
    pub fn surroundings(mut self, surroundings: Surroundings) -> Self {
        self.surroundings = surroundings;
        self
    }

    /// A folder for the processes' logs that outlives them.
    pub fn logs_dir(mut self, dir: impl Into<PathBuf>) -> Self {
        self.logs_dir = Some(dir.into());
        self
    }

    /// Finds or obtains the binaries, starts the processes, waits until they are ready, installs the CRDs.
    pub async fn start(self) -> Result<Environment, Error> {
        let assets = assets::resolve(&self.request()?).await?;
        let service_account_key = service_account::key(&self.surroundings.cache())
            .map_err(Error::io("keep the service account key in", self.surroundings.cache()))?;
        let report = assets.report().clone();
        let variable = |name: &str| self.surroundings.duration(name);
        let plan = Plan {
            assets,
            etcd_args: self.etcd_args,
            apiserver_args: self.apiserver_args,
            controller_manager_args: self.controller_manager_args,
            admission: self.admission,
            controllers: self.controllers,
            start_timeout: self
                .start_timeout
                .or_else(|| variable("KUBEBUILDER_CONTROLPLANE_START_TIMEOUT"))
                .unwrap_or(Duration::from_secs(60)),
            logs: self.logs_dir,
            service_account_key,
        };
        let running = run::start(&plan).await?;
        let admin = User::new(
            "admin".to_owned(),
            vec![MASTERS.to_owned()],
            running.admin.clone(),
            running.server.clone(),
        );
        let stop_timeout = self
            .stop_timeout
            .or_else(|| variable("KUBEBUILDER_CONTROLPLANE_STOP_TIMEOUT"))
            .unwrap_or(Duration::ZERO);
        let environment = Environment { running, admin, report, stop_timeout };
        if !self.crds.is_empty() {
            environment.install_crds(&self.crds).await?;
        }
        Ok(environment)
    }

    /// Which binaries this builder needs, for those who want to look without starting.
    pub fn request(&self) -> Result<Request, Error> {
        let mut request = Request::new(self.version.as_deref())?.surroundings(self.surroundings.clone());
        if let Some(dir) = &self.assets_dir {
            request = request.dir(dir.clone());
        }
        if !self.controllers.is_empty() {
            request = request.with(Binary::KubeControllerManager);
        }
        Ok(request)
    }
}
