//! Tells whoever asks over HTTP how the operator is: alive while it answers, ready while it looks after its kinds.
//!
//! A kubelet asks. Nothing here knows what being ready takes; who runs the operator says when it is.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use axum::{Router, http::StatusCode, routing::get};
use tokio::net::TcpListener;

/// How an operator is, shared between those who know and those who ask. It begins as not ready.
#[derive(Clone, Debug, Default)]
pub struct Health {
    ready: Arc<AtomicBool>,
}

impl Health {
    /// Whether the operator looks after its kinds.
    pub fn is_ready(&self) -> bool {
        self.ready.load(Ordering::Relaxed)
    }

    pub(crate) fn set_ready(&self, ready: bool) {
        self.ready.store(ready, Ordering::Relaxed);
    }

    /// Answers `GET /healthz` and `GET /readyz` on `listener`, for as long as the future is polled: 200 for yes, 503 for
    /// not ready.
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
        let ask = async {
            let mut stream = TcpStream::connect(address).await.unwrap();
            let request = format!("GET {path} HTTP/1.1\r\nHost: operator\r\nConnection: close\r\n\r\n");
            stream.write_all(request.as_bytes()).await.unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await.unwrap();
            answer.split(' ').nth(1).unwrap_or_default().to_owned()
        };
        tokio::select! {
            answer = ask => answer,
            ended = health.serve(listener) => panic!("the server ended before its answer: {ended:?}"),
        }
    }

    #[tokio::test]
    async fn an_operator_that_is_not_ready_is_alive_all_the_same() {
        // A liveness that waited for readiness would have a slow operator killed again and again.
        assert_eq!(status_of("/healthz", false).await, "200");
        assert_eq!(status_of("/readyz", false).await, "503");
    }

    #[tokio::test]
    async fn an_operator_that_looks_after_its_kinds_is_ready() {
        assert_eq!(status_of("/readyz", true).await, "200");
    }
}
