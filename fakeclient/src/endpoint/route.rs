//! From a path to the verb's function: the one table of what is served where.

use std::cell::RefCell;
use std::sync::Arc;

use http::{Method, header};

use super::{discovery, openapi, version};
use crate::cluster::Core;
use crate::endpoint::media;
use crate::endpoint::options::{ListOptions, Query};
use crate::endpoint::request_info::{ResourcePath, Target, Verb, parse};
use crate::endpoint::response::Reply;
use crate::error::ApiError;
use crate::instruments::faults::Attempt;
use crate::kinds::messages::Builtin as Messages;
use crate::object::decode::body::{PROTOBUF, unrecognized};
use crate::object::decode::protobuf::{self, ProtobufError};
use crate::registry::lookup::Registry;
use crate::registry::resource::Resource;
use crate::verbs::scope::Scope;
use crate::verbs::update::Part;
use crate::verbs::{create, delete, delete_collection, get, list, patch, review, subresource, update, watch};

/// What `/api` says of where the server is.
const SERVER_ADDRESS: &str = "127.0.0.1:6443";

/// A request as the endpoint hands it over: bytes are read, nothing is understood.
pub(crate) struct Incoming {
    pub(crate) user: Arc<str>,
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) accept: Option<String>,
    pub(crate) if_none_match: Option<String>,
    pub(crate) content_type: String,
    pub(crate) user_agent: String,
    pub(crate) body: bytes::Bytes,
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

/// What is not served in a group: built-in groups are routed by a container that answers with a Status, all others fall
/// through to the mux.
fn missing(registry: &Registry, group: &str) -> Result<Reply, ApiError> {
    if is_built_in(registry, group) {
        return Err(ApiError::no_such_path());
    }
    Ok(no_route())
}

fn is_built_in(registry: &Registry, group: &str) -> bool {
    registry.groups().iter().any(|found| found.name == group && found.is_built_in())
}

fn method_not_allowed() -> ApiError {
    let mut error = ApiError::new(
        405,
        "MethodNotAllowed",
        "the server does not allow this method on the requested resource",
    );
    error.details = Some(Box::default());
    error
}

fn resource(core: &Arc<Core>, mut incoming: Incoming, path: ResourcePath) -> Result<Reply, ApiError> {
    let registry = core.registry();
    let found =
        registry.resource(&path.group, &path.version, &path.plural).filter(|found| placed(found, &path));
    let Some(resource) = found else { return missing(&registry, &path.group) };
    let unknown_below = !path.subresource.is_empty() && resource.subresource(&path.subresource).is_none();
    if unknown_below && !resource.is_builtin() {
        return Err(ApiError::not_found(&resource.group, &resource.plural, &path.name));
    }
    if unknown_below || !path.rest.is_empty() {
        return missing(&registry, &path.group);
    }
    // Reviews are posted to their collection and have no place of their own.
    if resource.is_virtual() && !path.name.is_empty() {
        return missing(&registry, &path.group);
    }
    check_names(&resource, &path)?;
    let query = Query::parse(&incoming.query);
    let watching = query.flag("watch").unwrap_or(false);
    // The router of the built-in kinds knows no HEAD; custom resources take it for a GET without a body.
    if incoming.method == Method::HEAD && resource.is_builtin() {
        return Err(method_not_allowed());
    }
    let Some(verb) = path.verb(&incoming.method, watching) else { return Err(method_not_allowed()) };
    let attempt = Attempt {
        verb: verb.name(),
        resource: &path.plural,
        subresource: &path.subresource,
        namespace: &path.namespace,
        name: &path.name,
        user: &incoming.user,
    };
    core.faults.verdict(&attempt)?;
    let namespace = if resource.namespaced { path.namespace.clone() } else { String::new() };
    let asked = media::Asked {
        watchable: matches!(verb, Verb::List | Verb::Watch),
        list: matches!(verb, Verb::List | Verb::DeleteCollection),
        resource: Some(&resource),
    };
    // Custom resources have no protobuf form; the options of a delete do.
    if resource.is_builtin() || incoming.method == Method::DELETE {
        in_json(&mut incoming, &resource.kind)?;
    }
    let first: Vec<String> = resource.deprecation.iter().cloned().collect();
    let mut scope = Scope {
        core,
        form: media::negotiate(incoming.accept.as_deref(), asked)?,
        resource,
        user: incoming.user,
        namespace,
        name: path.name,
        subresource: path.subresource,
        query,
        content_type: incoming.content_type,
        user_agent: incoming.user_agent,
        body: incoming.body,
        warnings: RefCell::new(Vec::new()),
    };
    if verb == Verb::Watch {
        let watch = ListOptions::parse(&scope.query, true).and_then(|options| watch::watch(&scope, &options));
        return Ok(watch.unwrap_or_else(|error| Reply::error(&error)).warn_first(first));
    }
    let result = if scope.subresource.is_empty() { main(&mut scope, verb) } else { below(&mut scope, verb) };
    let noticed = scope.warnings.take();
    let reply = result.unwrap_or_else(|error| Reply::error(&error));
    Ok(reply.warn_first(noticed).warn_first(first))
}

/// Makes a body in protobuf the JSON that says the same: below this nobody knows of it.
fn in_json(incoming: &mut Incoming, kind: &str) -> Result<(), ApiError> {
    if incoming.body.is_empty() || !incoming.content_type.starts_with(PROTOBUF) {
        return Ok(());
    }
    let object = protobuf::object(&incoming.body, &Messages);
    let object = object.map_err(|error| match error {
        ProtobufError::Within { api_version, kind: found, why } => ApiError::bad_request(format!(
            "{found} in version {:?} cannot be handled as a {kind}: {why}",
            api_version.rsplit('/').next().unwrap_or_default()
        )),
        error => unrecognized(kind, &error.to_string(), &incoming.body),
    })?;
    incoming.body = serde_json::to_vec(&object).expect("a JSON value can be serialised").into();
    "application/json".clone_into(&mut incoming.content_type);
    Ok(())
}

/// Whether the path leads where this resource's objects are.
fn placed(resource: &Resource, path: &ResourcePath) -> bool {
    if path.plural == "namespaces" && path.group.is_empty() {
        true
    } else if resource.namespaced {
        path.in_namespace || path.name.is_empty()
    } else {
        !path.in_namespace
    }
}

/// 400 for names that no key can be made of.
fn check_names(resource: &Resource, path: &ResourcePath) -> Result<(), ApiError> {
    let name = path.name.as_str();
    if name.is_empty() {
        let below = !path.subresource.is_empty();
        return if below { Err(ApiError::bad_request("name must be provided")) } else { Ok(()) };
    }
    if resource.namespaced && path.namespace.is_empty() {
        return Err(ApiError::bad_request("Namespace parameter required."));
    }
    let why = match name {
        "." => "may not be '.'",
        ".." => "may not be '..'",
        _ if name.contains('%') => "may not contain '%'",
        _ => return Ok(()),
    };
    Err(ApiError::bad_request(format!("Name parameter invalid: {name:?}: {why}")))
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
        if let Some(answer) = review::create(scope) {
            return answer;
        }
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
    let subresource = scope.resource.subresource(&scope.subresource).expect("resource() looked").clone();
    allowed(scope, &subresource.verbs, verb)?;
    match (subresource.name.as_str(), verb) {
        ("status", Verb::Get) => get::get(scope),
        ("status", Verb::Update) => update::update(scope, Part::Status),
        ("status", Verb::Patch) => patch::patch(scope, Part::Status),
        ("binding", Verb::Create) => subresource::binding::create(scope),
        ("eviction", Verb::Create) => subresource::eviction::create(scope),
        ("log", Verb::Get) => subresource::log::get(scope),
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
    let registry = core.registry();
    let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
    if path.starts_with("//") {
        return Ok(no_route());
    }
    match parts.as_slice() {
        ["healthz" | "livez" | "readyz", ..] => {
            return Ok(Reply::Text { code: 200, body: "ok".to_owned() });
        }
        ["openapi", "v2"] => return Err(openapi::version_two()),
        ["openapi", "v3", name @ ..] => {
            return Ok(openapi_document(&registry, incoming, path, name));
        }
        [""] => return Err(ApiError::not_modelled("the list of paths at /")),
        ["metrics" | "logs" | "debug", ..] => {
            return Err(ApiError::not_modelled(&format!("/{}", parts.join("/"))));
        }
        _ => {}
    }
    let aggregated = media::aggregated_discovery(incoming.accept.as_deref());
    let found = match parts.as_slice() {
        ["version"] => Some(version::version()),
        ["api"] if aggregated.is_some() => return Ok(aggregate(&discovery::aggregated_core(&registry))),
        ["apis"] if aggregated.is_some() => return Ok(aggregate(&discovery::aggregated(&registry))),
        ["api"] => Some(discovery::versions(SERVER_ADDRESS)),
        ["apis"] => Some(discovery::groups(&registry)),
        ["apis", group] => discovery::group(&registry, group),
        ["api", version] => discovery::resources(&registry, "", version),
        ["apis", group, version] => discovery::resources(&registry, group, version),
        _ => None,
    };
    let Some(found) = found else {
        return match parts.as_slice() {
            ["api", _] => missing(&registry, ""),
            ["apis", group, _] => missing(&registry, group),
            _ => Ok(no_route()),
        };
    };
    // The lists of groups and what custom resources have answer every method alike.
    let any_method = match parts.as_slice() {
        ["apis"] | ["apis", _] => true,
        ["apis", group, _] => !is_built_in(&registry, group),
        _ => false,
    };
    if incoming.method != Method::GET && !any_method {
        return Err(method_not_allowed());
    }
    if parts != ["version"] {
        let asked = media::Asked { watchable: false, list: false, resource: None };
        media::negotiate(incoming.accept.as_deref(), asked)?;
    }
    Ok(Reply::value(200, &found))
}

/// An `OpenAPI` document, or their index: with an entity tag, and with the address that the index gives if the query
/// names another hash.
fn openapi_document(registry: &Registry, incoming: &Incoming, path: &str, name: &[&str]) -> Reply {
    if name.is_empty() && !path.ends_with('/') {
        return Reply::value(200, &openapi::index(registry)).typed("text/plain; charset=utf-8");
    }
    let empty = |code, headers| Reply::Plain { code, headers, body: bytes::Bytes::new() };
    let name = name.join("/");
    let Some(found) = openapi::document(registry, &name) else { return empty(404, Vec::new()) };
    let tag = format!("\"{}\"", found.hash);
    let mut headers = vec![(header::ETAG, tag.clone()), (header::VARY, "Accept".to_owned())];
    let json = (header::CONTENT_TYPE, "application/json".to_owned());
    if let Some(hash) = Query::parse(&incoming.query).get("hash").filter(|hash| !hash.is_empty()) {
        if hash != found.hash {
            headers.push((header::LOCATION, format!("/openapi/v3/{name}?hash={}", found.hash)));
            headers.push(json);
            return empty(301, headers);
        }
        headers.push((header::CACHE_CONTROL, "public, immutable".to_owned()));
    }
    if incoming.if_none_match.as_deref().is_some_and(|tags| tags.split(',').any(|one| one.trim() == tag)) {
        return empty(304, headers);
    }
    headers.push(json);
    let body = serde_json::to_vec(&found.body).expect("a JSON value can be serialised").into();
    Reply::Plain { code: 200, headers, body }
}

/// Aggregated discovery has a content type of its own, by which clients know that they got it.
fn aggregate(document: &serde_json::Value) -> Reply {
    Reply::value(200, document).typed(discovery::AGGREGATED)
}
