//! Installation of Debian packages by mmdebstrap: a root file system as a tar stream.
//!
//! It knows mmdebstrap's arguments and how to end it: politely, so that it removes the folder that it works in.

use std::ffi::OsString;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, ChildStdout, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use bytes::Bytes;
use tokio::sync::mpsc;

use super::error::NodeImageError;
use super::recipe::SUITE;
use crate::docker::DiskFull;

/// Names a file of apt sources for the packages, instead of this machine's.
const SOURCES_VARIABLE: &str = "SEATRIAL_APT_SOURCES";

/// Package sources of a Debian machine.
const SOURCES: [&str; 2] = ["/etc/apt/sources.list.d/debian.sources", "/etc/apt/sources.list"];

/// Packages to install, and mmdebstrap's variant.
#[derive(Clone, Debug)]
pub(super) struct Debian {
    /// mmdebstrap's variant: `minbase` is a system, `extract` nothing but the packages' files.
    pub(super) variant: &'static str,
    pub(super) packages: &'static [&'static str],
    pub(super) architecture: String,
}

/// The apt sources to use: those that somebody named, this machine's if they are of the right release, or the mirror
/// that mmdebstrap knows.
pub(super) fn sources() -> Option<PathBuf> {
    let named = std::env::var_os(SOURCES_VARIABLE).filter(|path| !path.is_empty()).map(PathBuf::from);
    named.or_else(|| SOURCES.iter().map(PathBuf::from).find(|path| is_of_suite(path)))
}

fn is_of_suite(path: &Path) -> bool {
    let text = fs::read_to_string(path).unwrap_or_default();
    let words = |line: &str| line.split_whitespace().any(|word| word == SUITE);
    text.lines()
        .map(str::trim_start)
        .any(|line| (line.starts_with("Suites:") || line.starts_with("deb ")) && words(line))
}

impl Debian {
    /// mmdebstrap's arguments; the result goes to standard output.
    pub(super) fn arguments(&self, sources: Option<&Path>) -> Vec<OsString> {
        let mut arguments: Vec<OsString> = vec![
            format!("--variant={}", self.variant).into(),
            format!("--architectures={}", self.architecture).into(),
            format!("--include={}", self.packages.join(",")).into(),
            // Documentation is of no use in a node; the licences stay.
            "--dpkgopt=path-exclude=/usr/share/man/*".into(),
            "--dpkgopt=path-exclude=/usr/share/locale/*".into(),
            "--dpkgopt=path-exclude=/usr/share/doc/*".into(),
            "--dpkgopt=path-include=/usr/share/doc/*/copyright".into(),
            "--format=tar".into(),
            SUITE.into(),
            "-".into(),
        ];
        arguments.extend(sources.map(OsString::from));
        arguments
    }

    /// Starts it. The stream ends without an error only if mmdebstrap ended well.
    pub(super) fn start(&self) -> Result<Installation, NodeImageError> {
        let mut command = Command::new("mmdebstrap");
        command.args(self.arguments(sources().as_deref()));
        Installation::start(command)
    }
}

/// A running mmdebstrap. It ends with this, and has tidied up before this is gone.
#[derive(Debug)]
pub(super) struct Installation {
    state: Arc<InstallationState>,
    chunks: mpsc::Receiver<std::io::Result<Bytes>>,
    threads: Vec<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct InstallationState {
    /// The process, until it was waited for.
    child: Mutex<Option<Child>>,
    /// Its last lines.
    tail: Mutex<Vec<String>>,
}

impl Installation {
    fn start(mut command: Command) -> Result<Self, NodeImageError> {
        // A group of its own, so that what it has started can be ended with it.
        command.process_group(0).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child =
            command.spawn().map_err(|error| NodeImageError::NoMmdebstrap { reason: error.to_string() })?;
        let stdout = child.stdout.take().expect("the child's output was asked for");
        let stderr = child.stderr.take().expect("the child's complaints were asked for");
        let state =
            Arc::new(InstallationState { child: Mutex::new(Some(child)), ..InstallationState::default() });
        let (sender, chunks) = mpsc::channel(8);
        let listening = Arc::clone(&state);
        let reading = Arc::clone(&state);
        let listener = std::thread::spawn(move || listening.listen(stderr));
        let reader = std::thread::spawn(move || reading.read(stdout, &sender));
        Ok(Self { state, chunks, threads: vec![listener, reader] })
    }

    /// The next piece of the root file system.
    pub(super) async fn next(&mut self) -> Option<std::io::Result<Bytes>> {
        self.chunks.recv().await
    }

    /// Source of its last lines.
    pub(super) fn complaint(&self) -> InstallationErrors {
        InstallationErrors(Arc::clone(&self.state))
    }
}

impl Drop for Installation {
    fn drop(&mut self) {
        self.chunks.close();
        self.state.end();
        for thread in self.threads.drain(..) {
            // A thread that panicked has said so; there is nothing else to do about it here.
            let _ = thread.join();
        }
    }
}

/// Last messages of mmdebstrap.
#[derive(Clone, Debug)]
pub(super) struct InstallationErrors(Arc<InstallationState>);

impl InstallationErrors {
    /// The error that its words make, if it ended badly.
    pub(super) fn error(&self) -> NodeImageError {
        let tail = self.0.tail.lock().expect("nobody panics with this lock").join("\n    ");
        if let Some(full) = DiskFull::recognise("mmdebstrap", &tail) {
            return full.into();
        }
        let next = if tail.contains("NO_PUBKEY") || tail.contains("is not signed") {
            "apt-get install debian-archive-keyring"
        } else if tail.contains("Could not resolve")
            || tail.contains("Failed to fetch")
            || tail.contains("Could not connect")
        {
            "let this machine reach a Debian mirror, or name a file of apt sources that it can reach in SEATRIAL_APT_SOURCES"
        } else {
            "run `mmdebstrap bookworm /tmp/try.tar` by hand to see more"
        };
        let reason = if tail.is_empty() { "it said nothing".to_owned() } else { tail };
        NodeImageError::Debian { reason, next }
    }
}

impl InstallationState {
    fn listen(&self, stderr: ChildStderr) {
        const KEPT: usize = 6;
        for line in BufReader::new(stderr).lines().map_while(Result::ok) {
            let mut tail = self.tail.lock().expect("nobody panics with this lock");
            if !line.trim().is_empty() && !line.starts_with("I: ") {
                tail.push(line);
            }
            if tail.len() > KEPT {
                tail.remove(0);
            }
        }
    }

    fn read(&self, mut stdout: ChildStdout, sender: &mpsc::Sender<std::io::Result<Bytes>>) {
        let mut buffer = vec![0; 1 << 18];
        loop {
            let chunk = match stdout.read(&mut buffer) {
                Ok(0) => break,
                Ok(read) => Ok(Bytes::copy_from_slice(&buffer[..read])),
                Err(error) => Err(error),
            };
            let failed = chunk.is_err();
            // Nobody wants the rest: its end is near.
            if sender.blocking_send(chunk).is_err() || failed {
                return;
            }
        }
        let child = self.child.lock().expect("nobody panics with this lock").take();
        // Whoever ends it has taken it, and needs no verdict.
        let Some(mut child) = child else { return };
        let verdict = match child.wait() {
            Ok(status) if status.success() => return,
            Ok(status) => std::io::Error::other(format!("mmdebstrap ended with {status}")),
            Err(error) => error,
        };
        let _ = sender.blocking_send(Err(verdict));
    }

    /// Asks it and all that it has started to end, and waits until it has.
    fn end(&self) {
        let child = self.child.lock().expect("nobody panics with this lock").take();
        let Some(mut child) = child else { return };
        let group = rustix::process::Pid::from_child(&child);
        // One that has ended already is what is wanted.
        let _ = rustix::process::kill_process_group(group, rustix::process::Signal::TERM);
        let _ = child.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn run(script: &str) -> (Vec<u8>, Option<String>) {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        let mut installation = Installation::start(command).unwrap();
        let (mut bytes, mut error) = (Vec::new(), None);
        while let Some(chunk) = installation.next().await {
            match chunk {
                Ok(chunk) => bytes.extend_from_slice(&chunk),
                Err(failed) => error = Some(failed.to_string()),
            }
        }
        let complaint = installation.complaint();
        drop(installation);
        (bytes, error.map(|error| format!("{error}: {}", complaint.error())))
    }

    #[tokio::test]
    async fn written_chunks_are_passed_on_until_the_end() {
        let (bytes, error) = run("head -c 700000 /dev/zero").await;
        assert_eq!((bytes.len(), error), (700_000, None));
    }

    #[tokio::test]
    async fn a_stream_that_looks_whole_fails_if_the_program_failed() {
        let (bytes, error) = run("echo whole; echo 'E: Failed to fetch http://deb' >&2; exit 3").await;
        assert_eq!(bytes, b"whole\n");
        let error = error.unwrap();
        assert!(error.contains("exit status: 3"), "{error}");
        assert!(
            error.contains("Failed to fetch http://deb") && error.contains("reach a Debian mirror"),
            "{error}"
        );
    }

    #[tokio::test]
    async fn dropping_it_ends_it_politely_and_waits_for_that() {
        let folder = tempfile::tempdir().unwrap();
        let tidied = folder.path().join("tidied");
        let mut command = Command::new("bash");
        // It writes once it is ready, and tidies up when it is told to end.
        let script = format!(
            "trap 'touch {}; exit 1' TERM; echo ready; while :; do read -t 1 x; done",
            tidied.display()
        );
        command.args(["-c", &script]);
        let mut installation = Installation::start(command).unwrap();
        assert_eq!(installation.next().await.unwrap().unwrap(), "ready\n");
        drop(installation);
        assert!(tidied.exists(), "it was gone before it had tidied up");
    }

    #[test]
    fn the_arguments_name_the_variant_the_packages_and_the_architecture() {
        let debian =
            Debian { variant: "extract", packages: &["catatonit", "iptables"], architecture: "arm64".into() };
        let arguments = debian.arguments(Some(Path::new("/etc/apt/sources.list")));
        let arguments: Vec<&str> = arguments.iter().map(|argument| argument.to_str().unwrap()).collect();
        assert!(arguments.contains(&"--variant=extract") && arguments.contains(&"--architectures=arm64"));
        assert!(arguments.contains(&"--include=catatonit,iptables"));
        assert_eq!(arguments[arguments.len() - 3..], ["bookworm", "-", "/etc/apt/sources.list"]);
    }

    #[test]
    fn package_sources_of_other_releases_are_ignored() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sources");
        let check = |text: &str, right: bool| {
            fs::write(&path, text).unwrap();
            assert_eq!(is_of_suite(&path), right, "{text}");
        };
        check("Types: deb\nSuites: bookworm bookworm-updates\n", true);
        check("deb http://deb.debian.org/debian bookworm main\n", true);
        check("Types: deb\nSuites: trixie\n", false);
        check(
            "# deb http://deb.debian.org/debian bookworm main\ndeb http://deb.debian.org/debian trixie main\n",
            false,
        );
    }
}
