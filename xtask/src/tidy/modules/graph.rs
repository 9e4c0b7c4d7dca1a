//! The modules of a crate and the modules that each of them names.

use std::collections::{BTreeMap, BTreeSet};

use super::tokens::{self, Code, Token};

/// Module path without `crate` → the modules that its code names; the root is the empty path.
pub(super) type Graph = BTreeMap<String, BTreeSet<String>>;

/// The graph of a crate. Takes the path of each file below `src` and its text. Modules for tests are left out.
pub(super) fn graph(files: &[(String, String)]) -> Graph {
    let codes: BTreeMap<String, Code> =
        files.iter().map(|(file, text)| (module(file), tokens::read(text))).collect();
    let tests: BTreeSet<String> = codes
        .iter()
        .flat_map(|(name, code)| code.test_modules.iter().map(move |child| join(name, child)))
        .collect();
    let for_tests = |name: &str| tests.iter().any(|test| is_below(name, test));
    let modules: BTreeSet<String> = codes.keys().filter(|name| !for_tests(name)).cloned().collect();
    let named = |name: &String| {
        let found = paths(&codes[name].tokens);
        found.iter().filter_map(|path| resolve(name, path, &modules)).filter(|other| other != name).collect()
    };
    modules.iter().map(|name| (name.clone(), named(name))).collect()
}

/// True if a module is another one, or in it.
pub(super) fn is_below(name: &str, above: &str) -> bool {
    name.strip_prefix(above).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

/// The module of a file below `src`.
fn module(file: &str) -> String {
    let name = file.trim_end_matches(".rs");
    let name = name.strip_suffix("/mod").unwrap_or(name);
    if name == "lib" { String::new() } else { name.replace('/', "::") }
}

fn join(module: &str, child: &str) -> String {
    if module.is_empty() { child.to_owned() } else { format!("{module}::{child}") }
}

/// The paths in `use` declarations, and those in the code that begin with `crate` or `super`.
fn paths(tokens: &[Token]) -> Vec<Vec<String>> {
    let mut paths = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        let is_path = matches!(tokens[at].as_str(), "crate" | "super")
            && tokens.get(at + 1).is_some_and(|next| next == "::");
        if tokens[at] == "use" {
            at = use_tree(tokens, at + 1, &[], &mut paths);
        } else if is_path {
            let end = path_end(tokens, at);
            paths.push(segments(&tokens[at..end]));
            at = end;
        } else {
            at += 1;
        }
    }
    paths
}

/// Reads a `use` tree below a prefix; returns the index after it.
fn use_tree(tokens: &[Token], start: usize, prefix: &[String], paths: &mut Vec<Vec<String>>) -> usize {
    let end = path_end(tokens, start);
    let path = [prefix, &segments(&tokens[start..end])].concat();
    if tokens.get(end).is_none_or(|token| token != "{") {
        paths.push(path);
        // A renamed import ends with its name.
        return if tokens.get(end).is_some_and(|token| token == "as") { end + 2 } else { end };
    }
    let mut at = end + 1;
    while at < tokens.len() && tokens[at] != "}" {
        at = use_tree(tokens, at, &path, paths);
        if tokens.get(at).is_some_and(|token| token == ",") {
            at += 1;
        }
    }
    at + 1
}

/// The end of the path at a token: identifiers, `::` and a final `*`.
fn path_end(tokens: &[Token], start: usize) -> usize {
    let mut at = start;
    while let Some(token) = tokens.get(at) {
        let word = token.chars().next().is_some_and(|c| c.is_alphanumeric() || c == '_');
        let follows = at == start || tokens[at - 1] == "::";
        match token.as_str() {
            "::" => at += 1,
            "*" if follows => at += 1,
            _ if word && follows => at += 1,
            _ => break,
        }
    }
    at.max(start)
}

fn segments(tokens: &[Token]) -> Vec<String> {
    tokens.iter().filter(|token| *token != "::").cloned().collect()
}

/// The longest module that begins a path, as seen from a module.
fn resolve(from: &str, path: &[String], modules: &BTreeSet<String>) -> Option<String> {
    let first = path.first()?;
    let (mut module, rest) = match first.as_str() {
        "crate" => (String::new(), &path[1..]),
        "super" => {
            let up = path.iter().take_while(|segment| *segment == "super").count();
            let kept: Vec<&str> = from.split("::").collect();
            (kept[..kept.len().saturating_sub(up)].join("::"), &path[up..])
        }
        "self" => (from.to_owned(), &path[1..]),
        // Another first segment is a child, or another crate.
        child if modules.contains(&join(from, child)) => (from.to_owned(), path),
        _ => return None,
    };
    for segment in rest {
        let below = join(&module, segment);
        if !modules.contains(&below) {
            break;
        }
        module = below;
    }
    Some(module)
}

/// The cycles of a graph: sets of modules that name each other, directly or over others.
pub(super) fn cycles(graph: &Graph) -> Vec<Vec<&str>> {
    let reach: BTreeMap<&str, BTreeSet<&str>> =
        graph.keys().map(|name| (name.as_str(), reached(graph, name))).collect();
    let mut cycles = Vec::new();
    for (name, targets) in &reach {
        let cycle: Vec<&str> =
            targets.iter().filter(|other| reach[**other].contains(name)).copied().collect();
        // Each cycle is found once, at the first of its modules.
        if cycle.len() > 1 && cycle.first() == Some(name) {
            cycles.push(cycle);
        }
    }
    cycles
}

fn reached<'a>(graph: &'a Graph, name: &str) -> BTreeSet<&'a str> {
    let mut open: Vec<&str> = vec![name];
    let mut reached = BTreeSet::new();
    while let Some(next) = open.pop() {
        for other in graph.get(next).into_iter().flatten() {
            if graph.contains_key(other) && reached.insert(other.as_str()) {
                open.push(other);
            }
        }
    }
    reached
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(list: &[(&str, &str)]) -> Vec<(String, String)> {
        list.iter().map(|(file, text)| ((*file).to_owned(), (*text).to_owned())).collect()
    }

    #[test]
    fn imports_and_inline_paths_are_edges() {
        let files = files(&[
            ("lib.rs", "mod a; mod b;"),
            ("a/mod.rs", "mod c; pub(crate) use c::C; fn f() -> crate::b::B<crate::a::c::D> {}"),
            (
                "a/c.rs",
                "use std::fmt; use super::{C as E, d::{self, D}}; use crate::b::*; use super::super::b;",
            ),
            ("a/d.rs", "pub(super) struct D; // use crate::b;"),
            ("b.rs", "#[cfg(test)] mod tests { use crate::a; } #[cfg(test)] mod check;"),
            ("b/check.rs", "use crate::a::c;"),
        ]);
        let graph = graph(&files);
        let named = |name: &str| graph[name].iter().map(String::as_str).collect::<Vec<_>>();
        assert_eq!(named("a"), ["a::c", "b"]);
        assert_eq!(named("a::c"), ["a", "a::d", "b"]);
        assert!(named("a::d").is_empty() && named("b").is_empty());
        assert!(!graph.contains_key("b::check"), "{graph:?}");
    }

    #[test]
    fn a_cycle_is_found_once() {
        let edges = [("a", "b"), ("b", "c"), ("c", "a"), ("c", "d"), ("e", "d"), ("d", "e"), ("f", "a")];
        let mut graph = Graph::new();
        for (from, to) in edges {
            graph.entry(from.to_owned()).or_default().insert(to.to_owned());
        }
        assert_eq!(cycles(&graph), [vec!["a", "b", "c"], vec!["d", "e"]]);
    }
}
