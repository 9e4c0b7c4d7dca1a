//! Tasks beside a spec, which end with it: an operator, a webhook server, load.
//!
//! A task lives on the spec's own thread and is stopped and joined at its end, after the namespace is
//! gone, so that an operator can still release what it holds. A task that failed or panicked fails the
//! spec even when nobody looked.

use std::any::Any;
use std::cell::RefCell;
use std::error::Error;
use std::fmt::Display;
use std::future::Future;
use std::panic::Location;
use std::rc::Rc;

use tokio::task::{JoinError, JoinHandle};

use crate::context::panics;
use crate::failure::{Failure, SpecResult, sentence};

/// A running task of a spec, made by [`Cx::spawn`](crate::Cx::spawn).
#[derive(Clone)]
pub struct Task {
    name: Rc<str>,
    handle: Rc<RefCell<Option<JoinHandle<SpecResult>>>>,
}

/// The output of work that [`Cx::spawn`](crate::Cx::spawn) takes: `()`, or a `Result` with an error that can be
/// displayed, such as [`Failure`], `anyhow::Error` or an operator's own.
pub trait TaskOutput {
    /// The failure, if the work failed; `place` is the line that spawned it.
    #[doc(hidden)]
    fn into_result(self, place: &'static Location<'static>) -> SpecResult;
}

impl TaskOutput for () {
    fn into_result(self, _place: &'static Location<'static>) -> SpecResult {
        Ok(())
    }
}

impl<E: Display + 'static> TaskOutput for Result<(), E> {
    fn into_result(self, place: &'static Location<'static>) -> SpecResult {
        let Err(error) = self else { return Ok(()) };
        let any: &dyn Any = &error;
        if let Some(failure) = any.downcast_ref::<Failure>() {
            return Err(failure.clone());
        }
        let text = if let Some(error) = any.downcast_ref::<kube::Error>() {
            sentence(error)
        } else if let Some(error) = any.downcast_ref::<Box<dyn Error + Send + Sync>>() {
            sentence(&**error)
        } else {
            // The alternate form of anyhow's errors has their causes.
            format!("{error:#}")
        };
        Err(Failure::at(text, place))
    }
}

impl Task {
    pub(crate) fn spawn<F>(name: &str, work: F, place: &'static Location<'static>) -> Self
    where
        F: Future<Output: TaskOutput> + 'static,
    {
        let handle = tokio::task::spawn_local(async move { work.await.into_result(place) });
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

    /// True if the task has ended.
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

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(output: impl TaskOutput) -> String {
        output.into_result(Location::caller()).unwrap_err().message().to_owned()
    }

    #[test]
    fn work_may_end_with_nothing_or_with_any_error_that_can_be_displayed() {
        ().into_result(Location::caller()).unwrap();
        Ok::<_, String>(()).into_result(Location::caller()).unwrap();
        assert_eq!(failure(Err("no water")), "no water");
        assert_eq!(failure(Err(Failure::new("no water").during("pumping"))), "pumping: no water");
        let boxed: Box<dyn Error + Send + Sync> = "no water".into();
        assert_eq!(failure(Err(boxed)), "no water");
        assert_eq!(failure(Err(anyhow::anyhow!("no water").context("pumping"))), "pumping: no water");
    }
}
