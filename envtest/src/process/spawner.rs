//! The one thread that starts children.
//!
//! Linux sends a child its parent-death signal when the *thread* that forked it ends, not when the process does. A
//! test's thread ends with the test, so children are forked from a thread that lives as long as the process. It runs
//! closures one after the other and knows nothing of what they start.

use std::{
    sync::{
        OnceLock,
        mpsc::{self, Sender},
    },
    thread,
};

type Job = Box<dyn FnOnce() + Send>;

/// Runs a closure on the permanent thread and returns its result. It blocks for as long as a fork takes.
pub(crate) fn run<T: Send + 'static>(job: impl FnOnce() -> T + Send + 'static) -> T {
    let (answer, result) = mpsc::channel();
    let job: Job = Box::new(move || {
        // The receiver below waits for this answer, so nobody can have dropped it.
        let _ = answer.send(job());
    });
    jobs().send(job).expect("the spawning thread lives as long as the process");
    result.recv().expect("the spawning thread answers each job")
}

fn jobs() -> Sender<Job> {
    static JOBS: OnceLock<Sender<Job>> = OnceLock::new();
    JOBS.get_or_init(|| {
        let (jobs, queue) = mpsc::channel::<Job>();
        thread::Builder::new()
            .name("seatrial-spawner".to_owned())
            .spawn(move || queue.into_iter().for_each(|job| job()))
            .expect("a thread can be started");
        jobs
    })
    .clone()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_job_runs_on_the_same_thread_whoever_asks() {
        let ids: Vec<_> =
            (0..4).map(|_| thread::spawn(|| run(|| thread::current().id())).join().unwrap()).collect();
        assert!(ids.iter().all(|id| *id == ids[0] && *id != thread::current().id()));
    }
}
