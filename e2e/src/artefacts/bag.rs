//! Where collectors put what they found: files below one folder, and notes about what could not be had.

use std::cell::RefCell;
use std::fs;
use std::path::{Path, PathBuf};

use crate::report::Artefact;

/// One attempt's artefacts.
pub(crate) struct Bag {
    /// The report's folder.
    root: PathBuf,
    /// The attempt's folder in it, with `/` between the parts.
    place: String,
    artefacts: RefCell<Vec<Artefact>>,
    uncollected: RefCell<Vec<String>>,
}

impl Bag {
    /// For an attempt whose files go into the folder `place` of the report's folder `root`.
    pub(crate) fn new(root: &Path, place: &str) -> Self {
        let (artefacts, uncollected) = (RefCell::default(), RefCell::default());
        Self { root: root.to_owned(), place: place.to_owned(), artefacts, uncollected }
    }

    /// Writes a file; `path` is relative to the attempt's folder, with `/` between the parts.
    pub(crate) fn put(&self, title: &str, path: &str, content: impl AsRef<[u8]>) -> Result<(), String> {
        let file = self.file(path)?;
        fs::write(&file, content).map_err(|error| format!("writing {}: {error}", file.display()))?;
        self.there_is(title, path)
    }

    /// The file to be written at `path`, its folders made: for content that comes as a stream. Afterwards
    /// [`there_is`](Self::there_is) enters it.
    pub(crate) fn file(&self, path: &str) -> Result<PathBuf, String> {
        let file = self.root.join(&self.place).join(path);
        let folder = file.parent().unwrap_or(&self.root);
        fs::create_dir_all(folder).map_err(|error| format!("making {}: {error}", folder.display()))?;
        Ok(file)
    }

    /// Enters a file that was written.
    pub(crate) fn there_is(&self, title: &str, path: &str) -> Result<(), String> {
        let path = format!("{}/{path}", self.place);
        let bytes =
            fs::metadata(self.root.join(&path)).map_err(|error| format!("reading {path}: {error}"))?.len();
        self.artefacts.borrow_mut().push(Artefact { title: title.to_owned(), path, bytes });
        Ok(())
    }

    /// Notes that a part could not be had, where the rest still can.
    pub(crate) fn lacks(&self, what: &str, why: &str) {
        self.uncollected.borrow_mut().push(format!("{what}: {why}"));
    }

    /// What was put in, and what could not be had.
    pub(crate) fn emptied(&self) -> (Vec<Artefact>, Vec<String>) {
        (self.artefacts.take(), self.uncollected.take())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_entered_by_its_path_from_the_report_s_folder() {
        let root = tempfile::tempdir().unwrap();
        let bag = Bag::new(root.path(), "evidence/a/1");
        bag.put("Pod logs", "pods/db/main.log", "hello").unwrap();
        bag.lacks("Pod logs of web", "404 NotFound");
        let (artefacts, uncollected) = bag.emptied();
        assert_eq!((artefacts[0].path.as_str(), artefacts[0].bytes), ("evidence/a/1/pods/db/main.log", 5));
        assert_eq!(fs::read_to_string(root.path().join(&artefacts[0].path)).unwrap(), "hello");
        assert_eq!(uncollected, ["Pod logs of web: 404 NotFound"]);
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_an_error_that_names_it() {
        let root = tempfile::tempdir().unwrap();
        fs::write(root.path().join("evidence"), "a file in its place").unwrap();
        let error = Bag::new(root.path(), "evidence/a/1").put("events", "events.txt", "").unwrap_err();
        assert!(error.contains("evidence/a/1"), "{error}");
    }
}
