//! Running specs and their phases, printed on SIGUSR1 and for specs that take long.
//!
//! It only reads the boards. A spec whose thread is blocked is told of, too.

use std::fmt::Write as _;
use std::sync::{Arc, Mutex, MutexGuard, Weak};
use std::time::Duration;

use crate::attempt_log::AttemptLog;
use crate::display::seconds;
use crate::report::print_to_stderr;

/// The specs that are running.
#[derive(Default)]
pub(crate) struct Progress(Mutex<Vec<RunningSpec>>);

struct RunningSpec {
    spec: String,
    attempt_log: Weak<AttemptLog>,
    /// Told when it took too long: how often.
    reports: u32,
}

/// Takes a spec off the list when its part on it is over.
pub(crate) struct RunningGuard<'a> {
    progress: &'a Progress,
    attempt_log: Weak<AttemptLog>,
}

impl Progress {
    fn list(&self) -> MutexGuard<'_, Vec<RunningSpec>> {
        self.0.lock().expect("nobody panics while the list of running specs is written")
    }

    pub(crate) fn runs(&self, spec: &str, attempt_log: &Arc<AttemptLog>) -> RunningGuard<'_> {
        let attempt_log = Arc::downgrade(attempt_log);
        self.list().push(RunningSpec { spec: spec.to_owned(), attempt_log: attempt_log.clone(), reports: 0 });
        RunningGuard { progress: self, attempt_log }
    }

    /// All that run, for a person.
    pub(crate) fn describe(&self) -> String {
        let list = self.list();
        let running: Vec<_> = list.iter().filter_map(RunningSpec::describe).collect();
        match running.len() {
            0 => "progress: no spec is running".into(),
            1 => format!("progress: 1 spec is running{}", running.concat()),
            count => format!("progress: {count} specs are running{}", running.concat()),
        }
    }

    /// Specs that have been running for this duration since they were last reported.
    pub(crate) fn slow(&self, after: Duration) -> Option<String> {
        let mut told = String::new();
        for running in self.list().iter_mut() {
            let Some(attempt_log) = running.attempt_log.upgrade() else { continue };
            if attempt_log.running_for() >= after * (running.reports + 1) {
                running.reports += 1;
                told.push_str(&running.describe().unwrap_or_default());
            }
        }
        (!told.is_empty()).then(|| format!("progress: still running{told}"))
    }
}

impl RunningSpec {
    fn describe(&self) -> Option<String> {
        let attempt_log = self.attempt_log.upgrade()?;
        let mut text = format!(
            "\n{}\n  for {}, in {}",
            self.spec,
            seconds(attempt_log.running_for()),
            attempt_log.phase()
        );
        // Writing to a String cannot fail.
        if let Some((at, step)) = attempt_log.steps().last() {
            let _ = write!(text, "\n  last step: {step}, at {}", seconds(*at));
        }
        for wait in attempt_log.describe_waits() {
            let _ = write!(text, "\n  waiting: {}", wait.replace('\n', "\n  "));
        }
        Some(attempt_log.redactor().redact(&text).into_owned())
    }
}

impl Drop for RunningGuard<'_> {
    fn drop(&mut self) {
        self.progress.list().retain(|running| !running.attempt_log.ptr_eq(&self.attempt_log));
    }
}

/// Prints the progress on stderr whenever the process gets SIGUSR1 (on macOS also SIGINFO, which Ctrl-T sends) and,
/// if a span is given, of specs that have been running for so long.
pub(crate) fn print_on_signal(progress: &Arc<Progress>, after: Option<Duration>) -> std::io::Result<()> {
    let progress = Arc::clone(progress);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    // Registered before this returns: a signal that nobody has registered for ends the process.
    let mut asked = {
        let _context = runtime.enter();
        ProgressSignals::register()?
    };
    // It ends with the process: whoever asks for the progress may ask at any time until then.
    std::thread::Builder::new().name("progress".into()).spawn(move || {
        loop {
            let patience = after.map_or(Duration::MAX, |after| (after / 10).max(Duration::from_millis(50)));
            let signalled = runtime.block_on(async { tokio::time::timeout(patience, asked.again()).await });
            // Told outside of the runtime: the boards ask whether a thread is a spec's own.
            match signalled {
                Ok(()) => print_to_stderr(&progress.describe()),
                Err(_) => {
                    after
                        .and_then(|after| progress.slow(after))
                        .into_iter()
                        .for_each(|told| print_to_stderr(&told));
                }
            }
        }
    })?;
    Ok(())
}

#[cfg(unix)]
struct ProgressSignals(Vec<tokio::signal::unix::Signal>);

#[cfg(unix)]
impl ProgressSignals {
    fn register() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self(vec![
            signal(SignalKind::user_defined1())?,
            #[cfg(target_os = "macos")]
            signal(SignalKind::info())?,
        ]))
    }

    async fn again(&mut self) {
        let signals = self.0.iter_mut().map(|signal| Box::pin(signal.recv()));
        futures::future::select_all(signals).await;
    }
}
