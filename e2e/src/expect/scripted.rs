//! A scripted API server, for answers that no real one gives on demand: watches that end early, lost histories,
//! errors.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use futures::StreamExt as _;
use http::{Request, Response};
use http_body::Frame;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use k8s_openapi::api::core::v1::ConfigMap;
use kube::client::Body;
use kube::{Api, Client};
use serde_json::{Value, json};

use crate::expect::Object;
use crate::watch::Selection;

/// One answer. Requests beyond the script are answered as the last one was.
#[derive(Clone)]
pub(crate) enum ScriptedAnswer {
    /// A list at a revision, with objects as (key, revision).
    List(u64, Vec<Value>),
    /// A watch with these events that then ends.
    Watch(Vec<Value>),
    /// A watch with these events that then stays open.
    OpenWatch(Vec<Value>),
    /// A Status with this code.
    Refusal(u16),
}

/// Requests, as paths with queries.
#[derive(Clone, Default)]
pub(crate) struct RequestLog(Arc<Mutex<Vec<String>>>);

impl RequestLog {
    pub(crate) fn all(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}

/// The object that scripts are about.
pub(crate) fn config(revision: u64, value: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": "a", "namespace": "demo", "resourceVersion": revision.to_string()},
        "data": {"key": value},
    })
}

pub(crate) fn event(kind: &str, object: &Value) -> Value {
    json!({"type": kind, "object": object})
}

/// The scripted server's `ConfigMap demo/a`.
pub(crate) fn scripted(script: Vec<ScriptedAnswer>) -> (Selection<ConfigMap, ConfigMap>, RequestLog) {
    let asked = RequestLog::default();
    let seen = asked.clone();
    let script = Arc::new(Mutex::new(VecDeque::from(script)));
    let service = tower::service_fn(move |request: Request<Body>| {
        let path = request.uri().path_and_query().unwrap().to_string();
        seen.0.lock().unwrap().push(path);
        let mut script = script.lock().unwrap();
        let answer = if script.len() > 1 { script.pop_front() } else { script.front().cloned() };
        std::future::ready(Ok::<_, Infallible>(response(answer.expect("a script has an answer"))))
    });
    let api = Api::namespaced(Client::new(service, "demo"), "demo");
    (Object::new(api, "ConfigMap", "a").selection(), asked)
}

fn response(answer: ScriptedAnswer) -> Response<BoxBody<Bytes, Infallible>> {
    let whole = |code: u16, json: &Value| {
        Response::builder().status(code).body(Full::from(json.to_string()).boxed()).unwrap()
    };
    match answer {
        ScriptedAnswer::List(revision, items) => {
            let metadata = json!({"resourceVersion": revision.to_string()});
            whole(
                200,
                &json!({"apiVersion": "v1", "kind": "ConfigMapList", "metadata": metadata, "items": items}),
            )
        }
        ScriptedAnswer::Watch(events) => Response::new(Full::from(lines(&events)).boxed()),
        ScriptedAnswer::OpenWatch(events) => {
            let frame = Frame::data(Bytes::from(lines(&events)));
            let frames = futures::stream::iter([Ok(frame)]).chain(futures::stream::pending());
            Response::new(BodyExt::boxed(StreamBody::new(frames)))
        }
        ScriptedAnswer::Refusal(code) => {
            let reason = if code == 410 { "Expired" } else { "InternalError" };
            whole(
                code,
                &json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code, "reason": reason, "message": "by the script"}),
            )
        }
    }
}

fn lines(events: &[Value]) -> String {
    events.iter().flat_map(|event| [event.to_string(), "\n".into()]).collect()
}
