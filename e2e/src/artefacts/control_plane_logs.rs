//! Collector of the logs of control plane processes on this machine, from the spec's start.
//!
//! It knows a folder of log files that grow; not who writes them.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use futures::FutureExt as _;
use futures::future::LocalBoxFuture;

use crate::artefacts::{ArtefactWriter, Collector, FailureScene};

/// The last part of one log that is kept.
const OF_ONE: u64 = 4 << 20;

/// Writes `control-plane/etcd.log`, `control-plane/kube-apiserver.log` and so on.
pub(crate) struct PlaneLogs {
    folder: PathBuf,
    /// Length of each file when the spec began.
    before: RefCell<BTreeMap<PathBuf, u64>>,
}

impl PlaneLogs {
    /// The logs in a folder; what stands there now is not the spec's.
    pub(crate) fn from_now(folder: &Path) -> Self {
        let logs = Self { folder: folder.to_owned(), before: RefCell::default() };
        logs.attempt_started();
        logs
    }

    fn files(&self) -> io::Result<Vec<PathBuf>> {
        let entries = fs::read_dir(&self.folder)?.collect::<io::Result<Vec<_>>>()?;
        let mut files: Vec<_> = entries.iter().map(fs::DirEntry::path).collect();
        files.retain(|file| file.extension().is_some_and(|extension| extension == "log"));
        files.sort();
        Ok(files)
    }

    /// Text written to a file since the spec began, and the number of bytes left out of it.
    fn written(&self, file: &Path) -> io::Result<(String, u64)> {
        let mut log = File::open(file)?;
        let length = log.metadata()?.len();
        let start =
            self.before.borrow().get(file).copied().filter(|start| *start <= length).unwrap_or_default();
        let from = start.max(length.saturating_sub(OF_ONE));
        log.seek(SeekFrom::Start(from))?;
        let mut bytes = Vec::new();
        log.take(length - from).read_to_end(&mut bytes)?;
        Ok((String::from_utf8_lossy(&bytes).into_owned(), from - start))
    }
}

impl Collector for PlaneLogs {
    fn name(&self) -> &'static str {
        "control plane logs"
    }

    fn attempt_started(&self) {
        let lengths = self.files().unwrap_or_default().into_iter().filter_map(|file| {
            let length = fs::metadata(&file).ok()?.len();
            Some((file, length))
        });
        *self.before.borrow_mut() = lengths.collect();
    }

    fn collect<'a>(
        &'a self,
        _: &'a FailureScene,
        writer: &'a ArtefactWriter,
    ) -> LocalBoxFuture<'a, Result<(), String>> {
        async {
            let cannot = |error: io::Error| format!("reading {}: {error}", self.folder.display());
            for file in self.files().map_err(cannot)? {
                let (text, left_out) = self.written(&file).map_err(cannot)?;
                let cut = if left_out == 0 {
                    String::new()
                } else {
                    format!("({} kB before this are left out)\n", left_out >> 10)
                };
                let name = file.file_name().unwrap_or_default().to_string_lossy();
                writer.write(self.name(), &format!("control-plane/{name}"), cut + &text)?;
            }
            Ok(())
        }
        .boxed_local()
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use jiff::Timestamp;

    use super::*;
    use crate::redaction::Redactor;
    use crate::report::Timeline;

    #[tokio::test(start_paused = true)]
    async fn logs_are_collected_from_the_spec_s_start_and_cut_at_their_beginning() {
        let (logs, report) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let write = |name: &str, text: &str| {
            let mut file = File::options().create(true).append(true).open(logs.path().join(name)).unwrap();
            file.write_all(text.as_bytes()).unwrap();
        };
        write("etcd.log", "another spec's\n");
        write("kube-apiserver.log", "another spec's\n");
        write("policy.yaml", "rules: []\n");
        let collector = PlaneLogs::from_now(logs.path());
        write("etcd.log", "before the second spec\n");
        collector.attempt_started();
        write("etcd.log", "now\n");
        write("kube-apiserver.log", &"0123456789abcde\n".repeat(300_000));
        // A process that began later has a log of its own.
        write("kube-controller-manager.log", "new\n");
        let writer = ArtefactWriter::new(report.path(), "evidence", Redactor::new());
        let scene = FailureScene {
            client: None,
            namespaces: Vec::new(),
            since: Timestamp::UNIX_EPOCH,
            timeline: Timeline::begin(),
            redactor: Redactor::new(),
        };
        collector.collect(&scene, &writer).await.unwrap();
        let read =
            |name: &str| fs::read_to_string(report.path().join("evidence/control-plane").join(name)).unwrap();
        assert_eq!(
            (read("etcd.log").as_str(), read("kube-controller-manager.log").as_str()),
            ("now\n", "new\n")
        );
        let long = read("kube-apiserver.log");
        assert!(long.starts_with("(591 kB before this are left out)\n0123456789abcde\n"), "{}", &long[..80]);
        assert_eq!(writer.finish().0.len(), 3);
    }
}
