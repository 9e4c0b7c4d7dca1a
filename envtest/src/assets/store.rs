//! The second step: what is on this machine already, in setup-envtest's store and in this project's cache.
//!
//! setup-envtest takes no lock and treats a half-unpacked folder as good, so each file is looked at before it is taken.
//! It changes nothing.

use std::{fs, path::PathBuf};

use super::{
    binary::{Binary, objection},
    cache::{Cache, Origin},
    report::Step,
    resolve::{Search, names},
    version::Version,
};
use crate::assets::source;

pub(crate) fn look(search: &mut Search) {
    for binary in search.missing() {
        let offers = if binary.is_kubernetes() { kubernetes(search, binary) } else { pinned(search, binary) };
        let mut usable = Vec::new();
        for (version, path) in offers {
            match objection(&path) {
                None => usable.push((version, path)),
                Some(objection) => search.passed_on(Step::Store, format!("{} {objection}", path.display())),
            }
        }
        let chosen = if binary.is_kubernetes() {
            let version = search.kubernetes.choose(usable.iter().map(|(version, _)| version.clone()));
            version.and_then(|wanted| usable.into_iter().find(|(version, _)| *version == wanted))
        } else {
            usable.into_iter().next()
        };
        if let Some((version, path)) = chosen {
            // An etcd beside an API server may be of any version: archives do not say which.
            let version = (binary != Binary::Etcd).then_some(version);
            search.found(Step::Store, binary, version, path);
        }
    }
    let missing = search.missing();
    if !missing.is_empty() {
        let (store, cache) =
            (search.request.surroundings.setup_envtest_store(), Cache::of(&search.request.surroundings));
        let reason = format!(
            "no {} of {} in {} or {}",
            names(&missing),
            search.kubernetes,
            store.display(),
            cache.root().display()
        );
        search.passed_on(Step::Store, reason);
    }
}

/// All copies of one of Kubernetes' binaries on this machine, whatever their version.
fn kubernetes(search: &Search, binary: Binary) -> Vec<(Version, PathBuf)> {
    let surroundings = &search.request.surroundings;
    let cache = Cache::of(surroundings);
    let recipe = source::recipe_hash();
    let cached = [Origin::Built(&recipe), Origin::Released].into_iter().flat_map(|origin| {
        let path = |version: Version| {
            let path = cache.path(binary, &version, origin);
            (version, path)
        };
        cache.versions(binary, origin).into_iter().map(path).collect::<Vec<_>>()
    });
    let suffix = format!("-{}", surroundings.platform());
    let store = fs::read_dir(surroundings.setup_envtest_store()).into_iter().flatten().flatten();
    let stored = store.filter_map(|entry| {
        let name = entry.file_name().into_string().ok()?;
        let version = name.strip_suffix(&suffix)?.parse().ok()?;
        let path = entry.path().join(binary.name());
        path.exists().then_some((version, path))
    });
    stored.chain(cached).collect()
}

/// What this project built at its pin; etcd first as it lies beside the API server that was found.
fn pinned(search: &Search, binary: Binary) -> Vec<(Version, PathBuf)> {
    let cache = Cache::of(&search.request.surroundings);
    let Some(version) = source::pinned(binary, &search.kubernetes) else { return Vec::new() };
    let beside = search.where_is(Binary::KubeApiserver).map(|path| path.with_file_name(binary.name()));
    let beside = beside.filter(|_| binary == Binary::Etcd);
    let built = cache.path(binary, &version, Origin::Built(&source::recipe_hash()));
    let places = beside.into_iter().chain([built]).filter(|path| path.exists());
    places.map(|path| (version.clone(), path)).collect()
}
