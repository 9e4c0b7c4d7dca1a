//! From a path to the verb's function: the one table of what is served where.

use std::sync::Arc;

use http::Method;

use super::scope::Scope;
use super::update::Part;
use super::{
    create, delete, delete_collection, discovery, get, list, openapi, patch, subresource, update, version,
    watch,
};
use crate::cluster::Core;
use crate::endpoint::media;
use crate::endpoint::options::{ListOptions, Query};
use crate::endpoint::request_info::{ResourcePath, Target, Verb, parse};
use crate::endpoint::response::Reply;
use crate::error::ApiError;
use crate::instruments::faults::Attempt;
use crate::registry::resource::Resource;

/// What `/api` says of where the server is.
const SERVER_ADDRESS: &str = "127.0.0.1:6443";

/// A request as the endpoint hands it over: bytes are read, nothing is understood.
pub(crate) struct Incoming {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) accept: Option<String>,
    pub(crate) content_type: String,
    pub(crate) body: bytes::Bytes,
    pub(crate) user: String,
}

/// Answers a request.
pub(crate) fn answer(core: &Arc<Core>, incoming: Incoming) -> Reply {
    let result = match parse(&incoming.path) {
        Target::Resource(path) => resource(core, incoming, path),
        Target::Path(path) => document(core, &incoming, &path),
    };
    result.unwrap_or_else(|error| Reply::error(&error))
}

/// What apiserver's mux answers where nothing is registered.
fn no_route() -> Reply {
    Reply::Text { code: 404, body: "404 page not found\n".to_owned() }
}

fn method_not_allowed() -> ApiError {
    let mut error = ApiError::new(
        405,
        "MethodNotAllowed",
        "the server does not allow this method on the requested resource",
    );
    error.details = Some(crate::error::Details::default());
    error
}

fn resource(core: &Arc<Core>, incoming: Incoming, path: ResourcePath) -> Result<Reply, ApiError> {
    let registry = core.registry();
    let Some(resource) = registry.resource(&path.group, &path.version, &path.plural) else {
        return Ok(no_route());
    };
    if !fits(&resource, &path) {
        return Ok(no_route());
    }
    let query = Query::parse(&incoming.query);
    let watching = query.flag("watch").unwrap_or(false);
    let Some(verb) = path.verb(&incoming.method, watching) else { return Err(method_not_allowed()) };
    let attempt = Attempt {
        verb: verb.name(),
        resource: &path.plural,
        subresource: &path.subresource,
        namespace: &path.namespace,
        name: &path.name,
    };
    core.faults.verdict(&attempt)?;
    let namespace = if resource.namespaced { path.namespace.clone() } else { String::new() };
    let tables = matches!(
        verb,
        Verb::Get | Verb::List | Verb::Watch | Verb::Create | Verb::Update | Verb::Patch | Verb::Delete
    );
    let mut scope = Scope {
        core,
        form: media::negotiate(incoming.accept.as_deref(), tables)?,
        resource,
        namespace,
        name: path.name,
        subresource: path.subresource,
        query,
        content_type: incoming.content_type,
        body: incoming.body,
        user: incoming.user,
    };
    if verb == Verb::Watch {
        let options = ListOptions::parse(&scope.query, true)?;
        return watch::watch(scope, &options);
    }
    if scope.subresource.is_empty() { main(&mut scope, verb) } else { below(&mut scope, verb) }
}

/// Whether the path has the form that this resource's routes have.
fn fits(resource: &Resource, path: &ResourcePath) -> bool {
    let placed = if path.plural == "namespaces" && path.group.is_empty() {
        true
    } else if resource.namespaced {
        !path.namespace.is_empty() || path.name.is_empty()
    } else {
        path.namespace.is_empty()
    };
    let below = path.subresource.is_empty() || resource.subresource(&path.subresource).is_some();
    placed && below && path.rest.is_empty()
}

fn allowed(scope: &Scope<'_>, verbs: &[String], verb: Verb) -> Result<(), ApiError> {
    if verbs.iter().any(|allowed| allowed == verb.name()) {
        return Ok(());
    }
    debug_assert!(!scope.resource.plural.is_empty(), "a resolved resource has a name");
    Err(method_not_allowed())
}

fn main(scope: &mut Scope<'_>, verb: Verb) -> Result<Reply, ApiError> {
    allowed(scope, &scope.resource.verbs, verb)?;
    if scope.resource.is_virtual() {
        let what = format!("{} ({})", scope.resource.group_resource(), verb.name());
        return Err(ApiError::not_modelled(&what));
    }
    if scope.resource.namespaced && scope.namespace.is_empty() && matches!(verb, Verb::Create) {
        return Err(method_not_allowed());
    }
    match verb {
        Verb::Get => get::get(scope),
        Verb::List => {
            let options = ListOptions::parse(&scope.query, false)?;
            list::list(scope, &options)
        }
        Verb::Create => create::create(scope),
        Verb::Update => update::update(scope, Part::Main),
        Verb::Patch => patch::patch(scope, Part::Main),
        Verb::Delete => delete::delete(scope),
        Verb::DeleteCollection => delete_collection::delete_collection(scope),
        Verb::Watch => unreachable!("a watch is answered before"),
    }
}

fn below(scope: &mut Scope<'_>, verb: Verb) -> Result<Reply, ApiError> {
    let subresource = scope.resource.subresource(&scope.subresource).expect("fits() looked").clone();
    allowed(scope, &subresource.verbs, verb)?;
    match (subresource.name.as_str(), verb) {
        ("status", Verb::Get) => get::get(scope),
        ("status", Verb::Update) => update::update(scope, Part::Status),
        ("status", Verb::Patch) => patch::patch(scope, Part::Status),
        ("finalize", Verb::Update) => subresource::finalize::finalize(scope),
        ("scale", Verb::Get) => subresource::scale::get(scope),
        ("scale", Verb::Update) => subresource::scale::update(scope),
        ("scale", Verb::Patch) => subresource::scale::patch(scope),
        (name, verb) => {
            let what = format!("{} of {}/{name}", verb.name(), scope.resource.group_resource());
            Err(ApiError::not_modelled(&what))
        }
    }
}

/// Everything that is no resource.
fn document(core: &Arc<Core>, incoming: &Incoming, path: &str) -> Result<Reply, ApiError> {
    if !matches!(incoming.method, Method::GET | Method::HEAD) {
        return Err(method_not_allowed());
    }
    let registry = core.registry();
    let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
    let aggregated = media::aggregated_discovery(incoming.accept.as_deref());
    if let ["healthz" | "livez" | "readyz", ..] = parts.as_slice() {
        return Ok(Reply::Text { code: 200, body: "ok".to_owned() });
    }
    let found = match parts.as_slice() {
        ["version"] => Some(version::version()),
        ["api"] if aggregated.is_some() => return Ok(aggregate(discovery::aggregated_core(&registry))),
        ["apis"] if aggregated.is_some() => return Ok(aggregate(discovery::aggregated(&registry))),
        ["api"] => Some(discovery::versions(SERVER_ADDRESS)),
        ["apis"] => Some(discovery::groups(&registry)),
        ["apis", group] => discovery::group(&registry, group),
        ["api", version] => discovery::resources(&registry, "", version),
        ["apis", group, version] => discovery::resources(&registry, group, version),
        ["openapi", "v2"] => return Err(openapi::version_two()),
        ["openapi", "v3"] => Some(openapi::index(&registry)),
        ["openapi", "v3", name @ ..] => openapi::document(&registry, &name.join("/")).map(|found| found.body),
        _ => None,
    };
    Ok(found.map_or_else(no_route, |value| Reply::value(200, &value)))
}

/// Aggregated discovery has a content type of its own, by which clients know that they got it.
fn aggregate(document: serde_json::Value) -> Reply {
    Reply::value(200, &document).typed(discovery::AGGREGATED)
}
