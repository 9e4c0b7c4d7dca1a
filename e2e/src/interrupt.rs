//! Interruption of a run: Ctrl-C, SIGTERM from the parent, or a closed terminal.
//!
//! The first signal is a wish, heard by everybody who waits for something; the second one, or a run that does not
//! come to its end, ends the process at once. What is undone then is not known here.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::future::{Either, select};
use tokio::sync::watch;

use crate::report::print_to_stderr;
use crate::signal::{Signal, Signals};

/// Longest time that specs may take to end, clean-ups included, once they were asked to.
pub(crate) const SPECS_LIMIT: Duration = Duration::from_secs(150);

/// Longest time that the whole run may take then, with the end of its cluster and its reports.
const RUN_LIMIT: Duration = Duration::from_secs(240);

/// Request to end the run, with its time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct InterruptRequest {
    pub(crate) by: Signal,
    at: Instant,
}

impl InterruptRequest {
    /// True if the specs should have ended by now.
    pub(crate) fn is_overdue(&self) -> bool {
        self.at.elapsed() > SPECS_LIMIT
    }
}

/// True if the run was asked to end. It can be waited for on any runtime.
pub(crate) struct Interrupt(watch::Sender<Option<InterruptRequest>>);

impl Default for Interrupt {
    fn default() -> Self {
        Self(watch::Sender::new(None))
    }
}

impl Interrupt {
    /// Asks the run to end. The first call counts.
    pub(crate) fn request(&self, by: Signal) {
        self.0.send_if_modified(|called| {
            let first = called.is_none();
            called.get_or_insert(InterruptRequest { by, at: Instant::now() });
            first
        });
    }

    pub(crate) fn requested(&self) -> Option<InterruptRequest> {
        *self.0.borrow()
    }

    /// Does something until its end, or until the run is asked to end: then it is dropped where it stands.
    pub(crate) async fn run_until<T>(&self, work: impl Future<Output = T>) -> Result<T, InterruptRequest> {
        match select(pin!(work), pin!(self.wait())).await {
            Either::Left((done, _)) => Ok(done),
            Either::Right((called, _)) => Err(called),
        }
    }

    /// Waits until the run is asked to end.
    pub(crate) async fn wait(&self) -> InterruptRequest {
        let mut calls = self.0.subscribe();
        let called = calls.wait_for(Option::is_some).await.expect("this holds the sender");
        called.expect("it was waited for")
    }
}

/// From now on signals ask the run to end instead of ending the process.
pub(crate) fn listen(interrupt: &Arc<Interrupt>) -> std::io::Result<()> {
    let interrupt = Arc::clone(interrupt);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    // Registered before this returns: a signal that nobody has registered for ends the process.
    let mut signals = {
        let _context = runtime.enter();
        Signals::listen()?
    };
    // It ends with the process, which may be asked to end at any time until then.
    std::thread::Builder::new().name("interrupt".into()).spawn(move || {
        let first = runtime.block_on(signals.next());
        print_to_stderr(&format!(
            "{first}: ending the specs that run, and cleaning up; a second signal ends the run at once"
        ));
        interrupt.request(first);
        let second = runtime.block_on(async { tokio::time::timeout(RUN_LIMIT, signals.next()).await });
        let (by, why) = match second {
            Ok(second) => (second, format!("{second} once more")),
            Err(_) => (first, format!("no end came within {} s after {first}", RUN_LIMIT.as_secs())),
        };
        print_to_stderr(&format!(
            "{why}: ended at once; no report was written, and clusters are left to `cargo xtask e2e reap`"
        ));
        std::process::exit(by.exit_status().into());
    })?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn work_goes_on_to_its_end_unless_the_run_is_asked_to_end() {
        let interrupt = Arc::new(Interrupt::default());
        assert_eq!(interrupt.run_until(async { 7 }).await.unwrap(), 7);
        let asks = Arc::clone(&interrupt);
        // From a thread that has no runtime, as a signal's.
        let thread = std::thread::spawn(move || asks.request(Signal::Terminate));
        let called = interrupt.run_until(std::future::pending::<()>()).await.unwrap_err();
        thread.join().unwrap();
        assert_eq!((called.by, called.is_overdue()), (Signal::Terminate, false));
        // What is done already is not taken back, and the first call counts.
        interrupt.request(Signal::Interrupt);
        assert_eq!(interrupt.run_until(async { 7 }).await.unwrap(), 7);
        assert_eq!(interrupt.requested().unwrap().by, Signal::Terminate);
    }
}
