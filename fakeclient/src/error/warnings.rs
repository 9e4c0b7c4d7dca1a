//! Texts of `Warning` headers, gathered while a request is answered.

use std::sync::{Mutex, MutexGuard};

/// Warnings of one request, in the order in which they came up. They reach the client also if the request fails.
#[derive(Debug, Default)]
pub(crate) struct Warnings(Mutex<Vec<String>>);

impl Warnings {
    /// Adds one warning.
    pub(crate) fn push(&self, text: impl Into<String>) {
        self.lock().push(text.into());
    }

    /// Adds one warning unless it is there already.
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

    /// How many there are: a place to go back to with [`truncate`](Self::truncate).
    pub(crate) fn len(&self) -> usize {
        self.lock().len()
    }

    /// Drops what came after the first `len`: a step that is tried again starts without its own warnings.
    pub(crate) fn truncate(&self, len: usize) {
        self.lock().truncate(len);
    }

    /// Takes all of them.
    pub(crate) fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.lock())
    }

    fn lock(&self) -> MutexGuard<'_, Vec<String>> {
        self.0.lock().expect("the warnings' lock is held for one operation on a list only")
    }
}
