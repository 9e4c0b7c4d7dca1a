//! A child never outlives its parent, however that one ends.
//!
//! The parent is the example `control_plane`; its etcd is a script that says who it is and then does nothing, so the
//! parent is caught in the middle of a start. The same with real processes is in the tests with the feature `real`.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::{Child, Stdio},
};

use rstest::rstest;
use rustix::process::Signal;

use crate::{
    ending::{Ending, assert_gone, runs, wait_until},
    examples,
};

fn script(path: &Path, text: &str) {
    fs::write(path, format!("#!/bin/sh\n{text}\n")).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

/// Starts a parent and waits for its child.
fn start(home: &Path) -> (Child, u32) {
    let pid = home.join("pid");
    let _ = fs::remove_file(&pid);
    let etcd = "echo $$ >PID.new; mv PID.new PID; exec sleep 1000";
    script(&home.join("etcd"), &etcd.replace("PID", pid.to_str().unwrap()));
    script(&home.join("kube-apiserver"), "echo Kubernetes v1.37.2");
    let temporary = home.join("tmp");
    fs::create_dir_all(&temporary).unwrap();
    let mut command = examples::command("control_plane");
    command.env("KUBEBUILDER_ASSETS", home).env("HOME", home).env("TMPDIR", temporary);
    let mut parent =
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let text = wait_until("etcd runs", || {
        assert_eq!(parent.try_wait().unwrap(), None, "the parent ended too early");
        fs::read_to_string(&pid).ok()
    });
    (parent, text.trim().parse().unwrap())
}

#[rstest]
#[case::normal_end(Ending::Word("stop"))]
#[case::exit(Ending::Word("exit"))]
#[case::panic(Ending::Word("panic"))]
#[case::abort(Ending::Word("abort"))]
#[case::interrupt(Ending::Signal(Signal::INT))]
#[case::termination(Ending::Signal(Signal::TERM))]
fn nothing_survives_a_parent_that_ends_by(#[case] ending: Ending) {
    let home = tempfile::tempdir().unwrap();
    let (mut parent, pid) = start(home.path());
    assert!(runs(pid));
    ending.inflict(&mut parent);
    assert_gone(&[pid]);
}

#[test]
fn nothing_survives_kill_9_and_the_next_start_removes_the_folder() {
    let home = tempfile::tempdir().unwrap();
    let folders = || fs::read_dir(home.path().join("tmp")).unwrap().count();
    let (mut parent, pid) = start(home.path());
    Ending::Signal(Signal::KILL).inflict(&mut parent);
    assert_gone(&[pid]);
    assert_eq!(folders(), 1, "nobody could remove it");
    let (mut parent, pid) = start(home.path());
    assert_eq!(folders(), 1, "the old one is swept, the new one is there");
    Ending::Word("stop").inflict(&mut parent);
    assert_gone(&[pid]);
    assert_eq!(folders(), 0);
}
