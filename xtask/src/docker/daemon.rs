//! Start and stop of containerd, the bridge and dockerd.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Child;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use seatrial_e2e::docker::connect_to;
use seatrial_e2e::node_image::Capabilities;
use serde::{Deserialize, Serialize};

use super::paths::DaemonPaths;
use super::process::{self, Process};
use super::{bridge, config, iptables, runtime};

/// The timeout for containerd and for dockerd to accept connections.
const START_TIMEOUT: Duration = Duration::from_secs(60);

/// The timeout for dockerd to stop its containers.
const STOP_TIMEOUT: Duration = Duration::from_secs(60);

/// The running processes, stored in a file.
#[derive(Debug, Default, Serialize, Deserialize)]
struct DaemonState {
    containerd: Option<Process>,
    dockerd: Option<Process>,
}

impl DaemonState {
    fn load(paths: &DaemonPaths) -> Self {
        let text = fs::read(paths.path("state.json")).unwrap_or_default();
        serde_json::from_slice(&text).unwrap_or_default()
    }

    fn save(&self, paths: &DaemonPaths) -> Result<()> {
        let (path, fresh) = (paths.path("state.json"), paths.path("state.json.new"));
        fs::write(&fresh, serde_json::to_vec(self)?)
            .with_context(|| format!("cannot write {}", fresh.display()))?;
        fs::rename(&fresh, &path).with_context(|| format!("cannot write {}", path.display()))
    }

    fn is_running(&self) -> bool {
        let lives = |process: &Option<Process>| process.is_some_and(Process::is_alive);
        lives(&self.containerd) && lives(&self.dockerd)
    }

    /// Terminates dockerd, which stops its containers, then containerd, and removes the bridge.
    fn stop_all(&mut self, paths: &DaemonPaths) -> Result<()> {
        for (process, timeout) in
            [(&mut self.dockerd, STOP_TIMEOUT), (&mut self.containerd, Duration::from_secs(10))]
        {
            if let Some(process) = process.take() {
                process.terminate(timeout)?;
            }
        }
        bridge::remove(&paths.bridge())?;
        self.save(paths)
    }
}

/// Starts the daemon, unless it runs. After an error nothing is left running.
pub(super) async fn start(paths: &DaemonPaths) -> Result<()> {
    paths.check()?;
    fs::create_dir_all(paths.root()).with_context(|| format!("cannot make {}", paths.root().display()))?;
    let _lock = lock(paths)?;
    let mut state = DaemonState::load(paths);
    if state.is_running() && connect_to(&paths.host()).await.is_ok() {
        println!("Docker runs already: {}", paths.host());
        return Ok(());
    }
    ensure!(
        rustix::process::geteuid().is_root(),
        "a Docker daemon needs root, and this is not root\n  next: run it as root (`sudo -E cargo xtask docker start`), or use a \
         Docker that runs here already (DOCKER_HOST)"
    );
    // A crash may have left one of the processes.
    state.stop_all(paths)?;
    let result = start_daemons(paths, &mut state).await;
    if result.is_err() {
        state.stop_all(paths)?;
    }
    result
}

async fn start_daemons(paths: &DaemonPaths, state: &mut DaemonState) -> Result<()> {
    let path = iptables::path_that_works(&paths.path("bin"))?;
    let program = |name: &str| {
        which::which_in(name, Some(&path), "/")
            .with_context(|| format!("{name} is not installed\n  next: apt-get install --no-install-recommends docker.io iptables iproute2"))
    };
    let (containerd, dockerd) = (program("containerd")?, program("dockerd")?);
    program("runc")?;
    let bounded = !Capabilities::of_this_process()?.are_complete();
    configure(paths, bounded)?;
    bridge::make(&paths.bridge())?;

    let mut child = launch(paths, &containerd, "containerd.toml", "--config", "containerd", &path)?;
    state.containerd = Process::of(i32::try_from(child.id())?);
    state.save(paths)?;
    let log = paths.path("containerd.log");
    wait_for(&mut child, "containerd", &log, async || UnixStream::connect(paths.containerd_socket()).is_ok())
        .await?;

    let mut child = launch(paths, &dockerd, "daemon.json", "--config-file", "dockerd", &path)?;
    state.dockerd = Process::of(i32::try_from(child.id())?);
    state.save(paths)?;
    let log = paths.path("dockerd.log");
    wait_for(&mut child, "dockerd", &log, async || connect_to(&paths.host()).await.is_ok()).await?;
    let how = if bounded { ", without the capabilities that root lacks here" } else { "" };
    println!("Docker runs{how}: {}", paths.host());
    Ok(())
}

/// Writes the configuration files, and the runtime if it is needed.
fn configure(paths: &DaemonPaths, bounded: bool) -> Result<()> {
    let write = |name: &str, text: String| {
        let path = paths.path(name);
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))
    };
    write("containerd.toml", config::containerd(paths))?;
    write("daemon.json", serde_json::to_string_pretty(&config::dockerd(paths, bounded))?)?;
    // dockerd does not start with the pid file of a crashed one.
    let _ = fs::remove_file(paths.path("docker.pid"));
    if bounded {
        let (copy, fresh) = (paths.path(runtime::NAME), paths.path("runtime.new"));
        let own = std::env::current_exe().context("cannot tell where this program lies")?;
        // A copy, since this program may be rebuilt while containers run.
        fs::copy(&own, &fresh)
            .with_context(|| format!("cannot copy {} to {}", own.display(), fresh.display()))?;
        fs::rename(&fresh, &copy).with_context(|| format!("cannot write {}", copy.display()))?;
    }
    Ok(())
}

fn launch(
    paths: &DaemonPaths,
    program: &Path,
    config: &str,
    option: &str,
    name: &str,
    path: &OsStr,
) -> Result<Child> {
    let config: PathBuf = paths.path(config);
    process::start(
        program,
        &[OsStr::new(option), config.as_os_str()],
        path,
        &paths.path(&format!("{name}.log")),
    )
}

/// Waits until the process accepts connections. Fails with the last lines of its log if it ends or times out.
async fn wait_for(child: &mut Child, name: &str, log: &Path, answers: impl AsyncFn() -> bool) -> Result<()> {
    let start = Instant::now();
    loop {
        let problem = match child.try_wait()? {
            Some(status) => format!("ended with {status}"),
            None if answers().await => return Ok(()),
            None if start.elapsed() > START_TIMEOUT => {
                format!("does not answer after {} s", START_TIMEOUT.as_secs())
            }
            None => {
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        let tail = process::tail(log);
        let next = advice(&tail);
        bail!("{name} {problem}:\n    {tail}\n  next: {next} (its log: {})", log.display());
    }
}

fn advice(tail: &str) -> &'static str {
    let says = |words: &str| tail.contains(words);
    if says("Devices cgroup isn't mounted") || says("cgroup mountpoint does not exist") {
        "mount the control groups: `mount -t cgroup2 none /sys/fs/cgroup`, or with Debian's cgroupfs-mount"
    } else if says("no space left on device") {
        "free some space"
    } else if says("iptables") {
        "check that `iptables -t nat -S` works as root"
    } else {
        "read what it says"
    }
}

/// Stops the daemon. Images and volumes are kept.
pub(super) fn stop(paths: &DaemonPaths) -> Result<()> {
    if !paths.root().exists() {
        println!("no Docker of this project's own was ever started");
        return Ok(());
    }
    let _lock = lock(paths)?;
    let mut state = DaemonState::load(paths);
    let ran = state.dockerd.is_some_and(Process::is_alive) || state.containerd.is_some_and(Process::is_alive);
    state.stop_all(paths)?;
    for socket in [paths.socket(), paths.containerd_socket()] {
        // A killed dockerd leaves its socket.
        let _ = fs::remove_file(socket);
    }
    println!("{}", if ran { "Docker stopped; its images and volumes stay" } else { "Docker did not run" });
    Ok(())
}

/// The lock of start and stop.
fn lock(paths: &DaemonPaths) -> Result<File> {
    let path = paths.path("lock");
    let file = File::options().create(true).truncate(false).write(true).open(&path);
    let file = file.with_context(|| format!("cannot write {}", path.display()))?;
    file.lock().with_context(|| format!("cannot lock {}", path.display()))?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_or_broken_state_file_is_an_empty_state() {
        let folder = tempfile::tempdir().unwrap();
        let paths = DaemonPaths::at(folder.path());
        assert!(!DaemonState::load(&paths).is_running());
        fs::write(paths.path("state.json"), "{ half").unwrap();
        assert!(!DaemonState::load(&paths).is_running());
        DaemonState { containerd: Process::of(1), dockerd: None }.save(&paths).unwrap();
        assert!(DaemonState::load(&paths).containerd.is_some());
        assert!(!DaemonState::load(&paths).is_running(), "one of two is not a Docker");
    }

    #[tokio::test]
    async fn a_daemon_that_ends_at_once_is_reported_with_its_last_lines() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("dockerd.log");
        let path = std::env::var_os("PATH").unwrap();
        let arguments =
            ["-c", "echo 'failed to start: Devices cgroup isn'\"'\"'t mounted' >&2; exit 1"].map(OsStr::new);
        let mut child = process::start(Path::new("/bin/sh"), &arguments, &path, &log).unwrap();
        let error = wait_for(&mut child, "dockerd", &log, async || false).await.unwrap_err().to_string();
        assert!(error.starts_with("dockerd ended with exit status: 1:\n    failed to start"), "{error}");
        assert!(error.contains("next: mount the control groups"), "{error}");
    }
}
