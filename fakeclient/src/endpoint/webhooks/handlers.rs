//! Webhooks of closures: an admission or conversion handler as a tower service.

use std::convert::Infallible;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures::future::BoxFuture;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use kube::core::DynamicObject;
use kube::core::admission::{AdmissionRequest, AdmissionResponse, AdmissionReview};
use kube::core::conversion::{ConversionRequest, ConversionResponse, ConversionReview};
use serde::Serialize;

use super::json_response;

type Handle = dyn Fn(Bytes) -> BoxFuture<'static, Result<Vec<u8>, String>> + Send + Sync;

/// A webhook server of one handler, as a tower service. It answers any path; a body that is no review gets 400.
#[derive(Clone)]
pub struct WebhookHandler(Arc<Handle>);

impl fmt::Debug for WebhookHandler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WebhookHandler")
    }
}

/// An admission webhook, mutating or validating, whose handler gets the request of each review.
///
/// ```
/// use kube::core::admission::AdmissionResponse;
/// use seatrial_fakeclient::admission_webhook;
///
/// let no_latest = admission_webhook(|request| async move {
///     let answer = AdmissionResponse::from(&request);
///     let image = request.object.and_then(|pod| pod.data.pointer("/spec/containers/0/image").cloned());
///     if image.is_some_and(|image| image.as_str().is_some_and(|image| image.ends_with(":latest"))) {
///         return answer.deny("pin the image");
///     }
///     answer
/// });
/// # let _ = no_latest;
/// ```
pub fn admission_webhook<F, Fut>(handler: F) -> WebhookHandler
where
    F: Fn(AdmissionRequest<DynamicObject>) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = AdmissionResponse> + Send + 'static,
{
    let handler = Arc::new(handler);
    WebhookHandler(Arc::new(move |body| {
        let handler = Arc::clone(&handler);
        Box::pin(async move {
            let review: AdmissionReview<DynamicObject> = read(&body)?;
            let request: AdmissionRequest<DynamicObject> = review.try_into().map_err(text)?;
            write(&handler(request).await.into_review())
        })
    }))
}

/// A conversion webhook, whose handler gets the request of each review.
pub fn conversion_webhook<F, Fut>(handler: F) -> WebhookHandler
where
    F: Fn(ConversionRequest) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = ConversionResponse> + Send + 'static,
{
    let handler = Arc::new(handler);
    WebhookHandler(Arc::new(move |body| {
        let handler = Arc::clone(&handler);
        Box::pin(async move {
            let review: ConversionReview = read(&body)?;
            let request = ConversionRequest::from_review(review).map_err(text)?;
            write(&handler(request).await.into_review())
        })
    }))
}

fn read<T: serde::de::DeserializeOwned>(body: &[u8]) -> Result<T, String> {
    serde_json::from_slice(body).map_err(text)
}

fn write(review: &impl Serialize) -> Result<Vec<u8>, String> {
    serde_json::to_vec(review).map_err(text)
}

fn text(error: impl fmt::Display) -> String {
    error.to_string()
}

impl<B> tower::Service<Request<B>> for WebhookHandler
where
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: fmt::Display,
{
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let handle = Arc::clone(&self.0);
        Box::pin(async move {
            let body = request.into_body().collect().await.map_err(text);
            let answered = match body {
                Ok(body) => handle(body.to_bytes()).await,
                Err(why) => Err(why),
            };
            let (status, body) = match answered {
                Ok(review) => (StatusCode::OK, review),
                Err(why) => (StatusCode::BAD_REQUEST, why.into_bytes()),
            };
            Ok(json_response(status, Bytes::from(body)))
        })
    }
}
