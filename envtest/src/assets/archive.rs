//! Extraction of binaries from release archives (`.tar.gz`).
//!
//! An archive with an entry that points outside its folder is rejected as a whole. Hashes are checked before.

use std::{
    fs::File,
    io,
    path::{Component, Path, PathBuf},
};

use flate2::read::GzDecoder;
use tar::EntryType;

use super::binary::Binary;

/// The folder of the binaries in controller-tools' archives.
const FOLDER: &str = "controller-tools/envtest";

/// An archive that cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ArchiveError {
    #[error("its entry {entry:?} {objection}: refused as a whole")]
    Unsafe { entry: String, objection: &'static str },
    #[error("it does not hold {0}")]
    Missing(Binary),
    #[error("it cannot be unpacked: {0}")]
    Io(#[from] io::Error),
}

/// Unpacks binaries into a folder. After an error the folder may have some of them and must be discarded.
pub(crate) fn unpack(archive: impl io::Read, binaries: &[Binary], folder: &Path) -> Result<(), ArchiveError> {
    let mut missing = binaries.to_owned();
    let mut archive = tar::Archive::new(GzDecoder::new(archive));
    for entry in archive.entries()? {
        let mut entry = entry?;
        let path = entry.path()?.into_owned();
        let target = entry.link_name()?.map(std::borrow::Cow::into_owned);
        check_entry(entry.header().entry_type(), &path, target.as_deref())
            .map_err(|objection| ArchiveError::Unsafe { entry: path.display().to_string(), objection })?;
        let wanted = missing.iter().position(|binary| path == Path::new(FOLDER).join(binary.name()));
        if let (Some(index), true) = (wanted, entry.header().entry_type().is_file()) {
            let binary = missing.swap_remove(index);
            let path = folder.join(binary.name());
            io::copy(&mut entry, &mut File::create_new(&path)?)?;
            std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o755))?;
        }
    }
    missing.first().map_or(Ok(()), |binary| Err(ArchiveError::Missing(*binary)))
}

/// Checks that an entry is a file, folder or link inside the archive's folder.
fn check_entry(kind: EntryType, path: &Path, target: Option<&Path>) -> Result<(), &'static str> {
    let inside = resolve_inside(Path::new(""), path)?;
    match kind {
        EntryType::Regular
        | EntryType::Directory
        | EntryType::Continuous
        | EntryType::GNUSparse
        | EntryType::XGlobalHeader
        | EntryType::XHeader => Ok(()),
        // A symbolic link starts from its own folder, a hard link from the archive's root.
        EntryType::Symlink => {
            let from = inside.parent().unwrap_or(Path::new(""));
            resolve_inside(from, target.unwrap_or(Path::new("")))
                .map(drop)
                .map_err(|_| "is a link out of the folder")
        }
        EntryType::Link => {
            let target = target.unwrap_or(Path::new(""));
            resolve_inside(Path::new(""), target).map(drop).map_err(|_| "is a link out of the folder")
        }
        _ => Err("is neither file, folder nor link"),
    }
}

/// Resolves a path lexically from a folder, and rejects a path that leaves it.
fn resolve_inside(from: &Path, path: &Path) -> Result<PathBuf, &'static str> {
    let mut at = from.to_owned();
    for component in path.components() {
        match component {
            Component::Normal(name) => at.push(name),
            Component::CurDir => {}
            Component::ParentDir => {
                if from.as_os_str().is_empty() || !at.pop() {
                    return Err("has `..` in its path");
                }
            }
            Component::RootDir | Component::Prefix(_) => return Err("has an absolute path"),
        }
    }
    Ok(at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use std::fs;

    enum Entry<'a> {
        File(&'a str, &'a str),
        Symlink(&'a str, &'a str),
        Hardlink(&'a str, &'a str),
        Device(&'a str),
    }

    /// Names are written as they are: the builder of the `tar` crate would refuse the bad ones itself.
    fn archive(entries: &[Entry<'_>]) -> Vec<u8> {
        let gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        let mut tar = tar::Builder::new(gzip);
        for entry in entries {
            let (name, kind, target, data) = match *entry {
                Entry::File(name, data) => (name, EntryType::Regular, "", data),
                Entry::Symlink(name, target) => (name, EntryType::Symlink, target, ""),
                Entry::Hardlink(name, target) => (name, EntryType::Link, target, ""),
                Entry::Device(name) => (name, EntryType::Char, "", ""),
            };
            let mut header = tar::Header::new_gnu();
            header.set_entry_type(kind);
            header.set_size(data.len() as u64);
            header.set_mode(0o644);
            header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
            header.as_old_mut().linkname[..target.len()].copy_from_slice(target.as_bytes());
            header.set_cksum();
            tar.append(&header, data.as_bytes()).unwrap();
        }
        tar.into_inner().unwrap().finish().unwrap()
    }

    fn good<'a>() -> [Entry<'a>; 2] {
        [
            Entry::File("controller-tools/envtest/etcd", "E"),
            Entry::File("controller-tools/envtest/kubectl", "K"),
        ]
    }

    fn unpacked(entries: &[Entry<'_>]) -> Result<tempfile::TempDir, ArchiveError> {
        let dir = tempfile::tempdir().unwrap();
        unpack(archive(entries).as_slice(), &[Binary::Etcd, Binary::Kubectl], dir.path()).map(|()| dir)
    }

    #[test]
    fn unpacked_binaries_are_executable() {
        let dir = unpacked(&good()).unwrap();
        assert_eq!(fs::read_to_string(dir.path().join("kubectl")).unwrap(), "K");
        let mode = fs::metadata(dir.path().join("etcd")).unwrap().permissions();
        assert_eq!(std::os::unix::fs::PermissionsExt::mode(&mode) & 0o777, 0o755);
    }

    #[rstest]
    #[case::absolute(Entry::File("/etc/cron.d/x", "x"))]
    #[case::upwards(Entry::File("../x", "x"))]
    #[case::upwards_later(Entry::File("controller-tools/../../x", "x"))]
    #[case::upwards_within(Entry::File("controller-tools/../x", "x"))]
    #[case::symlink_to_root(Entry::Symlink("controller-tools/envtest/etcd", "/bin/sh"))]
    #[case::symlink_upwards(Entry::Symlink("controller-tools/x", "../../x"))]
    #[case::hardlink_to_root(Entry::Hardlink("controller-tools/x", "/etc/passwd"))]
    #[case::hardlink_upwards(Entry::Hardlink("controller-tools/x", "../x"))]
    #[case::device(Entry::Device("controller-tools/null"))]
    fn an_entry_outside_the_folder_rejects_the_archive(#[case] bad: Entry<'_>) {
        let [etcd, kubectl] = good();
        let error = unpacked(&[etcd, kubectl, bad]).unwrap_err();
        assert!(matches!(error, ArchiveError::Unsafe { .. }), "{error}");
    }

    #[test]
    fn a_link_inside_the_folder_is_accepted() {
        let [etcd, kubectl] = good();
        unpacked(&[etcd, kubectl, Entry::Symlink("controller-tools/latest", "../controller-tools/envtest")])
            .unwrap();
    }

    #[test]
    fn a_link_in_place_of_a_binary_is_ignored() {
        let [etcd, _] = good();
        let error =
            unpacked(&[etcd, Entry::Symlink("controller-tools/envtest/kubectl", "etcd")]).unwrap_err();
        assert!(matches!(error, ArchiveError::Missing(Binary::Kubectl)), "{error}");
    }

    #[test]
    fn a_truncated_archive_is_an_error() {
        let whole = archive(&good());
        let dir = tempfile::tempdir().unwrap();
        let error =
            unpack(&whole[..whole.len() / 2], &[Binary::Etcd, Binary::Kubectl], dir.path()).unwrap_err();
        assert!(matches!(error, ArchiveError::Io(_)), "{error}");
    }

    #[test]
    fn a_file_that_is_no_archive_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        assert!(unpack(b"<html>404</html>".as_slice(), &[Binary::Etcd], dir.path()).is_err());
    }
}
