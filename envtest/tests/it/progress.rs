//! The output of progress: a progress bar on a terminal, plain lines elsewhere.

use std::{
    fs::File,
    io::Read as _,
    os::fd::OwnedFd,
    process::{Child, Stdio},
};

use rustix::{
    fs::{Mode, OFlags},
    io::{FdFlags, fcntl_setfd},
    pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt},
};

use crate::{downloads::Machine, examples};

/// Downloads from a slow server, with this for standard error.
fn download(machine: &Machine, stderr: Stdio) -> Child {
    let mut command = examples::command("resolve");
    command.arg("1.37").envs(machine.variables()).env("TERM", "xterm");
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(stderr).spawn().unwrap()
}

/// The two ends of a terminal: a person's, and a program's.
fn terminal() -> (File, OwnedFd) {
    let person = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&person).unwrap();
    unlockpt(&person).unwrap();
    // A program of another test that had it, too, would keep it open.
    fcntl_setfd(&person, FdFlags::CLOEXEC).unwrap();
    let name = ptsname(&person, Vec::new()).unwrap();
    let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
    let program = rustix::fs::open(name, flags, Mode::empty()).unwrap();
    (File::from(person), program)
}

/// All that comes out of a terminal until its last program is gone, which Linux tells by an error.
fn shown(mut terminal: File) -> String {
    let (mut text, mut chunk) = (Vec::new(), [0; 4096]);
    while let Ok(length @ 1..) = terminal.read(&mut chunk) {
        text.extend_from_slice(&chunk[..length]);
    }
    String::from_utf8_lossy(&text).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_terminal_shows_a_progress_bar() {
    let machine = Machine::slow().await;
    let (person, program) = terminal();
    let mut child = download(&machine, program.into());
    let shown = tokio::task::spawn_blocking(move || shown(person)).await.unwrap();
    assert!(child.wait().unwrap().success(), "{shown}");
    let (moving, last) = shown.split_once("seatrial: ").expect("a last line");
    // Bytes of how many, and the way back to the line's start: a plain line has neither.
    assert!(moving.contains("downloading envtest-v1.37.2") && moving.contains("KiB/"), "{shown:?}");
    assert!(moving.contains('\r') && moving.contains("\x1b["), "{shown:?}");
    assert!(last.contains(": done in "), "{shown:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_terminal_start_and_end_are_plain_lines() {
    let machine = Machine::slow().await;
    let child = download(&machine, Stdio::piped());
    let output = tokio::task::spawn_blocking(|| child.wait_with_output().unwrap()).await.unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 2, "{text:?}");
    assert!(
        lines[0].starts_with("seatrial: downloading envtest-v1.37.2") && lines[0].ends_with('…'),
        "{text:?}"
    );
    assert!(lines[1].contains(": done in "), "{text:?}");
    assert!(!text.contains(['\r', '\x1b']), "{text:?}");
}
