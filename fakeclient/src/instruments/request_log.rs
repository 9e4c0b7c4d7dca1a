//! The request log of a cluster, in the order of the responses.

use std::collections::VecDeque;
use std::sync::Mutex;

use jiff::Timestamp;

/// Maximum number of records.
const MAX_RECORDS: usize = 100_000;

/// One answered request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestRecord {
    /// Time of arrival, by the cluster's clock.
    pub at: Timestamp,
    /// Name of the user, from `FakeCluster::client_as` or the credentials.
    pub user: String,
    /// HTTP method.
    pub method: String,
    /// Path and query.
    pub path: String,
    /// HTTP status of the response; 200 for a watch that has started.
    pub code: u16,
}

#[derive(Debug, Default)]
pub(crate) struct RequestLog(Mutex<VecDeque<RequestRecord>>);

impl RequestLog {
    pub(crate) fn record(&self, entry: RequestRecord) {
        let mut records = self.0.lock().expect("the log's lock is held for a push only");
        if records.len() == MAX_RECORDS {
            records.pop_front();
        }
        records.push_back(entry);
    }

    pub(crate) fn records(&self) -> Vec<RequestRecord> {
        self.0.lock().expect("the log's lock is held for a copy only").iter().cloned().collect()
    }
}
