//! Starting and stopping: containerd, then dockerd on it, and the bridge between. After a failure nothing runs.

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

use super::places::Places;
use super::process::{self, Process};
use super::{bridge, config, iptables, runtime};

/// How long each of the two may take to answer.
const PATIENCE: Duration = Duration::from_secs(60);

/// How long dockerd may take to stop its containers.
const STOPPING: Duration = Duration::from_secs(60);

/// What runs, in a file: the next call ends it by this and by nothing else.
#[derive(Debug, Default, Serialize, Deserialize)]
struct State {
    containerd: Option<Process>,
    dockerd: Option<Process>,
}

impl State {
    fn load(places: &Places) -> Self {
        let text = fs::read(places.path("state.json")).unwrap_or_default();
        serde_json::from_slice(&text).unwrap_or_default()
    }

    fn keep(&self, places: &Places) -> Result<()> {
        let (path, fresh) = (places.path("state.json"), places.path("state.json.new"));
        fs::write(&fresh, serde_json::to_vec(self)?)
            .with_context(|| format!("cannot write {}", fresh.display()))?;
        fs::rename(&fresh, &path).with_context(|| format!("cannot write {}", path.display()))
    }

    fn runs(&self) -> bool {
        let lives = |process: &Option<Process>| process.is_some_and(Process::lives);
        lives(&self.containerd) && lives(&self.dockerd)
    }

    /// Ends what runs, dockerd first: it stops its containers through containerd.
    fn end(&mut self, places: &Places) -> Result<()> {
        for (process, patience) in
            [(&mut self.dockerd, STOPPING), (&mut self.containerd, Duration::from_secs(10))]
        {
            if let Some(process) = process.take() {
                process.end(patience)?;
            }
        }
        bridge::remove(&places.bridge())?;
        self.keep(places)
    }
}

/// Starts it, unless it runs.
pub(super) async fn start(places: &Places) -> Result<()> {
    places.check()?;
    fs::create_dir_all(places.root()).with_context(|| format!("cannot make {}", places.root().display()))?;
    let _lock = lock(places)?;
    let mut state = State::load(places);
    if state.runs() && connect_to(&places.host()).await.is_ok() {
        println!("Docker runs already: {}", places.host());
        return Ok(());
    }
    ensure!(
        rustix::process::geteuid().is_root(),
        "a Docker daemon needs root, and this is not root\n  next: run it as root (`sudo -E cargo xtask docker start`), or use a \
         Docker that runs here already (DOCKER_HOST)"
    );
    // What a crash left half-running.
    state.end(places)?;
    let result = bring_up(places, &mut state).await;
    if result.is_err() {
        state.end(places)?;
    }
    result
}

async fn bring_up(places: &Places, state: &mut State) -> Result<()> {
    let path = iptables::path_that_works(&places.path("bin"))?;
    let program = |name: &str| {
        which::which_in(name, Some(&path), "/")
            .with_context(|| format!("{name} is not installed\n  next: apt-get install --no-install-recommends docker.io iptables iproute2"))
    };
    let (containerd, dockerd) = (program("containerd")?, program("dockerd")?);
    program("runc")?;
    let bounded = !Capabilities::of_this_process()?.are_complete();
    configure(places, bounded)?;
    bridge::make(&places.bridge())?;

    let mut child = launch(places, &containerd, "containerd.toml", "--config", "containerd", &path)?;
    state.containerd = Process::of(i32::try_from(child.id())?);
    state.keep(places)?;
    let log = places.path("containerd.log");
    wait_for(&mut child, "containerd", &log, async || {
        UnixStream::connect(places.containerd_socket()).is_ok()
    })
    .await?;

    let mut child = launch(places, &dockerd, "daemon.json", "--config-file", "dockerd", &path)?;
    state.dockerd = Process::of(i32::try_from(child.id())?);
    state.keep(places)?;
    let log = places.path("dockerd.log");
    wait_for(&mut child, "dockerd", &log, async || connect_to(&places.host()).await.is_ok()).await?;
    let how = if bounded { ", without the capabilities that root lacks here" } else { "" };
    println!("Docker runs{how}: {}", places.host());
    Ok(())
}

/// Writes what the two are told, and the runtime if it is needed.
fn configure(places: &Places, bounded: bool) -> Result<()> {
    let write = |name: &str, text: String| {
        let path = places.path(name);
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))
    };
    write("containerd.toml", config::containerd(places))?;
    write("daemon.json", serde_json::to_string_pretty(&config::dockerd(places, bounded))?)?;
    // One that a crash left would keep a new daemon from starting.
    let _ = fs::remove_file(places.path("docker.pid"));
    if bounded {
        let (copy, fresh) = (places.path(runtime::NAME), places.path("runtime.new"));
        let own = std::env::current_exe().context("cannot tell where this program lies")?;
        // A copy: this program may be built anew while containers run.
        fs::copy(&own, &fresh)
            .with_context(|| format!("cannot copy {} to {}", own.display(), fresh.display()))?;
        fs::rename(&fresh, &copy).with_context(|| format!("cannot write {}", copy.display()))?;
    }
    Ok(())
}

fn launch(
    places: &Places,
    program: &Path,
    config: &str,
    option: &str,
    name: &str,
    path: &OsStr,
) -> Result<Child> {
    let config: PathBuf = places.path(config);
    process::start(
        program,
        &[OsStr::new(option), config.as_os_str()],
        path,
        &places.path(&format!("{name}.log")),
    )
}

/// Waits until it answers; an error with its last lines if it ends before, or does not answer in time.
async fn wait_for(child: &mut Child, name: &str, log: &Path, answers: impl AsyncFn() -> bool) -> Result<()> {
    let begun = Instant::now();
    loop {
        let trouble = match child.try_wait()? {
            Some(status) => format!("ended with {status}"),
            None if answers().await => return Ok(()),
            None if begun.elapsed() > PATIENCE => format!("does not answer after {} s", PATIENCE.as_secs()),
            None => {
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        let tail = process::tail(log);
        let next = advice(&tail);
        bail!("{name} {trouble}:\n    {tail}\n  next: {next} (its log: {})", log.display());
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

/// Ends it by its pids. Images and volumes stay.
pub(super) fn stop(places: &Places) -> Result<()> {
    if !places.root().exists() {
        println!("no Docker of this project's own was ever started");
        return Ok(());
    }
    let _lock = lock(places)?;
    let mut state = State::load(places);
    let ran = state.dockerd.is_some_and(Process::lives) || state.containerd.is_some_and(Process::lives);
    state.end(places)?;
    for socket in [places.socket(), places.containerd_socket()] {
        // dockerd removes its own; where it was killed, a dead socket would look like a Docker.
        let _ = fs::remove_file(socket);
    }
    println!("{}", if ran { "Docker stopped; its images and volumes stay" } else { "Docker did not run" });
    Ok(())
}

/// One start or stop at a time.
fn lock(places: &Places) -> Result<File> {
    let path = places.path("lock");
    let file = File::options().create(true).truncate(false).write(true).open(&path);
    let file = file.with_context(|| format!("cannot write {}", path.display()))?;
    file.lock().with_context(|| format!("cannot lock {}", path.display()))?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_that_was_never_written_or_is_broken_says_that_nothing_runs() {
        let folder = tempfile::tempdir().unwrap();
        let places = Places::at(folder.path());
        assert!(!State::load(&places).runs());
        fs::write(places.path("state.json"), "{ half").unwrap();
        assert!(!State::load(&places).runs());
        State { containerd: Process::of(1), dockerd: None }.keep(&places).unwrap();
        assert!(State::load(&places).containerd.is_some());
        assert!(!State::load(&places).runs(), "one of two is not a Docker");
    }

    #[tokio::test]
    async fn a_daemon_that_ends_at_once_is_told_with_its_last_lines() {
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
