//! The resolution of a request: each step looks for the binaries that the steps before did not find.
//!
//! All binaries of Kubernetes have one version, that of the first one found.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use super::{
    binary::Binary,
    env,
    host_environment::HostEnvironment,
    index, pins,
    report::{Report, Step, StepOutcome},
    source, store,
    version::{RequestedVersion, Version, VersionError},
};

/// A request for binaries of one Kubernetes version.
#[derive(Debug, Clone)]
pub struct Request {
    pub(crate) kubernetes: RequestedVersion,
    /// False if the version is the default.
    pub(crate) explicit: bool,
    pub(crate) binaries: BTreeSet<Binary>,
    pub(crate) dir: Option<PathBuf>,
    pub(crate) installed_only: bool,
    pub(crate) host_environment: HostEnvironment,
}

impl Request {
    /// Requests etcd and kube-apiserver; `None` stands for the default version.
    pub fn new(version: Option<&str>) -> Result<Self, VersionError> {
        Ok(Self {
            kubernetes: version.unwrap_or(pins::DEFAULT_MINOR).parse()?,
            explicit: version.is_some(),
            binaries: [Binary::Etcd, Binary::KubeApiserver].into(),
            dir: None,
            installed_only: false,
            host_environment: HostEnvironment::of_this_process(),
        })
    }

    /// Requests `binaries` alone; `None` stands for the default version.
    pub fn only(
        version: Option<&str>,
        binaries: impl IntoIterator<Item = Binary>,
    ) -> Result<Self, VersionError> {
        Ok(Self { binaries: binaries.into_iter().collect(), ..Self::new(version)? })
    }

    /// Adds a binary.
    #[must_use]
    pub fn with(mut self, binary: Binary) -> Self {
        self.binaries.insert(binary);
        self
    }

    /// A folder with binaries. Environment variables have precedence over it.
    #[must_use]
    pub fn dir(mut self, dir: impl Into<PathBuf>) -> Self {
        self.dir = Some(dir.into());
        self
    }

    /// Disables downloads and builds, as the environment variable `ENVTEST_INSTALLED_ONLY` does.
    #[must_use]
    pub fn installed_only(mut self, yes: bool) -> Self {
        self.installed_only = yes;
        self
    }

    /// True if downloads and builds are disabled.
    pub(crate) fn is_installed_only(&self) -> bool {
        self.installed_only || self.host_environment.is_set("ENVTEST_INSTALLED_ONLY")
    }

    /// Environment variables in place of this process's.
    #[must_use]
    pub fn host_environment(mut self, host_environment: HostEnvironment) -> Self {
        self.host_environment = host_environment;
        self
    }
}

/// The paths of the requested binaries.
#[derive(Debug, Clone)]
pub struct Assets {
    paths: BTreeMap<Binary, PathBuf>,
    kubernetes: Option<Version>,
    report: Report,
}

impl Assets {
    /// The path of a binary; `None` if it was not requested.
    pub fn path(&self, binary: Binary) -> Option<&Path> {
        self.paths.get(&binary).map(PathBuf::as_path)
    }

    /// The version of Kubernetes, if known.
    pub fn kubernetes(&self) -> Option<&Version> {
        self.kubernetes.as_ref()
    }

    /// The results of the steps.
    pub fn report(&self) -> &Report {
        &self.report
    }

    /// The path of a binary that was requested.
    pub(crate) fn expect(&self, binary: Binary) -> &Path {
        self.path(binary).expect("a binary that was part of the request")
    }
}

/// The error of a resolution that did not find all binaries.
#[derive(Debug, Clone, thiserror::Error)]
#[error(
    "cannot find or obtain {} for Kubernetes {kubernetes}:\n{}\n  next: install the Go toolchain (https://go.dev/dl), or let \
     this machine reach the release index, or point KUBEBUILDER_ASSETS at a folder that holds them",
    names(missing),
    indented(report)
)]
pub struct AssetsError {
    kubernetes: RequestedVersion,
    missing: Vec<Binary>,
    report: Report,
}

impl AssetsError {
    /// The binaries that are missing.
    pub fn missing(&self) -> &[Binary] {
        &self.missing
    }

    /// The results of the steps.
    pub fn report(&self) -> &Report {
        &self.report
    }
}

fn indented(report: &Report) -> String {
    format!("  {}", report.to_string().replace('\n', "\n  "))
}

/// The names, separated by commas.
pub(crate) fn names(binaries: &[Binary]) -> String {
    binaries.iter().map(|binary| binary.name()).collect::<Vec<_>>().join(", ")
}

/// Runs the steps until all requested binaries are found.
pub async fn resolve(request: &Request) -> Result<Assets, AssetsError> {
    let resolution = blocking(Resolution::new(request.clone()), |resolution| {
        env::look(resolution);
        store::look(resolution);
    });
    let mut resolution = resolution.await;
    if !resolution.missing().is_empty() {
        index::fetch(&mut resolution).await;
    }
    if !resolution.missing().is_empty() {
        resolution = blocking(resolution, source::build).await;
    }
    resolution.finish()
}

/// Runs a blocking step on tokio's blocking threads.
async fn blocking(
    mut resolution: Resolution,
    step: impl FnOnce(&mut Resolution) + Send + 'static,
) -> Resolution {
    let work = tokio::task::spawn_blocking(move || {
        step(&mut resolution);
        resolution
    });
    work.await.expect("a step does not panic")
}

/// The state of a resolution.
#[derive(Debug)]
pub(crate) struct Resolution {
    pub(crate) request: Request,
    /// Exact once a binary of Kubernetes is found.
    pub(crate) kubernetes: RequestedVersion,
    found: BTreeMap<Binary, PathBuf>,
    report: Report,
}

impl Resolution {
    fn new(request: Request) -> Self {
        Self {
            kubernetes: request.kubernetes.clone(),
            request,
            found: BTreeMap::new(),
            report: Report::default(),
        }
    }

    /// The binaries that are not found yet. kube-apiserver comes first, since it decides the version of the others.
    pub(crate) fn missing(&self) -> Vec<Binary> {
        self.request.binaries.iter().copied().filter(|binary| !self.found.contains_key(binary)).collect()
    }

    pub(crate) fn found(&mut self, step: Step, binary: Binary, version: Option<Version>, path: PathBuf) {
        if let (Some(version), true) = (&version, binary.is_kubernetes()) {
            self.kubernetes = RequestedVersion::Exact(version.clone());
        }
        self.report.add(step, StepOutcome::Found { binary, version, path: path.clone() });
        self.found.insert(binary, path);
    }

    pub(crate) fn not_found(&mut self, step: Step, reason: impl Into<String>) {
        self.report.add(step, StepOutcome::NotFound(reason.into()));
    }

    pub(crate) fn path_of(&self, binary: Binary) -> Option<&Path> {
        self.found.get(&binary).map(PathBuf::as_path)
    }

    fn finish(self) -> Result<Assets, AssetsError> {
        let missing = self.missing();
        if !missing.is_empty() {
            return Err(AssetsError { kubernetes: self.kubernetes, missing, report: self.report });
        }
        let kubernetes = match self.kubernetes {
            RequestedVersion::Exact(version) => Some(version),
            RequestedVersion::Minor(..) => None,
        };
        Ok(Assets { paths: self.found, kubernetes, report: self.report })
    }
}
