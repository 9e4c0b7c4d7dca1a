//! `FakeService`: the tower service for in-process clients and for the socket.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response, header};
use http_body_util::BodyExt;

use super::response::{Reply, ResponseBody};
use super::route::{IncomingRequest, answer};
use crate::controllers::Controllers;
use crate::error::ApiError;
use crate::instruments::request_log::RequestRecord;

/// Maximum size of a request body in bytes (kube-apiserver's `MaxRequestBodyBytes`: 3 MiB).
const BODY_LIMIT: usize = 3 * 1024 * 1024;

/// The API server as a tower service. Cheap to clone; all clones use the same cluster.
#[derive(Clone, Debug)]
pub struct FakeService {
    /// The cluster: its state, and the controllers that run after each request.
    controllers: Arc<Controllers>,
    user: Arc<str>,
}

impl FakeService {
    pub(crate) fn new(controllers: Arc<Controllers>, user: &str) -> Self {
        Self { controllers, user: user.into() }
    }
}

impl<B> tower::Service<Request<B>> for FakeService
where
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: std::fmt::Display,
{
    type Response = Response<ResponseBody>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let (controllers, user) = (Arc::clone(&self.controllers), Arc::clone(&self.user));
        Box::pin(async move { Ok(serve(&controllers, &user, request).await) })
    }
}

/// Reads the body, answers the request, and records it.
async fn serve<B>(
    controllers: &Arc<Controllers>,
    user: &Arc<str>,
    request: Request<B>,
) -> Response<ResponseBody>
where
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: std::fmt::Display,
{
    let state = &controllers.state;
    let (parts, body) = request.into_parts();
    let is_head = parts.method == http::Method::HEAD;
    let text =
        |name: header::HeaderName| parts.headers.get(name).and_then(|v| v.to_str().ok()).map(str::to_owned);
    let mut entry = RequestRecord {
        at: state.clock.now(),
        method: parts.method.to_string(),
        path: parts.uri.path_and_query().map(ToString::to_string).unwrap_or_default(),
        user: user.to_string(),
        code: 200,
    };
    let reply = match read(body).await {
        Ok(body) => {
            let incoming = IncomingRequest {
                user: Arc::clone(user),
                path: parts.uri.path().to_owned(),
                query: parts.uri.query().unwrap_or_default().to_owned(),
                accept: text(header::ACCEPT),
                if_none_match: text(header::IF_NONE_MATCH),
                content_type: text(header::CONTENT_TYPE).unwrap_or_default(),
                user_agent: parts
                    .headers
                    .get(header::USER_AGENT)
                    .map(|agent| String::from_utf8_lossy(agent.as_bytes()).into_owned())
                    .unwrap_or_default(),
                method: parts.method,
                body,
            };
            let reply = answer(state, incoming).await;
            controllers.run_until_idle().await;
            reply
        }
        Err(error) => Reply::error(&error),
    };
    let response = reply.into_response(is_head);
    entry.code = response.status().as_u16();
    state.request_log.record(entry);
    response
}

async fn read<B>(body: B) -> Result<Bytes, ApiError>
where
    B: http_body::Body<Data = Bytes>,
    B::Error: std::fmt::Display,
{
    let mut body = std::pin::pin!(body);
    let mut read: Vec<Bytes> = Vec::new();
    let mut length = 0;
    while let Some(frame) = body.frame().await {
        let frame =
            frame.map_err(|error| ApiError::new(500, "", format!("the body could not be read: {error}")))?;
        if let Ok(data) = frame.into_data() {
            length += data.len();
            if length > BODY_LIMIT {
                let message = format!("Request entity too large: limit is {BODY_LIMIT}");
                return Err(ApiError::too_large(message));
            }
            read.push(data);
        }
    }
    Ok(match read.as_slice() {
        [] => Bytes::new(),
        [only] => only.clone(),
        many => many.concat().into(),
    })
}
