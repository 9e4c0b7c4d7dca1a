//! `Warning` headers of a request.

use std::sync::{Mutex, MutexGuard};

/// Warnings of one request, in order. The client gets them also if the request fails.
#[derive(Debug, Default)]
pub(crate) struct Warnings(Mutex<Vec<String>>);

impl Warnings {
    /// Adds one warning.
    pub(crate) fn push(&self, text: impl Into<String>) {
        self.lock().push(text.into());
    }

    /// Adds one warning unless it is present.
    pub(crate) fn push_once(&self, text: String) {
        let mut warnings = self.lock();
        if !warnings.contains(&text) {
            warnings.push(text);
        }
    }

    /// Adds several warnings.
    pub(crate) fn extend(&self, texts: impl IntoIterator<Item = String>) {
        self.lock().extend(texts);
    }

    /// The number of warnings, for [`truncate`](Self::truncate).
    pub(crate) fn len(&self) -> usize {
        self.lock().len()
    }

    /// Removes all but the first `len` warnings: a retried step starts without those of its first attempt.
    pub(crate) fn truncate(&self, len: usize) {
        self.lock().truncate(len);
    }

    /// Removes and returns all warnings.
    pub(crate) fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.lock())
    }

    fn lock(&self) -> MutexGuard<'_, Vec<String>> {
        self.0.lock().expect("the warnings' lock is held for one operation on a list only")
    }
}
