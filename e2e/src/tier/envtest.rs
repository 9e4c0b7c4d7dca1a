//! Tier `envtest`: a real etcd, kube-apiserver and kube-controller-manager, started by this process.
//!
//! One environment serves all specs of a process. It is started at the first spec that runs, outside of
//! that spec's time, since its binaries may have to be obtained first; it is stopped after the last one.
//! Under nextest every spec is a process, so every spec starts an environment of its own: `cargo test` is
//! the faster way here.

use std::path::PathBuf;
use std::rc::Rc;
use std::{fs, io};

use futures::FutureExt as _;
use futures::future::LocalBoxFuture;
use kube::Client;
use seatrial_envtest::Environment;
use seatrial_fakeclient::Clock;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::artefacts::{Collector, EvidenceSources, PlaneLogs};
use crate::audit::{AdminConfig, AuditLog, AuditSource, policy};
use crate::failure::SpecResult;
use crate::interrupt::Interrupt;
use crate::need::Need;
use crate::tier::prepared::Prepared;
use crate::tier::{Connection, Tier, TierError};
use crate::type_map::TypeMap;
use crate::webhooks::WebhookHost;

const NAME: &str = "envtest";

const AUDIT_POLICY: &str = "policy.yaml";
const AUDIT_LOG: &str = "audit.log";

/// The controllers that the fake has too, under kube-controller-manager's names for them.
const CONTROLLERS: [&str; 4] = [
    "namespace-controller",
    "garbage-collector-controller",
    "serviceaccount-controller",
    "root-ca-certificate-publisher-controller",
];

/// The tier of a control plane of our own.
pub(crate) struct Envtest(Prepared<RunningPlane>);

struct RunningPlane {
    environment: Environment,
    /// Folder of the audit policy and the audit log.
    audit: TempDir,
    /// The environment's own: the specs' runtimes come and go.
    runtime: Runtime,
}

/// An audit log in a file of this machine.
struct AuditFile(PathBuf);

impl AuditLog for AuditFile {
    fn read<'a>(&'a self, _words: &'a str) -> LocalBoxFuture<'a, SpecResult<String>> {
        let read = match fs::read_to_string(&self.0) {
            // The server makes the file with its first entry.
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(String::new()),
            read => read.map_err(Into::into),
        };
        std::future::ready(read).boxed_local()
    }
}

impl Envtest {
    pub(crate) fn new() -> Self {
        Self(Prepared::nothing(NAME))
    }

    fn open(&self) -> Result<Connection, TierError> {
        let (admin, audit, logs) = self.0.look(|running| {
            let audit = AuditFile(running.audit.path().join(AUDIT_LOG));
            (running.environment.config(), audit, running.environment.logs_dir().to_owned())
        })?;
        let client = Client::try_from(admin.clone()).map_err(|error| TierError::from_error(NAME, &error))?;
        let collectors: Vec<Box<dyn Collector>> = vec![Box::new(PlaneLogs::from_now(&logs))];
        let sources = EvidenceSources { collectors, ..EvidenceSources::default() };
        let mut extensions = TypeMap::default();
        extensions.insert(AdminConfig(admin));
        extensions.insert(AuditSource(Rc::new(audit)));
        extensions.insert(WebhookHost::OnLoopback);
        Ok(Connection { client, clock: Clock::system(), shared: true, sources, extensions })
    }
}

impl Tier for Envtest {
    fn name(&self) -> &'static str {
        NAME
    }

    fn has(&self, need: Need) -> bool {
        // The API server runs on this machine, so it reaches a webhook that listens on loopback.
        matches!(need, Need::Controllers | Need::Webhooks | Need::Audit)
    }

    fn virtual_time(&self) -> bool {
        false
    }

    fn check(&self) -> Result<(), TierError> {
        Ok(())
    }

    fn prepare(&self, interrupt: &Interrupt) -> Result<(), TierError> {
        self.0.prepare(|| start(interrupt))
    }

    fn connect(&self, _seed: u64) -> LocalBoxFuture<'_, Result<Connection, TierError>> {
        std::future::ready(self.open()).boxed_local()
    }

    fn stop(&self) {
        if let Some(running) = self.0.take() {
            running.runtime.block_on(running.environment.stop());
        }
    }
}

fn start(interrupt: &Interrupt) -> Result<RunningPlane, String> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .thread_name("envtest")
        .enable_all()
        .build()
        .map_err(|error| format!("no runtime for the environment: {error}"))?;
    let audit = audit_folder().map_err(|error| format!("no folder for the audit log: {error}"))?;
    let file = |name: &str| audit.path().join(name).to_string_lossy().into_owned();
    let mut builder = Environment::builder().controllers(CONTROLLERS);
    for (name, value) in policy::flags(&file(AUDIT_POLICY), &file(AUDIT_LOG)) {
        builder = builder.apiserver_arg(name, value);
    }
    // Dropped in the middle, a start ends its processes and removes its folder.
    let started = runtime.block_on(interrupt.run_until(builder.start()));
    let started = started.map_err(|called| format!("ended by {} while it started", called.by))?;
    let environment = started.map_err(|error| crate::failure::sentence(&error))?;
    Ok(RunningPlane { environment, audit, runtime })
}

fn audit_folder() -> io::Result<TempDir> {
    let folder = tempfile::Builder::new().prefix("seatrial-audit-").tempdir()?;
    fs::write(folder.path().join(AUDIT_POLICY), policy::POLICY)?;
    Ok(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn audit_log_that_was_not_written_yet_is_empty() {
        let folder = tempfile::tempdir().unwrap();
        let log = AuditFile(folder.path().join(AUDIT_LOG));
        assert_eq!(log.read("").now_or_never().unwrap().unwrap(), "");
        fs::write(&log.0, "{}").unwrap();
        assert_eq!(log.read("").now_or_never().unwrap().unwrap(), "{}");
    }
}
