//! The directions of dependencies between the modules of `fakeclient`.

mod graph;
mod tokens;

use std::path::Path;

use super::{assert_clean, sources};
use graph::{Graph, cycles, graph};

/// The maximum number of modules that name each other in a cycle.
const MAX_CYCLE: usize = 2;

/// Top module → the top modules that it may name beside itself, from the bottom to the top.
const ALLOWED: [(&str, &str); 13] = [
    ("error", ""),
    ("snapshot", ""),
    ("object", "error"),
    ("store", "object error"),
    ("registry", "object error"),
    ("kinds", "registry object error"),
    ("instruments", "error"),
    ("admission", "kinds registry object error"),
    ("state", "admission instruments kinds registry store object error"),
    ("verbs", "state admission instruments kinds registry store object error"),
    ("controllers", "verbs state admission instruments kinds registry store object error"),
    ("endpoint", "controllers verbs state admission instruments kinds registry store object error"),
    ("cluster", "endpoint controllers verbs state admission instruments kinds registry store object error"),
];

/// The crates of HTTP, which only `endpoint` names.
const HTTP: [&str; 5] = ["http", "http_body", "http_body_util", "hyper", "hyper_util"];

/// The files of `fakeclient`, by their path below `src`.
fn fakeclient() -> Vec<(String, String)> {
    let below = |path: &Path| path.strip_prefix("fakeclient/src").ok()?.to_str().map(str::to_owned);
    sources().into_iter().filter_map(|(path, text)| Some((below(&path)?, text))).collect()
}

fn top(module: &str) -> &str {
    module.split("::").next().unwrap_or_default()
}

/// The edges that [`ALLOWED`] does not have.
fn forbidden(graph: &Graph) -> Vec<String> {
    let mut found = Vec::new();
    for (module, named) in graph.iter().filter(|(module, _)| !module.is_empty()) {
        let Some((_, allowed)) = ALLOWED.iter().find(|(name, _)| *name == top(module)) else {
            found.push(format!("{module} has no line in tidy::modules::ALLOWED"));
            continue;
        };
        for other in named {
            if other.is_empty() {
                found.push(format!(
                    "{module} names an export of the crate's root; name the module that has it"
                ));
            } else if top(other) != top(module) && !allowed.split(' ').any(|name| name == top(other)) {
                found.push(format!("{module} may not name {other}; {} may name {allowed:?}", top(module)));
            }
        }
    }
    found
}

/// The cycles that are longer than [`MAX_CYCLE`], with the edges that make them.
fn long_cycles(graph: &Graph) -> Vec<String> {
    let long = cycles(graph).into_iter().filter(|cycle| cycle.len() > MAX_CYCLE);
    let told = long.map(|cycle| {
        let edges = cycle.iter().flat_map(|from| {
            let inside = graph[*from].iter().filter(|to| cycle.contains(&to.as_str()));
            inside.map(move |to| format!("  {from} names {to}"))
        });
        let head = format!("{} modules name each other; {MAX_CYCLE} are the most:", cycle.len());
        [head].into_iter().chain(edges).collect::<Vec<_>>().join("\n")
    });
    told.collect()
}

/// The crates of HTTP that a file names, if it is not in `endpoint`.
fn http_outside_endpoint(file: &str, text: &str) -> Option<String> {
    if file.starts_with("endpoint/") {
        return None;
    }
    let code = tokens::read(text).tokens;
    let mut pairs = code.windows(2).enumerate();
    let (at, _) = pairs.find(|(at, pair)| {
        let begins = *at == 0 || code[at - 1] != "::";
        let path = pair[1] == "::" || *at > 0 && code[at - 1] == "use";
        begins && path && HTTP.contains(&pair[0].as_str())
    })?;
    Some(format!("{file}: names {}, which is for endpoint alone", code[at]))
}

/// The mark of a runtime, a clock or a source of randomness in `object` or `store`.
fn impure(file: &str, text: &str) -> Option<String> {
    let marks = ["tokio::", "SystemTime", "Instant::now", "Timestamp::now", "rand::"];
    let pure = ["object", "store"].iter().any(|folder| Path::new(file).starts_with(folder));
    let mark = marks.iter().find(|mark| pure && text.contains(**mark))?;
    Some(format!("{file}: uses {mark}"))
}

#[test]
fn modules_of_the_fake_depend_one_way() {
    let edge = |from: &str, to: &str| Graph::from([(from.to_owned(), [to.to_owned()].into())]);
    for (from, to) in [
        ("error::field", "object::view"),
        ("object::table", "registry"),
        ("registry::lookup", "kinds"),
        ("store", "instruments::clock"),
        ("verbs::get", "endpoint::render"),
        ("endpoint", "cluster"),
        ("endpoint", ""),
        ("rigging", "error"),
    ] {
        assert_eq!(forbidden(&edge(from, to)).len(), 1, "{from} {to}");
    }
    assert!(forbidden(&edge("verbs::get", "store::tree")).is_empty());
    assert_clean(&forbidden(&graph(&fakeclient())));
}

#[test]
fn modules_of_the_fake_have_no_long_cycles() {
    let ring = ["a", "b", "c"].into_iter().zip(["b", "c", "a"]);
    let ring: Graph = ring.map(|(from, to)| (from.to_owned(), [to.to_owned()].into())).collect();
    assert!(long_cycles(&ring)[0].contains("c names a"));
    let graph = graph(&fakeclient());
    // An empty graph would pass: each layer has modules, and the layers are connected.
    assert!(graph.values().flatten().count() > ALLOWED.len(), "the modules of fakeclient were not found");
    assert_clean(&long_cycles(&graph));
}

#[test]
fn http_is_for_endpoint_alone() {
    for text in ["use http::Method;", "fn f(_: hyper::Body) {}", "use http_body;"] {
        assert!(http_outside_endpoint("verbs/get.rs", text).is_some(), "{text}");
        assert!(http_outside_endpoint("endpoint/route.rs", text).is_none(), "{text}");
    }
    assert!(http_outside_endpoint("verbs/get.rs", "// http::Method\nlet http = kube::http::x;").is_none());
    let found = fakeclient().into_iter().filter_map(|(file, text)| http_outside_endpoint(&file, &text));
    assert_clean(&found.collect::<Vec<_>>());
}

#[test]
fn object_and_store_use_no_runtime_clock_or_randomness() {
    assert!(impure("store/hub.rs", "use tokio::sync;").is_some());
    assert!(impure("verbs/get.rs", "use tokio::sync;").is_none());
    let found = fakeclient().into_iter().filter_map(|(file, text)| impure(&file, &text));
    assert_clean(&found.collect::<Vec<_>>());
}
