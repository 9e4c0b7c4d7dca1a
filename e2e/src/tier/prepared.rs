//! A value that a tier creates once for all specs of a process.

use std::sync::{Mutex, MutexGuard};

use crate::tier::TierError;

/// Something that is there from the first spec's preparation on.
pub(crate) struct Prepared<T> {
    tier: &'static str,
    // Held while it starts: specs that begin at the same time wait for the first one.
    state: Mutex<StartState<T>>,
}

enum StartState<T> {
    Idle,
    Running(T),
    /// Told to every spec; a start that failed once is not tried again.
    Failed(String),
}

impl<T> Prepared<T> {
    /// Nothing yet, for a tier of this name.
    pub(crate) fn nothing(tier: &'static str) -> Self {
        Self { tier, state: Mutex::new(StartState::Idle) }
    }

    fn state(&self) -> MutexGuard<'_, StartState<T>> {
        self.state.lock().expect("nobody panics while a tier starts or stops")
    }

    /// Starts it, unless that was done before.
    pub(crate) fn prepare(&self, start: impl FnOnce() -> Result<T, String>) -> Result<(), TierError> {
        let mut state = self.state();
        if matches!(*state, StartState::Idle) {
            *state = start().map_or_else(StartState::Failed, StartState::Running);
        }
        match &*state {
            StartState::Failed(message) => Err(TierError::new(self.tier, message)),
            _ => Ok(()),
        }
    }

    /// Looks at it, after it was prepared.
    pub(crate) fn look<R>(&self, look: impl FnOnce(&T) -> R) -> Result<R, TierError> {
        match &*self.state() {
            StartState::Running(running) => Ok(look(running)),
            StartState::Failed(message) => Err(TierError::new(self.tier, message)),
            StartState::Idle => unreachable!("a tier is prepared before it is connected to"),
        }
    }

    /// Takes it out, if it runs, for its end.
    pub(crate) fn take(&self) -> Option<T> {
        match std::mem::replace(&mut *self.state(), StartState::Idle) {
            StartState::Running(running) => Some(running),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn start_runs_once_and_its_failure_is_reported_to_every_spec() {
        let good = Prepared::nothing("x");
        good.prepare(|| Ok(7)).unwrap();
        good.prepare(|| panic!("it runs already")).unwrap();
        assert_eq!(good.look(|number| *number).unwrap(), 7);
        assert_eq!((good.take(), good.take()), (Some(7), None));
        let bad = Prepared::<u8>::nothing("x");
        for _ in 0..2 {
            let error = bad.prepare(|| Err("no wind".into())).unwrap_err();
            assert_eq!(error.to_string(), "tier x: no wind");
        }
        assert!(bad.prepare(|| panic!("it is not tried again")).is_err() && bad.look(|_| ()).is_err());
    }
}
