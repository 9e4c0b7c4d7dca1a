//! Start and stop of a control plane: etcd, then kube-apiserver, then kube-controller-manager.

use std::{
    io,
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use super::{
    apiserver::{self, Admission},
    certs::{self, CertificateAuthority, Identity},
    controller_manager, etcd,
    folder::Folder,
    kubeconfig::{self, Server},
    ports::ReservedPort,
    timings::Timings,
};
use crate::{
    assets::{Assets, Binary},
    error::{Error, StartFailure},
    process::{
        child::{Child, ProcessSpec},
        health::{Health, Probe},
        output,
    },
};

/// The interval between readiness probes.
const READINESS_POLL_INTERVAL: Duration = Duration::from_millis(10);

/// The interval between connections to etcd's socket.
const SOCKET_POLL_INTERVAL: Duration = Duration::from_millis(2);

/// The maximum number of ports to try.
const MAX_PORT_ATTEMPTS: usize = 3;

/// The group that has all permissions.
pub(crate) const SYSTEM_MASTERS: &str = "system:masters";

/// The options of a start.
#[derive(Debug)]
pub(crate) struct StartOptions {
    pub(crate) assets: Assets,
    pub(crate) etcd_args: Vec<(String, String)>,
    pub(crate) apiserver_args: Vec<(String, String)>,
    pub(crate) controller_manager_args: Vec<(String, String)>,
    pub(crate) admission: Admission,
    pub(crate) controllers: Vec<String>,
    pub(crate) start_timeout: Duration,
    /// The folder of the logs, if they are to be kept.
    pub(crate) logs: Option<PathBuf>,
    /// The key that signs service account tokens.
    pub(crate) service_account_key: PathBuf,
}

/// A running control plane. A drop kills its processes and removes its folder.
#[derive(Debug)]
pub(crate) struct ControlPlane {
    /// Clients before their servers, which is the order of the stop.
    children: Vec<Child>,
    _ports: Vec<ReservedPort>,
    pub(crate) authority: CertificateAuthority,
    pub(crate) server: Server,
    pub(crate) admin: Identity,
    pub(crate) logs: PathBuf,
    pub(crate) timings: Timings,
    _folder: Folder,
}

/// Starts a control plane and waits until it is ready.
pub(crate) async fn start(options: &StartOptions) -> Result<ControlPlane, Error> {
    let start = Instant::now();
    let deadline = start + options.start_timeout;
    let folder = Folder::create(&std::env::temp_dir())
        .map_err(Error::io("create a working folder in", std::env::temp_dir()))?;
    let logs = options.logs.clone().unwrap_or_else(|| folder.path().join("logs"));
    std::fs::create_dir_all(&logs).map_err(Error::io("create the folder of logs", &logs))?;

    let mut starter = Starter { options, deadline, logs: logs.clone() };
    let mut etcd = starter.etcd(&folder)?;
    // Certificates are created while etcd starts.
    let authority = CertificateAuthority::new()?;
    let admin = authority.client("admin", &[SYSTEM_MASTERS.to_owned()])?;
    let files = write_files(&folder, &authority, options)
        .map_err(Error::io("write certificates to", folder.path()))?;
    starter.wait_for_socket(&mut etcd, &folder.socket()).await?;
    let etcd_duration = start.elapsed();

    let apiserver_start = Instant::now();
    let (apiserver, port) = starter.apiserver(&folder, &files, &authority, &admin, &mut etcd).await?;
    let server =
        Server { url: url(&port), ca_pem: authority.pem().to_owned(), ca_der: authority.der().to_vec() };
    let apiserver_duration = apiserver_start.elapsed();
    let mut children = vec![apiserver, etcd];
    let mut ports = vec![port];
    let manager_start = Instant::now();
    if !options.controllers.is_empty() {
        let (child, port) =
            starter.controller_manager(&folder, &files, &authority, &server, &mut children).await?;
        children.insert(0, child);
        ports.push(port);
    }
    let timings = Timings {
        etcd: etcd_duration,
        apiserver: apiserver_duration,
        controller_manager: (!options.controllers.is_empty()).then(|| manager_start.elapsed()),
        total: start.elapsed(),
    };
    Ok(ControlPlane { children, _ports: ports, authority, server, admin, logs, timings, _folder: folder })
}

impl ControlPlane {
    /// The names and ids of the processes.
    pub(crate) fn processes(&self) -> impl Iterator<Item = (&'static str, u32)> {
        self.children.iter().map(|child| (child.name(), child.id()))
    }

    /// Sends SIGTERM to one process after the other and waits for its end, for at most `timeout` in total.
    pub(crate) fn terminate_all(&mut self, timeout: Duration) {
        let deadline = Instant::now() + timeout;
        for child in &mut self.children {
            child.terminate();
            child.wait_timeout(deadline.saturating_duration_since(Instant::now()));
        }
    }
}

impl Drop for ControlPlane {
    fn drop(&mut self) {
        self.children.iter_mut().for_each(Child::kill);
        self.children.iter_mut().for_each(Child::reap);
    }
}

/// The context of the steps of a start.
struct Starter<'a> {
    options: &'a StartOptions,
    deadline: Instant,
    logs: PathBuf,
}

impl Starter<'_> {
    fn etcd(&self, folder: &Folder) -> Result<Child, Error> {
        let program = self.options.assets.expect(Binary::Etcd);
        Ok(Child::start(&etcd::spec(program, folder, self.log("etcd"), &self.options.etcd_args))?)
    }

    /// Waits until etcd accepts connections. kube-apiserver would back off for a second after a failed connection.
    async fn wait_for_socket(&self, etcd: &mut Child, socket: &Path) -> Result<(), Error> {
        while UnixStream::connect(socket).is_err() {
            self.check(etcd, &Health::Unreachable)?;
            tokio::time::sleep(SOCKET_POLL_INTERVAL).await;
        }
        Ok(())
    }

    async fn apiserver(
        &mut self,
        folder: &Folder,
        files: &apiserver::Files,
        authority: &CertificateAuthority,
        admin: &Identity,
        etcd: &mut Child,
    ) -> Result<(Child, ReservedPort), Error> {
        let program = self.options.assets.expect(Binary::KubeApiserver);
        let spec = |port: &ReservedPort| {
            let log = self.log("kube-apiserver");
            let options = self.options;
            apiserver::spec(
                program,
                folder,
                log,
                port.number(),
                files,
                &options.admission,
                &options.apiserver_args,
            )
        };
        self.start_on_free_port(spec, "/readyz", authority, admin, std::slice::from_mut(etcd)).await
    }

    async fn controller_manager(
        &mut self,
        folder: &Folder,
        files: &apiserver::Files,
        authority: &CertificateAuthority,
        server: &Server,
        others: &mut [Child],
    ) -> Result<(Child, ReservedPort), Error> {
        let identity = authority.client("system:kube-controller-manager", &[SYSTEM_MASTERS.to_owned()])?;
        let kubeconfig = kubeconfig::text(server, "system:kube-controller-manager", &identity);
        folder
            .write(controller_manager::KUBECONFIG, &kubeconfig)
            .map_err(Error::io("write a kubeconfig to", folder.path()))?;
        let program = self.options.assets.expect(Binary::KubeControllerManager);
        let spec = |port: &ReservedPort| {
            let log = self.log("kube-controller-manager");
            let (controllers, caller) = (&self.options.controllers, &self.options.controller_manager_args);
            controller_manager::spec(program, folder, log, port.number(), files, controllers, caller)
        };
        self.start_on_free_port(spec, "/healthz", authority, &identity, others).await
    }

    /// Starts a server and waits until it is ready. Retries with another port if the port is in use.
    async fn start_on_free_port(
        &self,
        spec: impl Fn(&ReservedPort) -> ProcessSpec,
        path: &str,
        authority: &CertificateAuthority,
        identity: &Identity,
        others: &mut [Child],
    ) -> Result<(Child, ReservedPort), Error> {
        let mut tries = 1;
        loop {
            let port = ReservedPort::reserve().map_err(Error::io("take a port of", "127.0.0.1"))?;
            let mut child = Child::start(&spec(&port))?;
            let url = format!("{}{path}", url(&port));
            let probe = Probe::new(url, authority.der(), identity.certificate_der(), identity.key_der())?;
            match self.wait_until_ready(&mut child, &probe, others).await {
                Ok(()) => return Ok((child, port)),
                Err(Error::Start(failure)) if failure.is_port_in_use() && tries < MAX_PORT_ATTEMPTS => {
                    tries += 1;
                }
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
            let health = probe.check().await;
            if health == Health::Ready {
                return Ok(());
            }
            for other in &mut *others {
                self.check(other, &Health::Unreachable).map_err(|error| {
                    if other.try_exit().is_some() { error } else { self.timeout_error(child, &health) }
                })?;
            }
            self.check(child, &health)?;
            tokio::time::sleep(READINESS_POLL_INTERVAL).await;
        }
    }

    /// Fails if the process has ended or the deadline has passed.
    fn check(&self, child: &mut Child, health: &Health) -> Result<(), Error> {
        if let Some(status) = child.try_exit() {
            return Err(failure(child, format!("ended while starting ({status})")));
        }
        if Instant::now() > self.deadline { Err(self.timeout_error(child, health)) } else { Ok(()) }
    }

    fn timeout_error(&self, child: &Child, health: &Health) -> Error {
        let seconds = self.options.start_timeout.as_secs_f32();
        let last = match health {
            Health::Ready => "",
            Health::Unreachable => "; it does not answer yet",
            Health::NotReady(checks) => &format!("; not ready yet: {checks}"),
        };
        failure(child, format!("was not ready within {seconds} s{last}"))
    }

    fn log(&self, name: &str) -> PathBuf {
        self.logs.join(format!("{name}.log"))
    }
}

fn failure(child: &Child, message: String) -> Error {
    let (tail, cause) = output::read(child.log());
    Error::Start(Box::new(StartFailure {
        process: child.name(),
        message,
        cause,
        tail,
        log: child.log().to_owned(),
    }))
}

fn url(port: &ReservedPort) -> String {
    format!("https://127.0.0.1:{}", port.number())
}

fn write_files(
    folder: &Folder,
    authority: &CertificateAuthority,
    options: &StartOptions,
) -> io::Result<apiserver::Files> {
    let private = std::fs::read_to_string(&options.service_account_key)?;
    let public = certs::public_key(&private).map_err(io::Error::other)?;
    let serving = authority.serving(apiserver::SERVICE_ADDRESS).map_err(io::Error::other)?;
    Ok(apiserver::Files {
        ca: folder.write("ca.crt", authority.pem())?,
        certificate: folder.write("apiserver.crt", &serving.certificate_pem)?,
        key: folder.write("apiserver.key", &serving.key_pem)?,
        service_account_key: options.service_account_key.clone(),
        service_account_public_key: folder.write("service-account.pub", &public)?,
    })
}
