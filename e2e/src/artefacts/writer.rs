//! Writer of one attempt's artefacts: files below one folder, and notes of what is missing.

use std::cell::RefCell;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::redaction::Redactor;
use crate::report::Artefact;

/// One attempt's artefacts.
pub(crate) struct ArtefactWriter {
    /// The report's folder.
    root: PathBuf,
    /// The attempt's folder in it, with `/` between the parts.
    place: String,
    /// Lies over everything that is put in.
    redactor: Arc<Redactor>,
    artefacts: RefCell<Vec<Artefact>>,
    uncollected: RefCell<Vec<String>>,
}

impl ArtefactWriter {
    /// For an attempt whose files go into the folder `place` of the report's folder `root`.
    pub(crate) fn new(root: &Path, place: &str, redactor: Arc<Redactor>) -> Self {
        let (artefacts, uncollected) = (RefCell::default(), RefCell::default());
        Self { root: root.to_owned(), place: place.to_owned(), redactor, artefacts, uncollected }
    }

    /// Writes a file; `path` is relative to the attempt's folder, with `/` between the parts.
    pub(crate) fn write(&self, title: &str, path: &str, content: impl AsRef<str>) -> Result<(), String> {
        let file = self.file(path)?;
        let content = self.redactor.redact_foreign(content.as_ref());
        fs::write(&file, content.as_bytes())
            .map_err(|error| format!("writing {}: {error}", file.display()))?;
        let (path, bytes) = (format!("{}/{path}", self.place), content.len() as u64);
        self.artefacts.borrow_mut().push(Artefact { title: title.to_owned(), path, bytes });
        Ok(())
    }

    /// Gives a file that was put in a second name, which is not an artefact of its own.
    #[cfg(any(test, feature = "kind"))]
    pub(crate) fn link(&self, path: &str, second: &str) -> Result<(), String> {
        let (first, second) = (self.file(path)?, self.file(second)?);
        // Where the file system knows no second names there are two files.
        let named = fs::hard_link(&first, &second).or_else(|_| fs::copy(&first, &second).map(drop));
        named.map_err(|error| format!("writing {}: {error}", second.display()))
    }

    /// The file at `path`, its folders made.
    fn file(&self, path: &str) -> Result<PathBuf, String> {
        let file = self.root.join(&self.place).join(path);
        let folder = file.parent().unwrap_or(&self.root);
        fs::create_dir_all(folder).map_err(|error| format!("making {}: {error}", folder.display()))?;
        Ok(file)
    }

    /// Notes that a part could not be had, where the rest still can.
    pub(crate) fn note_missing(&self, what: &str, why: &str) {
        self.uncollected.borrow_mut().push(self.redactor.redact(&format!("{what}: {why}")).into_owned());
    }

    /// The written artefacts, and the notes of missing ones.
    pub(crate) fn finish(&self) -> (Vec<Artefact>, Vec<String>) {
        (self.artefacts.take(), self.uncollected.take())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_entered_by_its_path_from_the_report_s_folder() {
        let root = tempfile::tempdir().unwrap();
        let writer = ArtefactWriter::new(root.path(), "evidence/a/1", Redactor::new());
        writer.write("Pod logs", "pods/db/main.log", "hello").unwrap();
        writer.note_missing("Pod logs of web", "404 NotFound");
        let (artefacts, uncollected) = writer.finish();
        assert_eq!((artefacts[0].path.as_str(), artefacts[0].bytes), ("evidence/a/1/pods/db/main.log", 5));
        assert_eq!(fs::read_to_string(root.path().join(&artefacts[0].path)).unwrap(), "hello");
        assert_eq!(uncollected, ["Pod logs of web: 404 NotFound"]);
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_an_error_that_names_it() {
        let root = tempfile::tempdir().unwrap();
        fs::write(root.path().join("evidence"), "a file in its place").unwrap();
        let error = ArtefactWriter::new(root.path(), "evidence/a/1", Redactor::new())
            .write("events", "events.txt", "")
            .unwrap_err();
        assert!(error.contains("evidence/a/1"), "{error}");
    }

    #[test]
    fn artefacts_are_redacted_and_can_be_linked() {
        let root = tempfile::tempdir().unwrap();
        let redactor = Redactor::new();
        redactor.add_secret(&serde_json::json!({"stringData": {"password": "hunter2"}}));
        let writer = ArtefactWriter::new(root.path(), "evidence", redactor);
        writer.write("Pod logs", "pods/a.log", "logged in with hunter2").unwrap();
        writer.link("pods/a.log", "containers/b.log").unwrap();
        writer.note_missing("Pod logs of b", "hunter2 is wrong");
        let read = |path: &str| fs::read_to_string(root.path().join("evidence").join(path)).unwrap();
        assert_eq!(
            (read("pods/a.log").as_str(), read("containers/b.log").len()),
            ("logged in with (masked)", 23)
        );
        let (artefacts, uncollected) = writer.finish();
        assert_eq!((artefacts.len(), artefacts[0].bytes), (1, 23));
        assert_eq!(uncollected, ["Pod logs of b: (masked) is wrong"]);
    }
}
