//! Calls of webhooks: in this process for registered Services, over TLS for URLs.

pub(crate) mod handlers;
mod remote;

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use futures::future::BoxFuture;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use kube::client::Body;
use tower::ServiceExt;

use crate::registry::webhook::{WebhookCall, WebhookCaller};

/// A Service of this process: posts a review, and returns status and body of the response.
type Post =
    Arc<dyn Fn(Request<Body>) -> BoxFuture<'static, Result<(StatusCode, Bytes), String>> + Send + Sync>;

/// A tower service that can answer webhooks: any that takes requests with kube's body, such as an `axum::Router`. It is
/// implemented for all of them.
pub trait WebhookService: Clone + Send + Sync + 'static {
    /// Status and body of the response to a review.
    ///
    /// # Errors
    /// The text of the service's error.
    fn post(self, request: Request<Body>) -> BoxFuture<'static, Result<(StatusCode, Bytes), String>>;
}

impl<S, B> WebhookService for S
where
    S: tower::Service<Request<Body>, Response = Response<B>> + Clone + Send + Sync + 'static,
    S::Future: Send,
    S::Error: std::fmt::Display,
    B: http_body::Body + Send + 'static,
    B::Data: Send,
    B::Error: std::fmt::Display,
{
    fn post(self, request: Request<Body>) -> BoxFuture<'static, Result<(StatusCode, Bytes), String>> {
        Box::pin(async move {
            let response = self.oneshot(request).await.map_err(|error| error.to_string())?;
            read(response).await
        })
    }
}

/// The webhooks of one cluster.
#[derive(Default)]
pub(crate) struct Webhooks {
    services: Mutex<HashMap<(String, String), Post>>,
    calls: AtomicUsize,
    /// False while the cluster is built, which waits for nobody.
    open: AtomicBool,
}

impl std::fmt::Debug for Webhooks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let services = self.services.lock().expect("the lock is held for a look only");
        f.debug_set().entries(services.keys()).finish()
    }
}

impl Webhooks {
    /// Registers what answers for a Service.
    pub(crate) fn register(&self, namespace: &str, name: &str, service: impl WebhookService) {
        let post: Post = Arc::new(move |request| service.clone().post(request));
        let key = (namespace.to_owned(), name.to_owned());
        self.services.lock().expect("the lock is held for a push only").insert(key, post);
    }

    /// Begins to call webhooks.
    pub(crate) fn open(&self) {
        self.open.store(true, Ordering::SeqCst);
    }

    fn registered(&self, service: &(String, String)) -> Option<Post> {
        self.services.lock().expect("the lock is held for a look only").get(service).cloned()
    }

    async fn post(&self, call: &WebhookCall<'_>) -> Result<(StatusCode, Bytes), String> {
        let request = Request::post(call.url())
            .header(http::header::CONTENT_TYPE, "application/json")
            .header(http::header::ACCEPT, "application/json, */*")
            .body(Body::from(call.body.clone()))
            .map_err(|error| error.to_string())?;
        let Some(service) = &call.config.service else {
            return remote::post(request, &call.config.ca_bundle).await;
        };
        if !call.service_exists {
            return Err(format!("service {:?} not found", service.1));
        }
        match self.registered(service) {
            Some(post) => post(request).await,
            None => Err(format!("no endpoints available for service {:?}", service.1)),
        }
    }
}

/// A response of a webhook server.
pub(crate) fn json_response(status: StatusCode, body: Bytes) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = status;
    let json = http::HeaderValue::from_static("application/json");
    response.headers_mut().insert(http::header::CONTENT_TYPE, json);
    response
}

async fn read<B>(response: Response<B>) -> Result<(StatusCode, Bytes), String>
where
    B: http_body::Body,
    B::Error: std::fmt::Display,
{
    let status = response.status();
    let body = response.into_body().collect().await.map_err(|error| error.to_string())?;
    Ok((status, body.to_bytes()))
}

/// Counts a call while it lasts, also one that is dropped.
struct Calling<'a>(&'a AtomicUsize);

impl<'a> Calling<'a> {
    fn new(calls: &'a AtomicUsize) -> Self {
        calls.fetch_add(1, Ordering::SeqCst);
        Self(calls)
    }
}

impl Drop for Calling<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl WebhookCaller for Webhooks {
    fn call<'a>(&'a self, call: WebhookCall<'a>) -> BoxFuture<'a, Result<Bytes, String>> {
        Box::pin(async move {
            if !self.open.load(Ordering::SeqCst) {
                return Err(format!(
                    "Post {:?}: webhooks are not called while a cluster is built",
                    call.url()
                ));
            }
            let _calling = Calling::new(&self.calls);
            let answered = if call.config.service.is_some() {
                tokio::time::timeout(call.timeout, self.post(&call)).await.map_err(drop)
            } else {
                remote::within(call.timeout, self.post(&call)).await
            };
            let (status, body) = match answered {
                Err(()) => return Err(format!("Post {:?}: context deadline exceeded", call.url())),
                Ok(Err(why)) => return Err(format!("Post {:?}: {why}", call.url())),
                Ok(Ok(answer)) => answer,
            };
            if status.is_success() { Ok(body) } else { Err(refusal(status, &body)) }
        })
    }

    fn is_calling(&self) -> bool {
        self.calls.load(Ordering::SeqCst) > 0
    }
}

/// The text of a response with an error, as client-go makes it.
fn refusal(status: StatusCode, body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    match status.as_u16() {
        404 => "the server could not find the requested resource".to_owned(),
        400 => "the server rejected our request for an unknown reason".to_owned(),
        401 => "the server has asked for the client to provide credentials".to_owned(),
        503 => "the server is currently unable to handle the request".to_owned(),
        code if code >= 500 => {
            format!("an error on the server ({:?}) has prevented the request from succeeding", text.trim())
        }
        code => {
            format!("the server responded with the status code {code} but did not return more information")
        }
    }
}
