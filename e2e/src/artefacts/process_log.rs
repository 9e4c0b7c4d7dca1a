//! Capture of `tracing` events of this process: on the spec's timeline, and as a file.
//!
//! A spec has a thread of its own, and so has everything that it spawns, so what is logged on this thread is the
//! spec's.

use std::io::{self, Write};
use std::sync::Arc;

use futures::FutureExt as _;
use futures::future::LocalBoxFuture;
use tracing::subscriber::DefaultGuard;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

use crate::artefacts::{ArtefactWriter, Collector, FailureScene};
use crate::report::{Moment, MomentKind, Timeline};

/// Stands before each line on the timeline, where Pods' lines have their Pod's name.
const WHO: &str = "this process: ";

/// Default of `SEATRIAL_LOG`, a filter in the form of `RUST_LOG`.
const FILTER: &str = "info,kube_runtime=warn,kube_client=warn,hyper=warn,tower=warn";

/// From now on, until the guard is dropped, what this thread logs stands on the timeline.
#[must_use = "what is logged is captured as long as the guard lives"]
pub(crate) fn capture(timeline: &Arc<Timeline>) -> DefaultGuard {
    let filter = EnvFilter::try_from_env("SEATRIAL_LOG").unwrap_or_else(|_| EnvFilter::new(FILTER));
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(false)
        .without_time()
        .with_writer(Lines(Arc::clone(timeline)))
        .finish();
    tracing::subscriber::set_default(subscriber)
}

/// A writer that gets one line at a time, as the formatter writes them.
#[derive(Clone)]
struct Lines(Arc<Timeline>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        for line in String::from_utf8_lossy(bytes).lines() {
            let line = line.trim_start();
            let failed = line.starts_with("ERROR");
            let text = format!("{WHO}{line}");
            self.0.push_now(Moment { kind: MomentKind::Log, text, failed, ..Moment::default() });
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Lines {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

/// Writes `process.log` from the timeline, if anything was logged.
pub(crate) struct ProcessLog;

impl Collector for ProcessLog {
    fn name(&self) -> &'static str {
        "this process's log"
    }

    fn collect<'a>(
        &'a self,
        scene: &'a FailureScene,
        writer: &'a ArtefactWriter,
    ) -> LocalBoxFuture<'a, Result<(), String>> {
        async {
            let moments = scene.timeline.moments();
            let own = moments.iter().filter(|moment| moment.kind == MomentKind::Log);
            let own = own.filter_map(|moment| Some((moment.at, moment.text.strip_prefix(WHO)?)));
            let lines: Vec<_> = own.map(|(at, line)| format!("{at:+.3}s  {line}\n")).collect();
            if lines.is_empty() {
                Ok(())
            } else {
                writer.write("this process's log", "process.log", lines.concat())
            }
        }
        .boxed_local()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn log_events_of_the_spec_s_thread_are_on_its_timeline() {
        let timeline = Timeline::begin();
        let guard = capture(&timeline);
        tracing::warn!(machine = "a", "no capacity");
        tracing::debug!("too fine");
        drop(guard);
        tracing::warn!("somebody else's");
        let told: Vec<_> = timeline.moments().into_iter().map(|moment| moment.text).collect();
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(
            told[0].starts_with("this process: WARN ") && told[0].ends_with("no capacity machine=\"a\""),
            "{told:?}"
        );
    }
}
