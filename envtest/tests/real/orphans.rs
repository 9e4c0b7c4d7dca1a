//! Real control planes never outlive the process that started them.

use std::{
    fs::File,
    io::{BufRead as _, BufReader, Read as _, Seek as _},
    process::{Command, Stdio},
};

use rstest::rstest;
use rustix::process::Signal;

use crate::{
    examples,
    process_end::{ParentEnd, assert_ended, is_running},
};

/// The standard error of a parent, printed on drop as the output of the test, which is only shown if the test fails.
struct ParentStderr(File);

impl ParentStderr {
    fn of(command: &mut Command) -> Self {
        let file = tempfile::tempfile().unwrap();
        command.stderr(file.try_clone().unwrap());
        Self(file)
    }
}

impl Drop for ParentStderr {
    fn drop(&mut self) {
        let mut text = String::new();
        let read = self.0.rewind().and_then(|()| self.0.read_to_string(&mut text));
        eprintln!("the parent said ({read:?}):\n{text}");
    }
}

#[rstest]
#[case::normal_end(ParentEnd::Command("stop"))]
#[case::panic(ParentEnd::Command("panic"))]
#[case::interrupt(ParentEnd::Signal(Signal::INT))]
#[case::termination(ParentEnd::Signal(Signal::TERM))]
#[case::kill_9(ParentEnd::Signal(Signal::KILL))]
fn no_server_survives_a_parent_that_ends_by(#[case] ending: ParentEnd) {
    let mut command = examples::command("control_plane");
    command.args(["1.37", "namespace-controller"]);
    command.envs(std::env::vars()).stdin(Stdio::piped()).stdout(Stdio::piped());
    let _complaints = ParentStderr::of(&mut command);
    let mut parent = command.spawn().unwrap();
    // Kept until the end: the parent would fail to print into a closed pipe.
    let mut lines = BufReader::new(parent.stdout.take().unwrap()).lines().map(Result::unwrap);
    let pids: Vec<u32> = lines
        .by_ref()
        .take_while(|line| !line.starts_with("apiVersion"))
        .map(|line| line.split_once(' ').unwrap().1.parse().unwrap())
        .collect();
    assert_eq!(pids.len(), 3, "kube-controller-manager, kube-apiserver and etcd");
    assert!(pids.iter().all(|pid| is_running(*pid)));
    ending.apply(&mut parent);
    assert_ended(&pids);
}
