//! Children never outlive their parent, however it ends.
//!
//! The parent is the example `control_plane` in the middle of a start: its etcd is a script that writes its process id and
//! sleeps. The tests with the feature `real` do the same with real processes.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::{Child, Stdio},
};

use rstest::rstest;
use rustix::process::Signal;

use crate::{
    examples,
    process_end::{ParentEnd, assert_ended, is_running, wait_until},
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
#[case::normal_end(ParentEnd::Command("stop"))]
#[case::exit(ParentEnd::Command("exit"))]
#[case::panic(ParentEnd::Command("panic"))]
#[case::abort(ParentEnd::Command("abort"))]
#[case::interrupt(ParentEnd::Signal(Signal::INT))]
#[case::termination(ParentEnd::Signal(Signal::TERM))]
fn no_child_survives_a_parent_that_ends_by(#[case] ending: ParentEnd) {
    let home = tempfile::tempdir().unwrap();
    let (mut parent, pid) = start(home.path());
    assert!(is_running(pid));
    ending.apply(&mut parent);
    assert_ended(&[pid]);
}

#[test]
fn no_child_survives_kill_9_and_the_next_start_removes_the_folder() {
    let home = tempfile::tempdir().unwrap();
    let folders = || fs::read_dir(home.path().join("tmp")).unwrap().count();
    let (mut parent, pid) = start(home.path());
    ParentEnd::Signal(Signal::KILL).apply(&mut parent);
    assert_ended(&[pid]);
    assert_eq!(folders(), 1, "the killed process left its folder");
    let (mut parent, pid) = start(home.path());
    assert_eq!(folders(), 1, "the old folder is removed, the new one is there");
    ParentEnd::Command("stop").apply(&mut parent);
    assert_ended(&[pid]);
    assert_eq!(folders(), 0);
}
