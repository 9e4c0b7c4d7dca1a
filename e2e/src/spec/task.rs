//! Work that runs beside a spec and never outlives it: an operator, a webhook server, a load.
//!
//! A task lives on the spec's own thread and is stopped and joined at its end, after the namespace is
//! gone, so that an operator can still release what it holds. A task that failed or panicked fails the
//! spec even when nobody looked.

use std::cell::RefCell;
use std::future::Future;
use std::rc::Rc;

use tokio::task::{JoinError, JoinHandle};

use crate::failure::SpecResult;
use crate::spec::panics;

/// A running task of a spec, made by [`Cx::spawn`](crate::Cx::spawn).
#[derive(Clone)]
pub struct Task {
    name: Rc<str>,
    handle: Rc<RefCell<Option<JoinHandle<SpecResult>>>>,
}

impl Task {
    pub(crate) fn spawn(name: &str, work: impl Future<Output = SpecResult> + 'static) -> Self {
        let handle = tokio::task::spawn_local(work);
        Self { name: name.into(), handle: Rc::new(RefCell::new(Some(handle))) }
    }

    /// The name it was given.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Stops the task where it stands, as a killed process stops, and waits until it has. Fails with what
    /// the task failed with, if it had ended by itself. Stopping it again does nothing.
    pub async fn stop(&self) -> SpecResult {
        if let Some(handle) = self.handle.borrow().as_ref() {
            handle.abort();
        }
        self.join().await
    }

    /// Waits until the task ends by itself.
    pub async fn join(&self) -> SpecResult {
        let Some(handle) = self.handle.borrow_mut().take() else { return Ok(()) };
        match handle.await {
            Ok(result) => result.map_err(|failure| failure.during(&format!("task {:?}", self.name))),
            Err(error) => self.ended_abnormally(error),
        }
    }

    /// Whether the task has ended.
    pub fn is_finished(&self) -> bool {
        self.handle.borrow().as_ref().is_none_or(JoinHandle::is_finished)
    }

    fn ended_abnormally(&self, error: JoinError) -> SpecResult {
        match error.try_into_panic() {
            Ok(payload) => Err(panics::failure(&*payload).during(&format!("task {:?}", self.name))),
            Err(_cancelled) => Ok(()),
        }
    }
}
