//! A child process with its process group and its log file.

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

/// The program, arguments, environment and log of a child.
#[derive(Debug, Clone)]
pub struct ProcessSpec {
    /// The name in messages.
    pub name: &'static str,
    /// The program's path.
    pub program: PathBuf,
    /// Its arguments.
    pub args: Vec<OsString>,
    /// The whole environment; see [`bare_environment`].
    pub env: Vec<(OsString, OsString)>,
    /// Working directory.
    pub dir: PathBuf,
    /// The file for standard output and standard error, truncated at the start.
    pub log: PathBuf,
}

/// A running child. A drop kills its process group and waits for its end.
#[derive(Debug)]
pub struct Child {
    name: &'static str,
    log: PathBuf,
    guarded: Guarded,
    exited: Option<ExitStatus>,
}

/// The variables PATH, HOME, TMPDIR and LANG of this process. Others could change a child, since etcd reads each flag from
/// a variable too.
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
    pub fn start(spec: &ProcessSpec) -> Result<Self, SpawnError> {
        Self::start_guarded(spec, Guard::of_this_platform())
    }

    fn start_guarded(spec: &ProcessSpec, guard: Guard) -> Result<Self, SpawnError> {
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

    /// The process id.
    pub fn id(&self) -> u32 {
        self.guarded.child.id()
    }

    /// The path of the log.
    pub fn log(&self) -> &Path {
        &self.log
    }

    /// The exit status, if the child has ended.
    pub fn try_exit(&mut self) -> Option<ExitStatus> {
        if self.exited.is_none() {
            self.exited = self.guarded.child.try_wait().expect("a child of ours can be waited for");
        }
        self.exited
    }

    /// Sends SIGKILL to the process group. [`Child::reap`] waits, so several children can be killed at the same time.
    pub(crate) fn kill(&mut self) {
        // After the leader was reaped, another process group may have the id.
        if self.exited.is_none() {
            guard::kill_group(self.guarded.group, Signal::KILL);
        }
    }

    /// Sends SIGTERM to the child.
    pub(crate) fn terminate(&mut self) {
        if self.exited.is_none() {
            // Neither ESRCH nor EPERM can happen for an own child that is not reaped.
            let _ = rustix::process::kill_process(
                rustix::process::Pid::from_child(&self.guarded.child),
                Signal::TERM,
            );
        }
    }

    /// Waits for the end of the child, at most for `timeout`.
    pub(crate) fn wait_timeout(&mut self, timeout: Duration) -> Option<ExitStatus> {
        let deadline = Instant::now() + timeout;
        while self.try_exit().is_none() && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(5));
        }
        self.exited
    }

    /// Waits for the end of a killed child and of its watchdog.
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

    fn spec(dir: &Path, script: &str) -> ProcessSpec {
        ProcessSpec {
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
    fn a_dropped_child_is_killed(#[values(0, 1)] guard: usize) {
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
    fn a_childs_children_are_killed_with_it(#[values(0, 1)] guard: usize) {
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
    fn an_ended_child_has_its_status_and_log(#[values(0, 1)] guard: usize) {
        let dir = tempfile::tempdir().unwrap();
        let mut child =
            Child::start_guarded(&spec(dir.path(), "echo out; echo err >&2; exit 7"), GUARDS[guard]).unwrap();
        let status = child.wait_timeout(Duration::from_secs(30)).unwrap();
        assert_eq!(status.code(), Some(7));
        assert_eq!(fs::read_to_string(child.log()).unwrap(), "out\nerr\n");
    }

    #[test]
    fn terminate_ends_a_child() {
        let dir = tempfile::tempdir().unwrap();
        let mut child = Child::start(&spec(dir.path(), "exec sleep 1000")).unwrap();
        child.terminate();
        assert!(child.wait_timeout(Duration::from_secs(30)).is_some());
    }

    #[test]
    fn a_child_does_not_inherit_variables() {
        let dir = tempfile::tempdir().unwrap();
        let mut child = Child::start(&spec(dir.path(), "env")).unwrap();
        child.wait_timeout(Duration::from_secs(30)).unwrap();
        // cargo sets CARGO_* for every test; etcd would read ETCD_* in the same way.
        assert!(!fs::read_to_string(child.log()).unwrap().contains("CARGO"));
    }

    #[test]
    fn a_missing_program_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let spec = ProcessSpec { program: "/nonexistent/etcd".into(), ..spec(dir.path(), "") };
        let message = Child::start(&spec).unwrap_err().to_string();
        assert!(message.starts_with("cannot start /nonexistent/etcd: "), "{message}");
    }
}
