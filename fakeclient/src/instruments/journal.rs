//! Every request in the order in which it was answered: who asked for what, and what came of it.

use std::collections::VecDeque;
use std::sync::Mutex;

use jiff::Timestamp;

/// How many requests are remembered.
const KEPT: usize = 100_000;

/// One answered request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// When it came in, by the cluster's clock.
    pub at: Timestamp,
    /// Name of the user, as given to `FakeCluster::client_as` or found in the credentials.
    pub user: String,
    /// HTTP method.
    pub method: String,
    /// Path with its query.
    pub path: String,
    /// HTTP status of the answer; a watch is 200 as soon as it begins.
    pub code: u16,
}

#[derive(Debug, Default)]
pub(crate) struct Journal(Mutex<VecDeque<Entry>>);

impl Journal {
    pub(crate) fn record(&self, entry: Entry) {
        let mut entries = self.0.lock().expect("the journal's lock is held for a push only");
        if entries.len() == KEPT {
            entries.pop_front();
        }
        entries.push_back(entry);
    }

    pub(crate) fn entries(&self) -> Vec<Entry> {
        self.0.lock().expect("the journal's lock is held for a copy only").iter().cloned().collect()
    }
}
