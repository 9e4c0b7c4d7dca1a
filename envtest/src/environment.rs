//! [`Environment`], a control plane for tests, and its builder.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use crate::{
    assets::{self, Binary, HostEnvironment, Request},
    error::Error,
    install,
    plane::{
        apiserver::Admission,
        run::{self, ControlPlane, SYSTEM_MASTERS, StartOptions},
        service_account,
        timings::Timings,
        users::User,
    },
};

/// A running etcd and kube-apiserver, with kube-controller-manager if the builder names controllers.
///
/// Its processes are killed when it is dropped, and when this process ends for whatever reason. Its data is temporary.
#[derive(Debug)]
pub struct Environment {
    control_plane: ControlPlane,
    admin: User,
    report: assets::Report,
    stop_timeout: Duration,
}

/// The options of an [`Environment`].
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
    host_environment: HostEnvironment,
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
            host_environment: HostEnvironment::of_this_process(),
        }
    }

    /// A client of [`Environment::admin`]. It is bound to the tokio runtime that it is created in.
    pub fn client(&self) -> Result<kube::Client, Error> {
        self.admin.client().map_err(Error::Client)
    }

    /// The configuration of [`Environment::client`].
    pub fn config(&self) -> kube::Config {
        self.admin.config()
    }

    /// The kubeconfig of [`Environment::admin`], as YAML.
    pub fn kubeconfig(&self) -> String {
        self.admin.kubeconfig()
    }

    /// Writes the kubeconfig to a file with mode 0600.
    pub fn write_kubeconfig(&self, path: impl AsRef<Path>) -> Result<(), Error> {
        let path = path.as_ref();
        self.admin.write_kubeconfig(path).map_err(Error::io("write the kubeconfig", path))
    }

    /// The URL of the API server: `https://127.0.0.1:PORT`.
    pub fn url(&self) -> &str {
        &self.control_plane.server.url
    }

    /// The CA certificate of the API server, in PEM.
    pub fn ca_pem(&self) -> &str {
        &self.control_plane.server.ca_pem
    }

    /// The user in the group `system:masters`, which has all permissions.
    pub fn admin(&self) -> &User {
        &self.admin
    }

    /// Adds a user with a client certificate. Its permissions are those that RBAC grants to the name and the groups.
    pub fn add_user<G: Into<String>>(
        &self,
        name: impl Into<String>,
        groups: impl IntoIterator<Item = G>,
    ) -> Result<User, Error> {
        let (name, groups) = (name.into(), groups.into_iter().map(Into::into).collect::<Vec<_>>());
        let identity = self.control_plane.authority.client(&name, &groups)?;
        Ok(User::new(name, groups, identity, self.control_plane.server.clone()))
    }

    /// The folder of `etcd.log`, `kube-apiserver.log` and `kube-controller-manager.log`.
    pub fn logs_dir(&self) -> &Path {
        &self.control_plane.logs
    }

    /// The sources of the binaries.
    pub fn assets(&self) -> &assets::Report {
        &self.report
    }

    /// The durations of the parts of the start.
    pub fn timings(&self) -> Timings {
        self.control_plane.timings
    }

    /// The names and ids of the processes.
    pub fn processes(&self) -> impl Iterator<Item = (&'static str, u32)> {
        self.control_plane.processes()
    }

    /// Installs the `CustomResourceDefinitions` in files and folders and waits until each is served. Returns their names.
    pub async fn install_crds<P: AsRef<Path>>(
        &self,
        paths: impl IntoIterator<Item = P>,
    ) -> Result<Vec<String>, Error> {
        let paths: Vec<PathBuf> = paths.into_iter().map(|path| path.as_ref().to_owned()).collect();
        Ok(install::crds::install(self.client()?, &paths).await?)
    }

    /// Stops the processes and removes their data. A drop does the same, but blocks the thread meanwhile and does not
    /// wait for a graceful end.
    pub async fn stop(self) {
        let Self { mut control_plane, stop_timeout, .. } = self;
        let stopping = tokio::task::spawn_blocking(move || {
            if !stop_timeout.is_zero() {
                control_plane.terminate_all(stop_timeout);
            }
            drop(control_plane);
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

    /// A folder with the binaries. Only environment variables have precedence over it.
    pub fn assets_dir(mut self, dir: impl Into<PathBuf>) -> Self {
        self.assets_dir = Some(dir.into());
        self
    }

    /// A flag of kube-apiserver, in place of this crate's default for it. A repeated flag is passed repeatedly.
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

    /// A flag of etcd; see [`EnvironmentBuilder::apiserver_arg`].
    pub fn etcd_arg(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.etcd_args.push((name.into(), value.into()));
        self
    }

    /// A flag of kube-controller-manager; see [`EnvironmentBuilder::apiserver_arg`]. It has no effect without
    /// [`EnvironmentBuilder::controllers`].
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

    /// Enables an admission plugin. By default, the server's default plugins without `ServiceAccount` are enabled.
    pub fn enable_admission_plugin(mut self, plugin: &str) -> Self {
        self.admission.enable(plugin);
        self
    }

    /// Disables an admission plugin.
    pub fn disable_admission_plugin(mut self, plugin: &str) -> Self {
        self.admission.disable(plugin);
        self
    }

    /// Disables several admission plugins.
    pub fn disable_admission_plugins<S: AsRef<str>>(self, plugins: impl IntoIterator<Item = S>) -> Self {
        plugins.into_iter().fold(self, |builder, plugin| builder.disable_admission_plugin(plugin.as_ref()))
    }

    /// Starts kube-controller-manager with these controllers, named as its `--controllers` flag names them:
    /// `namespace-controller`, `garbage-collector-controller`, `serviceaccount-controller`, … (or their short aliases).
    pub fn controllers<S: AsRef<str>>(mut self, names: impl IntoIterator<Item = S>) -> Self {
        self.controllers.extend(names.into_iter().map(|name| name.as_ref().to_owned()));
        self
    }

    /// `CustomResourceDefinitions` to install at the start: a file, which may have several documents, or a folder.
    pub fn crds(mut self, path: impl Into<PathBuf>) -> Self {
        self.crds.push(path.into());
        self
    }

    /// The timeout for the processes to become ready, without the time to find or build the binaries. The default is
    /// `KUBEBUILDER_CONTROLPLANE_START_TIMEOUT` or 60 s.
    pub fn start_timeout(mut self, timeout: Duration) -> Self {
        self.start_timeout = Some(timeout);
        self
    }

    /// The timeout of a graceful end in [`Environment::stop`], after which the processes are killed. The default is
    /// `KUBEBUILDER_CONTROLPLANE_STOP_TIMEOUT` or zero: a graceful end takes longer than a start.
    pub fn stop_timeout(mut self, timeout: Duration) -> Self {
        self.stop_timeout = Some(timeout);
        self
    }

    /// Environment variables in place of this process's, for the sources of binaries and for timeouts.
    pub fn host_environment(mut self, host_environment: HostEnvironment) -> Self {
        self.host_environment = host_environment;
        self
    }

    /// A folder for the processes' logs that is kept.
    pub fn logs_dir(mut self, dir: impl Into<PathBuf>) -> Self {
        self.logs_dir = Some(dir.into());
        self
    }

    /// Finds, downloads or builds the binaries, starts the processes, waits until they are ready and installs the CRDs.
    pub async fn start(self) -> Result<Environment, Error> {
        let assets = assets::resolve(&self.request()?).await?;
        let service_account_key = service_account::key(&self.host_environment.cache())
            .map_err(Error::io("keep the service account key in", self.host_environment.cache()))?;
        let report = assets.report().clone();
        let variable = |name: &str| self.host_environment.duration(name);
        let options = StartOptions {
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
        let control_plane = run::start(&options).await?;
        let admin = User::new(
            "admin".to_owned(),
            vec![SYSTEM_MASTERS.to_owned()],
            control_plane.admin.clone(),
            control_plane.server.clone(),
        );
        let stop_timeout = self
            .stop_timeout
            .or_else(|| variable("KUBEBUILDER_CONTROLPLANE_STOP_TIMEOUT"))
            .unwrap_or(Duration::ZERO);
        let environment = Environment { control_plane, admin, report, stop_timeout };
        if !self.crds.is_empty() {
            environment.install_crds(&self.crds).await?;
        }
        Ok(environment)
    }

    /// The request for the binaries that [`EnvironmentBuilder::start`] resolves.
    pub fn request(&self) -> Result<Request, Error> {
        let mut request =
            Request::new(self.version.as_deref())?.host_environment(self.host_environment.clone());
        if let Some(dir) = &self.assets_dir {
            request = request.dir(dir.clone());
        }
        if !self.controllers.is_empty() {
            request = request.with(Binary::KubeControllerManager);
        }
        Ok(request)
    }
}
