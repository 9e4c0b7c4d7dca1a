//! The second step: the store of setup-envtest and the cache of this project.
//!
//! setup-envtest takes no lock and may leave a folder unpacked in part, so each file is checked.

use std::{fs, path::PathBuf};

use super::{
    binary::{Binary, unusable_reason},
    cache::{Cache, Origin},
    report::Step,
    resolve::{Resolution, names},
    version::Version,
};
use crate::assets::source;

pub(crate) fn look(resolution: &mut Resolution) {
    for binary in resolution.missing() {
        let offers =
            if binary.is_kubernetes() { kubernetes(resolution, binary) } else { pinned(resolution, binary) };
        let mut usable = Vec::new();
        for (version, path) in offers {
            match unusable_reason(&path) {
                None => usable.push((version, path)),
                Some(reason) => {
                    resolution.not_found(Step::Store, format!("{} {reason}", path.display()));
                }
            }
        }
        let chosen = if binary.is_kubernetes() {
            let version = resolution.kubernetes.choose(usable.iter().map(|(version, _)| version.clone()));
            version.and_then(|wanted| usable.into_iter().find(|(version, _)| *version == wanted))
        } else {
            usable.into_iter().next()
        };
        if let Some((version, path)) = chosen {
            // The version of an etcd in an archive is not known.
            let version = (binary != Binary::Etcd).then_some(version);
            resolution.found(Step::Store, binary, version, path);
        }
    }
    let missing = resolution.missing();
    if !missing.is_empty() {
        let (store, cache) = (
            resolution.request.host_environment.setup_envtest_store(),
            Cache::of(&resolution.request.host_environment),
        );
        let reason = format!(
            "no {} of {} in {} or {}",
            names(&missing),
            resolution.kubernetes,
            store.display(),
            cache.root().display()
        );
        resolution.not_found(Step::Store, reason);
    }
}

/// The stored and cached copies of a binary of Kubernetes, of all versions.
fn kubernetes(resolution: &Resolution, binary: Binary) -> Vec<(Version, PathBuf)> {
    let host_environment = &resolution.request.host_environment;
    let cache = Cache::of(host_environment);
    let recipe = source::recipe_hash();
    let cached = [Origin::Built(&recipe), Origin::Released].into_iter().flat_map(|origin| {
        let path = |version: Version| {
            let path = cache.path(binary, &version, origin);
            (version, path)
        };
        cache.versions(binary, origin).into_iter().map(path).collect::<Vec<_>>()
    });
    let suffix = format!("-{}", host_environment.platform());
    let store = fs::read_dir(host_environment.setup_envtest_store()).into_iter().flatten().flatten();
    let stored = store.filter_map(|entry| {
        let name = entry.file_name().into_string().ok()?;
        let version = name.strip_suffix(&suffix)?.parse().ok()?;
        let path = entry.path().join(binary.name());
        path.exists().then_some((version, path))
    });
    stored.chain(cached).collect()
}

/// The copies of a binary of another project at its pinned version. An etcd beside the found kube-apiserver comes first.
fn pinned(resolution: &Resolution, binary: Binary) -> Vec<(Version, PathBuf)> {
    let cache = Cache::of(&resolution.request.host_environment);
    let Some(version) = source::pinned(binary, &resolution.kubernetes) else { return Vec::new() };
    let beside = resolution.path_of(Binary::KubeApiserver).map(|path| path.with_file_name(binary.name()));
    let beside = beside.filter(|_| binary == Binary::Etcd);
    let built = cache.path(binary, &version, Origin::Built(&source::recipe_hash()));
    let places = beside.into_iter().chain([built]).filter(|path| path.exists());
    places.map(|path| (version.clone(), path)).collect()
}
