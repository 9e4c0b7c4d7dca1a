//! Collector of the requests that the in-memory API server answered, with their user and result.

use futures::FutureExt as _;
use futures::future::LocalBoxFuture;
use jiff::Timestamp;
use seatrial_fakeclient::{FakeCluster, RequestRecord};

use crate::artefacts::{ArtefactWriter, Collector, FailureScene};

/// The user that evidence is collected as: its own requests explain nothing.
pub(crate) const OBSERVER: &str = "seatrial:observer";

/// Writes `requests.txt`.
pub(crate) struct Requests(pub(crate) FakeCluster);

impl Collector for Requests {
    fn name(&self) -> &'static str {
        "API requests"
    }

    fn collect<'a>(
        &'a self,
        scene: &'a FailureScene,
        writer: &'a ArtefactWriter,
    ) -> LocalBoxFuture<'a, Result<(), String>> {
        async {
            let requests = self.0.requests();
            let others = requests.iter().filter(|entry| entry.user != OBSERVER);
            let lines: Vec<_> = others.map(|entry| line(entry, scene.since)).collect();
            writer.write("API requests", "requests.txt", lines.concat())
        }
        .boxed_local()
    }
}

/// `+0.102s  409  PUT     /api/v1/namespaces/demo/configmaps/a  (somebody)`.
fn line(entry: &RequestRecord, since: Timestamp) -> String {
    let after = entry.at.duration_since(since).as_secs_f64();
    format!("{after:+.3}s  {}  {:<6}  {}  ({})\n", entry.code, entry.method, entry.path, entry.user)
}
