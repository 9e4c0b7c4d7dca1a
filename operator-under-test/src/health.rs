//! Liveness and readiness endpoints for the kubelet's probes.
//!
//! The operator is live as long as it answers, and ready while its controllers run.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use axum::{Router, http::StatusCode, routing::get};
use tokio::net::TcpListener;

/// The readiness of an operator, shared by all clones. Initially not ready.
#[derive(Clone, Debug, Default)]
pub struct Health {
    ready: Arc<AtomicBool>,
}

impl Health {
    /// True while the operator's controllers run.
    pub fn is_ready(&self) -> bool {
        self.ready.load(Ordering::Relaxed)
    }

    pub(crate) fn set_ready(&self, ready: bool) {
        self.ready.store(ready, Ordering::Relaxed);
    }

    /// Serves `GET /healthz` (200) and `GET /readyz` (200 or 503) on `listener` for as long as the future is polled.
    pub async fn serve(self, listener: TcpListener) -> io::Result<()> {
        let readiness = move || std::future::ready(self.readiness());
        let router = Router::new().route("/healthz", get(async || "ok\n")).route("/readyz", get(readiness));
        axum::serve(listener, router).await
    }

    fn readiness(&self) -> (StatusCode, &'static str) {
        if self.is_ready() {
            (StatusCode::OK, "ok\n")
        } else {
            (StatusCode::SERVICE_UNAVAILABLE, "the operator does not look after its kinds yet\n")
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::{TcpListener, TcpStream},
    };

    use super::Health;

    async fn status_of(path: &str, ready: bool) -> String {
        let health = Health::default();
        health.set_ready(ready);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let request = async {
            let mut stream = TcpStream::connect(address).await.unwrap();
            let request = format!("GET {path} HTTP/1.1\r\nHost: operator\r\nConnection: close\r\n\r\n");
            stream.write_all(request.as_bytes()).await.unwrap();
            let mut response = String::new();
            stream.read_to_string(&mut response).await.unwrap();
            response.split(' ').nth(1).unwrap_or_default().to_owned()
        };
        tokio::select! {
            code = request => code,
            ended = health.serve(listener) => panic!("the server ended before its response: {ended:?}"),
        }
    }

    #[tokio::test]
    async fn an_operator_that_is_not_ready_is_live() {
        // If liveness waited for readiness, the kubelet would restart a slow operator again and again.
        assert_eq!(status_of("/healthz", false).await, "200");
        assert_eq!(status_of("/readyz", false).await, "503");
    }

    #[tokio::test]
    async fn an_operator_whose_controllers_run_is_ready() {
        assert_eq!(status_of("/readyz", true).await, "200");
    }
}
