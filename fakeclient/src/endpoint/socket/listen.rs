//! The TLS listener and its connections.

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use http::{Request, Response, Version, header};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use tokio_rustls::TlsAcceptor;
use tower::Service;

use super::credentials::{Credentials, CredentialsError};
use super::kubeconfig;
use crate::controllers::Controllers;
use crate::endpoint::response::{Reply, ResponseBody};
use crate::endpoint::service::FakeService;
use crate::error::ApiError;

/// Grace period for open requests when the socket closes.
const SHUTDOWN_GRACE_PERIOD: Duration = Duration::from_millis(500);

/// Failure to open the socket.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The port is in use or not permitted.
    #[error(
        "failed to listen on 127.0.0.1:{port}: {source}; another port can be asked for, 0 takes a free one"
    )]
    Listen {
        /// The requested port.
        port: u16,
        /// The system's error.
        source: std::io::Error,
    },
    /// The certificates cannot be created.
    #[error("failed to make the socket's certificates: {0}")]
    Certificates(String),
}

impl From<CredentialsError> for ServeError {
    fn from(error: CredentialsError) -> Self {
        Self::Certificates(error.to_string())
    }
}

/// An open socket. Dropping it closes it.
#[derive(Debug)]
pub struct ServerHandle {
    address: SocketAddr,
    kubeconfig: String,
    token: String,
    ca_pem: String,
    stop: watch::Sender<bool>,
    accepting: Option<JoinHandle<()>>,
}

impl ServerHandle {
    /// The listening address, always of the loopback interface.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// `https://127.0.0.1:PORT`
    pub fn url(&self) -> String {
        format!("https://{}", self.address)
    }

    /// A kubeconfig of an administrator. It contains a private key: write it with mode 0600.
    pub fn kubeconfig(&self) -> &str {
        &self.kubeconfig
    }

    /// The bearer token of the same administrator.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// The CA certificate as PEM.
    pub fn ca_pem(&self) -> &str {
        &self.ca_pem
    }

    /// Accepts no more connections, waits for open requests up to a grace period, and returns when all connections are
    /// closed.
    pub async fn stop(mut self) {
        self.stop.send_replace(true);
        if let Some(accepting) = self.accepting.take() {
            // A panic of a connection's task has been printed already.
            let _ = accepting.await;
        }
    }
}

impl Drop for ServerHandle {
    fn drop(&mut self) {
        if let Some(accepting) = self.accepting.take() {
            accepting.abort();
        }
    }
}

/// Opens the socket on `port` of 127.0.0.1; port 0 selects a free one.
pub(crate) async fn serve(controllers: Arc<Controllers>, port: u16) -> Result<ServerHandle, ServeError> {
    let credentials = Arc::new(Credentials::new()?);
    let listen = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await;
    let listener = listen.map_err(|source| ServeError::Listen { port, source })?;
    let address = listener.local_addr().map_err(|source| ServeError::Listen { port, source })?;
    let (stop, stopped) = watch::channel(false);
    let kubeconfig = kubeconfig::kubeconfig(&credentials, &format!("https://{address}"));
    let (token, ca_pem) = (credentials.token.clone(), credentials.ca_pem.clone());
    let accepting = tokio::spawn(accept(listener, controllers, credentials, stopped));
    Ok(ServerHandle { address, kubeconfig, token, ca_pem, stop, accepting: Some(accepting) })
}

async fn accept(
    listener: TcpListener,
    controllers: Arc<Controllers>,
    credentials: Arc<Credentials>,
    mut stopped: watch::Receiver<bool>,
) {
    let acceptor = TlsAcceptor::from(credentials.tls());
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                // A failed accept concerns one connection, not the socket.
                if let Ok((stream, _)) = accepted {
                    let (controllers, credentials) = (Arc::clone(&controllers), Arc::clone(&credentials));
                    connections.spawn(connection(stream, acceptor.clone(), controllers, credentials, stopped.clone()));
                }
            }
            Some(_) = connections.join_next() => {}
            _ = stopped.changed() => break,
        }
    }
    drop(listener);
    let all = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(SHUTDOWN_GRACE_PERIOD, all).await.is_err() {
        connections.shutdown().await;
    }
}

async fn connection(
    stream: TcpStream,
    acceptor: TlsAcceptor,
    controllers: Arc<Controllers>,
    credentials: Arc<Credentials>,
    mut stopped: watch::Receiver<bool>,
) {
    // Without Nagle's delay, a watch frame is sent immediately.
    let _ = stream.set_nodelay(true);
    let Ok(stream) = acceptor.accept(stream).await else { return };
    let certificate =
        stream.get_ref().1.peer_certificates().and_then(|chain| chain.first()).map(|c| c.to_vec());
    let service = service_fn(move |request: Request<Incoming>| {
        let (controllers, credentials, certificate) =
            (Arc::clone(&controllers), Arc::clone(&credentials), certificate.clone());
        async move {
            Ok::<_, Infallible>(answer(controllers, &credentials, certificate.as_deref(), request).await)
        }
    });
    let builder = auto::Builder::new(TokioExecutor::new());
    let connection = builder.serve_connection_with_upgrades(TokioIo::new(stream), service);
    let mut connection = std::pin::pin!(connection);
    tokio::select! {
        _ = connection.as_mut() => {}
        _ = stopped.changed() => {
            connection.as_mut().graceful_shutdown();
            let _ = connection.await;
        }
    }
}

async fn answer(
    controllers: Arc<Controllers>,
    credentials: &Credentials,
    certificate: Option<&[u8]>,
    request: Request<Incoming>,
) -> Response<ResponseBody> {
    if request.version() == Version::HTTP_11 && request.headers().get_all(header::HOST).iter().count() != 1 {
        let body = bytes::Bytes::from_static(b"400 Bad Request: one Host header is required");
        let headers = vec![
            (header::CONTENT_TYPE, "text/plain; charset=utf-8".to_owned()),
            (header::CONNECTION, "close".to_owned()),
        ];
        return Reply::Plain { code: 400, headers, body }.into_response(false);
    }
    let authorization = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let Some(user) = credentials.user(certificate, authorization) else {
        return Reply::error(&ApiError::new(401, "Unauthorized", "Unauthorized")).into_response(false);
    };
    match FakeService::new(controllers, user).call(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    }
}
