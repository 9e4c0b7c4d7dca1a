//! Creation of a cluster with ready nodes and DNS; one that fails leaves nothing.
//!
//! Everything that can be known to fail is asked before anything is made. Then the lease comes first, so that whoever
//! finds a half-made cluster knows whether somebody still works on it.

use std::ffi::OsString;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bollard::Docker;
use jiff::Timestamp;
use seatrial_envtest::process::{Child, ProcessSpec};

use super::cluster::{Cluster, ClusterFacts, Timings};
use super::config::ClusterConfig;
use super::containers::{connect, containers};
use super::error::KindError;
use super::evidence::NodeEvidence;
use super::home::Home;
use super::lease::{Lease, LeaseClaim};
use super::{audit, binary, cni, delete, diagnosis, name, network, origin, ready};
use crate::artefacts::{ArtefactWriter, Collector as _, FailureScene};
use crate::docker::DiskFull;
use crate::redaction::Redactor;
use crate::report::Timeline;

/// Timeout of kind.
const KIND_LIMIT: Duration = Duration::from_secs(600);

/// Timeout of the nodes' readiness afterwards.
const READY_LIMIT: Duration = Duration::from_secs(240);

/// Between two looks at whether kind has ended.
const LOOK: Duration = Duration::from_millis(20);

/// Lines of kind's output in an error.
const TAIL: usize = 12;

/// Creates a cluster. `tell` is called with each step.
pub async fn create(home: &Home, config: &ClusterConfig, tell: &dyn Fn(&str)) -> Result<Cluster, KindError> {
    let name = match &config.name {
        Some(name) => name::chosen(name)?,
        None => name::unique(),
    };
    create_named(home, &name, config, tell).await
}

/// The same under a name that the caller knows already.
pub(super) async fn create_named(
    home: &Home,
    name: &str,
    config: &ClusterConfig,
    tell: &dyn Fn(&str),
) -> Result<Cluster, KindError> {
    config.check()?;
    let docker = connect().await?;
    let kind = binary::kind().await?;
    let found = containers(&docker, Some(name)).await?;
    if !found.is_empty() {
        let found = format!("{} containers carry its label", found.len());
        return Err(KindError::NameTaken { name: name.to_owned(), found });
    }
    origin::check_load_balancer(&docker, config.control_planes()).await?;
    let image = origin::resolve(&docker, config).await?;
    let machine = docker.info().await.map_err(KindError::docker("asking Docker about its machine"))?;
    let mut config = config.clone();
    // kubelet 1.35 and later refuses cgroup v1 unless it is told otherwise.
    let version_1 = machine.cgroup_version.is_some_and(|version| version.to_string() == "1");
    if version_1 && !config.sets_kubelet("failCgroupV1") {
        config = config.kubelet("failCgroupV1", false);
    }
    let lease = Lease::take(home, &LeaseClaim::new(name, &run()))?;
    let nodes = config.node_configs().len();
    tell(&format!("creating cluster {name}: {nodes} node{} of {image}", if nodes == 1 { "" } else { "s" }));
    let started = Timestamp::now();
    let maker = ClusterCreation { docker, home, name, config: &config, kind: &kind, started };
    match (maker.make(&image, tell).await, &config.handover) {
        (Ok((facts, timings)), _) => Ok(Cluster {
            docker: maker.docker,
            home: home.clone(),
            name: name.to_owned(),
            pods: facts.pods,
            addresses: facts.addresses,
            lease: Some(Arc::new(lease)),
            timings,
        }),
        (Err(error), Some(handover)) => {
            handover.set(Some(Arc::new(lease)));
            Err(diagnosis::explained(&maker.docker, name, error).await)
        }
        (Err(error), None) if config.retain => {
            Err(maker.left(&diagnosis::explained(&maker.docker, name, error).await, &lease))
        }
        (Err(error), None) => {
            let error = diagnosis::explained(&maker.docker, name, error).await;
            let error = match &config.evidence {
                Some(folder) => maker.with_evidence(folder, error).await,
                None => error,
            };
            // The error that is told is the first one; what cannot be removed now is removed by the next run.
            if delete::all(&maker.docker, home, name).await.is_ok() {
                lease.remove();
            }
            Err(error)
        }
    }
}

/// The run's name in leases: the harness's, or this process's.
pub(super) fn run() -> String {
    let named = std::env::var("NEXTEST_RUN_ID").ok().filter(|run| !run.is_empty());
    named.unwrap_or_else(|| format!("pid-{}", std::process::id()))
}

struct ClusterCreation<'m> {
    docker: Docker,
    home: &'m Home,
    name: &'m str,
    config: &'m ClusterConfig,
    kind: &'m Path,
    started: Timestamp,
}

impl ClusterCreation<'_> {
    async fn make(&self, image: &str, tell: &dyn Fn(&str)) -> Result<(ClusterFacts, Timings), KindError> {
        let folder = self.home.folder(self.name);
        std::fs::create_dir_all(&folder).map_err(KindError::file(&folder, "created"))?;
        let audited = self.config.audited.then(|| audit::configured(self.config, &folder)).transpose()?;
        let document = audited.as_ref().unwrap_or(self.config).render(self.name, image)?;
        let file = folder.join("cluster.yaml");
        std::fs::write(&file, document).map_err(KindError::file(&file, "written"))?;
        let subnet = self.config.node_subnet.as_deref();
        network::create(&self.docker, self.name, subnet, &self.home.lease(self.name)).await?;
        let mut clock = Instant::now();
        let mut lap = || std::mem::replace(&mut clock, Instant::now()).elapsed();
        let made = match self.run_kind(&folder, &file).await {
            // A second failure of that sort is no accident.
            Err(error) if !self.config.retain && is_accident(&error) => {
                tell(&format!("{}: trying once more after: {}", self.name, first_line(&error)));
                delete::remove_containers(&self.docker, self.name).await?;
                self.run_kind(&folder, &file).await
            }
            made => made,
        };
        made?;
        let kind = lap();
        tell(&format!("{}: kind took {:.1} s; waiting for the nodes", self.name, kind.as_secs_f64()));
        let cluster = Cluster {
            docker: self.docker.clone(),
            home: self.home.clone(),
            name: self.name.to_owned(),
            pods: String::new(),
            addresses: std::collections::BTreeMap::new(),
            lease: None,
            timings: Timings::default(),
        };
        let client = cluster.client().await?;
        let count = self.config.node_configs().len();
        let nodes = ready::pod_subnets(&client, count, READY_LIMIT).await?;
        let pods = self.config.pods();
        cni::apply(&self.docker, &nodes, nodes.keys().map(String::as_str), pods).await?;
        let network = lap();
        ready::cluster(&client, count, READY_LIMIT).await?;
        let timings = Timings { kind, network, ready: lap() };
        let facts = ClusterFacts { pods: pods.to_owned(), addresses: Cluster::addresses_of(nodes.iter()) };
        facts.write(self.home, self.name)?;
        Ok((facts, timings))
    }

    /// Runs kind to its end. It dies with this process, and with this future.
    async fn run_kind(&self, folder: &Path, file: &Path) -> Result<(), KindError> {
        let kubeconfig = self.home.kubeconfig(self.name);
        let mut args: Vec<OsString> =
            ["create", "cluster", "--name", self.name, "--config"].map(OsString::from).into();
        args.extend([file.into(), "--kubeconfig".into(), kubeconfig.into(), "--wait".into(), "0s".into()]);
        // Its nodes are asked why, and removed here.
        args.push("--retain".into());
        // An environment of its own: a caller's KIND_… variables would change what it does.
        let mut env = seatrial_envtest::process::bare_environment();
        env.push(("DOCKER_HOST".into(), crate::docker::host().into()));
        env.push(("KIND_EXPERIMENTAL_PROVIDER".into(), "docker".into()));
        env.push(("KIND_EXPERIMENTAL_DOCKER_NETWORK".into(), self.name.into()));
        let log = folder.join("kind.log");
        let program = self.kind.to_owned();
        let spec = ProcessSpec { name: "kind", program, args, env, dir: folder.to_owned(), log: log.clone() };
        let mut child = Child::start(&spec).map_err(|error| KindError::NoKind {
            reason: error.to_string(),
            next: "check the binary that TEST_ASSET_KIND or PATH leads to".into(),
        })?;
        let ended = async {
            loop {
                if let Some(status) = child.try_exit() {
                    return status;
                }
                tokio::time::sleep(LOOK).await;
            }
        };
        let Ok(status) = tokio::time::timeout(KIND_LIMIT, ended).await else {
            let (what, last) = (format!("kind did not create {}", self.name), tail(&log));
            return Err(KindError::TooLate { what, seconds: KIND_LIMIT.as_secs(), last });
        };
        if status.success() { Ok(()) } else { Err(self.failed(&tail(&log))) }
    }

    fn failed(&self, words: &str) -> KindError {
        if let Some(full) = DiskFull::recognise(&format!("creating cluster {}", self.name), words) {
            return full.into();
        }
        let known = ADVICE.iter().find(|(mark, _)| words.contains(mark));
        let next =
            known.map_or("create it again with `--keep`, and look at its nodes' journals", |(_, next)| next);
        KindError::Create { name: self.name.to_owned(), reason: words.to_owned(), next: next.to_owned() }
    }

    /// Leaves what the nodes know in a report's folder, and the way to it in the error.
    async fn with_evidence(&self, folder: &Path, error: KindError) -> KindError {
        let (place, redactor) = (format!("artefacts/{}", self.name), Redactor::new());
        let writer = ArtefactWriter::new(folder, &place, Arc::clone(&redactor));
        let (namespaces, timeline) = (Vec::new(), Timeline::begin());
        let scene = FailureScene { client: None, namespaces, since: self.started, timeline, redactor };
        let nodes = NodeEvidence::of_another(self.name, self.home.kubeconfig(self.name));
        // What cannot be had is told by nobody: the error is the create's.
        drop(tokio::time::timeout(nodes.limit(), nodes.collect(&scene, &writer)).await);
        let none = writer.finish().0.is_empty();
        let told = || format!("\n    what its nodes knew is in {}", folder.join(&place).display());
        match error {
            KindError::Create { name, reason, next } if !none => {
                KindError::Create { name, reason: reason + &told(), next }
            }
            KindError::TooLate { what, seconds, last } if !none => {
                KindError::TooLate { what, seconds, last: last + &told() }
            }
            error => error,
        }
    }

    /// Cluster of a failed create, kept for its evidence.
    fn left(&self, error: &KindError, lease: &Lease) -> KindError {
        // If the lease cannot say it, the next run removes what was to be kept: worse than nothing, and no error.
        let _ =
            lease.change(|claim| claim.kept = Some("its create failed, and it was to be kept then".into()));
        let folder = self.home.folder(self.name);
        KindError::Create {
            name: self.name.to_owned(),
            reason: error.to_string(),
            next: format!(
                "look at what is left (its nodes, and {}), then remove it: `cargo xtask e2e reap --kept`",
                folder.display()
            ),
        }
    }
}

/// True if a create failed for a reason that another try may not meet: a port that was taken between kind's choice and
/// Docker's use of it, or a machine that was too busy to start a node in the 30 seconds that kind gives it.
fn is_accident(error: &KindError) -> bool {
    let marks =
        ["port is already allocated", "address already in use", "could not find a log line that matches"];
    matches!(error, KindError::Create { reason, .. } if marks.iter().any(|mark| reason.contains(mark)))
}

/// The line of kind's that says what went wrong.
fn first_line(error: &KindError) -> String {
    let text = error.to_string();
    let told = text.lines().find(|line| line.contains("ERROR:")).or_else(|| text.lines().next());
    told.unwrap_or_default().trim().to_owned()
}

/// Error of kind, with the next step.
const ADVICE: &[(&str, &str)] = &[
    (
        "port is already allocated",
        "create it again: another port is chosen (or free the ports that were asked for)",
    ),
    ("exec format error", "use a node image that is made for this machine"),
    ("failed to pull image", "load the image into Docker, or build one (`cargo xtask node-image`)"),
    (
        "unable to apply caps",
        "start Docker with a runtime that asks for no more than this machine has; see `cargo xtask doctor`",
    ),
    (
        "could not find a log line that matches",
        "check that the image is a node image of kind's, and that the machine is not too busy: the node's systemd did not come up \
         in the 30 seconds that kind gives it",
    ),
    ("unknown apiVersion", "check the patches in the configuration"),
];

/// The last lines of kind's output that say something.
fn tail(log: &Path) -> String {
    let text =
        std::fs::read(log).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
    let lines: Vec<_> = text.lines().map(str::trim_end).filter(|line| !line.is_empty()).collect();
    // The reasons stand in lines of their own, kind's and kubeadm's, before stacks of Go's.
    let tells = |line: &&&str| ["ERROR:", "error: ", "\t[ERROR "].iter().any(|mark| line.starts_with(mark));
    let last = &lines[lines.len().saturating_sub(TAIL)..];
    let reasons = lines.iter().filter(tells).copied().filter(|line| !last.contains(line));
    let mut shown: Vec<&str> = reasons.collect();
    shown.extend(last);
    shown.join("\n    ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reason_is_shown_even_when_a_long_stack_follows_it() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("kind.log");
        let stack: Vec<_> = (0..40).map(|n| format!("frame {n}")).collect();
        std::fs::write(
            &log,
            format!("Creating cluster\nERROR: failed to create cluster: x\n{}", stack.join("\n")),
        )
        .unwrap();
        let shown = tail(&log);
        assert!(shown.starts_with("ERROR: failed to create cluster: x\n    frame 28"), "{shown}");
        assert!(shown.ends_with("frame 39"), "{shown}");
    }
}
