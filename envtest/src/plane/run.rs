//! A control plane from nothing to ready, and back to nothing.
//!
//! It owns the order of things: etcd, then kube-apiserver once etcd's socket answers, then controllers once the API
//! server is ready. It does not know where binaries come from, nor what a caller does with the result.

use std::{
    io,
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use super::{
    apiserver::{self, Admission},
    certs::{self, Authority, Identity},
    controller_manager, etcd,
    folder::Folder,
    kubeconfig::{self, Server},
    ports::HeldPort,
    timings::Timings,
};
use crate::{
    assets::{Assets, Binary},
    error::{Error, StartFailure},
    process::{
        child::{Child, Spec},
        health::{Health, Probe},
        output,
    },
};

/// Time between two looks at a server that is not ready.
const LOOK: Duration = Duration::from_millis(10);

/// Time between two looks at etcd's socket: a look is one system call.
const LOOK_AT_SOCKET: Duration = Duration::from_millis(2);

/// How often a start is tried with another port.
const PORTS_TO_TRY: usize = 3;

/// The group that RBAC never refuses.
pub(crate) const MASTERS: &str = "system:masters";

/// What to start, and how.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) assets: Assets,
    pub(crate) etcd_args: Vec<(String, String)>,
    pub(crate) apiserver_args: Vec<(String, String)>,
    pub(crate) controller_manager_args: Vec<(String, String)>,
    pub(crate) admission: Admission,
    pub(crate) controllers: Vec<String>,
    pub(crate) start_timeout: Duration,
    /// Where logs go, if they are to outlive the control plane.
    pub(crate) logs: Option<PathBuf>,
    /// The key that signs service account tokens.
    pub(crate) service_account_key: PathBuf,
}

/// A running control plane. Dropping it kills its processes and removes its folder.
#[derive(Debug)]
pub(crate) struct Running {
    /// In the order in which they should die: clients before their server.
    children: Vec<Child>,
    _ports: Vec<HeldPort>,
    pub(crate) authority: Authority,
    pub(crate) server: Server,
    pub(crate) admin: Identity,
    pub(crate) logs: PathBuf,
    pub(crate) timings: Timings,
    _folder: Folder,
}

/// Starts everything and waits until it is ready.
pub(crate) async fn start(plan: &Plan) -> Result<Running, Error> {
    let began = Instant::now();
    let deadline = began + plan.start_timeout;
    let folder = Folder::create(&std::env::temp_dir())
        .map_err(Error::io("make a working folder in", std::env::temp_dir()))?;
    let logs = plan.logs.clone().unwrap_or_else(|| folder.path().join("logs"));
    std::fs::create_dir_all(&logs).map_err(Error::io("make the folder of logs", &logs))?;

    let mut starter = Starter { plan, deadline, logs: logs.clone() };
    let mut etcd = starter.etcd(&folder)?;
    // Certificates are made while etcd starts.
    let authority = Authority::new()?;
    let admin = authority.client("admin", &[MASTERS.to_owned()])?;
    let files =
        write_files(&folder, &authority, plan).map_err(Error::io("write certificates to", folder.path()))?;
    starter.wait_for_socket(&mut etcd, &folder.socket()).await?;
    let etcd_took = began.elapsed();

    let apiserver_began = Instant::now();
    let (apiserver, port) = starter.apiserver(&folder, &files, &authority, &admin, &mut etcd).await?;
    let server =
        Server { url: url(&port), ca_pem: authority.pem().to_owned(), ca_der: authority.der().to_vec() };
    let apiserver_took = apiserver_began.elapsed();
    let mut children = vec![apiserver, etcd];
    let mut ports = vec![port];
    let manager_began = Instant::now();
    if !plan.controllers.is_empty() {
        let (child, port) =
            starter.controller_manager(&folder, &files, &authority, &server, &mut children).await?;
        children.insert(0, child);
        ports.push(port);
    }
    let timings = Timings {
        etcd: etcd_took,
        apiserver: apiserver_took,
        controller_manager: (!plan.controllers.is_empty()).then(|| manager_began.elapsed()),
        total: began.elapsed(),
    };
    Ok(Running { children, _ports: ports, authority, server, admin, logs, timings, _folder: folder })
}

impl Running {
    /// The processes by name, with their ids.
    pub(crate) fn processes(&self) -> impl Iterator<Item = (&'static str, u32)> {
        self.children.iter().map(|child| (child.name(), child.id()))
    }

    /// Lets the processes end by themselves for at most this long, one after the other in the order in which they need
    /// each other; what is left is killed by the drop.
    pub(crate) fn wind_down(&mut self, patience: Duration) {
        let deadline = Instant::now() + patience;
        for child in &mut self.children {
            child.terminate();
            child.wait_at_most(deadline.saturating_duration_since(Instant::now()));
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.children.iter_mut().for_each(Child::kill);
        self.children.iter_mut().for_each(Child::reap);
    }
}

/// What the steps of a start share.
struct Starter<'a> {
    plan: &'a Plan,
    deadline: Instant,
    logs: PathBuf,
}

impl Starter<'_> {
    fn etcd(&self, folder: &Folder) -> Result<Child, Error> {
        let program = self.plan.assets.expect(Binary::Etcd);
        Ok(Child::start(&etcd::spec(program, folder, self.log("etcd"), &self.plan.etcd_args))?)
    }

    /// kube-apiserver backs off for a second when etcd is not there at its first try; etcd takes a tenth of that.
    async fn wait_for_socket(&self, etcd: &mut Child, socket: &Path) -> Result<(), Error> {
        while UnixStream::connect(socket).is_err() {
            self.check(etcd, &Health::Silent)?;
            tokio::time::sleep(LOOK_AT_SOCKET).await;
        }
        Ok(())
    }

    async fn apiserver(
        &mut self,
        folder: &Folder,
        files: &apiserver::Files,
        authority: &Authority,
        admin: &Identity,
        etcd: &mut Child,
    ) -> Result<(Child, HeldPort), Error> {
        let program = self.plan.assets.expect(Binary::KubeApiserver);
        let spec = |port: &HeldPort| {
            let log = self.log("kube-apiserver");
            let plan = self.plan;
            apiserver::spec(program, folder, log, port.number(), files, &plan.admission, &plan.apiserver_args)
        };
        self.on_some_port(spec, "/readyz", authority, admin, std::slice::from_mut(etcd)).await
    }

    async fn controller_manager(
        &mut self,
        folder: &Folder,
        files: &apiserver::Files,
        authority: &Authority,
        server: &Server,
        others: &mut [Child],
    ) -> Result<(Child, HeldPort), Error> {
        let identity = authority.client("system:kube-controller-manager", &[MASTERS.to_owned()])?;
        let kubeconfig = kubeconfig::text(server, "system:kube-controller-manager", &identity);
        folder
            .write(controller_manager::KUBECONFIG, &kubeconfig)
            .map_err(Error::io("write a kubeconfig to", folder.path()))?;
        let program = self.plan.assets.expect(Binary::KubeControllerManager);
        let spec = |port: &HeldPort| {
            let log = self.log("kube-controller-manager");
            let (controllers, caller) = (&self.plan.controllers, &self.plan.controller_manager_args);
            controller_manager::spec(program, folder, log, port.number(), files, controllers, caller)
        };
        self.on_some_port(spec, "/healthz", authority, &identity, others).await
    }

    /// Starts a server and waits until it is ready; with another port if the first one is taken after all.
    async fn on_some_port(
        &self,
        spec: impl Fn(&HeldPort) -> Spec,
        path: &str,
        authority: &Authority,
        identity: &Identity,
        others: &mut [Child],
    ) -> Result<(Child, HeldPort), Error> {
        let mut tries = 1;
        loop {
            let port = HeldPort::take().map_err(Error::io("take a port of", "127.0.0.1"))?;
            let mut child = Child::start(&spec(&port))?;
            let url = format!("{}{path}", url(&port));
            let probe = Probe::new(url, authority.der(), identity.certificate_der(), identity.key_der())?;
            match self.wait_until_ready(&mut child, &probe, others).await {
                Ok(()) => return Ok((child, port)),
                Err(Error::Start(failure)) if failure.is_port_taken() && tries < PORTS_TO_TRY => tries += 1,
                Err(error) => return Err(error),
            }
        }
    }

    async fn wait_until_ready(
        &self,
        child: &mut Child,
        probe: &Probe,
        others: &mut [Child],
    ) -> Result<(), Error> {
        loop {
            let health = probe.ask().await;
            if health == Health::Ready {
                return Ok(());
            }
            for other in &mut *others {
                self.check(other, &Health::Silent).map_err(|error| {
                    if other.try_exit().is_some() { error } else { self.late(child, &health) }
                })?;
            }
            self.check(child, &health)?;
            tokio::time::sleep(LOOK).await;
        }
    }

    /// An error if the process has ended or its time is up.
    fn check(&self, child: &mut Child, health: &Health) -> Result<(), Error> {
        if let Some(status) = child.try_exit() {
            return Err(failure(child, format!("ended while starting ({status})")));
        }
        if Instant::now() > self.deadline { Err(self.late(child, health)) } else { Ok(()) }
    }

    fn late(&self, child: &Child, health: &Health) -> Error {
        let seconds = self.plan.start_timeout.as_secs_f32();
        let last = match health {
            Health::Ready => "",
            Health::Silent => "; it does not answer yet",
            Health::NotYet(checks) => &format!("; not ready yet: {checks}"),
        };
        failure(child, format!("was not ready within {seconds} s{last}"))
    }

    fn log(&self, name: &str) -> PathBuf {
        self.logs.join(format!("{name}.log"))
    }
}

fn failure(child: &Child, what: String) -> Error {
    let (tail, cause) = output::read(child.log());
    Error::Start(Box::new(StartFailure {
        process: child.name(),
        what,
        cause,
        tail,
        log: child.log().to_owned(),
    }))
}

fn url(port: &HeldPort) -> String {
    format!("https://127.0.0.1:{}", port.number())
}

fn write_files(folder: &Folder, authority: &Authority, plan: &Plan) -> io::Result<apiserver::Files> {
    let private = std::fs::read_to_string(&plan.service_account_key)?;
    let public = certs::public_key(&private).map_err(io::Error::other)?;
    let serving = authority.serving(apiserver::SERVICE_ADDRESS).map_err(io::Error::other)?;
    Ok(apiserver::Files {
        ca: folder.write("ca.crt", authority.pem())?,
        certificate: folder.write("apiserver.crt", &serving.certificate_pem)?,
        key: folder.write("apiserver.key", &serving.key_pem)?,
        service_account_key: plan.service_account_key.clone(),
        service_account_public_key: folder.write("service-account.pub", &public)?,
    })
}
