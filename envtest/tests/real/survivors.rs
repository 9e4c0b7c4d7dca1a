//! A real control plane never outlives the process that started it.

use std::{
    fs::File,
    io::{BufRead as _, BufReader, Read as _, Seek as _},
    process::{Command, Stdio},
};

use rstest::rstest;
use rustix::process::Signal;

use crate::{
    ending::{Ending, assert_gone, runs},
    examples,
};

/// What a parent says on standard error (a panic on purpose, too) is kept, and told at the end as the test's own output,
/// which nobody sees of a test that passes.
struct Complaints(File);

impl Complaints {
    fn of(command: &mut Command) -> Self {
        let file = tempfile::tempfile().unwrap();
        command.stderr(file.try_clone().unwrap());
        Self(file)
    }
}

impl Drop for Complaints {
    fn drop(&mut self) {
        let mut text = String::new();
        let read = self.0.rewind().and_then(|()| self.0.read_to_string(&mut text));
        eprintln!("the parent said ({read:?}):\n{text}");
    }
}

#[rstest]
#[case::normal_end(Ending::Word("stop"))]
#[case::panic(Ending::Word("panic"))]
#[case::interrupt(Ending::Signal(Signal::INT))]
#[case::termination(Ending::Signal(Signal::TERM))]
#[case::kill_9(Ending::Signal(Signal::KILL))]
fn no_server_survives_a_parent_that_ends_by(#[case] ending: Ending) {
    let mut command = examples::command("control_plane");
    command.args(["1.37", "namespace-controller"]);
    command.envs(std::env::vars()).stdin(Stdio::piped()).stdout(Stdio::piped());
    let _complaints = Complaints::of(&mut command);
    let mut parent = command.spawn().unwrap();
    // It is kept until the end: a parent that prints into a closed pipe would die of that.
    let mut lines = BufReader::new(parent.stdout.take().unwrap()).lines().map(Result::unwrap);
    let pids: Vec<u32> = lines
        .by_ref()
        .take_while(|line| !line.starts_with("apiVersion"))
        .map(|line| line.split_once(' ').unwrap().1.parse().unwrap())
        .collect();
    assert_eq!(pids.len(), 3, "kube-controller-manager, kube-apiserver and etcd");
    assert!(pids.iter().all(|pid| runs(*pid)));
    ending.inflict(&mut parent);
    assert_gone(&pids);
}
