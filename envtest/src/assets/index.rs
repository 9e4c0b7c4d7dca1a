//! The third step: downloads of archives and of single binaries.
//!
//! controller-tools publishes an index of archives with etcd, kube-apiserver and kubectl. Kubernetes publishes its other
//! binaries one by one beside their checksums. Archives are unpacked into the store that setup-envtest uses too.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use serde::Deserialize;

use super::{
    archive::{self, ArchiveError},
    binary::Binary,
    cache::{Cache, Origin, publish},
    download::{DownloadError, Fetcher},
    progress::print_line,
    report::Step,
    resolve::{Resolution, names},
    version::{RequestedVersion, Version},
};
use crate::process::scratch_dir::ScratchDir;

/// The index that setup-envtest reads. `SEATRIAL_ASSETS_INDEX` overrides it.
const INDEX: &str =
    "https://raw.githubusercontent.com/kubernetes-sigs/controller-tools/HEAD/envtest-releases.yaml";

/// The base URL of single binaries. `SEATRIAL_RELEASES` overrides it.
const RELEASES: &str = "https://dl.k8s.io/release";

/// The binaries in an archive of the index.
const ARCHIVED_BINARIES: [Binary; 3] = [Binary::KubeApiserver, Binary::Etcd, Binary::Kubectl];

/// The index: version → archive name → URL and hash.
#[derive(Debug, Deserialize)]
struct Index {
    releases: BTreeMap<String, BTreeMap<String, Archive>>,
}

#[derive(Debug, Clone, Deserialize)]
struct Archive {
    /// SHA-512 in lowercase hex.
    hash: String,
    #[serde(rename = "selfLink")]
    self_link: String,
}

/// The error of a download, reported as the reason of the step.
#[derive(Debug, thiserror::Error)]
enum IndexError {
    #[error(transparent)]
    Download(#[from] DownloadError),
    #[error("the index {url} is not what it should be: {reason}")]
    Malformed { url: String, reason: String },
    #[error("the index has no archive of {wanted} for {platform}")]
    NotListed { wanted: RequestedVersion, platform: String },
    #[error("{url} is not used: {source}")]
    Archive { url: String, source: ArchiveError },
    #[error("{url} is no checksum: {text:?}")]
    Checksum { url: String, text: String },
}

/// Downloads the missing binaries.
pub(crate) async fn fetch(resolution: &mut Resolution) {
    let missing = resolution.missing();
    if resolution.request.is_installed_only() {
        let reason = format!("only installed binaries may be used, {} not looked for", names(&missing));
        resolution.not_found(Step::Index, reason);
        return;
    }
    let downloader = match Downloader::new(resolution) {
        Ok(downloader) => downloader,
        Err(error) => return resolution.not_found(Step::Index, error.to_string()),
    };
    let (archived, single): (Vec<_>, Vec<_>) =
        missing.into_iter().partition(|binary| ARCHIVED_BINARIES.contains(binary));
    // etcd comes with the archive of kube-apiserver's version.
    if !archived.is_empty() {
        match downloader.archive(&resolution.kubernetes).await {
            Ok((version, folder)) => {
                for binary in archived {
                    let known = binary.is_kubernetes().then(|| version.clone());
                    resolution.found(Step::Index, binary, known, folder.join(binary.name()));
                }
            }
            Err(error) => resolution.not_found(Step::Index, error.to_string()),
        }
    }
    for binary in single {
        if !binary.is_kubernetes() {
            resolution.not_found(Step::Index, format!("{binary} is not among Kubernetes' releases"));
            continue;
        }
        let Some(version) = resolution.kubernetes.preferred() else {
            resolution.not_found(
                Step::Index,
                format!("no release of {} is pinned, {binary} not looked for", resolution.kubernetes),
            );
            continue;
        };
        match downloader.release(binary, &version).await {
            Ok(path) => resolution.found(Step::Index, binary, Some(version), path),
            Err(error) => resolution.not_found(Step::Index, error.to_string()),
        }
    }
}

/// The source and the targets of downloads.
struct Downloader {
    fetcher: Fetcher,
    cache: Cache,
    index: String,
    releases: String,
    store: PathBuf,
    os: &'static str,
    arch: &'static str,
}

impl Downloader {
    fn new(resolution: &Resolution) -> Result<Self, DownloadError> {
        let host_environment = &resolution.request.host_environment;
        let address =
            |variable: &str, usual: &str| host_environment.text(variable).unwrap_or(usual).to_owned();
        Ok(Self {
            fetcher: Fetcher::new(host_environment)?,
            cache: Cache::of(host_environment),
            index: address("SEATRIAL_ASSETS_INDEX", INDEX),
            releases: address("SEATRIAL_RELEASES", RELEASES),
            store: host_environment.setup_envtest_store(),
            os: host_environment.os(),
            arch: host_environment.arch(),
        })
    }

    /// Downloads an archive of the requested version and unpacks it into the store. Returns its folder.
    async fn archive(&self, wanted: &RequestedVersion) -> Result<(Version, PathBuf), IndexError> {
        let index = self.fetcher.text(&self.index).await?;
        let (version, archive) = self.choose(&index, wanted)?;
        let folder = self.store.join(format!("{version}-{}-{}", self.os, self.arch));
        let _lock = self.lock(&format!("download-{version}")).await?;
        if usable(&folder) {
            return Ok((version, folder));
        }
        let part = self.part_file(&format!("envtest-v{version}-{}-{}.tar.gz", self.os, self.arch))?;
        self.fetcher.file(&archive.self_link, &part, &archive.hash).await?;
        let unpacked = unpack(&part, &folder);
        // Its hash was right, so a retry would unpack the same bytes.
        let _ = fs::remove_file(&part);
        unpacked.map_err(|source| IndexError::Archive { url: archive.self_link, source })?;
        Ok((version, folder))
    }

    fn choose(&self, index: &str, wanted: &RequestedVersion) -> Result<(Version, Archive), IndexError> {
        let malformed = |reason: String| IndexError::Malformed { url: self.index.clone(), reason };
        let index: Index = serde_saphyr::from_str(index).map_err(|error| malformed(error.to_string()))?;
        let name = |version: &str| format!("envtest-{version}-{}-{}.tar.gz", self.os, self.arch);
        let mut offered: Vec<(Version, Archive)> = index
            .releases
            .iter()
            .filter_map(|(version, archives)| {
                Some((version.strip_prefix('v')?.parse().ok()?, archives.get(&name(version))?.clone()))
            })
            .collect();
        let version = wanted.choose(offered.iter().map(|(version, _)| version.clone()));
        let index = offered.iter().position(|(offered, _)| Some(offered) == version.as_ref());
        index.map(|index| offered.swap_remove(index)).ok_or_else(|| IndexError::NotListed {
            wanted: wanted.clone(),
            platform: format!("{}-{}", self.os, self.arch),
        })
    }

    /// Downloads a single binary of a release and checks it against its published checksum.
    async fn release(&self, binary: Binary, version: &Version) -> Result<PathBuf, IndexError> {
        let url = format!("{}/v{version}/bin/{}/{}/{binary}", self.releases, self.os, self.arch);
        let path = self.cache.path(binary, version, Origin::Released);
        let _lock = self.lock(&format!("download-{binary}-{version}")).await?;
        if path.is_file() {
            return Ok(path);
        }
        let published = format!("{url}.sha512");
        let text = self.fetcher.text(&published).await?;
        let hash = text.split_whitespace().next().unwrap_or_default().to_owned();
        if hash.len() != 128 || !hash.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(IndexError::Checksum { url: published, text: text.chars().take(80).collect() });
        }
        let part = self.part_file(&format!("{binary}-v{version}-{}-{}", self.os, self.arch))?;
        self.fetcher.file(&url, &part, &hash.to_lowercase()).await?;
        publish(&part, &path).map_err(DownloadError::io(format!("cannot keep {}", path.display())))?;
        Ok(path)
    }

    /// The path of a partial download.
    fn part_file(&self, name: &str) -> Result<PathBuf, DownloadError> {
        Ok(self.cache.parts_dir().map_err(DownloadError::io("cannot make a folder in the cache"))?.join(name))
    }

    async fn lock(&self, name: &str) -> Result<super::cache::Lock, DownloadError> {
        let (cache, name) = (self.cache.clone(), name.to_owned());
        let waiting = format!("waiting for another process ({name}) …");
        let locking = tokio::task::spawn_blocking(move || cache.lock(&name, || print_line(&waiting)));
        locking
            .await
            .expect("locking does not panic")
            .map_err(DownloadError::io("cannot take a lock in the cache"))
    }
}

fn usable(folder: &Path) -> bool {
    ARCHIVED_BINARIES
        .iter()
        .all(|binary| super::binary::unusable_reason(&folder.join(binary.name())).is_none())
}

/// Unpacks beside the store, then replaces the folder in the store.
fn unpack(archive: &Path, folder: &Path) -> Result<(), ArchiveError> {
    let store = folder.parent().expect("a folder in the store");
    fs::create_dir_all(store)?;
    let beside = store.parent().expect("a store in a folder");
    let staging = ScratchDir::create(beside, ".seatrial-")?;
    let fresh = staging.path().join("fresh");
    fs::create_dir(&fresh)?;
    archive::unpack(fs::File::open(archive)?, &ARCHIVED_BINARIES, &fresh)?;
    if folder.exists() {
        fs::rename(folder, staging.path().join("old"))?;
    }
    Ok(fs::rename(&fresh, folder)?)
}
