//! A real control plane never outlives the process that started it.

use std::{
    io::{BufRead as _, BufReader},
    process::Stdio,
};

use rstest::rstest;
use rustix::process::Signal;

use crate::{
    ending::{Ending, assert_gone, runs},
    examples,
};

#[rstest]
#[case::normal_end(Ending::Word("stop"))]
#[case::panic(Ending::Word("panic"))]
#[case::interrupt(Ending::Signal(Signal::INT))]
#[case::termination(Ending::Signal(Signal::TERM))]
#[case::kill_9(Ending::Signal(Signal::KILL))]
fn no_server_survives_a_parent_that_ends_by(#[case] ending: Ending) {
    let mut command = examples::command("control_plane");
    command.envs(std::env::vars()).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut parent = command.spawn().unwrap();
    // It is kept until the end: a parent that prints into a closed pipe would die of that.
    let mut lines = BufReader::new(parent.stdout.take().unwrap()).lines().map(Result::unwrap);
    let pids: Vec<u32> = lines
        .by_ref()
        .take_while(|line| !line.starts_with("apiVersion"))
        .map(|line| line.split_once(' ').unwrap().1.parse().unwrap())
        .collect();
    assert_eq!(pids.len(), 2, "etcd and kube-apiserver");
    assert!(pids.iter().all(|pid| runs(*pid)));
    ending.inflict(&mut parent);
    assert_gone(&pids);
}
