//! Sources of an API server's audit log, which tiers give to their specs.

use std::path::PathBuf;
use std::rc::Rc;

use futures::FutureExt as _;
use futures::future::LocalBoxFuture;

use crate::failure::SpecResult;

/// An audit log that can be read while the API server writes it.
pub(crate) trait AuditLog {
    /// The entries written so far, one a line; entries without these words may be left out.
    fn read<'a>(&'a self, words: &'a str) -> LocalBoxFuture<'a, SpecResult<String>>;
}

/// The audit log of a spec's cluster.
pub(crate) struct AuditSource(pub(crate) Rc<dyn AuditLog>);

impl AuditSource {
    pub(crate) fn new(log: impl AuditLog + 'static) -> Self {
        Self(Rc::new(log))
    }
}

/// An audit log in a file of this machine.
pub(crate) struct AuditFile(PathBuf);

impl AuditFile {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self(path)
    }
}

impl AuditLog for AuditFile {
    fn read<'a>(&'a self, _words: &'a str) -> LocalBoxFuture<'a, SpecResult<String>> {
        let read = match std::fs::read_to_string(&self.0) {
            // The server makes the file with its first entry.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(String::new()),
            read => read.map_err(Into::into),
        };
        std::future::ready(read).boxed_local()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_file_is_an_empty_log() {
        let folder = tempfile::tempdir().unwrap();
        let log = AuditFile::new(folder.path().join("audit.log"));
        assert_eq!(log.read("").now_or_never().unwrap().unwrap(), "");
        std::fs::write(&log.0, "{}").unwrap();
        assert_eq!(log.read("").now_or_never().unwrap().unwrap(), "{}");
    }
}
