//! Routing of requests: path → resource and verb.

use std::sync::Arc;

use http::Method;

use super::dispatch::{self, RawRequest};
use super::documents::document;
use super::media;
use super::query::Query;
use super::render::Renderer;
use super::request_info::{RequestTarget, ResourcePath, Verb, parse};
use super::response::Reply;
use crate::error::ApiError;
use crate::error::warnings::Warnings;
use crate::instruments::faults::RequestAttributes;
use crate::kinds::messages::BuiltinMessages as Messages;
use crate::object::decode::body::PROTOBUF;
use crate::object::decode::body_errors::unrecognized_object;
use crate::object::decode::protobuf::{self, ProtobufError};
use crate::registry::lookup::Registry;
use crate::registry::resource::Resource;
use crate::state::ClusterState;
use crate::verbs::scope::RequestScope;

/// A request with its body read, not yet parsed.
pub(crate) struct IncomingRequest {
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
pub(crate) async fn answer(state: &Arc<ClusterState>, incoming: IncomingRequest) -> Reply {
    let result = match parse(&incoming.path) {
        RequestTarget::Resource(path) => resource(state, incoming, path).await,
        RequestTarget::Path(path) => document(state, &incoming, &path),
    };
    result.unwrap_or_else(|error| Reply::error(&error))
}

/// 404 of apiserver's mux for an unregistered path.
pub(super) fn no_route() -> Reply {
    Reply::Text { code: 404, body: "404 page not found\n".to_owned() }
}

/// 404 of an unknown version or resource. Built-in groups answer with a Status, as their go-restful container does; for
/// all others it is the mux's answer.
pub(super) fn unknown_resource(registry: &Registry, group: &str) -> Result<Reply, ApiError> {
    if is_built_in(registry, group) {
        return Err(ApiError::no_such_path());
    }
    Ok(no_route())
}

pub(super) fn is_built_in(registry: &Registry, group: &str) -> bool {
    registry.groups().iter().any(|found| found.name == group && found.is_built_in())
}

/// The resource at a path, or the error response if there is none.
fn resolve(registry: &Registry, path: &ResourcePath) -> Result<Arc<Resource>, Result<Reply, ApiError>> {
    let found = registry.resource(&path.group, &path.version, &path.plural);
    let Some(resource) = found.filter(|found| matches_scope(found, path)) else {
        return Err(unknown_resource(registry, &path.group));
    };
    let unknown_below = !path.subresource.is_empty() && resource.subresource(&path.subresource).is_none();
    if unknown_below && !resource.is_builtin() {
        return Err(Err(ApiError::not_found(&resource.group, &resource.plural, &path.name)));
    }
    // Reviews are created by a POST to the collection; no object has a path.
    let is_review = resource.is_virtual() && !resource.verbs.iter().any(|verb| verb == "get");
    if unknown_below || !path.rest.is_empty() || (is_review && !path.name.is_empty()) {
        return Err(unknown_resource(registry, &path.group));
    }
    check_names(&resource, path).map_err(Err)?;
    Ok(resource)
}

async fn resource(
    state: &Arc<ClusterState>,
    mut incoming: IncomingRequest,
    path: ResourcePath,
) -> Result<Reply, ApiError> {
    let resource = match resolve(&state.registry(), &path) {
        Ok(resource) => resource,
        Err(answer) => return answer,
    };
    let query = Query::parse(&incoming.query);
    let watching = query.flag("watch").unwrap_or(false);
    // go-restful does not route HEAD; custom resources treat it as a GET without a body.
    if incoming.method == Method::HEAD && resource.is_builtin() {
        return Err(ApiError::unsupported_method());
    }
    let Some(verb) = path.verb(&incoming.method, watching) else {
        return Err(ApiError::unsupported_method());
    };
    let attempt = RequestAttributes {
        verb: verb.name(),
        resource: &path.plural,
        subresource: &path.subresource,
        namespace: &path.namespace,
        name: &path.name,
        user: &incoming.user,
    };
    state.faults.check(&attempt)?;
    let namespace = if resource.namespaced { path.namespace.clone() } else { String::new() };
    let asked = media::RequestedResponse {
        watchable: matches!(verb, Verb::List | Verb::Watch),
        list: matches!(verb, Verb::List | Verb::DeleteCollection),
        resource: Some(&resource),
    };
    // Custom resources have no protobuf form; the options of a delete have.
    if resource.is_builtin() || incoming.method == Method::DELETE {
        decode_protobuf(&mut incoming, &resource.kind)?;
    }
    let first: Vec<String> = resource.deprecation.iter().cloned().collect();
    let form = media::negotiate(incoming.accept.as_deref(), asked)?;
    let renderer = Renderer {
        resource: Arc::clone(&resource),
        form,
        include_object: query.get("includeObject").map(str::to_owned),
        clock: state.clock.clone(),
    };
    let mut scope = RequestScope {
        state: Arc::clone(state),
        resource,
        user: incoming.user,
        namespace,
        name: path.name,
        subresource: path.subresource,
        warnings: Warnings::default(),
    };
    let input = RawRequest {
        query,
        content_type: incoming.content_type,
        user_agent: incoming.user_agent,
        body: incoming.body,
    };
    if verb == Verb::Watch {
        let reply = dispatch::watch(scope, &input, renderer);
        return Ok(reply.unwrap_or_else(|error| Reply::error(&error)).prepend_warnings(first));
    }
    Ok(answer_once(&mut scope, verb, &input, &renderer).await.prepend_warnings(first))
}

/// The answer to any verb but a watch, with the warnings of the request.
async fn answer_once(scope: &mut RequestScope, verb: Verb, input: &RawRequest, renderer: &Renderer) -> Reply {
    let result = if scope.subresource.is_empty() {
        dispatch::resource(scope, verb, input, renderer).await
    } else {
        dispatch::subresource(scope, verb, input, renderer).await
    };
    let noticed = scope.warnings.take();
    result.unwrap_or_else(|error| Reply::error(&error)).prepend_warnings(noticed)
}

/// Converts a protobuf body to JSON, so that later steps only read JSON.
fn decode_protobuf(incoming: &mut IncomingRequest, kind: &str) -> Result<(), ApiError> {
    if incoming.body.is_empty() || !incoming.content_type.starts_with(PROTOBUF) {
        return Ok(());
    }
    let object = protobuf::object(&incoming.body, &Messages);
    let object = object.map_err(|error| match error {
        ProtobufError::Within { api_version, kind: found, why } => ApiError::bad_request(format!(
            "{found} in version {:?} cannot be handled as a {kind}: {why}",
            api_version.rsplit('/').next().unwrap_or_default()
        )),
        error => unrecognized_object(kind, &error.to_string(), &incoming.body),
    })?;
    incoming.body = serde_json::to_vec(&object).expect("a JSON value can be serialised").into();
    "application/json".clone_into(&mut incoming.content_type);
    Ok(())
}

/// True if the namespace in the path matches the scope of the resource.
fn matches_scope(resource: &Resource, path: &ResourcePath) -> bool {
    if path.plural == "namespaces" && path.group.is_empty() {
        true
    } else if resource.namespaced {
        path.in_namespace || path.name.is_empty()
    } else {
        !path.in_namespace
    }
}

/// 400 for names that cannot be part of a storage key.
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
