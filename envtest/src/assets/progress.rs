//! How long work shows that it goes on: a moving line on a terminal, a plain line now and then elsewhere.
//!
//! It writes to standard error, past the capture of `cargo test`: a first test that is silent for minutes looks hung.

use std::{
    io::{self, IsTerminal as _, Write as _},
    time::{Duration, Instant},
};

use indicatif::{ProgressBar, ProgressStyle};

/// Time between plain lines.
const EVERY: Duration = Duration::from_secs(20);

/// One piece of work.
#[derive(Debug)]
pub(crate) struct Progress {
    what: String,
    started: Instant,
    said: Instant,
    bar: Option<ProgressBar>,
}

impl Progress {
    /// Work of unknown size. `hint` says how long it may take, if that is known.
    pub(crate) fn work(what: String, hint: &str) -> Self {
        Self::start(what, hint, || {
            let style =
                ProgressStyle::with_template("{spinner} {msg} {elapsed}").expect("a template of our own");
            ProgressBar::new_spinner().with_style(style)
        })
    }

    /// A download. The size is zero if it is not known.
    pub(crate) fn bytes(what: String, size: u64) -> Self {
        Self::start(what, "", || {
            let style =
                ProgressStyle::with_template("{spinner} {msg} {bytes}/{total_bytes} {binary_bytes_per_sec}")
                    .expect("a template of our own");
            ProgressBar::new(size).with_style(style)
        })
    }

    fn start(what: String, hint: &str, bar: impl FnOnce() -> ProgressBar) -> Self {
        let now = Instant::now();
        let message = if hint.is_empty() { what.clone() } else { format!("{what} ({hint})") };
        let bar = io::stderr().is_terminal().then(|| bar().with_message(message.clone()));
        if bar.is_none() {
            say(&format!("{message} …"));
        }
        Self { what, started: now, said: now, bar }
    }

    /// To be called now and then; `detail` goes into the plain line.
    pub(crate) fn tick(&mut self, detail: impl FnOnce() -> String) {
        if let Some(bar) = &self.bar {
            return bar.tick();
        }
        if self.said.elapsed() >= EVERY {
            self.said = Instant::now();
            say(&format!("{} … {} s{}", self.what, self.started.elapsed().as_secs(), detail()));
        }
    }

    /// To be called with all bytes so far.
    pub(crate) fn received(&mut self, bytes: u64) {
        match &self.bar {
            Some(bar) => bar.set_position(bytes),
            None => self.tick(|| format!(", {} MB", bytes / 1_000_000)),
        }
    }

    /// The end of work that succeeded.
    pub(crate) fn done(self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        say(&format!("{}: done in {} s", self.what, self.started.elapsed().as_secs()));
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// A line for people, whatever captures this process's output.
pub(crate) fn say(line: &str) {
    // Nobody may be there to read it; the work goes on.
    let _ = writeln!(io::stderr(), "seatrial: {line}");
}
