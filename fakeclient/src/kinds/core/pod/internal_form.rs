//! A Pod's spec in the form in which kube-apiserver holds it: Go's field names and order, a value for every field.
//!
//! People never see that form except in one refusal, which shows a difference of two of them. `fields.txt` has one
//! struct a line: Go's field, `=` the JSON field where it is not the same with a small letter, `:` how an absent value
//! prints (`s`, `n`, `b`: zero; `T`: a struct of zeros; `p`, `l`, `m`: null; `q`, `i`: a number) and which struct it is.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use serde_json::{Map, Value};

const FIELDS: &str = include_str!("fields.txt");

struct Field {
    go: &'static str,
    json: String,
    kind: &'static str,
}

type Structs = BTreeMap<&'static str, Vec<Field>>;

fn structs() -> &'static Structs {
    static STRUCTS: OnceLock<Structs> = OnceLock::new();
    STRUCTS.get_or_init(|| FIELDS.lines().filter_map(parse).collect())
}

fn parse(line: &'static str) -> Option<(&'static str, Vec<Field>)> {
    let (name, fields) = line.split_once(' ')?;
    let field = |text: &'static str| {
        let (names, kind) = text.split_once(':')?;
        let (go, json) = match names.split_once('=') {
            Some((go, json)) => (go, json.to_owned()),
            None => (names, names[..1].to_lowercase() + &names[1..]),
        };
        Some(Field { go, json, kind })
    };
    Some((name, fields.split_whitespace().filter_map(field).collect()))
}

/// The lines of the spec's internal form, indented by one space for each level.
pub(super) fn internal_form(spec: &Value) -> Vec<String> {
    let mut printer = Printer { lines: Vec::new() };
    printer.object("", 0, "PodSpec", spec, "");
    printer.lines
}

struct Printer {
    lines: Vec<String>,
}

impl Printer {
    fn line(&mut self, depth: usize, text: &str) {
        self.lines.push(format!("{}{text}\n", " ".repeat(depth)));
    }

    fn object(&mut self, head: &str, depth: usize, name: &str, value: &Value, tail: &str) {
        let Some(fields) = structs().get(name) else {
            return self.plain(head, depth, value, tail);
        };
        self.line(depth, &format!("{head}{{"));
        for (index, field) in fields.iter().enumerate() {
            let tail = if index + 1 < fields.len() { "," } else { "" };
            let head = format!("\"{}\": ", field.go);
            self.field(&head, depth + 1, field, &value[field.json.as_str()], tail);
        }
        self.line(depth, &format!("}}{tail}"));
    }

    fn field(&mut self, head: &str, depth: usize, field: &Field, value: &Value, tail: &str) {
        let empty = match value {
            Value::Null => true,
            Value::Array(items) => items.is_empty(),
            Value::Object(map) => map.is_empty() && field.kind == "m",
            _ => false,
        };
        match field.kind {
            "s" if empty => self.line(depth, &format!("{head}\"\"{tail}")),
            "n" | "i" if empty => self.line(depth, &format!("{head}0{tail}")),
            "q" if empty => self.line(depth, &format!("{head}\"0\"{tail}")),
            "b" if empty => self.line(depth, &format!("{head}false{tail}")),
            kind => match (kind.strip_prefix('T'), kind.strip_prefix("pT"), kind.strip_prefix("lT")) {
                (Some(name), _, _) => self.object(head, depth, name, value, tail),
                _ if empty => self.line(depth, &format!("{head}null{tail}")),
                (_, Some(name), _) => self.object(head, depth, name, value, tail),
                (_, _, Some(name)) => self.list(head, depth, name, value, tail),
                _ => self.plain(head, depth, value, tail),
            },
        }
    }

    fn list(&mut self, head: &str, depth: usize, name: &str, value: &Value, tail: &str) {
        let items = value.as_array().map(Vec::as_slice).unwrap_or_default();
        self.line(depth, &format!("{head}["));
        for (index, item) in items.iter().enumerate() {
            let tail = if index + 1 < items.len() { "," } else { "" };
            self.object("", depth + 1, name, item, tail);
        }
        self.line(depth, &format!("]{tail}"));
    }

    /// A value that looks the same inside as outside.
    fn plain(&mut self, head: &str, depth: usize, value: &Value, tail: &str) {
        match value {
            Value::Object(map) if !map.is_empty() => self.map(head, depth, map, tail),
            Value::Array(items) if !items.is_empty() => {
                self.line(depth, &format!("{head}["));
                for (index, item) in items.iter().enumerate() {
                    self.plain("", depth + 1, item, if index + 1 < items.len() { "," } else { "" });
                }
                self.line(depth, &format!("]{tail}"));
            }
            other => self.line(depth, &format!("{head}{other}{tail}")),
        }
    }

    fn map(&mut self, head: &str, depth: usize, map: &Map<String, Value>, tail: &str) {
        self.line(depth, &format!("{head}{{"));
        for (index, (key, value)) in map.iter().enumerate() {
            let tail = if index + 1 < map.len() { "," } else { "" };
            self.plain(&format!("\"{key}\": "), depth + 1, value, tail);
        }
        self.line(depth, &format!("}}{tail}"));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_struct_that_is_named_is_in_the_table() {
        let named = structs().values().flatten().filter_map(|field| field.kind.split_once('T'));
        let missing: Vec<_> =
            named.map(|(_, name)| name).filter(|name| !structs().contains_key(name)).collect();
        assert!(missing.is_empty(), "{missing:?}");
    }

    #[test]
    fn absent_fields_print_as_their_zero_values() {
        let lines = internal_form(&json!({"containers": [{"name": "c"}]}));
        assert_eq!(lines[0], "{\n");
        assert_eq!(lines[1], " \"Volumes\": null,\n");
        assert!(lines.contains(&"   \"Name\": \"c\",\n".to_owned()));
        assert!(lines.contains(&" \"HostNetwork\": false,\n".to_owned()));
        assert_eq!(lines.last().map(String::as_str), Some("}\n"));
    }
}
