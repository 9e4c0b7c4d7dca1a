//! The chain: each step is offered what is still missing, says what it found, and passes the rest on.
//!
//! It owns the order and the rule that all of Kubernetes' binaries have one version. It does not know how a step works.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use super::{
    binary::Binary,
    env, index, pins,
    report::{Outcome, Report, Step},
    source, store,
    surroundings::Surroundings,
    version::{Version, VersionError, Wanted},
};

/// What is wanted.
#[derive(Debug, Clone)]
pub struct Request {
    pub(crate) kubernetes: Wanted,
    /// Whether a caller named the version, or took the default.
    pub(crate) explicit: bool,
    pub(crate) binaries: BTreeSet<Binary>,
    pub(crate) dir: Option<PathBuf>,
    pub(crate) installed_only: bool,
    pub(crate) surroundings: Surroundings,
}

impl Request {
    /// etcd and kube-apiserver of a version, or of the default version.
    pub fn new(version: Option<&str>) -> Result<Self, VersionError> {
        Ok(Self {
            kubernetes: version.unwrap_or(pins::DEFAULT_MINOR).parse()?,
            explicit: version.is_some(),
            binaries: [Binary::Etcd, Binary::KubeApiserver].into(),
            dir: None,
            installed_only: false,
            surroundings: Surroundings::of_this_process(),
        })
    }

    /// These binaries and no others, of a version or of the default version.
    pub fn only(
        version: Option<&str>,
        binaries: impl IntoIterator<Item = Binary>,
    ) -> Result<Self, VersionError> {
        Ok(Self { binaries: binaries.into_iter().collect(), ..Self::new(version)? })
    }

    /// One binary more.
    #[must_use]
    pub fn with(mut self, binary: Binary) -> Self {
        self.binaries.insert(binary);
        self
    }

    /// A folder to look into, after environment variables.
    #[must_use]
    pub fn dir(mut self, dir: impl Into<PathBuf>) -> Self {
        self.dir = Some(dir.into());
        self
    }

    /// Neither download nor build. The environment variable `ENVTEST_INSTALLED_ONLY` says the same.
    #[must_use]
    pub fn installed_only(mut self, yes: bool) -> Self {
        self.installed_only = yes;
        self
    }

    /// Whether only what is on this machine may be used.
    pub(crate) fn is_installed_only(&self) -> bool {
        self.installed_only || self.surroundings.is_set("ENVTEST_INSTALLED_ONLY")
    }

    /// Other variables than this process's.
    #[must_use]
    pub fn surroundings(mut self, surroundings: Surroundings) -> Self {
        self.surroundings = surroundings;
        self
    }
}

/// Binaries that were found.
#[derive(Debug, Clone)]
pub struct Assets {
    paths: BTreeMap<Binary, PathBuf>,
    kubernetes: Option<Version>,
    report: Report,
}

impl Assets {
    /// Where a binary is, if it was asked for.
    pub fn path(&self, binary: Binary) -> Option<&Path> {
        self.paths.get(&binary).map(PathBuf::as_path)
    }

    /// Kubernetes' version, where it is known.
    pub fn kubernetes(&self) -> Option<&Version> {
        self.kubernetes.as_ref()
    }

    /// What each step said.
    pub fn report(&self) -> &Report {
        &self.report
    }

    /// Where a binary is that was asked for.
    pub(crate) fn expect(&self, binary: Binary) -> &Path {
        self.path(binary).expect("a binary that was part of the request")
    }
}

/// Binaries that no step has.
#[derive(Debug, Clone, thiserror::Error)]
#[error(
    "cannot find or obtain {} for Kubernetes {kubernetes}:\n{}\n  next: install the Go toolchain (https://go.dev/dl), or let \
     this machine reach the release index, or point KUBEBUILDER_ASSETS at a folder that holds them",
    names(missing),
    indented(report)
)]
pub struct AssetsError {
    kubernetes: Wanted,
    missing: Vec<Binary>,
    report: Report,
}

impl AssetsError {
    /// The binaries that are missing.
    pub fn missing(&self) -> &[Binary] {
        &self.missing
    }

    /// What each step said.
    pub fn report(&self) -> &Report {
        &self.report
    }
}

fn indented(report: &Report) -> String {
    format!("  {}", report.to_string().replace('\n', "\n  "))
}

/// Names in a sentence.
pub(crate) fn names(binaries: &[Binary]) -> String {
    binaries.iter().map(|binary| binary.name()).collect::<Vec<_>>().join(", ")
}

/// Goes through the chain until all that is wanted is there.
pub async fn resolve(request: &Request) -> Result<Assets, AssetsError> {
    let search = blocking(Search::new(request.clone()), |search| {
        env::look(search);
        store::look(search);
    });
    let mut search = search.await;
    if !search.missing().is_empty() {
        index::fetch(&mut search).await;
    }
    if !search.missing().is_empty() {
        search = blocking(search, source::build).await;
    }
    search.finish()
}

/// Runs a step that reads files or waits for programs where it holds nobody up.
async fn blocking(mut search: Search, step: impl FnOnce(&mut Search) + Send + 'static) -> Search {
    let work = tokio::task::spawn_blocking(move || {
        step(&mut search);
        search
    });
    work.await.expect("a step does not panic")
}

/// The state of a chain.
#[derive(Debug)]
pub(crate) struct Search {
    pub(crate) request: Request,
    /// Exact as soon as one of Kubernetes' binaries is found.
    pub(crate) kubernetes: Wanted,
    found: BTreeMap<Binary, PathBuf>,
    report: Report,
}

impl Search {
    fn new(request: Request) -> Self {
        Self {
            kubernetes: request.kubernetes.clone(),
            request,
            found: BTreeMap::new(),
            report: Report::default(),
        }
    }

    /// What nobody has found yet, kube-apiserver first: it decides the version of the others.
    pub(crate) fn missing(&self) -> Vec<Binary> {
        self.request.binaries.iter().copied().filter(|binary| !self.found.contains_key(binary)).collect()
    }

    pub(crate) fn found(&mut self, step: Step, binary: Binary, version: Option<Version>, path: PathBuf) {
        if let (Some(version), true) = (&version, binary.is_kubernetes()) {
            self.kubernetes = Wanted::Exact(version.clone());
        }
        self.report.add(step, Outcome::Found { binary, version, path: path.clone() });
        self.found.insert(binary, path);
    }

    pub(crate) fn passed_on(&mut self, step: Step, reason: impl Into<String>) {
        self.report.add(step, Outcome::PassedOn(reason.into()));
    }

    pub(crate) fn where_is(&self, binary: Binary) -> Option<&Path> {
        self.found.get(&binary).map(PathBuf::as_path)
    }

    fn finish(self) -> Result<Assets, AssetsError> {
        let missing = self.missing();
        if !missing.is_empty() {
            return Err(AssetsError { kubernetes: self.kubernetes, missing, report: self.report });
        }
        let kubernetes = match self.kubernetes {
            Wanted::Exact(version) => Some(version),
            Wanted::Minor(..) => None,
        };
        Ok(Assets { paths: self.found, kubernetes, report: self.report })
    }
}
