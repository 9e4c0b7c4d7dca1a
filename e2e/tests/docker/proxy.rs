//! A socket before Docker's that passes everything on but one request, which it answers itself: with the words of a daemon
//! whose disk is full.

use std::io::{Read as _, Write as _};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::JoinHandle;

/// What is answered to the one request.
const FULL: &str = r#"{"message":"mkdir /var/lib/docker/overlay2/x: no space left on device"}"#;

/// A socket that listens until it is dropped.
pub(crate) struct Proxy {
    socket: PathBuf,
    refused: Arc<AtomicUsize>,
    over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Proxy {
    /// Refuses requests whose first line has this mark in it.
    pub(crate) fn new(folder: &Path, mark: &'static str) -> Self {
        let socket = folder.join("proxy.sock");
        let listener = UnixListener::bind(&socket).expect("a socket in a folder of the test's own");
        let host = seatrial_e2e::docker::host();
        let docker = PathBuf::from(host.trim_start_matches("unix://"));
        let (refused, over) = (Arc::<AtomicUsize>::default(), Arc::<AtomicBool>::default());
        let (count, end) = (Arc::clone(&refused), Arc::clone(&over));
        let thread = std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                if end.load(Ordering::SeqCst) {
                    return;
                }
                let (docker, count) = (docker.clone(), Arc::clone(&count));
                // It ends with its connection, and whoever broke that off needs no answer.
                std::thread::spawn(move || drop(pass_on(&client, &docker, mark, &count)));
            }
        });
        Self { socket, refused, over, thread: Some(thread) }
    }

    /// Where it listens, as `DOCKER_HOST` has it.
    pub(crate) fn host(&self) -> String {
        format!("unix://{}", self.socket.display())
    }

    /// How many requests were refused.
    pub(crate) fn refused(&self) -> usize {
        self.refused.load(Ordering::SeqCst)
    }
}

fn pass_on(mut client: &UnixStream, docker: &Path, mark: &str, refused: &AtomicUsize) -> std::io::Result<()> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        client.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    if head.lines().next().is_some_and(|line| line.contains(mark)) {
        refused.fetch_add(1, Ordering::SeqCst);
        let lengths = head.lines().filter_map(|line| line.strip_prefix("Content-Length: "));
        let length = lengths.flat_map(str::parse).next().unwrap_or_default();
        std::io::copy(&mut client.take(length), &mut std::io::sink())?;
        let about = "Content-Type: application/json\r\nConnection: close";
        return write!(client, "HTTP/1.1 500 .\r\n{about}\r\nContent-Length: {}\r\n\r\n{FULL}", FULL.len());
    }
    let mut docker = UnixStream::connect(docker)?;
    // One request for each connection, or the next one would pass unseen; a stream that is taken over has no next one.
    let upgrade = head.to_ascii_lowercase().contains("\r\nupgrade:");
    let close = if upgrade { "" } else { "\r\nConnection: close" };
    docker.write_all(head.replacen("\r\n", &format!("{close}\r\n"), 1).as_bytes())?;
    let (mut from_client, mut to_docker) = (client.try_clone()?, docker.try_clone()?);
    let up = std::thread::spawn(move || {
        let copied = std::io::copy(&mut from_client, &mut to_docker);
        let _gone_already = to_docker.shutdown(Shutdown::Write);
        copied
    });
    let copied = std::io::copy(&mut docker, &mut client);
    let _gone_already = client.shutdown(Shutdown::Both);
    drop(up.join());
    copied.map(drop)
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.over.store(true, Ordering::SeqCst);
        // Wakes it, if it can still be reached.
        drop(UnixStream::connect(&self.socket));
        drop(self.thread.take().map(JoinHandle::join));
    }
}
