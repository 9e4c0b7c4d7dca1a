//! Downloads over HTTP with a SHA-512 check.
//!
//! A partial download is kept in a part file and resumed with a range request, by this process or a later one.

use std::{
    fs::{self, File},
    io::{self, Read as _, Seek as _, Write as _},
    path::Path,
    sync::Arc,
    time::Duration,
};

use futures::StreamExt as _;
use http::{StatusCode, header};
use rustls_platform_verifier::BuilderVerifierExt as _;
use sha2::{Digest as _, Sha512};

use super::{hash, host_environment::HostEnvironment, progress::Progress};

/// The maximum number of attempts of a download.
const MAX_ATTEMPTS: usize = 3;

/// The default timeout between two chunks; `SEATRIAL_DOWNLOAD_TIMEOUT` overrides it.
const READ_TIMEOUT: Duration = Duration::from_secs(30);

/// The maximum size of an index or a checksum file, in bytes.
const MAX_TEXT_SIZE: usize = 16 << 20;

/// The error of a download.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DownloadError {
    #[error("{url} answers {status}")]
    Status { url: String, status: StatusCode },
    #[error("{url} cannot be fetched: {reason}")]
    Transport { url: String, reason: String },
    #[error("{url} does not have the hash that is promised (SHA-512 {promised}…, it has {found}…): refused")]
    Hash { url: String, promised: String, found: String },
    #[error("{what}: {source}")]
    Io { what: String, source: io::Error },
}

impl DownloadError {
    /// True if a retry may succeed.
    fn is_transient(&self) -> bool {
        match self {
            Self::Status { status, .. } => {
                status.is_server_error() || *status == StatusCode::TOO_MANY_REQUESTS
            }
            Self::Transport { .. } => true,
            Self::Hash { .. } | Self::Io { .. } => false,
        }
    }

    fn transport(url: &str) -> impl FnOnce(reqwest::Error) -> Self {
        let url = url.to_owned();
        move |error| Self::Transport { url, reason: root_cause(&error) }
    }

    pub(crate) fn io(what: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let what = what.into();
        move |source| Self::Io { what, source }
    }
}

/// The last error of the source chain, such as "connection refused".
fn root_cause(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "it is silent for too long".to_owned();
    }
    let mut inner: &dyn std::error::Error = error;
    while let Some(source) = inner.source() {
        inner = source;
    }
    inner.to_string()
}

/// An HTTP client for texts and files.
#[derive(Debug, Clone)]
pub(crate) struct Fetcher {
    client: reqwest::Client,
}

impl Fetcher {
    pub(crate) fn new(host_environment: &HostEnvironment) -> Result<Self, DownloadError> {
        let silence = host_environment.duration("SEATRIAL_DOWNLOAD_TIMEOUT").unwrap_or(READ_TIMEOUT);
        let tls = || {
            rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
                .with_safe_default_protocol_versions()?
                .with_platform_verifier()
        };
        let tls = tls()
            .map_err(io::Error::other)
            .map_err(DownloadError::io("cannot read the system's certificates"))?;
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured(tls.with_no_client_auth())
            .connect_timeout(silence.min(Duration::from_secs(10)))
            .read_timeout(silence)
            .user_agent(concat!("seatrial-envtest/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(DownloadError::transport("a client"))?;
        Ok(Self { client })
    }

    /// Fetches a text of at most [`MAX_TEXT_SIZE`].
    pub(crate) async fn text(&self, url: &str) -> Result<String, DownloadError> {
        let response = self.client.get(url).send().await.map_err(DownloadError::transport(url))?;
        let response = ok(url, response)?;
        let mut text = Vec::new();
        let mut body = response.bytes_stream();
        while let Some(chunk) = body.next().await {
            text.extend(chunk.map_err(DownloadError::transport(url))?);
            if text.len() > MAX_TEXT_SIZE {
                let reason = "it is too long for what it should be".to_owned();
                return Err(DownloadError::Transport { url: url.to_owned(), reason });
            }
        }
        Ok(String::from_utf8_lossy(&text).into_owned())
    }

    /// Downloads a file to `path` and checks its SHA-512 (lowercase hex). After an error `path` may have a part of it, which
    /// the next call resumes.
    pub(crate) async fn file(&self, url: &str, path: &Path, sha512: &str) -> Result<(), DownloadError> {
        let name = url.rsplit('/').next().unwrap_or(url);
        let mut progress = None;
        let mut tries = 1;
        loop {
            let resumed = fs::metadata(path).is_ok_and(|part| part.len() > 0);
            let attempt = match self.append(url, name, path, &mut progress).await {
                Ok(()) => verify(url, path, sha512),
                Err(error) => Err(error),
            };
            match attempt {
                Ok(()) => {
                    progress.into_iter().for_each(Progress::finish);
                    return Ok(());
                }
                // The part may have been one of another file. The retry starts from the beginning.
                Err(DownloadError::Hash { .. }) if resumed && tries < MAX_ATTEMPTS => {}
                Err(error) if error.is_transient() && tries < MAX_ATTEMPTS => {}
                Err(error) => return Err(error),
            }
            tries += 1;
        }
    }

    /// Appends the missing bytes to the part file.
    async fn append(
        &self,
        url: &str,
        name: &str,
        path: &Path,
        progress: &mut Option<Progress>,
    ) -> Result<(), DownloadError> {
        let io = || DownloadError::io(format!("cannot write {}", path.display()));
        let mut file = File::options().create(true).append(true).open(path).map_err(io())?;
        let mut have = file.metadata().map_err(io())?.len();
        let mut request = self.client.get(url);
        if have > 0 {
            request = request.header(header::RANGE, format!("bytes={have}-"));
        }
        let response = request.send().await.map_err(DownloadError::transport(url))?;
        match response.status() {
            StatusCode::PARTIAL_CONTENT if starts_at(response.headers(), have) => {}
            // The part is complete or too long. The hash decides.
            StatusCode::RANGE_NOT_SATISFIABLE => return Ok(()),
            _ => {
                file.set_len(0).map_err(io())?;
                file.rewind().map_err(io())?;
                have = 0;
            }
        }
        let response = ok(url, response)?;
        let size = response.content_length().map_or(0, |rest| rest + have);
        let progress =
            progress.get_or_insert_with(|| Progress::download(format!("downloading {name}"), size));
        let mut body = response.bytes_stream();
        while let Some(chunk) = body.next().await {
            let chunk = chunk.map_err(DownloadError::transport(url))?;
            file.write_all(&chunk).map_err(io())?;
            have += chunk.len() as u64;
            progress.received(have);
        }
        Ok(())
    }
}

fn ok(url: &str, response: reqwest::Response) -> Result<reqwest::Response, DownloadError> {
    let status = response.status();
    if status.is_success() {
        Ok(response)
    } else {
        Err(DownloadError::Status { url: url.to_owned(), status })
    }
}

/// True if a partial response starts at `offset`.
fn starts_at(headers: &http::HeaderMap, offset: u64) -> bool {
    let range = headers.get(header::CONTENT_RANGE).and_then(|value| value.to_str().ok());
    range.is_some_and(|range| range.starts_with(&format!("bytes {offset}-")))
}

/// Compares the hash of a file, and removes the file if it differs.
fn verify(url: &str, path: &Path, promised: &str) -> Result<(), DownloadError> {
    let io = || DownloadError::io(format!("cannot read {}", path.display()));
    let mut file = File::open(path).map_err(io())?;
    let mut hash = Sha512::new();
    let mut buffer = vec![0; 1 << 16];
    loop {
        match file.read(&mut buffer).map_err(io())? {
            0 => break,
            length => hash.update(&buffer[..length]),
        }
    }
    let found = hash::hex(&hash.finalize());
    if found == promised {
        return Ok(());
    }
    fs::remove_file(path).map_err(io())?;
    let short = |hash: &str| hash.chars().take(12).collect();
    Err(DownloadError::Hash { url: url.to_owned(), promised: short(promised), found: short(&found) })
}
