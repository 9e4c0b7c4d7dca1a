//! HTTP responses: status codes, headers, and the body type of documents and watches.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures::Stream;
use http::{HeaderName, HeaderValue, Response, StatusCode, header};
use http_body::{Frame, SizeHint};
use serde_json::Value;

use crate::error::ApiError;

const JSON: &str = "application/json";

/// Frames of a watch, as JSON lines.
pub(crate) type WatchFrames = Pin<Box<dyn Stream<Item = Bytes> + Send>>;

/// The response to a request, before it becomes HTTP.
pub(crate) enum Reply {
    /// A JSON document.
    Json {
        /// HTTP status.
        code: u16,
        /// Serialised document.
        body: Bytes,
        /// Texts for `Warning` headers.
        warnings: Vec<String>,
        /// Content type.
        content_type: &'static str,
        /// Seconds in the `Retry-After` header; 0 sends none.
        retry_after: u32,
    },
    /// Plain text, such as `ok` of `/healthz`.
    Text {
        /// HTTP status.
        code: u16,
        /// Text of the body.
        body: String,
    },
    /// A watch stream.
    Stream {
        /// Frames of the watch.
        frames: WatchFrames,
        /// Texts for `Warning` headers.
        warnings: Vec<String>,
    },
    /// A response with custom headers.
    Plain {
        /// HTTP status.
        code: u16,
        /// Additional headers.
        headers: Vec<(HeaderName, String)>,
        /// Body, possibly empty.
        body: Bytes,
    },
}

impl Reply {
    pub(crate) fn value(code: u16, value: &Value) -> Self {
        let body = serde_json::to_vec(value).expect("a JSON value can be serialised").into();
        Self::Json { code, body, warnings: Vec::new(), content_type: JSON, retry_after: 0 }
    }

    pub(crate) fn bytes(code: u16, body: Bytes) -> Self {
        Self::Json { code, body, warnings: Vec::new(), content_type: JSON, retry_after: 0 }
    }

    pub(crate) fn error(error: &ApiError) -> Self {
        let mut reply = Self::value(error.code, &error.to_status());
        if let (Self::Json { retry_after, .. }, Some(details)) = (&mut reply, &error.details) {
            *retry_after = details.retry_after_seconds;
        }
        reply
    }

    /// Sets the content type.
    #[must_use]
    pub(crate) fn with_content_type(self, content_type: &'static str) -> Self {
        match self {
            Self::Json { code, body, warnings, retry_after, .. } => {
                Self::Json { code, body, warnings, content_type, retry_after }
            }
            other => other,
        }
    }

    /// Adds warnings before the existing ones.
    #[must_use]
    pub(crate) fn prepend_warnings(mut self, first: Vec<String>) -> Self {
        if let Some(warnings) = self.warnings() {
            warnings.splice(0..0, first);
        }
        self
    }

    fn warnings(&mut self) -> Option<&mut Vec<String>> {
        match self {
            Self::Json { warnings, .. } | Self::Stream { warnings, .. } => Some(warnings),
            Self::Text { .. } | Self::Plain { .. } => None,
        }
    }

    pub(crate) fn into_response(self, head: bool) -> Response<ResponseBody> {
        let full = |body: Bytes| ResponseBody::Full(Some(body).filter(|body| !body.is_empty()));
        let (code, content_type, body, warnings, more) = match self {
            Self::Json { code, body, warnings, content_type, retry_after } => {
                let wait = (retry_after > 0).then(|| (header::RETRY_AFTER, retry_after.to_string()));
                (code, Some(content_type), full(body), warnings, wait.into_iter().collect())
            }
            Self::Text { code, body } => {
                (code, Some("text/plain; charset=utf-8"), full(body.into()), Vec::new(), Vec::new())
            }
            Self::Stream { frames, warnings } => {
                (200, Some(JSON), ResponseBody::Stream(frames), warnings, Vec::new())
            }
            Self::Plain { code, headers, body } => (code, None, full(body), Vec::new(), headers),
        };
        let body = if head { ResponseBody::Full(None) } else { body };
        let mut response = Response::new(body);
        *response.status_mut() = StatusCode::from_u16(code).expect("every code here is an HTTP status");
        let headers = response.headers_mut();
        if let Some(content_type) = content_type {
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
        }
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache, private"));
        for (name, value) in more {
            headers.insert(name, HeaderValue::from_str(&value).expect("headers of ours are ASCII"));
        }
        let mut said: Vec<String> = Vec::new();
        for text in warnings {
            if said.contains(&text) {
                continue;
            }
            if let Ok(value) = HeaderValue::from_str(&warning(&text)) {
                headers.append(header::WARNING, value);
            }
            said.push(text);
        }
        response
    }
}

/// A `Warning` header (RFC 7234): code 299, no agent, the text quoted.
fn warning(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 8);
    quoted.push_str("299 - \"");
    for c in text.chars() {
        match c {
            '"' | '\\' => {
                quoted.push('\\');
                quoted.push(c);
            }
            c if c.is_control() => quoted.push(' '),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

/// Body of a response: a whole document, or the frames of a watch.
pub enum ResponseBody {
    /// A whole document.
    Full(Option<Bytes>),
    /// A watch.
    Stream(Pin<Box<dyn Stream<Item = Bytes> + Send>>),
}

impl std::fmt::Debug for ResponseBody {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Full(bytes) => f.debug_tuple("Full").field(bytes).finish(),
            Self::Stream(_) => f.write_str("Stream"),
        }
    }
}

impl http_body::Body for ResponseBody {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        match &mut *self {
            Self::Full(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Self::Stream(frames) => {
                frames.as_mut().poll_next(cx).map(|next| next.map(|bytes| Ok(Frame::data(bytes))))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Self::Full(None))
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Full(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, |b| b.len() as u64)),
            Self::Stream(_) => SizeHint::default(),
        }
    }
}
