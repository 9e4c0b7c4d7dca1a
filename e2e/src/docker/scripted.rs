//! A scripted Docker daemon, for answers that no real one gives on demand: another version, a full disk, an
//! unreachable registry.
//!
//! It speaks as much HTTP as a client of Docker's asks for, one request after the other, each on a connection of its
//! own.
//! One that listens on a socket answers from a thread. One in memory answers on the test's own runtime, so that its
//! time may be paused: nothing is ever waited for but timers.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use bollard::{API_DEFAULT_VERSION, BollardRequest, Docker};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::connect_to;

/// A client that has nothing to say after so long has gone.
const PATIENCE: Duration = Duration::from_secs(10);

/// A daemon that listens until it is dropped.
pub(crate) struct Scripted {
    folder: TempDir,
    asked: Arc<Mutex<Vec<String>>>,
    over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

/// Answer of a daemon of this API version to `/version`.
pub(crate) fn version(api: &str) -> (u16, Value) {
    (200, json!({"ApiVersion": api, "Version": "20.10.24", "Os": "linux", "Arch": "amd64"}))
}

/// Docker's own form of an error.
pub(crate) fn error(status: u16, message: &str) -> (u16, Value) {
    (status, json!({"message": message}))
}

/// A daemon whose answers are a status and a body for each request: `GET /version`.
pub(crate) fn scripted(answer: impl Fn(&str) -> (u16, Value) + Send + 'static) -> Scripted {
    let folder = tempfile::tempdir().unwrap();
    let listener = UnixListener::bind(socket(&folder)).unwrap();
    let (asked, over) = (Arc::<Mutex<Vec<String>>>::default(), Arc::<AtomicBool>::default());
    let (seen, end) = (Arc::clone(&asked), Arc::clone(&over));
    let thread = std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            if end.load(Ordering::SeqCst) {
                return;
            }
            // A client that changed its mind is no trouble.
            let _ = serve(&stream, &seen, &answer);
        }
    });
    Scripted { folder, asked, over, thread: Some(thread) }
}

fn socket(folder: &TempDir) -> PathBuf {
    folder.path().join("docker.sock")
}

fn serve(
    stream: &UnixStream,
    asked: &Mutex<Vec<String>>,
    answer: &impl Fn(&str) -> (u16, Value),
) -> std::io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut reader = BufReader::new(stream);
    let (mut request, mut length) = (String::new(), 0);
    reader.read_line(&mut request)?;
    loop {
        let mut header = String::new();
        if reader.read_line(&mut header)? <= 2 {
            break;
        }
        if let Some((name, value)) = header.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().unwrap_or(0);
        }
    }
    reader.take(length).read_to_end(&mut Vec::new())?;
    let request = request.trim_end().trim_end_matches(" HTTP/1.1").to_owned();
    let (status, body) = answer(&request);
    asked.lock().unwrap().push(request);
    let body = if status == 204 { String::new() } else { body.to_string() };
    let head = "Content-Type: application/json\r\nConnection: close";
    write!(&*stream, "HTTP/1.1 {status} .\r\n{head}\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

/// A daemon on the runtime that its client was made on.
pub(crate) struct InMemory {
    pub(crate) docker: Docker,
    asked: Arc<Mutex<Vec<String>>>,
}

impl InMemory {
    /// Requests, in order.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

/// A daemon without a socket, which speaks the newest version. Its answers may depend on those before.
pub(crate) fn in_memory(answer: impl FnMut(&str) -> (u16, Value) + Send + 'static) -> InMemory {
    let asked = Arc::<Mutex<Vec<String>>>::default();
    let (seen, answer) = (Arc::clone(&asked), Arc::new(Mutex::new(answer)));
    let transport = move |request: BollardRequest| {
        let (seen, answer) = (Arc::clone(&seen), Arc::clone(&answer));
        let respond = move |request: Request<Incoming>| {
            let path = request.uri().path_and_query().map_or("", |path| path.as_str());
            let request = format!("{} {path}", request.method());
            let (status, body) = answer.lock().unwrap()(&request);
            seen.lock().unwrap().push(request);
            let body = if status == 204 { String::new() } else { body.to_string() };
            std::future::ready(Response::builder().status(status).body(body))
        };
        async move {
            let (client, server) = tokio::io::duplex(1 << 16);
            let answering = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(server), service_fn(respond));
            tokio::spawn(answering);
            let (mut sender, connection) =
                hyper::client::conn::http1::handshake(TokioIo::new(client)).await?;
            tokio::spawn(connection);
            Ok(sender.send_request(request).await?)
        }
    };
    let docker =
        Docker::connect_with_custom_transport(transport, Some("http://docker"), 600, API_DEFAULT_VERSION);
    InMemory { docker: docker.unwrap(), asked }
}

impl Scripted {
    /// Its address, in the form of `DOCKER_HOST`.
    pub(crate) fn host(&self) -> String {
        format!("unix://{}", socket(&self.folder).display())
    }

    /// A connection for the runtime that this is called on.
    pub(crate) async fn connect(&self) -> Docker {
        connect_to(&self.host()).await.unwrap()
    }

    /// Requests, in order.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

impl Drop for Scripted {
    fn drop(&mut self) {
        self.over.store(true, Ordering::SeqCst);
        // Wakes it, if it can still be reached.
        drop(UnixStream::connect(socket(&self.folder)));
        drop(self.thread.take().map(JoinHandle::join));
    }
}
