//! Progress of downloads and builds: a progress bar on a terminal, plain lines elsewhere.
//!
//! It writes to standard error directly, so that `cargo test` does not capture it.

use std::{
    io::{self, IsTerminal as _, Write as _},
    time::{Duration, Instant},
};

use indicatif::{ProgressBar, ProgressStyle};

/// The interval between plain lines.
const LINE_INTERVAL: Duration = Duration::from_secs(20);

/// The progress of one task.
#[derive(Debug)]
pub(crate) struct Progress {
    label: String,
    started: Instant,
    last_line: Instant,
    bar: Option<ProgressBar>,
}

impl Progress {
    /// A task of unknown size. `hint` is its usual duration, or empty.
    pub(crate) fn spinner(label: String, hint: &str) -> Self {
        Self::start(label, hint, || {
            let style =
                ProgressStyle::with_template("{spinner} {msg} {elapsed}").expect("a template of our own");
            ProgressBar::new_spinner().with_style(style)
        })
    }

    /// A download. A `size` of zero stands for an unknown one.
    pub(crate) fn download(label: String, size: u64) -> Self {
        Self::start(label, "", || {
            let style =
                ProgressStyle::with_template("{spinner} {msg} {bytes}/{total_bytes} {binary_bytes_per_sec}")
                    .expect("a template of our own");
            ProgressBar::new(size).with_style(style)
        })
    }

    fn start(label: String, hint: &str, bar: impl FnOnce() -> ProgressBar) -> Self {
        let now = Instant::now();
        let message = if hint.is_empty() { label.clone() } else { format!("{label} ({hint})") };
        let bar = io::stderr().is_terminal().then(|| bar().with_message(message.clone()));
        if bar.is_none() {
            print_line(&format!("{message} …"));
        }
        Self { label, started: now, last_line: now, bar }
    }

    /// Updates the bar, or prints a plain line with `detail` once per interval.
    pub(crate) fn tick(&mut self, detail: impl FnOnce() -> String) {
        if let Some(bar) = &self.bar {
            return bar.tick();
        }
        if self.last_line.elapsed() >= LINE_INTERVAL {
            self.last_line = Instant::now();
            print_line(&format!("{} … {} s{}", self.label, self.started.elapsed().as_secs(), detail()));
        }
    }

    /// Updates the number of received bytes.
    pub(crate) fn received(&mut self, bytes: u64) {
        match &self.bar {
            Some(bar) => bar.set_position(bytes),
            None => self.tick(|| format!(", {} MB", bytes / 1_000_000)),
        }
    }

    /// Ends the progress of a task that succeeded.
    pub(crate) fn finish(self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        print_line(&format!("{}: done in {} s", self.label, self.started.elapsed().as_secs()));
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// Prints a line to standard error, past the capture of `cargo test`.
pub(crate) fn print_line(line: &str) {
    // A closed standard error does not fail the task.
    let _ = writeln!(io::stderr(), "seatrial: {line}");
}
