//! Features of the API, each with a request that shows it.

use std::fmt::Write;

use anyhow::{Result, bail};
use http::Method;
use seatrial_fixtures::wire::{Request, WatchResponse, Wire};
use serde_json::{Value, json};

use super::{Objects, cluster};

/// The answer that a feature's request must get.
enum Support {
    /// This status code: the feature is there.
    Served(u16),
    /// HTTP 501.
    NotModelled,
    /// This status code, and this text in the body, which shows that the fake has no regard for it.
    Ignored(u16, &'static str),
}

struct Feature {
    section: &'static str,
    name: &'static str,
    note: &'static str,
    support: Support,
    request: Request,
}

impl Feature {
    /// The word in the table; an error if the fake answers otherwise.
    async fn state(&self) -> Result<&'static str> {
        let wire = cluster(Objects::WithExtensions).await?;
        let response = if self.request.target.contains("watch=true") {
            match wire.watch(self.request.clone()).await? {
                WatchResponse::Rejected(response) | WatchResponse::Open(response, _) => response,
            }
        } else {
            wire.send(self.request.clone()).await?
        };
        let body = String::from_utf8_lossy(&response.body);
        let (state, holds) = match self.support {
            Support::Served(status) => ("served", response.status == status),
            Support::NotModelled => ("501", response.status == 501),
            Support::Ignored(status, text) => ("ignored", response.status == status && body.contains(text)),
        };
        if !holds {
            let Self { name, section, .. } = self;
            bail!(
                "{section}, {name}: the list says {state}, and the fake answers {}: {body}",
                response.status
            );
        }
        Ok(state)
    }
}

/// The section of SUPPORT.md.
pub(super) async fn table() -> Result<String> {
    let mut text = "\n## Features\n\nEach line is checked by a request. *Ignored* is what is accepted and has no effect.\n".to_owned();
    let mut before = "";
    for feature in features() {
        let Feature { section, name, note, .. } = feature;
        if section != before {
            let _ = write!(text, "\n### {section}\n\n| feature | support | notes |\n|---|---|---|\n");
            before = section;
        }
        let _ = writeln!(text, "| {name} | {} | {note} |", feature.state().await?);
    }
    Ok(text)
}

const MAPS: &str = "/api/v1/namespaces/default/configmaps";
const MAP: &str = "/api/v1/namespaces/default/configmaps/probe";
const WIDGETS: &str = "/apis/example.com/v1/namespaces/default/widgets";

fn features() -> Vec<Feature> {
    let sections = [
        ("Writes", writes()),
        ("Reads", reads()),
        ("Media types", media()),
        ("Extensions", custom()),
        ("Admission", admission()),
        ("Users and rights", users()),
        ("Documents", documents()),
    ];
    let named = |(section, list): (&'static str, Vec<Line>)| {
        list.into_iter().map(move |(name, note, support, request)| Feature {
            section,
            name,
            note,
            support,
            request,
        })
    };
    sections.into_iter().flat_map(named).collect()
}

type Line = (&'static str, &'static str, Support, Request);

fn get(target: &str) -> Request {
    Request::new(Method::GET, target)
}

fn post(target: &str, body: &Value) -> Request {
    Request::new(Method::POST, target).json(body)
}

fn patch(media: &str, body: &str) -> Request {
    Request::new(Method::PATCH, MAP).body(media, body.to_owned())
}

fn map() -> Value {
    json!({"metadata": {"generateName": "new-"}, "data": {"a": "1"}})
}

fn pod() -> Value {
    json!({
        "metadata": {"name": "new"},
        "spec": {"containers": [
            {"name": "main", "image": "example.com/app:1", "resources": {"limits": {"cpu": "2"}}},
        ]},
    })
}

fn writes() -> Vec<Line> {
    use Support::Served;
    let apply = Request::new(Method::PATCH, format!("{MAPS}/new?fieldManager=a"));
    let apply = apply
        .body("application/apply-patch+yaml", "{apiVersion: v1, kind: ConfigMap, metadata: {name: new}}");
    let unknown = json!({"metadata": {"name": "new"}, "depth": 1});
    let stale = json!({"metadata": {"name": "probe", "resourceVersion": "1"}});
    let orphaned = Request::new(Method::DELETE, MAP).json(&json!({"propagationPolicy": "Foreground"}));
    vec![
        (
            "server-side apply",
            "with conflicts, `force` and managed fields; of subresources, too",
            Served(201),
            apply,
        ),
        ("JSON patch", "", Served(200), patch("application/json-patch+json", "[]")),
        ("merge patch", "", Served(200), patch("application/merge-patch+json", "{}")),
        (
            "strategic merge patch",
            "built-in kinds only",
            Served(200),
            patch("application/strategic-merge-patch+json", "{}"),
        ),
        ("dry run", "`dryRun=All` of each write", Served(201), post(&format!("{MAPS}?dryRun=All"), &map())),
        (
            "field validation",
            "`Strict`, `Warn` and `Ignore`",
            Served(400),
            post(&format!("{MAPS}?fieldValidation=Strict"), &unknown),
        ),
        ("generated names", "", Served(201), post(MAPS, &map())),
        (
            "optimistic concurrency",
            "a stale `resourceVersion` is a conflict",
            Served(409),
            Request::new(Method::PUT, MAP).json(&stale),
        ),
        ("propagation policies", "with finalizers, grace periods and preconditions", Served(200), orphaned),
    ]
}

fn reads() -> Vec<Line> {
    use Support::Served;
    let list = |query: &str| get(&format!("{MAPS}?{query}"));
    let initial =
        "watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true";
    let metadata = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";
    let table = "application/json;as=Table;g=meta.k8s.io;v=v1";
    vec![
        ("label selectors", "", Served(200), list("labelSelector=app%3Dprobe")),
        (
            "field selectors",
            "the server's fields by kind, and `selectableFields` of CRDs",
            Served(200),
            list("fieldSelector=metadata.name%3Dprobe"),
        ),
        ("pages", "`limit` and `continue`, each list at one revision", Served(200), list("limit=1")),
        (
            "lists at a revision",
            "`resourceVersionMatch`",
            Served(200),
            list("resourceVersion=1&resourceVersionMatch=NotOlderThan"),
        ),
        ("watches", "from any revision that the history has", Served(200), list("watch=true")),
        ("watch bookmarks", "", Served(200), list("watch=true&allowWatchBookmarks=true")),
        ("streaming lists", "`sendInitialEvents`", Served(200), list(initial)),
        ("tables", "columns of built-in kinds and of CRDs", Served(200), list("").header("accept", table)),
        (
            "metadata alone",
            "`PartialObjectMetadata` and its list",
            Served(200),
            list("").header("accept", metadata),
        ),
    ]
}

fn media() -> Vec<Line> {
    use Support::{NotModelled, Served};
    let protobuf = "application/vnd.kubernetes.protobuf";
    let yaml = "{metadata: {name: new}}";
    let create = |media: &str, body: Vec<u8>| Request::new(Method::POST, MAPS).body(media, body);
    vec![
        ("bodies in JSON", "", Served(201), post(MAPS, &map())),
        ("bodies in YAML", "", Served(201), create("application/yaml", yaml.into())),
        (
            "bodies in protobuf",
            "built-in kinds; clients written in Go send them",
            Served(201),
            create(protobuf, in_protobuf()),
        ),
        ("answers in JSON", "", Served(200), get(MAP).header("accept", "application/json")),
        (
            "answers in YAML",
            "only if JSON is not accepted, either",
            NotModelled,
            get(MAP).header("accept", "application/yaml"),
        ),
        (
            "answers in protobuf",
            "only if JSON is not accepted, either",
            NotModelled,
            get(MAP).header("accept", protobuf),
        ),
    ]
}

/// A ConfigMap as a `runtime.Unknown`: type (1) with version (1) and kind (2), and the raw object (2).
fn in_protobuf() -> Vec<u8> {
    let field = |number: u8, bytes: &[u8]| {
        let length = u8::try_from(bytes.len()).expect("a short field");
        [&[number << 3 | 2, length], bytes].concat()
    };
    let kind = [field(1, b"v1"), field(2, b"ConfigMap")].concat();
    let object = field(1, &field(1, b"new"));
    [b"k8s\0".to_vec(), field(1, &kind), field(2, &object)].concat()
}

fn custom() -> Vec<Line> {
    use Support::{Ignored, Served};
    let widget = |size: u8| json!({"apiVersion": "example.com/v1", "kind": "Widget", "metadata": {"name": "new"}, "spec": {"size": size}});
    let gadget =
        json!({"apiVersion": "converted.example.com/v2", "kind": "Gadget", "metadata": {"name": "new"}});
    let gadgets = "/apis/converted.example.com/v2/namespaces/default/gadgets";
    vec![
        (
            "schemas of CRDs",
            "validation, defaults, pruning, list types",
            Served(422),
            post(WIDGETS, &widget(10)),
        ),
        (
            "CEL rules of CRDs",
            "with transition rules; the cost of a rule is not limited",
            Served(422),
            post(WIDGETS, &widget(7)),
        ),
        (
            "several versions of a CRD",
            "conversion strategy `None`; objects outlive a change of the storage version",
            Served(200),
            get("/apis/example.com/v2/namespaces/default/widgets/probe"),
        ),
        (
            "aggregated API servers",
            "an APIService is stored, and its group answers 404",
            Ignored(404, "404 page not found"),
            get("/apis/aggregated.example.com/v1/things"),
        ),
        (
            "conversion webhooks",
            "of a Service in this process, or at a URL; an apply across versions answers 500",
            Served(201),
            post(gadgets, &gadget),
        ),
    ]
}

fn admission() -> Vec<Line> {
    use Support::{NotModelled, Served};
    let namespaced = |namespace: &str, plural: &str| format!("/api/v1/namespaces/{namespace}/{plural}");
    let endpoints = json!({"metadata": {"name": "new"}});
    let template = json!({"metadata": {"name": "new"}, "template": {"spec": pod()["spec"].clone()}});
    let service = json!({"metadata": {"name": "new"}, "spec": {"ports": [{"port": 80}]}});
    vec![
        ("LimitRange", "of Pods and claims", Served(403), post(&namespaced("limited", "pods"), &pod())),
        (
            "Pod security",
            "baseline and restricted, in any version",
            Served(403),
            post(&namespaced("restricted", "pods"), &pod()),
        ),
        (
            "ResourceQuota",
            "a write that a quota with `status.hard` counts",
            NotModelled,
            post(&namespaced("limited", "configmaps"), &map()),
        ),
        (
            "validating webhooks",
            "of a Service in this process, or at a URL; 501: reviews of an equivalent version or of a Scale, `authorizer`; not called: for evictions and bindings",
            Served(400),
            post(&namespaced("default", "endpoints"), &endpoints),
        ),
        (
            "mutating webhooks",
            "the same, with JSON patches and reinvocation",
            Served(400),
            post(&namespaced("default", "podtemplates"), &template),
        ),
        (
            "admission policies",
            "a write that a bound policy selects",
            NotModelled,
            post(&namespaced("default", "services"), &service),
        ),
    ]
}

fn users() -> Vec<Line> {
    use Support::{Ignored, NotModelled, Served};
    let group = |name: &str, version: &str, plural: &str| format!("/apis/{name}/{version}/{plural}");
    let review = |kind: &str, plural: &str| {
        let body = json!({"apiVersion": "authentication.k8s.io/v1", "kind": kind});
        post(&group("authentication.k8s.io", "v1", plural), &body)
    };
    let access = json!({
        "apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": {"verb": "get", "resource": "secrets"}},
    });
    let access = post(&group("authorization.k8s.io", "v1", "selfsubjectaccessreviews"), &access);
    let as_other = review("SelfSubjectReview", "selfsubjectreviews").header("impersonate-user", "someone");
    vec![
        (
            "identity of the client",
            "`SelfSubjectReview`; a client in process names its user",
            Served(201),
            review("SelfSubjectReview", "selfsubjectreviews"),
        ),
        (
            "RBAC",
            "Roles and bindings are stored; every user may do everything",
            Ignored(201, "\"allowed\":true"),
            access,
        ),
        (
            "impersonation",
            "the request is the client's own",
            Ignored(201, "\"username\":\"admin\""),
            as_other,
        ),
        ("review of tokens", "", NotModelled, review("TokenReview", "tokenreviews")),
    ]
}

fn documents() -> Vec<Line> {
    use Support::{NotModelled, Served};
    let aggregated = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";
    vec![
        ("discovery", "", Served(200), get("/apis")),
        ("aggregated discovery", "", Served(200), get("/apis").header("accept", aggregated)),
        ("OpenAPI v3", "with the schemas of CRDs", Served(200), get("/openapi/v3")),
        ("OpenAPI v2", "", NotModelled, get("/openapi/v2")),
        ("version", "", Served(200), get("/version")),
        ("health", "`/healthz`, `/livez`, `/readyz`", Served(200), get("/readyz")),
        ("metrics", "", NotModelled, get("/metrics")),
        ("list of paths", "", NotModelled, get("/")),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_line_that_is_not_true_is_an_error() {
        let feature =
            |support| Feature { section: "s", name: "n", note: "", support, request: get("/metrics") };
        assert_eq!(feature(Support::NotModelled).state().await.unwrap(), "501");
        let error = feature(Support::Served(200)).state().await.unwrap_err().to_string();
        assert!(error.starts_with("s, n: the list says served, and the fake answers 501: "), "{error}");
        feature(Support::Ignored(501, "nothing of this")).state().await.unwrap_err();
    }
}
