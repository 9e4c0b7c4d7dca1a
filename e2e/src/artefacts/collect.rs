//! One failed attempt's evidence: every collector in turn, each within its limit, none in the way of another.

use std::panic::AssertUnwindSafe;

use futures::FutureExt as _;

use crate::artefacts::events::Events;
use crate::artefacts::objects::Objects;
use crate::artefacts::pod_logs::PodLogs;
use crate::artefacts::process_log::ProcessLog;
use crate::artefacts::{Bag, Collector, Scene, secrets};
use crate::display::seconds;
use crate::report::{Artefact, MomentKind};

/// Collects what the API tells, and after it what only these can. Called before anything is cleaned up.
pub(crate) async fn collect(
    scene: &Scene,
    bag: &Bag,
    others: &[&dyn Collector],
) -> (Vec<Artefact>, Vec<String>) {
    let everywhere: [&dyn Collector; 4] = [&Events, &Objects, &PodLogs, &ProcessLog];
    if let Err(error) = secrets::add_secrets(scene).await {
        bag.lacks("Secrets", &format!("{error}; those that are not known are not masked in what was logged"));
    }
    for collector in everywhere.into_iter().chain(others.iter().copied()) {
        let work = AssertUnwindSafe(collector.collect(scene, bag)).catch_unwind();
        match tokio::time::timeout(collector.limit(), work).await {
            Ok(Ok(Ok(()))) => {}
            Ok(Ok(Err(error))) => bag.lacks(collector.what(), &error),
            Ok(Err(_panic)) => bag.lacks(collector.what(), "its collector panicked"),
            Err(_) => {
                bag.lacks(collector.what(), &format!("not finished within {}", seconds(collector.limit())));
            }
        }
    }
    let (artefacts, uncollected) = bag.emptied();
    scene.timeline.tell(MomentKind::Artefact, told(artefacts.len(), uncollected.len()));
    (artefacts, uncollected)
}

fn told(files: usize, missing: usize) -> String {
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
    struct Does(fn(&Bag) -> LocalBoxFuture<'_, Result<(), String>>);

    impl Collector for Does {
        fn what(&self) -> &'static str {
            "tides"
        }

        fn limit(&self) -> Duration {
            Duration::from_secs(3)
        }

        fn collect<'a>(&'a self, _: &'a Scene, bag: &'a Bag) -> LocalBoxFuture<'a, Result<(), String>> {
            (self.0)(bag)
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_collector_that_fails_hangs_or_panics_is_noted_and_the_others_go_on() {
        let folder = tempfile::tempdir().unwrap();
        let bag = Bag::new(folder.path(), "evidence", Redactor::new());
        let others: Vec<Box<dyn Collector>> = vec![
            Box::new(Does(|_| async { Err("no harbour".into()) }.boxed_local())),
            Box::new(Does(|bag| {
                async {
                    bag.put("tides", "before.txt", "low")?;
                    std::future::pending().await
                }
                .boxed_local()
            })),
            Box::new(Does(|_| async { panic!("storm") }.boxed_local())),
            Box::new(Does(|bag| async { bag.put("tides", "after.txt", "high") }.boxed_local())),
        ];
        let timeline = Timeline::begin();
        let scene = Scene {
            client: None,
            namespaces: Vec::new(),
            since: Timestamp::UNIX_EPOCH,
            timeline: timeline.clone(),
            redactor: Redactor::new(),
        };
        let (artefacts, uncollected) =
            collect(&scene, &bag, &others.iter().map(|one| &**one).collect::<Vec<_>>()).await;
        let paths: Vec<_> = artefacts.iter().map(|artefact| artefact.path.as_str()).collect();
        assert_eq!(paths, ["evidence/before.txt", "evidence/after.txt"]);
        let expected =
            ["tides: no harbour", "tides: not finished within 3s", "tides: its collector panicked"];
        assert_eq!(uncollected, expected);
        assert_eq!(timeline.told()[0].text, "2 files were collected, 3 could not be");
    }
}
