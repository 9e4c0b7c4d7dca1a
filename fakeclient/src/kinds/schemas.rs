//! Schemas of the built-in kinds by component name, each parsed at its first use and kept for the process.
//!
//! The file is split into lines once.

use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::{LazyLock, OnceLock};

use serde::Deserialize;
use serde_json::Value;

use crate::object::schema::components::Components;
use crate::object::schema::structural::Structural;

const LINES: &str = include_str!("../../data/schemas.jsonl");

/// The beginning of each line; the generator writes keys in this order.
const NAME: &str = "{\"name\":\"";

struct LazySchema {
    line: &'static str,
    parsed: OnceLock<Structural>,
}

#[derive(Deserialize)]
struct SchemaLine {
    schema: Value,
}

/// The schemas of the built-in kinds, shared by all clusters of the process.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct BuiltinSchemas;

impl Components for BuiltinSchemas {
    fn component(&self, name: &str) -> Option<&Structural> {
        component(name)
    }
}

/// The schema of a component.
pub(crate) fn component(name: &str) -> Option<&'static Structural> {
    // Component names share long prefixes, so that hashing is faster than comparing.
    static INDEX: LazyLock<HashMap<&'static str, &'static LazySchema, BuildHasherDefault<SuffixHasher>>> =
        LazyLock::new(|| lazy_schemas().iter().map(|(name, slot)| (*name, slot)).collect());
    INDEX.get(name).map(|slot| slot.parsed.get_or_init(|| Structural::parse(&parse(slot.line))))
}

/// A hash of the length and the last 16 bytes, in which component names differ.
#[derive(Clone, Copy, Debug, Default)]
struct SuffixHasher(u64);

impl Hasher for SuffixHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        const MIX: u64 = 0x9e37_79b9_7f4a_7c15;
        let mut hash = self.0 ^ bytes.len() as u64;
        for chunk in bytes.rchunks(8).take(2) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            hash = (hash ^ u64::from_le_bytes(word)).wrapping_mul(MIX).rotate_left(29);
        }
        self.0 = hash;
    }
}

/// The schema of a component as OpenAPI documents contain it.
pub(crate) fn document(name: &str) -> Option<Value> {
    lazy_schemas().get(name).map(|slot| parse(slot.line))
}

/// Component name of a kind.
pub(crate) fn of_kind(api_version: &str, kind: &str) -> Option<&'static str> {
    static KINDS: LazyLock<BTreeMap<(String, String), &'static str>> = LazyLock::new(kinds);
    KINDS.get(&(api_version.to_owned(), kind.to_owned())).copied()
}

fn kinds() -> BTreeMap<(String, String), &'static str> {
    let mut kinds = BTreeMap::new();
    for (name, slot) in lazy_schemas() {
        let schema = parse(slot.line);
        for stands_for in schema["x-kubernetes-group-version-kind"].as_array().into_iter().flatten() {
            let text = |key: &str| stands_for[key].as_str().unwrap_or_default().to_owned();
            let (group, version) = (text("group"), text("version"));
            let api_version = if group.is_empty() { version } else { format!("{group}/{version}") };
            kinds.insert((api_version, text("kind")), *name);
        }
    }
    kinds
}

fn lazy_schemas() -> &'static BTreeMap<&'static str, LazySchema> {
    static SLOTS: LazyLock<BTreeMap<&'static str, LazySchema>> = LazyLock::new(|| {
        LINES.lines().map(|line| (name_of(line), LazySchema { line, parsed: OnceLock::new() })).collect()
    });
    &SLOTS
}

fn name_of(line: &str) -> &str {
    let rest = line.strip_prefix(NAME).expect("a line of data/schemas.jsonl begins with its name");
    rest.split('"').next().expect("a split has a first part")
}

fn parse(line: &str) -> Value {
    serde_json::from_str::<SchemaLine>(line).expect("a line of data/schemas.jsonl is a named schema").schema
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::schema::resource_schema::ResourceSchema;
    use crate::object::schema::structural::{AdditionalProperties, ListType};

    #[test]
    fn every_built_in_kind_has_a_component() {
        for resource in crate::kinds::registry().resources() {
            let ResourceSchema::Builtin { component: name } = &resource.schema else {
                unreachable!("built in")
            };
            assert!(component(name).is_some(), "{name} is missing");
        }
    }

    #[test]
    fn every_referenced_component_exists() {
        fn references<'a>(node: &'a Structural, found: &mut Vec<&'a str>) {
            found.extend(node.reference.as_deref());
            node.properties.values().chain(node.items.as_deref()).for_each(|n| references(n, found));
            if let AdditionalProperties::Schema(schema) = &node.additional {
                references(schema, found);
            }
        }
        for name in lazy_schemas().keys() {
            let mut found = Vec::new();
            references(component(name).unwrap(), &mut found);
            for reference in found {
                assert!(lazy_schemas().contains_key(reference), "{name} refers to {reference}");
            }
        }
    }

    #[test]
    fn containers_have_the_merge_key_name() {
        let spec = component("io.k8s.api.core.v1.PodSpec").unwrap();
        let containers = &spec.properties["containers"];
        assert_eq!(containers.list, ListType::Map(vec!["name".into()]));
        assert_eq!(containers.patch_merge_key.as_deref(), Some("name"));
    }

    #[test]
    fn unknown_component_is_absent() {
        assert!(component("io.k8s.api.core.v1.Nope").is_none());
    }
}
