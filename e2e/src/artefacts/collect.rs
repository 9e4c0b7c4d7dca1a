//! Collection of a failed attempt's evidence: each collector in turn, within its limit, and independent of the
//! others.

use std::panic::AssertUnwindSafe;

use futures::FutureExt as _;

use crate::artefacts::events::Events;
use crate::artefacts::objects::Objects;
use crate::artefacts::pod_logs::PodLogs;
use crate::artefacts::process_log::ProcessLog;
use crate::artefacts::{ArtefactWriter, Collector, FailureScene, secrets};
use crate::display::seconds;
use crate::report::{Artefact, MomentKind};

/// Runs the collectors that use the API, and after them these. Called before clean-up.
pub(crate) async fn collect(
    scene: &FailureScene,
    writer: &ArtefactWriter,
    others: &[&dyn Collector],
) -> (Vec<Artefact>, Vec<String>) {
    let everywhere: [&dyn Collector; 4] = [&Events, &Objects, &PodLogs, &ProcessLog];
    if let Err(error) = secrets::add_secrets(scene).await {
        writer.note_missing(
            "Secrets",
            &format!("{error}; those that are not known are not masked in what was logged"),
        );
    }
    for collector in everywhere.into_iter().chain(others.iter().copied()) {
        let work = AssertUnwindSafe(collector.collect(scene, writer)).catch_unwind();
        match tokio::time::timeout(collector.limit(), work).await {
            Ok(Ok(Ok(()))) => {}
            Ok(Ok(Err(error))) => writer.note_missing(collector.name(), &error),
            Ok(Err(_panic)) => writer.note_missing(collector.name(), "its collector panicked"),
            Err(_) => {
                writer.note_missing(
                    collector.name(),
                    &format!("not finished within {}", seconds(collector.limit())),
                );
            }
        }
    }
    let (artefacts, uncollected) = writer.finish();
    scene.timeline.record(MomentKind::Artefact, summary(artefacts.len(), uncollected.len()));
    (artefacts, uncollected)
}

fn summary(files: usize, missing: usize) -> String {
    let files =
        if files == 1 { "1 file was collected".to_owned() } else { format!("{files} files were collected") };
    if missing == 0 { files } else { format!("{files}, {missing} could not be") }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures::future::LocalBoxFuture;
    use jiff::Timestamp;

    use super::*;
    use crate::redaction::Redactor;
    use crate::report::Timeline;

    /// A collector that does one thing, whatever that is.
    struct Does(fn(&ArtefactWriter) -> LocalBoxFuture<'_, Result<(), String>>);

    impl Collector for Does {
        fn name(&self) -> &'static str {
            "tides"
        }

        fn limit(&self) -> Duration {
            Duration::from_secs(3)
        }

        fn collect<'a>(
            &'a self,
            _: &'a FailureScene,
            writer: &'a ArtefactWriter,
        ) -> LocalBoxFuture<'a, Result<(), String>> {
            (self.0)(writer)
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_collector_that_fails_hangs_or_panics_is_noted_and_the_others_go_on() {
        let folder = tempfile::tempdir().unwrap();
        let writer = ArtefactWriter::new(folder.path(), "evidence", Redactor::new());
        let others: Vec<Box<dyn Collector>> = vec![
            Box::new(Does(|_| async { Err("no harbour".into()) }.boxed_local())),
            Box::new(Does(|writer| {
                async {
                    writer.write("tides", "before.txt", "low")?;
                    std::future::pending().await
                }
                .boxed_local()
            })),
            Box::new(Does(|_| async { panic!("storm") }.boxed_local())),
            Box::new(Does(|writer| async { writer.write("tides", "after.txt", "high") }.boxed_local())),
        ];
        let timeline = Timeline::begin();
        let scene = FailureScene {
            client: None,
            namespaces: Vec::new(),
            since: Timestamp::UNIX_EPOCH,
            timeline: timeline.clone(),
            redactor: Redactor::new(),
        };
        let (artefacts, uncollected) =
            collect(&scene, &writer, &others.iter().map(|one| &**one).collect::<Vec<_>>()).await;
        let paths: Vec<_> = artefacts.iter().map(|artefact| artefact.path.as_str()).collect();
        assert_eq!(paths, ["evidence/before.txt", "evidence/after.txt"]);
        let expected =
            ["tides: no harbour", "tides: not finished within 3s", "tides: its collector panicked"];
        assert_eq!(uncollected, expected);
        assert_eq!(timeline.moments()[0].text, "2 files were collected, 3 could not be");
    }
}
