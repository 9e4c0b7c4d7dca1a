//! A local HTTP server that can break, slow down and stall deliveries.

use std::{
    collections::BTreeMap,
    convert::Infallible,
    io,
    sync::{Arc, Mutex},
    time::Duration,
};

use futures::{StreamExt as _, stream};
use http_body_util::StreamBody;
use hyper::{
    Request, Response, StatusCode,
    body::{Bytes, Frame, Incoming},
    header::{CONTENT_LENGTH, CONTENT_RANGE, RANGE},
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

/// The delivery of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Delivery {
    /// The whole file at once.
    Whole,
    /// The connection breaks after half of it, once.
    BreaksOnce,
    /// The connection breaks after half of it, each time.
    Breaks,
    /// Some bytes at a time, with pauses.
    Slow,
    /// Half of it, then nothing more, each time.
    Stalls,
}

#[derive(Debug)]
struct Page {
    data: Bytes,
    delivery: Delivery,
    /// The `Range` header of each request.
    requests: Vec<Option<String>>,
}

/// The server, which stops with its tokio runtime.
#[derive(Debug, Clone)]
pub(crate) struct Server {
    base: String,
    pages: Arc<Mutex<BTreeMap<String, Page>>>,
}

type Body = StreamBody<stream::BoxStream<'static, io::Result<Frame<Bytes>>>>;

impl Server {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let server = Self { base, pages: Arc::default() };
        let answering = server.clone();
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let server = answering.clone();
                tokio::spawn(async move {
                    let service = service_fn(move |request| {
                        let response = server.answer(&request);
                        async { Ok::<_, Infallible>(response) }
                    });
                    // Errors are expected: clients disconnect and bodies break.
                    let _ = hyper::server::conn::http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), service)
                        .await;
                });
            }
        });
        server
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    /// Puts a file at a path, in place of another one.
    pub(crate) fn put(&self, path: &str, data: impl Into<Bytes>, delivery: Delivery) {
        let page = Page { data: data.into(), delivery, requests: Vec::new() };
        self.pages.lock().unwrap().insert(path.to_owned(), page);
    }

    /// The ranges that were asked for at a path.
    pub(crate) fn requests(&self, path: &str) -> Vec<Option<String>> {
        self.pages.lock().unwrap().get(path).map(|page| page.requests.clone()).unwrap_or_default()
    }

    fn answer(&self, request: &Request<Incoming>) -> Response<Body> {
        let mut pages = self.pages.lock().unwrap();
        let Some(page) = pages.get_mut(request.uri().path()) else {
            let body = StreamBody::new(stream::empty().boxed());
            return Response::builder().status(StatusCode::NOT_FOUND).body(body).unwrap();
        };
        let range = request.headers().get(RANGE).map(|range| range.to_str().unwrap().to_owned());
        page.requests.push(range.clone());
        let delivery = match page.delivery {
            Delivery::BreaksOnce if page.requests.len() > 1 => Delivery::Whole,
            delivery => delivery,
        };
        let total = page.data.len();
        let from = range.map_or(0, |range| {
            range.strip_prefix("bytes=").unwrap().strip_suffix('-').unwrap().parse::<usize>().unwrap()
        });
        if from >= total && from > 0 {
            let body = StreamBody::new(stream::empty().boxed());
            return Response::builder().status(StatusCode::RANGE_NOT_SATISFIABLE).body(body).unwrap();
        }
        let mut response = Response::builder().header(CONTENT_LENGTH, total - from);
        if from > 0 {
            let range = format!("bytes {from}-{}/{total}", total - 1);
            response = response.status(StatusCode::PARTIAL_CONTENT).header(CONTENT_RANGE, range);
        }
        response.body(StreamBody::new(body(page.data.slice(from..), delivery))).unwrap()
    }
}

fn body(data: Bytes, delivery: Delivery) -> stream::BoxStream<'static, io::Result<Frame<Bytes>>> {
    let frame = |data: Bytes| Ok(Frame::data(data));
    let half = data.slice(..data.len() / 2);
    match delivery {
        Delivery::Whole => stream::iter([frame(data)]).boxed(),
        Delivery::Breaks | Delivery::BreaksOnce => {
            // The pause lets hyper write the first half before it sees the error.
            let end = stream::once(async {
                tokio::time::sleep(Duration::from_millis(20)).await;
                Err(io::Error::other("broken on purpose"))
            });
            stream::iter([frame(half)]).chain(end).boxed()
        }
        Delivery::Slow => {
            let chunks: Vec<Bytes> = data.chunks(data.len() / 5 + 1).map(Bytes::copy_from_slice).collect();
            stream::iter(chunks)
                .then(|chunk| async {
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    Ok(Frame::data(chunk))
                })
                .boxed()
        }
        Delivery::Stalls => stream::iter([frame(half)]).chain(stream::pending()).boxed(),
    }
}
