//! Protobuf field numbers of the built-in kinds, from the generated data.
//!
//! Parsing is lazy: each message is parsed at its first use.

use std::collections::BTreeMap;
use std::sync::{LazyLock, OnceLock};

use super::schemas;
use crate::object::decode::protobuf::{Message, Messages};

const LINES: &str = include_str!("../../data/protobuf.jsonl");

const DELETE_OPTIONS: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions";

struct LazyMessage {
    line: &'static str,
    parsed: OnceLock<Message>,
}

/// The messages of the built-in kinds, shared by all clusters of the process.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct BuiltinMessages;

impl Messages for BuiltinMessages {
    fn message(&self, name: &str) -> Option<&Message> {
        let slot = lazy_messages().get(name)?;
        Some(slot.parsed.get_or_init(|| parse(slot.line)))
    }

    fn of_kind(&self, api_version: &str, kind: &str) -> Option<&str> {
        // Every group version has these options, all with the same message.
        if kind == "DeleteOptions" {
            return Some(DELETE_OPTIONS);
        }
        schemas::of_kind(api_version, kind)
    }
}

fn lazy_messages() -> &'static BTreeMap<String, LazyMessage> {
    static SLOTS: LazyLock<BTreeMap<String, LazyMessage>> = LazyLock::new(|| {
        let named = |line: &'static str| {
            let name = line.split('"').nth(1).expect("a line of data/protobuf.jsonl begins with its name");
            (name.to_owned(), LazyMessage { line, parsed: OnceLock::new() })
        };
        LINES.lines().map(named).collect()
    });
    &SLOTS
}

fn parse(line: &str) -> Message {
    let (_, fields): (String, Vec<(u32, String, String)>) =
        serde_json::from_str(line).expect("a line of data/protobuf.jsonl is a name and its fields");
    Message::of(fields)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::decode::protobuf::is_special;

    #[test]
    fn every_nested_message_exists() {
        for (name, slot) in lazy_messages() {
            for nested in parse(slot.line).nested_messages() {
                assert!(
                    lazy_messages().contains_key(nested) || is_special(nested),
                    "{name} contains {nested}"
                );
            }
        }
    }

    #[test]
    fn every_built_in_kind_has_a_message() {
        for resource in crate::kinds::registry().resources() {
            let version = if resource.group.is_empty() {
                resource.version.clone()
            } else {
                format!("{}/{}", resource.group, resource.version)
            };
            let name = BuiltinMessages.of_kind(&version, &resource.kind);
            assert!(
                name.is_some_and(|name| BuiltinMessages.message(name).is_some()),
                "{version} {}",
                resource.kind
            );
        }
    }
}
