//! One child process: started, watched, stopped, reaped.
//!
//! It knows processes, groups and log files; it does not know what the program is for.

use std::{
    ffi::OsString,
    fs, io,
    path::{Path, PathBuf},
    process::{Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

use rustix::process::Signal;

use super::{
    guard::{self, Guard, Guarded},
    spawner,
};

/// What to start.
#[derive(Debug, Clone)]
pub struct Spec {
    /// What messages call it.
    pub name: &'static str,
    /// The program's path.
    pub program: PathBuf,
    /// Its arguments.
    pub args: Vec<OsString>,
    /// All of its environment; see [`bare_environment`].
    pub env: Vec<(OsString, OsString)>,
    /// Working directory.
    pub dir: PathBuf,
    /// Receives standard output and standard error; truncated at start.
    pub log: PathBuf,
}

/// A running child. Dropping it kills it and its group and waits until it is gone.
#[derive(Debug)]
pub struct Child {
    name: &'static str,
    log: PathBuf,
    guarded: Guarded,
    exited: Option<ExitStatus>,
}

/// Where to find things and nothing else: etcd reads each of its flags from a variable too, and Go programs others, so
/// a caller's variables would change what they do.
pub fn bare_environment() -> Vec<(OsString, OsString)> {
    let variable = |name: &str| std::env::var_os(name).map(|value| (name.into(), value));
    ["PATH", "HOME", "TMPDIR", "LANG"].into_iter().filter_map(variable).collect()
}

/// A program that could not be started.
#[derive(Debug, thiserror::Error)]
#[error("cannot start {program}: {source}{}", advice(source))]
pub struct SpawnError {
    program: String,
    source: io::Error,
}

fn advice(error: &io::Error) -> &'static str {
    match error.raw_os_error().map(rustix::io::Errno::from_raw_os_error) {
        Some(rustix::io::Errno::NOEXEC) => {
            " (it was built for another platform: remove it, or name another folder)"
        }
        Some(rustix::io::Errno::ACCESS) => {
            " (its folder may be mounted noexec, or the file is not executable)"
        }
        Some(rustix::io::Errno::AGAIN) => " (the limit of processes is reached: see `ulimit -u`)",
        _ => "",
    }
}

impl Child {
    /// Starts a program.
    pub fn start(spec: &Spec) -> Result<Self, SpawnError> {
        Self::start_guarded(spec, Guard::of_this_platform())
    }

    fn start_guarded(spec: &Spec, guard: Guard) -> Result<Self, SpawnError> {
        let error = |source| SpawnError { program: spec.program.display().to_string(), source };
        let log = fs::File::create(&spec.log).map_err(error)?;
        let mut command = Command::new(&spec.program);
        command.args(&spec.args).current_dir(&spec.dir).env_clear().stdin(Stdio::null());
        command.envs(spec.env.iter().map(|(name, value)| (name, value)));
        command.stderr(log.try_clone().map_err(error)?).stdout(log);
        let guarded = spawner::run(move || guard::spawn(guard, command)).map_err(error)?;
        tracing::debug!(process = spec.name, pid = guarded.child.id(), "started");
        Ok(Self { name: spec.name, log: spec.log.clone(), guarded, exited: None })
    }

    pub(crate) fn name(&self) -> &'static str {
        self.name
    }

    /// Its process number.
    pub fn id(&self) -> u32 {
        self.guarded.child.id()
    }

    /// Where its output goes.
    pub fn log(&self) -> &Path {
        &self.log
    }

    /// The exit status, once there is one.
    pub fn try_exit(&mut self) -> Option<ExitStatus> {
        if self.exited.is_none() {
            self.exited = self.guarded.child.try_wait().expect("a child of ours can be waited for");
        }
        self.exited
    }

    /// Sends the signals only; [`Child::reap`] waits. Two steps, so that several children can die at the same time.
    pub(crate) fn kill(&mut self) {
        // Once the leader is reaped its group's number may belong to somebody else.
        if self.exited.is_none() {
            guard::kill_group(self.guarded.group, Signal::KILL);
        }
    }

    /// Asks the child to end. What does not end is left for [`Child::kill`].
    pub(crate) fn terminate(&mut self) {
        if self.exited.is_none() {
            // ESRCH is impossible while the child is not reaped; EPERM while it is ours.
            let _ = rustix::process::kill_process(
                rustix::process::Pid::from_child(&self.guarded.child),
                Signal::TERM,
            );
        }
    }

    /// Waits at most this long for the child to end by itself.
    pub(crate) fn wait_at_most(&mut self, patience: Duration) -> Option<ExitStatus> {
        let deadline = Instant::now() + patience;
        while self.try_exit().is_none() && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(5));
        }
        self.exited
    }

    /// Waits for a killed child, and its watchdog, to be gone.
    pub(crate) fn reap(&mut self) {
        if self.exited.is_none() {
            self.exited = Some(self.guarded.child.wait().expect("a child of ours can be waited for"));
        }
        if let Some(mut watchdog) = self.guarded.watchdog.take() {
            let _ = watchdog.kill();
            watchdog.wait().expect("a child of ours can be waited for");
        }
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.kill();
        self.reap();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use rustix::process::{Pid, test_kill_process};

    fn spec(dir: &Path, script: &str) -> Spec {
        Spec {
            name: "sh",
            program: "/bin/sh".into(),
            args: vec!["-c".into(), script.into()],
            env: bare_environment(),
            dir: dir.to_owned(),
            log: dir.join("log"),
        }
    }

    const GUARDS: [Guard; 2] = [Guard::of_this_platform(), Guard::Watchdog];

    fn gone(pid: u32) -> bool {
        test_kill_process(Pid::from_raw(pid.try_into().unwrap()).unwrap()).is_err()
    }

    #[rstest]
    fn a_dropped_child_is_gone(#[values(0, 1)] guard: usize) {
        let dir = tempfile::tempdir().unwrap();
        let child = Child::start_guarded(&spec(dir.path(), "exec sleep 1000"), GUARDS[guard]).unwrap();
        let watchdog = child.guarded.watchdog.as_ref().map(std::process::Child::id);
        let pid = child.id();
        assert!(!gone(pid));
        drop(child);
        assert!(gone(pid));
        assert!(watchdog.is_none_or(gone));
    }

    #[rstest]
    fn a_childs_own_children_die_with_it(#[values(0, 1)] guard: usize) {
        let dir = tempfile::tempdir().unwrap();
        let mut child =
            Child::start_guarded(&spec(dir.path(), "sleep 1000 & echo $!; wait"), GUARDS[guard]).unwrap();
        let grandchild = loop {
            if let Ok(pid) = fs::read_to_string(dir.path().join("log")).unwrap().trim().parse::<u32>() {
                break pid;
            }
            assert_eq!(child.try_exit(), None);
            std::thread::yield_now();
        };
        drop(child);
        // The kernel takes a moment to kill it, and init (or whoever adopts it) another one to reap it.
        let runs = || {
            if !cfg!(target_os = "linux") {
                return !gone(grandchild);
            }
            let stat = fs::read_to_string(format!("/proc/{grandchild}/stat")).unwrap_or_default();
            !(stat.is_empty() || stat.contains(") Z") || stat.contains(") X"))
        };
        let deadline = Instant::now() + Duration::from_secs(30);
        while runs() {
            assert!(Instant::now() < deadline, "{grandchild} still runs");
            std::thread::yield_now();
        }
    }

    #[rstest]
    fn an_ending_child_reports_its_status_and_log(#[values(0, 1)] guard: usize) {
        let dir = tempfile::tempdir().unwrap();
        let mut child =
            Child::start_guarded(&spec(dir.path(), "echo out; echo err >&2; exit 7"), GUARDS[guard]).unwrap();
        let status = child.wait_at_most(Duration::from_secs(30)).unwrap();
        assert_eq!(status.code(), Some(7));
        assert_eq!(fs::read_to_string(child.log()).unwrap(), "out\nerr\n");
    }

    #[test]
    fn a_child_that_is_asked_ends_by_itself() {
        let dir = tempfile::tempdir().unwrap();
        let mut child = Child::start(&spec(dir.path(), "exec sleep 1000")).unwrap();
        child.terminate();
        assert!(child.wait_at_most(Duration::from_secs(30)).is_some());
    }

    #[test]
    fn a_childs_environment_has_none_of_the_callers_variables() {
        let dir = tempfile::tempdir().unwrap();
        let mut child = Child::start(&spec(dir.path(), "env")).unwrap();
        child.wait_at_most(Duration::from_secs(30)).unwrap();
        // cargo sets CARGO_* for every test; etcd would read ETCD_* in the same way.
        assert!(!fs::read_to_string(child.log()).unwrap().contains("CARGO"));
    }

    #[test]
    fn a_program_that_is_missing_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let spec = Spec { program: "/nonexistent/etcd".into(), ..spec(dir.path(), "") };
        let message = Child::start(&spec).unwrap_err().to_string();
        assert!(message.starts_with("cannot start /nonexistent/etcd: "), "{message}");
    }
}
