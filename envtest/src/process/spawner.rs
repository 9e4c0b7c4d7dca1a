//! The permanent thread that forks all children.
//!
//! Linux sends the parent-death signal when the forking *thread* ends. A test's thread ends with the test, so children are
//! forked on a thread that lives as long as the process.

use std::{
    sync::{
        OnceLock,
        mpsc::{self, Sender},
    },
    thread,
};

type Job = Box<dyn FnOnce() + Send>;

/// Runs a closure on the permanent thread and returns its result.
pub(crate) fn run<T: Send + 'static>(job: impl FnOnce() -> T + Send + 'static) -> T {
    let (sender, result) = mpsc::channel();
    let job: Job = Box::new(move || {
        // The receiver below waits for the result, so it is not dropped.
        let _ = sender.send(job());
    });
    jobs().send(job).expect("the spawning thread lives as long as the process");
    result.recv().expect("the spawning thread runs each job")
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
    fn all_jobs_run_on_the_same_thread() {
        let ids: Vec<_> =
            (0..4).map(|_| thread::spawn(|| run(|| thread::current().id())).join().unwrap()).collect();
        assert!(ids.iter().all(|id| *id == ids[0] && *id != thread::current().id()));
    }
}
