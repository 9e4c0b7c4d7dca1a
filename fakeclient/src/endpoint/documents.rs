//! Requests that name no resource: discovery, OpenAPI, health and version.

use http::{Method, header};

use super::query::Query;
use super::response::Reply;
use super::route::{IncomingRequest, is_built_in, no_route, unknown_resource};
use super::{discovery, media, openapi, version};
use crate::error::ApiError;
use crate::registry::lookup::Registry;
use crate::state::ClusterState;

/// The server address in the response to `/api`.
const SERVER_ADDRESS: &str = "127.0.0.1:6443";

/// Answers a request that names no resource.
pub(crate) fn document(
    state: &ClusterState,
    incoming: &IncomingRequest,
    path: &str,
) -> Result<Reply, ApiError> {
    let registry = state.registry();
    let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
    if path.starts_with("//") {
        return Ok(no_route());
    }
    match parts.as_slice() {
        ["healthz" | "livez" | "readyz", ..] => {
            return Ok(Reply::Text { code: 200, body: "ok".to_owned() });
        }
        ["openapi", "v2"] => return Err(openapi::openapi_v2()),
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
        ["api"] if aggregated.is_some() => {
            return Ok(aggregated_reply(&discovery::aggregated_core(&registry)));
        }
        ["apis"] if aggregated.is_some() => return Ok(aggregated_reply(&discovery::aggregated(&registry))),
        ["api"] => Some(discovery::versions(SERVER_ADDRESS)),
        ["apis"] => Some(discovery::groups(&registry)),
        ["apis", group] => discovery::group(&registry, group),
        ["api", version] => discovery::resources(&registry, "", version),
        ["apis", group, version] => discovery::resources(&registry, group, version),
        _ => None,
    };
    let Some(found) = found else {
        return match parts.as_slice() {
            ["api", _] => unknown_resource(&registry, ""),
            ["apis", group, _] => unknown_resource(&registry, group),
            _ => Ok(no_route()),
        };
    };
    // Discovery of groups and of custom resources accepts every method.
    let any_method = match parts.as_slice() {
        ["apis"] | ["apis", _] => true,
        ["apis", group, _] => !is_built_in(&registry, group),
        _ => false,
    };
    if incoming.method != Method::GET && !any_method {
        return Err(ApiError::unsupported_method());
    }
    if parts != ["version"] {
        let asked = media::RequestedResponse { watchable: false, list: false, resource: None };
        media::negotiate(incoming.accept.as_deref(), asked)?;
    }
    Ok(Reply::value(200, &found))
}

/// An OpenAPI document or the index, with an `ETag`. If the query's hash is outdated, redirects to the address in the
/// index.
fn openapi_document(registry: &Registry, incoming: &IncomingRequest, path: &str, name: &[&str]) -> Reply {
    if name.is_empty() && !path.ends_with('/') {
        return Reply::value(200, &openapi::index(registry)).with_content_type("text/plain; charset=utf-8");
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

/// An aggregated discovery document with its media type, by which clients recognise it.
fn aggregated_reply(document: &serde_json::Value) -> Reply {
    Reply::value(200, document).with_content_type(discovery::AGGREGATED)
}
