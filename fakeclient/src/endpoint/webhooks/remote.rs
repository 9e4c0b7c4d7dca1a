//! Webhooks at a URL, called over TLS by kube's client.

use std::error::Error as StdError;
use std::sync::mpsc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures::future::Either;
use http::{Request, StatusCode, Uri};
use kube::client::Body;
use kube::{Client, Config};

use super::read;

/// Waits for a call in real time: a paused clock would take the wait for a socket for idleness, and end it at once.
pub(super) async fn within<T>(limit: Duration, call: impl Future<Output = T>) -> Result<T, ()> {
    let (_done, ended) = mpsc::channel::<()>();
    // A blocking task keeps tokio's clock from advancing. It ends with the channel.
    let alarm = tokio::task::spawn_blocking(move || ended.recv_timeout(limit));
    match futures::future::select(std::pin::pin!(call), alarm).await {
        Either::Left((answered, _)) => Ok(answered),
        Either::Right(_) => Err(()),
    }
}

/// Posts a request to its URL. The server's certificate must be signed by the bundle, or without one by a CA of the host.
pub(super) async fn post(request: Request<Body>, ca_bundle: &[u8]) -> Result<(StatusCode, Bytes), String> {
    let origin = Uri::builder()
        .scheme(request.uri().scheme_str().unwrap_or("https"))
        .authority(request.uri().authority().map_or("", |authority| authority.as_str()))
        .path_and_query("/")
        .build()
        .map_err(|error| error.to_string())?;
    let mut config = Config::new(origin);
    config.root_cert = Some(certificates(ca_bundle)).filter(|certificates| !certificates.is_empty());
    // The caller limits the time.
    (config.connect_timeout, config.read_timeout, config.write_timeout) = (None, None, None);
    let client = Client::try_from(config).map_err(|error| cause(&error))?;
    let (mut parts, body) = request.into_parts();
    parts.uri = parts
        .uri
        .path_and_query()
        .map_or("/", |path| path.as_str())
        .parse()
        .map_err(|error: http::uri::InvalidUri| error.to_string())?;
    let response = client.send(Request::from_parts(parts, body)).await.map_err(|error| cause(&error))?;
    read(response).await
}

/// The certificates of a PEM bundle, in DER.
fn certificates(pem: &[u8]) -> Vec<Vec<u8>> {
    let text = String::from_utf8_lossy(pem);
    let blocks = text.split("-----BEGIN CERTIFICATE-----").skip(1);
    let bodies = blocks.filter_map(|block| block.split("-----END").next());
    let decoded = bodies.map(|body| STANDARD.decode(body.split_whitespace().collect::<String>()));
    decoded.filter_map(Result::ok).collect()
}

/// The innermost error, which says what went wrong.
fn cause(error: &dyn StdError) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bundle_may_hold_several_certificates() {
        let pem = "-----BEGIN CERTIFICATE-----\nAA\n==\n-----END CERTIFICATE-----\n";
        assert_eq!(certificates(pem.repeat(2).as_bytes()), [[0], [0]]);
        assert!(certificates(b"x").is_empty());
    }
}
