//! The index of OpenAPI documents, and the lookup of a document by its path.
//!
//! The index gives each document an address with a hash, so that a client's cache notices a change. The hash is over
//! the input of the document, not over its bytes: building all documents for the index would be slower than all other
//! requests of a test together.

use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha512};

use crate::error::ApiError;
use crate::object::schema::resource_schema::ResourceSchema;
use crate::registry::lookup::{GroupVersion, Registry};

/// Documents outside of group versions, with the paths that they describe.
const UNGROUPED: [&str; 5] = [".well-known/openid-configuration", "api", "apis", "openid/v1/jwks", "version"];

/// A document and its hash, which is also its entity tag (without quotes).
#[derive(Debug)]
pub(crate) struct OpenApiDocument {
    /// The document.
    pub(crate) body: Value,
    /// The hash in the index.
    pub(crate) hash: String,
}

/// `GET /openapi/v3`.
pub(crate) fn index(registry: &Registry) -> Value {
    let mut paths = Map::new();
    let mut add = |name: String, hash: String| {
        let address = json!({"serverRelativeURL": format!("/openapi/v3/{name}?hash={hash}")});
        paths.insert(name, address);
    };
    for name in UNGROUPED {
        add(name.to_owned(), hash_of(name, ""));
    }
    for group in registry.groups() {
        let built_in = group.versions.iter().any(is_built_in);
        if !group.name.is_empty() && built_in {
            add(format!("apis/{}", group.name), hash_of(&group.name, ""));
        }
        for version in &group.versions {
            add(name_of(&group.name, &version.name), version_hash(&group.name, version));
        }
    }
    json!({"paths": paths})
}

/// `GET /openapi/v2`: not modelled. Current clients read v3, and v2 only for what v3 lacks.
pub(crate) fn openapi_v2() -> ApiError {
    ApiError::not_modelled("OpenAPI v2 documents (the same schemas are at /openapi/v3)")
}

/// `GET /openapi/v3/<name>`; `None` if the server answers 404 without a body.
pub(crate) fn document(registry: &Registry, name: &str) -> Option<OpenApiDocument> {
    if UNGROUPED.contains(&name) {
        return Some(OpenApiDocument { body: super::document::ungrouped(name), hash: hash_of(name, "") });
    }
    let groups = registry.groups();
    if let Some(group) = groups.iter().find(|group| {
        !group.name.is_empty()
            && name.strip_prefix("apis/") == Some(&group.name)
            && group.versions.iter().any(is_built_in)
    }) {
        return Some(OpenApiDocument {
            body: super::document::group(&group.name),
            hash: hash_of(&group.name, ""),
        });
    }
    groups.iter().find_map(|group| {
        let version = group.versions.iter().find(|version| name_of(&group.name, &version.name) == name)?;
        let body = super::document::version(&group.name, version);
        Some(OpenApiDocument { body, hash: version_hash(&group.name, version) })
    })
}

fn name_of(group: &str, version: &str) -> String {
    if group.is_empty() { format!("api/{version}") } else { format!("apis/{group}/{version}") }
}

fn is_built_in(version: &GroupVersion) -> bool {
    version.resources.iter().any(|resource| matches!(resource.schema, ResourceSchema::Builtin { .. }))
}

fn version_hash(group: &str, version: &GroupVersion) -> String {
    let mut made_from = String::new();
    for resource in &version.resources {
        made_from.push_str(&resource.plural);
        made_from.push_str(&resource.kind);
        if let Some(schema) = &resource.document {
            made_from.push_str(&schema.to_string());
        }
        for sub in &resource.subresources {
            made_from.push_str(&sub.name);
        }
    }
    hash_of(&name_of(group, &version.name), &made_from)
}

fn hash_of(name: &str, made_from: &str) -> String {
    use std::fmt::Write as _;

    let digest = Sha512::digest(format!("{}\n{name}\n{made_from}", crate::endpoint::version::minor()));
    digest.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02X}").expect("a String takes every write");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_document_has_the_hash_of_the_index() {
        let registry = crate::kinds::registry();
        let index = index(&registry);
        for (name, entry) in index["paths"].as_object().unwrap() {
            let found = document(&registry, name).unwrap_or_else(|| panic!("{name} is in the index"));
            let address = entry["serverRelativeURL"].as_str().unwrap();
            assert_eq!(address, format!("/openapi/v3/{name}?hash={}", found.hash));
            assert_eq!(found.body["openapi"], "3.0.0");
        }
    }

    #[test]
    fn unknown_document_is_absent() {
        let registry = crate::kinds::registry();
        for name in ["", "apis/", "apis/example.com", "apis/example.com/v1", "api/v2", "apis/apps/v9"] {
            assert!(document(&registry, name).is_none(), "{name}");
        }
    }
}
