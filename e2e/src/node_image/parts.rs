//! Files that Pod images take from Debian: iptables for kube-proxy, catatonit for pause. Cached as a tar.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use super::debian::Debian;
use super::error::NodeImageError;
use super::recipe::{PART_PACKAGES, RecipeHasher};

/// Prefix of half-written tars.
const FRESH: &str = ".parts-";

/// The program of the pause image, which waits and reaps.
const PAUSE: &str = "usr/bin/catatonit";

fn debian(architecture: &str) -> Debian {
    Debian { variant: "extract", packages: &PART_PACKAGES, architecture: architecture.to_owned() }
}

/// The hash of what it is made of.
pub(super) fn hash(architecture: &str) -> String {
    let arguments = debian(architecture).arguments(None);
    let inputs = RecipeHasher::new("parts");
    arguments
        .iter()
        .fold(inputs, |inputs, argument| inputs.with("argument", argument.as_encoded_bytes()))
        .hash()
}

/// The tar, which is there afterwards. It appears under its name whole or not at all.
pub(super) async fn provide(
    folder: &Path,
    architecture: &str,
    say: fn(&str),
) -> Result<PathBuf, NodeImageError> {
    let path = folder.join(format!("parts-{}.tar", hash(architecture)));
    if path.is_file() {
        say("parts of Pods' images: here");
        return Ok(path);
    }
    say(&format!("parts of Pods' images: fetching {} Debian packages …", PART_PACKAGES.len()));
    let mut fresh = tempfile::Builder::new()
        .prefix(FRESH)
        .tempfile_in(folder)
        .map_err(NodeImageError::file(folder, "written"))?;
    let mut installation = debian(architecture).start()?;
    while let Some(chunk) = installation.next().await {
        let Ok(chunk) = chunk else { return Err(installation.complaint().error()) };
        fresh.write_all(&chunk).map_err(NodeImageError::file(&path, "written"))?;
    }
    if !has(fresh.path(), PAUSE)? {
        let reason = format!("the packages hold no {PAUSE}");
        return Err(NodeImageError::Debian {
            reason,
            next: "name another mirror's sources in SEATRIAL_APT_SOURCES",
        });
    }
    fresh.as_file().sync_all().map_err(NodeImageError::file(&path, "written"))?;
    fresh.persist(&path).map_err(|error| NodeImageError::file(&path, "written")(error.error))?;
    Ok(path)
}

/// Removes half-written files of killed processes. To be called under the build lock.
pub(super) fn remove_leftovers(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with(FRESH) {
            // What cannot be removed is in nobody's way.
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// True if an entry is needed by programs that call iptables: the programs and the libraries, not their papers.
pub(super) fn is_of_iptables(path: &str) -> bool {
    let wanted = ["etc", "lib", "lib64", "usr/lib", "usr/sbin"];
    let refused = path.contains("/gconv/") || path.starts_with("usr/lib/tmpfiles.d");
    path == "usr/" || (!refused && wanted.iter().any(|folder| is_below(path, folder)))
}

/// True if an entry is the one program of the pause image.
pub(super) fn is_of_pause(path: &str) -> bool {
    matches!(path, "usr/" | "usr/bin/" | PAUSE)
}

fn is_below(path: &str, folder: &str) -> bool {
    path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'))
}

/// True if a tar has an entry.
fn has(tar: &Path, wanted: &str) -> Result<bool, NodeImageError> {
    let read = || -> std::io::Result<bool> {
        for entry in tar::Archive::new(File::open(tar)?).entries()? {
            if entry?.path()?.to_string_lossy().trim_start_matches("./") == wanted {
                return Ok(true);
            }
        }
        Ok(false)
    };
    read().map_err(NodeImageError::file(tar, "read"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kube_proxy_gets_programs_and_libraries_and_nothing_else() {
        for path in
            ["usr/sbin/xtables-nft-multi", "lib/x86_64-linux-gnu/libc.so.6", "lib64/ld-linux-x86-64.so.2"]
        {
            assert!(is_of_iptables(path), "{path}");
        }
        for path in
            ["usr/share/doc/libc6/NEWS.gz", "usr/lib/x86_64-linux-gnu/gconv/UHC.so", "usr/bin/catatonit"]
        {
            assert!(!is_of_iptables(path), "{path}");
        }
    }

    #[test]
    fn pause_is_one_program() {
        assert!(is_of_pause("usr/bin/catatonit") && !is_of_pause("usr/bin/iptables-xml"));
    }

    #[test]
    fn sweep_removes_leftovers_and_keeps_results() {
        let folder = tempfile::tempdir().unwrap();
        for name in [".parts-x7f", "parts-0123.tar", "memo.json"] {
            fs::write(folder.path().join(name), "").unwrap();
        }
        remove_leftovers(folder.path());
        let mut left: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
        left.sort();
        assert_eq!(left, ["memo.json", "parts-0123.tar"]);
    }
}
