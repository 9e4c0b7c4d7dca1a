//! Background processes, identified by pid and start time.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use serde::{Deserialize, Serialize};

/// A process. The start time tells it from a later process with the same pid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Process {
    pid: i32,
    /// Clock ticks since the machine started.
    started: u64,
}

impl Process {
    /// The process that has this pid now.
    pub(super) fn of(pid: i32) -> Option<Self> {
        let started = start_time(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)?;
        Some(Self { pid, started })
    }

    pub(super) fn is_alive(self) -> bool {
        Self::of(self.pid) == Some(self)
    }

    /// Sends SIGTERM, and SIGKILL after `timeout`.
    pub(super) fn terminate(self, timeout: Duration) -> Result<()> {
        self.signal(rustix::process::Signal::TERM);
        if self.wait(timeout) {
            return Ok(());
        }
        self.signal(rustix::process::Signal::KILL);
        if self.wait(Duration::from_secs(10)) {
            return Ok(());
        }
        bail!("process {} does not end\n  next: look at it (`cat /proc/{}/stack`)", self.pid, self.pid)
    }

    fn signal(self, signal: rustix::process::Signal) {
        if let (true, Some(pid)) = (self.is_alive(), rustix::process::Pid::from_raw(self.pid)) {
            // The process may have ended already.
            let _ = rustix::process::kill_process(pid, signal);
        }
    }

    fn wait(self, timeout: Duration) -> bool {
        let start = Instant::now();
        while self.is_alive() {
            if start.elapsed() > timeout {
                return false;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        true
    }
}

/// Parses the start time in `/proc/PID/stat`; `None` for a zombie.
fn start_time(stat: &str) -> Option<u64> {
    // The name is in parentheses and may contain them; the state is the third field.
    let mut rest = stat.get(stat.rfind(')')? + 2..)?.split(' ');
    if rest.next()? == "Z" {
        return None;
    }
    rest.nth(18)?.parse().ok()
}

/// Starts a program in a new process group with its output in a file.
pub(super) fn start(program: &Path, arguments: &[&OsStr], path: &OsStr, log: &Path) -> Result<Child> {
    let file = File::create(log).with_context(|| format!("cannot write {}", log.display()))?;
    let errors = file.try_clone().context("cannot open the log twice")?;
    let mut command = Command::new(program);
    command.args(arguments).env("PATH", path).current_dir("/").process_group(0);
    command.stdin(Stdio::null()).stdout(file).stderr(errors);
    command.spawn().with_context(|| format!("cannot start {}", program.display()))
}

/// The last lines of a log without those of level info.
pub(super) fn tail(log: &Path) -> String {
    let text = fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> =
        text.lines().filter(|line| !line.contains("level=info") && !line.is_empty()).collect();
    let last = &lines[lines.len().saturating_sub(4)..];
    if last.is_empty() { "it said nothing".to_owned() } else { last.join("\n    ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_alive_until_it_ends() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log");
        let program = Path::new("/bin/sh");
        let path = std::env::var_os("PATH").unwrap();
        let arguments = ["-c", "echo level=info fine; echo it hurts; read never"].map(OsStr::new);
        let mut child = start(Path::new(program), &arguments, &path, &log).unwrap();
        // Its input is empty, so it ends by itself; a zombie counts as ended, before anybody waits for it.
        let pid = i32::try_from(child.id()).unwrap();
        if let Some(process) = Process::of(pid) {
            assert!(process.wait(Duration::from_secs(10)));
            assert!(!process.is_alive());
        }
        child.wait().unwrap();
        assert_eq!(tail(&log), "it hurts");
    }

    #[test]
    fn another_process_with_the_same_pid_is_not_the_same() {
        let me = Process::of(i32::try_from(std::process::id()).unwrap()).unwrap();
        assert!(me.is_alive());
        let other = Process { started: me.started + 1, ..me };
        assert!(!other.is_alive());
        other.terminate(Duration::ZERO).unwrap();
        assert!(me.is_alive(), "a process was ended for another");
    }

    #[test]
    fn a_name_with_spaces_and_parentheses_does_not_shift_the_fields() {
        let fields = "S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 4711 20";
        assert_eq!(start_time(&format!("77 (a) b) {fields}")), Some(4711));
        assert_eq!(start_time(&format!("77 (x) Z{}", &fields[1..])), None);
    }
}
