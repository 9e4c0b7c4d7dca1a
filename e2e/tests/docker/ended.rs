//! Runs on tier `kind` that are ended by SIGTERM: in the middle of the cluster's create, and in the middle of a spec.

use std::io::{BufRead as _, BufReader};
use std::process::Child;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use seatrial_e2e::kind::Home;

use crate::program::suite;
use crate::surroundings::{CLUSTER, REAPING, docker, files, home, left_of};

/// A run that a failing test does not leave behind.
struct Run(Child);

impl Drop for Run {
    fn drop(&mut self) {
        // Of one that has ended there is nothing to kill.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn run(home: &Home) -> Run {
    let mut program = suite("interrupted").env("SEATRIAL_TIER", "kind").arg("is kept");
    program = program.env("SEATRIAL_KIND_HOME", home.path()).env("SEATRIAL_KIND_NODES", "1");
    if let Some(image) = std::env::var_os("SEATRIAL_NODE_IMAGE") {
        program = program.env("SEATRIAL_NODE_IMAGE", image);
    }
    Run(program.start())
}

fn terminate(run: &Run) {
    let pid = Pid::from_raw(i32::try_from(run.0.id()).unwrap()).unwrap();
    kill_process(pid, Signal::TERM).unwrap();
}

/// The cluster of a run, by its lease.
fn cluster(home: &Home) -> Option<String> {
    files(home).into_iter().find_map(|file| file.strip_suffix(".lease").map(str::to_owned))
}

#[tokio::test]
async fn a_run_that_is_ended_while_its_cluster_is_made_leaves_nothing_of_it() {
    let _alone = REAPING.lock().await;
    let (_folder, home) = home();
    let mut child = run(&home);
    let deadline = Instant::now() + Duration::from_secs(300);
    let name = loop {
        let name = cluster(&home);
        let filter = |name: &String| format!("label={CLUSTER}={name}");
        if let Some(name) =
            name.filter(|name| !docker(&["ps", "--quiet", "--filter", &filter(name)]).is_empty())
        {
            break name;
        }
        assert!(Instant::now() < deadline, "no container came up");
        assert_eq!(child.0.try_wait().unwrap(), None, "the run ended before it had a container");
        // Docker is asked again, but not all the time: the one who makes the cluster needs the machine, too.
        std::thread::park_timeout(Duration::from_millis(100));
    };
    terminate(&child);
    let told: Vec<_> = BufReader::new(child.0.stderr.take().unwrap()).lines().map(Result::unwrap).collect();
    assert_eq!(child.0.wait().unwrap().code(), Some(143), "{told:?}");
    assert_eq!(left_of(&home, &name), Vec::<String>::new(), "{told:?}");
}

#[tokio::test]
async fn a_run_that_is_ended_in_a_spec_removes_its_cluster() {
    let _alone = REAPING.lock().await;
    let (_folder, home) = home();
    let mut child = run(&home);
    let (mut name, mut told) = (None, Vec::new());
    for line in BufReader::new(child.0.stderr.take().unwrap()).lines().map(Result::unwrap) {
        if line == "told is kept: waits" {
            name = cluster(&home);
            terminate(&child);
        }
        told.push(line);
    }
    let name = name.unwrap_or_else(|| panic!("the spec did not begin: {told:?}"));
    assert_eq!(child.0.wait().unwrap().code(), Some(143), "{told:?}");
    assert!(told.contains(&"told is kept: deferred".to_owned()), "{told:?}");
    assert_eq!(left_of(&home, &name), Vec::<String>::new(), "{told:?}");
}
