//! Cached hashes of binaries.
//!
//! Half a gigabyte is not read again at every call: a file of the same place, size and time of change has the content
//! that it had. What was computed is kept in a file of the cache; without that file everything is computed again.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::error::NodeImageError;
use super::recipe::hex;

/// Cached hash of one file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct CachedHash {
    size: u64,
    /// Nanoseconds since 1970.
    changed: u128,
    sha256: String,
}

/// Hashes of files that were read before.
pub(super) struct Fingerprints {
    memo: PathBuf,
    known: BTreeMap<PathBuf, CachedHash>,
}

impl Fingerprints {
    /// With what an earlier process left in this file.
    pub(super) fn load(memo: PathBuf) -> Self {
        let known = fs::read(&memo).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
        Self { memo, known: known.unwrap_or_default() }
    }

    /// The hash of a file's content. `reading` is called if the file must be read.
    pub(super) fn of(&mut self, path: &Path, reading: impl FnOnce()) -> Result<String, NodeImageError> {
        let metadata = fs::metadata(path).map_err(NodeImageError::file(path, "read"))?;
        let changed = metadata.modified().map_err(NodeImageError::file(path, "read"))?;
        let changed = changed.duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
        let known = self.known.get(path);
        if let Some(known) = known.filter(|known| known.size == metadata.len() && known.changed == changed) {
            return Ok(known.sha256.clone());
        }
        reading();
        let sha256 = sha256(path).map_err(NodeImageError::file(path, "read"))?;
        self.known
            .insert(path.to_owned(), CachedHash { size: metadata.len(), changed, sha256: sha256.clone() });
        Ok(sha256)
    }

    /// Keeps what is known for the next process. Losing it costs time and nothing else.
    pub(super) fn keep(&self) -> Result<(), NodeImageError> {
        let text = serde_json::to_vec_pretty(&self.known).expect("paths and numbers can be written");
        let fresh = self.memo.with_extension("new");
        fs::write(&fresh, text).map_err(NodeImageError::file(&fresh, "written"))?;
        fs::rename(&fresh, &self.memo).map_err(NodeImageError::file(&self.memo, "written"))
    }
}

fn sha256(path: &Path) -> std::io::Result<String> {
    let mut file = File::open(path)?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1 << 20];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(hex(&hasher.finalize())),
            read => hasher.update(&buffer[..read]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, SystemTime};

    /// The hash of a file, and whether it was read for that.
    fn of(fingerprints: &mut Fingerprints, path: &Path) -> (String, bool) {
        let mut read = false;
        let hash = fingerprints.of(path, || read = true).unwrap();
        (hash, read)
    }

    #[test]
    fn a_file_is_read_once_even_by_two_processes_and_again_when_it_changed() {
        let folder = tempfile::tempdir().unwrap();
        let (memo, file) = (folder.path().join("memo.json"), folder.path().join("kubelet"));
        fs::write(&file, "one").unwrap();
        let mut first = Fingerprints::load(memo.clone());
        let (hash, read) = of(&mut first, &file);
        assert!(read && hash.starts_with("7692c3ad3540bb803c020b3aee66cd88"), "sha256 of `one`: {hash}");
        first.keep().unwrap();

        let mut second = Fingerprints::load(memo);
        assert_eq!(of(&mut second, &file), (hash.clone(), false));
        fs::write(&file, "two").unwrap();
        let later = SystemTime::now() + Duration::from_secs(5);
        File::options().write(true).open(&file).unwrap().set_modified(later).unwrap();
        let (changed, read) = of(&mut second, &file);
        assert!(read && changed != hash);
    }

    #[test]
    fn a_memo_that_is_not_one_is_no_trouble() {
        let folder = tempfile::tempdir().unwrap();
        let memo = folder.path().join("memo.json");
        fs::write(&memo, "{ half").unwrap();
        assert!(of(&mut Fingerprints::load(memo.clone()), &memo).1);
    }
}
