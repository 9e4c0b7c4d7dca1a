//! A file from the network, whole and with the hash that was promised, or not at all.
//!
//! What has arrived stays in a part file, so a broken download goes on where it stopped, in this process or the next.
//! It knows HTTP and SHA-512; not what the file is.

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

use super::{hash, progress::Progress, surroundings::Surroundings};

/// How often a broken download is taken up again.
const TRIES: usize = 3;

/// Time without a byte after which a download counts as broken, unless `SEATRIAL_DOWNLOAD_TIMEOUT` says otherwise.
const SILENCE: Duration = Duration::from_secs(30);

/// Longest text (an index, a checksum) that is taken.
const LONGEST_TEXT: usize = 16 << 20;

/// Why a file is not there, as the end of a sentence.
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
    /// Whether another try may help.
    fn is_passing(&self) -> bool {
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
        move |error| Self::Transport { url, reason: innermost(&error) }
    }

    pub(crate) fn io(what: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let what = what.into();
        move |source| Self::Io { what, source }
    }
}

/// The last error of a chain says most: "connection refused", not "error sending request".
fn innermost(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "it is silent for too long".to_owned();
    }
    let mut inner: &dyn std::error::Error = error;
    while let Some(source) = inner.source() {
        inner = source;
    }
    inner.to_string()
}

/// Fetches texts and files.
#[derive(Debug, Clone)]
pub(crate) struct Fetcher {
    client: reqwest::Client,
}

impl Fetcher {
    pub(crate) fn new(surroundings: &Surroundings) -> Result<Self, DownloadError> {
        let silence = surroundings.duration("SEATRIAL_DOWNLOAD_TIMEOUT").unwrap_or(SILENCE);
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

    /// A short text.
    pub(crate) async fn text(&self, url: &str) -> Result<String, DownloadError> {
        let response = self.client.get(url).send().await.map_err(DownloadError::transport(url))?;
        let response = ok(url, response)?;
        let mut text = Vec::new();
        let mut body = response.bytes_stream();
        while let Some(chunk) = body.next().await {
            text.extend(chunk.map_err(DownloadError::transport(url))?);
            if text.len() > LONGEST_TEXT {
                let reason = "it is too long for what it should be".to_owned();
                return Err(DownloadError::Transport { url: url.to_owned(), reason });
            }
        }
        Ok(String::from_utf8_lossy(&text).into_owned())
    }

    /// A file whose SHA-512 (lowercase hex) is known. On success it is whole at `path`; on failure there is at most a
    /// part of it, which the next call goes on with.
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
                    progress.into_iter().for_each(Progress::done);
                    return Ok(());
                }
                // A part of another file may have been there before: once from the start, then.
                Err(DownloadError::Hash { .. }) if resumed && tries < TRIES => {}
                Err(error) if error.is_passing() && tries < TRIES => {}
                Err(error) => return Err(error),
            }
            tries += 1;
        }
    }

    /// Fetches what the part file lacks.
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
            // Nothing is missing, or the part is longer than the file: the hash will tell.
            StatusCode::RANGE_NOT_SATISFIABLE => return Ok(()),
            _ => {
                file.set_len(0).map_err(io())?;
                file.rewind().map_err(io())?;
                have = 0;
            }
        }
        let response = ok(url, response)?;
        let size = response.content_length().map_or(0, |rest| rest + have);
        let progress = progress.get_or_insert_with(|| Progress::bytes(format!("downloading {name}"), size));
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

/// Whether a partial answer begins where our part ends.
fn starts_at(headers: &http::HeaderMap, offset: u64) -> bool {
    let range = headers.get(header::CONTENT_RANGE).and_then(|value| value.to_str().ok());
    range.is_some_and(|range| range.starts_with(&format!("bytes {offset}-")))
}

/// A file with another hash is removed: nothing of it can be used.
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
