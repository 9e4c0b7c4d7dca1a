//! The key of service account tokens, shared by all control planes of a cache folder, so that tokens stay valid.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use super::{certs, folder};

/// The path of the key, which is generated if it does not exist.
pub(crate) fn key(cache: &Path) -> io::Result<PathBuf> {
    let path = cache.join("service-account.key");
    if path.exists() {
        return Ok(path);
    }
    fs::create_dir_all(cache)?;
    let staged = tempfile::Builder::new().prefix(".service-account-").tempdir_in(cache)?;
    let staged_key = staged.path().join("key");
    folder::write_private(&staged_key, &certs::service_account_key().map_err(io::Error::other)?)?;
    // A hard link does not replace the key of another process.
    match fs::hard_link(&staged_key, &path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(path),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn concurrent_calls_return_the_same_key() {
        let dir = tempfile::tempdir().unwrap();
        let cache = dir.path().join("seatrial");
        let read = || fs::read_to_string(key(&cache).unwrap()).unwrap();
        let keys: Vec<String> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(read)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert!(keys[0].contains("PRIVATE KEY"));
        assert!(keys.iter().all(|other| *other == keys[0]));
        assert_eq!(read(), keys[0]);
    }
}
