//! Verbs by resource and subresource, asked of the fake one by one.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use anyhow::{Context, Result, bail};
use http::Method;
use seatrial_fixtures::conformance::{coverage, divergence};
use seatrial_fixtures::wire::{Request, WatchResponse, Wire};
use serde_json::{Value, json};

use super::{Objects, cluster};

/// The verbs of a resource that has all of them.
const ALL: [&str; 8] = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"];

/// The head of the table.
const RESOURCES: &str = "
## Resources

- Verbs: *all* stands for create, delete, deletecollection, get, list, patch, update and watch.
- Checks: an object of a kind with *schema* is checked by its schema alone. The server's further rules for that kind
  are not modelled.
- Custom resources stand for themselves with `widgets`, whose CRD has both subresources.

| version | resource | verbs | subresources | answers 501 | checks |
|---|---|---|---|---|---|
";

/// The version of a kind, as in `apiVersion`, and its plural.
type ResourceKey = (String, String);

/// A resource of discovery with its subresources.
#[derive(Default)]
struct Row {
    /// Verbs of the resource itself.
    verbs: Verbs,
    /// Verbs by subresource.
    subresources: BTreeMap<String, Verbs>,
}

#[derive(Default)]
struct Verbs {
    served: BTreeSet<String>,
    not_modelled: BTreeSet<String>,
}

/// The fake's answer to a verb.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    Served,
    /// HTTP 501.
    NotModelled,
}

/// One verb of one resource or subresource, in its place in the API.
struct Ability<'a> {
    group_version: &'a str,
    plural: &'a str,
    subresource: &'a str,
    namespaced: bool,
    verb: &'a str,
}

impl Ability<'_> {
    /// A request of this verb for an object called `probe`.
    fn request(&self) -> Result<Request> {
        let root = if self.group_version == "v1" { "/api" } else { "/apis" };
        let place = if self.namespaced { "/namespaces/default" } else { "" };
        let list = format!("{root}/{}{place}/{}", self.group_version, self.plural);
        let below =
            if self.subresource.is_empty() { String::new() } else { format!("/{}", self.subresource) };
        let one = format!("{list}/probe{below}");
        // An empty object is enough: 501 comes before its validation.
        let body = json!({});
        Ok(match self.verb {
            "get" => Request::new(Method::GET, one),
            "list" => Request::new(Method::GET, list),
            "watch" => Request::new(Method::GET, format!("{list}?watch=true")),
            "create" if self.subresource.is_empty() => Request::new(Method::POST, list).json(&body),
            "create" => Request::new(Method::POST, one).json(&body),
            "update" => Request::new(Method::PUT, one).json(&body),
            "patch" => Request::new(Method::PATCH, one).body("application/merge-patch+json", "{}"),
            "delete" => Request::new(Method::DELETE, one),
            "deletecollection" => Request::new(Method::DELETE, list),
            other => bail!("the fake's discovery has a verb {other}, which has no probe"),
        })
    }

    /// The place among the requests to one cluster: those that read, those that write, those that delete.
    fn turn(&self) -> u8 {
        match self.verb {
            "get" | "list" | "watch" => 0,
            "delete" | "deletecollection" => 2,
            _ => 1,
        }
    }

    async fn answer(&self, wire: &dyn Wire) -> Result<Answer> {
        let request = self.request()?;
        let target = request.target.clone();
        let response = if self.verb == "watch" {
            match wire.watch(request).await? {
                WatchResponse::Rejected(response) | WatchResponse::Open(response, _) => response,
            }
        } else {
            wire.send(request).await?
        };
        let missed = match response.status {
            404 => response.text("/details/name").is_empty(),
            status => status == 405 || status >= 500 && status != 501,
        };
        if missed {
            bail!("the probe of {} at {target} got {}: {}", self.verb, response.status, response.json());
        }
        Ok(if response.status == 501 { Answer::NotModelled } else { Answer::Served })
    }
}

/// The section of SUPPORT.md.
pub(super) async fn table() -> Result<String> {
    let lists = coverage::discovery(&cluster(Objects::Plain).await?)
        .await
        .context("failed to read the fake's discovery")?;
    let mut rows: BTreeMap<ResourceKey, Row> = BTreeMap::new();
    for list in &lists {
        add(list, &mut rows).await?;
    }
    Ok(render(&rows))
}

async fn add(list: &Value, rows: &mut BTreeMap<ResourceKey, Row>) -> Result<()> {
    let wire = cluster(Objects::Plain).await?;
    let mut abilities = abilities(list);
    abilities.sort_by_key(Ability::turn);
    for ability in abilities {
        let Ability { group_version, plural, subresource, verb, .. } = ability;
        let row = rows.entry((group_version.to_owned(), plural.to_owned())).or_default();
        let verbs = match subresource {
            "" => &mut row.verbs,
            subresource => row.subresources.entry(subresource.to_owned()).or_default(),
        };
        match ability.answer(&wire).await? {
            Answer::Served => verbs.served.insert(verb.to_owned()),
            Answer::NotModelled => verbs.not_modelled.insert(verb.to_owned()),
        };
    }
    Ok(())
}

/// The abilities in an `APIResourceList`.
fn abilities(list: &Value) -> Vec<Ability<'_>> {
    let group_version = list["groupVersion"].as_str().unwrap_or_default();
    let of_resource = |resource| {
        let resource: &Value = resource;
        let name = resource["name"].as_str().unwrap_or_default();
        let (plural, subresource) = name.split_once('/').unwrap_or((name, ""));
        let namespaced = resource["namespaced"] == true;
        let verbs = resource["verbs"].as_array().into_iter().flatten().filter_map(Value::as_str);
        verbs.map(move |verb| Ability { group_version, plural, subresource, namespaced, verb })
    };
    list["resources"].as_array().into_iter().flatten().flat_map(of_resource).collect()
}

fn render(rows: &BTreeMap<ResourceKey, Row>) -> String {
    let mut text = RESOURCES.to_owned();
    // The CRD with a webhook is there for a feature alone, and all versions of a CRD are alike.
    let shown = |version: &str| !version.starts_with("converted.") && version != "example.com/v2";
    let (core, named): (Vec<_>, Vec<_>) =
        rows.iter().filter(|((version, _), _)| shown(version)).partition(|((version, _), _)| version == "v1");
    for ((version, plural), row) in core.into_iter().chain(named) {
        let checks = if by_schema(version, plural) { "schema" } else { "" };
        let (served, below, missing) = (row.served(), row.subresources(), row.not_modelled());
        let _ = writeln!(text, "| {version} | `{plural}` | {served} | {below} | {missing} | {checks} |");
    }
    text
}

/// True if the ledger says that a kind is checked by its schema alone.
fn by_schema(group_version: &str, plural: &str) -> bool {
    divergence::known("kinds", &format!("a mistake in {group_version} {plural} is told")).is_some()
}

impl Row {
    fn served(&self) -> String {
        let all = ALL.iter().all(|verb| self.verbs.served.contains(*verb));
        if all { "*all*".to_owned() } else { joined(&self.verbs.served) }
    }

    fn subresources(&self) -> String {
        let named = self
            .subresources
            .iter()
            .filter_map(|(name, verbs)| partly(name, &verbs.served, verbs.not_modelled.is_empty()));
        named.collect::<Vec<_>>().join(", ")
    }

    fn not_modelled(&self) -> String {
        let own = Some(joined(&self.verbs.not_modelled)).filter(|verbs| !verbs.is_empty());
        let named = self
            .subresources
            .iter()
            .filter_map(|(name, verbs)| partly(name, &verbs.not_modelled, verbs.served.is_empty()));
        own.into_iter().chain(named).collect::<Vec<_>>().join(", ")
    }
}

/// A subresource with these of its verbs, which are named if they are not all.
fn partly(name: &str, verbs: &BTreeSet<String>, all: bool) -> Option<String> {
    match (verbs.is_empty(), all) {
        (true, _) => None,
        (false, true) => Some(format!("`{name}`")),
        (false, false) => Some(format!("`{name}` ({})", joined(verbs))),
    }
}

fn joined(verbs: &BTreeSet<String>) -> String {
    verbs.iter().map(String::as_str).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_names_what_answers_501() {
        let set = |verbs: &[&str]| verbs.iter().map(|verb| (*verb).to_owned()).collect();
        let mut row = Row::default();
        row.verbs.served = set(&ALL);
        let sub = |served: &[&str], not: &[&str]| Verbs { served: set(served), not_modelled: set(not) };
        row.subresources.insert("status".into(), sub(&["get", "patch"], &[]));
        row.subresources.insert("exec".into(), sub(&[], &["create", "get"]));
        row.subresources.insert("log".into(), sub(&["watch"], &["get"]));
        assert_eq!(row.served(), "*all*");
        assert_eq!(row.subresources(), "`log` (watch), `status`");
        assert_eq!(row.not_modelled(), "`exec`, `log` (get)");
    }

    #[tokio::test]
    async fn an_ability_is_served_or_answers_501() {
        let ability = |subresource, verb| Ability {
            group_version: "v1",
            plural: "pods",
            subresource,
            namespaced: true,
            verb,
        };
        let wire = cluster(Objects::Plain).await.unwrap();
        assert_eq!(ability("", "get").answer(&wire).await.unwrap(), Answer::Served);
        assert_eq!(ability("exec", "create").answer(&wire).await.unwrap(), Answer::NotModelled);
        ability("status", "delete").answer(&wire).await.unwrap_err();
    }
}
