//! A container runtime for machines whose root lacks capabilities.
//!
//! runc fails for a privileged container if root does not have all capabilities. A copy of xtask is called in place of
//! runc, removes those capabilities from the OCI spec and executes runc.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};
use rustix::process::{Resource, getrlimit};
use seatrial_e2e::node_image::Capabilities;
use serde_json::{Value, json};

use super::iptables;

/// The name that it is called by.
pub(crate) const NAME: &str = "seatrial-bounded";

/// Limits by the names that an OCI spec gives them; it is Linux that has them all.
const LIMITS: &[(&str, Resource)] = &[
    ("RLIMIT_AS", Resource::As),
    ("RLIMIT_CORE", Resource::Core),
    ("RLIMIT_CPU", Resource::Cpu),
    ("RLIMIT_DATA", Resource::Data),
    ("RLIMIT_FSIZE", Resource::Fsize),
    #[cfg(target_os = "linux")]
    ("RLIMIT_LOCKS", Resource::Locks),
    ("RLIMIT_MEMLOCK", Resource::Memlock),
    #[cfg(target_os = "linux")]
    ("RLIMIT_MSGQUEUE", Resource::Msgqueue),
    #[cfg(target_os = "linux")]
    ("RLIMIT_NICE", Resource::Nice),
    ("RLIMIT_NOFILE", Resource::Nofile),
    ("RLIMIT_NPROC", Resource::Nproc),
    ("RLIMIT_RSS", Resource::Rss),
    #[cfg(target_os = "linux")]
    ("RLIMIT_RTPRIO", Resource::Rtprio),
    #[cfg(target_os = "linux")]
    ("RLIMIT_SIGPENDING", Resource::Sigpending),
    ("RLIMIT_STACK", Resource::Stack),
];

/// True if this process was called as the runtime.
pub(crate) fn is_called() -> bool {
    std::env::args_os().next().is_some_and(|name| Path::new(&name).file_name() == Some(OsStr::new(NAME)))
}

/// Restricts the spec that the arguments name, and executes runc. Returns only on failure.
pub(crate) fn run() -> anyhow::Error {
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    if let Err(error) = restrict_all(&arguments) {
        return error;
    }
    let runc = which::which_in("runc", Some(iptables::path()), "/").unwrap_or_else(|_| PathBuf::from("runc"));
    let error = Command::new(&runc).args(arguments).exec();
    anyhow::Error::new(error).context(format!("cannot become {}", runc.display()))
}

fn restrict_all(arguments: &[OsString]) -> Result<()> {
    let host = HostLimits::detect()?;
    for process_spec in process_specs(arguments) {
        let (path, process) = match &process_spec {
            ProcessSpec::Bundle(folder) => (folder.join("config.json"), "/process"),
            ProcessSpec::Process(path) => (path.clone(), ""),
        };
        let text = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let mut spec: Value =
            serde_json::from_slice(&text).with_context(|| format!("{} is no OCI spec", path.display()))?;
        if let Some(process) = spec.pointer_mut(process) {
            host.restrict(process);
        }
        // Overwritten in place to keep owner and mode.
        fs::write(&path, serde_json::to_vec(&spec)?)
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}

/// A file with the OCI spec of a process.
#[derive(Debug, PartialEq, Eq)]
enum ProcessSpec {
    /// `create --bundle FOLDER`: the process of the container in its `config.json`.
    Bundle(PathBuf),
    /// `exec --process FILE`: one more process.
    Process(PathBuf),
}

fn process_specs(arguments: &[OsString]) -> Vec<ProcessSpec> {
    let pairs = arguments.windows(2).filter_map(|pair| match pair[0].to_str()? {
        "--bundle" | "-b" => Some(ProcessSpec::Bundle(PathBuf::from(&pair[1]))),
        "--process" | "-p" => Some(ProcessSpec::Process(PathBuf::from(&pair[1]))),
        _ => None,
    });
    pairs.collect()
}

/// The capabilities and limits of root on this machine.
struct HostLimits {
    capabilities: Capabilities,
    /// The hard limit of a resource, if there is one.
    max: fn(Resource) -> Option<u64>,
    oom_score: i64,
}

impl HostLimits {
    fn detect() -> Result<Self> {
        let oom_score = fs::read_to_string("/proc/self/oom_score_adj").unwrap_or_default();
        Ok(Self {
            capabilities: Capabilities::of_this_process()?,
            max: |resource| getrlimit(resource).maximum,
            oom_score: oom_score.trim().parse().unwrap_or(0),
        })
    }

    /// Takes from a process what it cannot have: capabilities, and where limits cannot be raised, what is above them.
    fn restrict(&self, process: &mut Value) {
        if let Some(capabilities) = process.get_mut("capabilities") {
            self.capabilities.strip(capabilities);
        }
        if self.capabilities.may_raise_limits() {
            return;
        }
        for limit in process.get_mut("rlimits").and_then(Value::as_array_mut).into_iter().flatten() {
            let resource =
                LIMITS.iter().find(|(name, _)| limit["type"] == *name).map(|(_, resource)| *resource);
            let Some(max) = resource.and_then(self.max) else { continue };
            for bound in ["hard", "soft"] {
                if limit[bound].as_u64().is_some_and(|wanted| wanted > max) {
                    limit[bound] = json!(max);
                }
            }
        }
        if process.get("oomScoreAdj").and_then(Value::as_i64).is_some_and(|wanted| wanted < self.oom_score) {
            process["oomScoreAdj"] = json!(self.oom_score);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<OsString> {
        text.split(' ').map(OsString::from).collect()
    }

    #[test]
    fn the_spec_is_found_in_arguments_of_create_and_exec() {
        let create = "--root /run/x --log-format json create --bundle /b/1 --pid-file /b/1/pid 4711";
        assert_eq!(process_specs(&words(create)), [ProcessSpec::Bundle("/b/1".into())]);
        let exec = "--root /run/x exec --process /tmp/p --detach 4711";
        assert_eq!(process_specs(&words(exec)), [ProcessSpec::Process("/tmp/p".into())]);
        assert_eq!(process_specs(&words("--root /run/x delete 4711")), []);
    }

    #[test]
    fn only_missing_capabilities_and_limits_are_removed() {
        let Ok(capabilities) = Capabilities::read("CapBnd:\t000001fffeffffff\n", "40") else {
            panic!("a bounding set without CAP_SYS_RESOURCE")
        };
        let host = HostLimits { capabilities, max: |_| Some(4096), oom_score: 0 };
        let mut process = json!({
            "cwd": "/",
            "capabilities": {"bounding": ["CAP_SYS_ADMIN", "CAP_SYS_RESOURCE"]},
            "rlimits": [
                {"type": "RLIMIT_NOFILE", "hard": 1_048_576, "soft": 1024},
                {"type": "RLIMIT_UNKNOWN", "hard": 9_999_999, "soft": 1},
            ],
            "oomScoreAdj": -500,
        });
        host.restrict(&mut process);
        let expected = json!({
            "cwd": "/",
            "capabilities": {"bounding": ["CAP_SYS_ADMIN"]},
            "rlimits": [
                {"type": "RLIMIT_NOFILE", "hard": 4096, "soft": 1024},
                {"type": "RLIMIT_UNKNOWN", "hard": 9_999_999, "soft": 1},
            ],
            "oomScoreAdj": 0,
        });
        assert_eq!(process, expected);
    }

    #[test]
    fn with_all_capabilities_a_process_is_unchanged() {
        let Ok(capabilities) = Capabilities::read("CapBnd:\t000001ffffffffff\n", "40") else {
            panic!("a full bounding set")
        };
        let host = HostLimits { capabilities, max: |_| Some(1), oom_score: 0 };
        let process =
            json!({"rlimits": [{"type": "RLIMIT_NOFILE", "hard": 9, "soft": 9}], "oomScoreAdj": -500});
        let mut bounded = process.clone();
        host.restrict(&mut bounded);
        assert_eq!(bounded, process);
    }

    #[test]
    fn a_bundle_is_restricted_in_its_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.json");
        fs::write(
            &path,
            r#"{"ociVersion": "1.0.2", "process": {"capabilities": {"bounding": ["CAP_CHOWN"]}}}"#,
        )
        .unwrap();
        let arguments = ["create".into(), "--bundle".into(), folder.path().as_os_str().to_owned()];
        restrict_all(&arguments).unwrap();
        let spec: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        assert_eq!(spec["ociVersion"], "1.0.2");
        assert_eq!(spec["process"]["capabilities"]["bounding"], json!(["CAP_CHOWN"]));
        fs::write(&path, "no json").unwrap();
        assert!(restrict_all(&arguments).unwrap_err().to_string().ends_with("is no OCI spec"));
    }
}
