//! A webhook server on a TLS socket of the loopback interface, for API servers outside this process.

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};

use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use kube::client::Body;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};
use tokio_rustls::TlsAcceptor;

use super::credentials::Credentials;
use super::listen::ServeError;
use crate::endpoint::webhooks::{WebhookService, json_response};

/// A webhook server with a certificate of its own. Dropping it closes the socket.
///
/// A webhook configuration refers to it by `clientConfig.url` and `clientConfig.caBundle`:
///
/// ```no_run
/// # use kube::core::admission::AdmissionResponse;
/// # use seatrial_fakeclient::{WebhookServer, admission_webhook};
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let allow = admission_webhook(|request| async move { AdmissionResponse::from(&request) });
/// let server = WebhookServer::start(allow).await?;
/// println!("{} {}", server.url(), server.ca_pem());
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct WebhookServer {
    address: SocketAddr,
    ca_pem: String,
    accepting: JoinHandle<()>,
}

impl WebhookServer {
    /// Serves on a free port of 127.0.0.1.
    ///
    /// # Errors
    /// If no port is free, or the certificates cannot be made.
    pub async fn start(service: impl WebhookService) -> Result<Self, ServeError> {
        let credentials = Credentials::new()?;
        let listen = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
        let listener = listen.map_err(|source| ServeError::Listen { port: 0, source })?;
        let address = listener.local_addr().map_err(|source| ServeError::Listen { port: 0, source })?;
        let acceptor = TlsAcceptor::from(credentials.tls());
        let accepting = tokio::spawn(accept(listener, acceptor, service));
        Ok(Self { address, ca_pem: credentials.ca_pem.clone(), accepting })
    }

    /// `https://127.0.0.1:PORT`
    pub fn url(&self) -> String {
        format!("https://{}", self.address)
    }

    /// The CA certificate as PEM.
    pub fn ca_pem(&self) -> &str {
        &self.ca_pem
    }
}

impl Drop for WebhookServer {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(listener: TcpListener, acceptor: TlsAcceptor, service: impl WebhookService) {
    // Aborted with this task.
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                // A failed accept concerns one connection, not the socket.
                if let Ok((stream, _)) = accepted {
                    connections.spawn(connection(stream, acceptor.clone(), service.clone()));
                }
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn connection(stream: TcpStream, acceptor: TlsAcceptor, service: impl WebhookService) {
    let Ok(stream) = acceptor.accept(stream).await else { return };
    let answer = service_fn(move |request: Request<Incoming>| {
        let service = service.clone();
        async move {
            let (parts, body) = request.into_parts();
            let answered = match body.collect().await {
                Ok(body) => service.post(Request::from_parts(parts, Body::from(body.to_bytes()))).await,
                Err(error) => Err(error.to_string()),
            };
            let (status, body) = answered
                .unwrap_or_else(|why| (StatusCode::INTERNAL_SERVER_ERROR, Bytes::from(why.into_bytes())));
            Ok::<_, Infallible>(json_response(status, body))
        }
    });
    // A connection that breaks concerns its client alone.
    let _ = auto::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), answer).await;
}
