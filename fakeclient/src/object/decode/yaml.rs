//! YAML parser with the server's rules: YAML 1.1 booleans and octal numbers, the first document only, string keys. The
//! result is that of `text`. Syntax errors do not have the server's messages.

use serde::de::{Deserialize, DeserializeSeed, Deserializer};
use serde_json::Value;

use super::text::{JsonTextPath, Parsed, ValueSeed};
use serde_saphyr::options::DuplicateKeyPolicy;

/// Parses the first document. Duplicates are complete warnings, such as `line 3: key "kind" already set in map`.
pub(crate) fn parse(bytes: &[u8]) -> Result<Parsed, String> {
    let text = std::str::from_utf8(bytes).map_err(|_| "yaml: invalid leading UTF-8 octet".to_owned())?;
    if text.chars().any(|c| c.is_control() && !matches!(c, '\t' | '\n' | '\r' | '\u{85}')) {
        return Err("yaml: control characters are not allowed".to_owned());
    }
    let document = first_document(text);
    if document.trim().is_empty() {
        return Ok(Parsed::default());
    }
    let depth = depth(document);
    match depth {
        0..=READ_DEPTH => {}
        too_deep if too_deep > SERVER_DEPTH => {
            let line = document.lines().take_while(|line| line.len() < SERVER_DEPTH).count();
            let place = if line > 0 { format!("line {}: ", line + 1) } else { String::new() };
            return Err(format!("yaml: {place}exceeded max depth of {SERVER_DEPTH}"));
        }
        _ => {
            return Err(format!(
                "yaml: nested deeper than {READ_DEPTH} levels, which this server does not read"
            ));
        }
    }
    let mut parsed =
        read_at(depth, document, DuplicateKeyPolicy::PassThrough).map_err(|why| format!("yaml: {why}"))?;
    if !parsed.duplicates.is_empty() {
        let line = read_at(depth, document, DuplicateKeyPolicy::Error)
            .err()
            .and_then(|why| line_of(&why))
            .unwrap_or(1);
        for path in &mut parsed.duplicates {
            let key = path.rsplit('.').next().unwrap_or_default();
            *path = format!("line {line}: key {key:?} already set in map");
        }
    }
    Ok(parsed)
}

/// Maximum depth of kube-apiserver's YAML parser.
const SERVER_DEPTH: usize = 10_000;
/// Maximum depth of this parser, equal to that of the JSON parser.
const READ_DEPTH: usize = 128;
/// Minimum depth at which the parser gets its own stack: without optimisation, a level needs 20 KB.
const MIN_THREAD_DEPTH: usize = 24;
const DEEP_STACK: usize = 16 << 20;

/// An upper bound of the nesting depth: brackets within strings count, too.
fn depth(document: &str) -> usize {
    let mut deepest = 0;
    let mut brackets: usize = 0;
    let mut columns: Vec<usize> = Vec::new();
    for line in document.lines() {
        // Each list marker at the start of a line adds a level, as an indentation does.
        let text = line.trim_start_matches([' ', '-']);
        let head = &line[..line.len() - text.len()];
        let starts = head.char_indices().filter(|(_, c)| *c == '-').map(|(at, _)| at).chain([head.len()]);
        for column in starts {
            columns.retain(|outer| *outer < column);
            columns.push(column);
            deepest = deepest.max(columns.len() + brackets);
        }
        for byte in text.bytes() {
            match byte {
                b'[' | b'{' => {
                    brackets += 1;
                    deepest = deepest.max(columns.len() + brackets);
                }
                b']' | b'}' => brackets = brackets.saturating_sub(1),
                _ => {}
            }
        }
    }
    deepest
}

struct Document(Parsed);

impl<'de> Deserialize<'de> for Document {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut duplicates = Vec::new();
        let seed = ValueSeed { path: JsonTextPath::Root, duplicates: &mut duplicates };
        let value: Value = seed.deserialize(deserializer)?;
        Ok(Self(Parsed { value, duplicates }))
    }
}

/// Parses on a thread with a larger stack, if the document is deeply nested.
fn read_at(depth: usize, document: &str, duplicates: DuplicateKeyPolicy) -> Result<Parsed, String> {
    if depth < MIN_THREAD_DEPTH {
        return read(document, duplicates);
    }
    std::thread::scope(|scope| {
        let reader = std::thread::Builder::new().stack_size(DEEP_STACK);
        let reader =
            reader.spawn_scoped(scope, || read(document, duplicates)).map_err(|why| why.to_string())?;
        reader.join().expect("the reader does not panic")
    })
}

fn read(document: &str, duplicates: DuplicateKeyPolicy) -> Result<Parsed, String> {
    let options = serde_saphyr::options! {
        budget: None,
        legacy_octal_numbers: true,
        duplicate_keys: duplicates,
    };
    serde_saphyr::from_str_with_options::<Document>(document, options)
        .map(|document| document.0)
        .map_err(|error| error.to_string().lines().next().unwrap_or_default().to_owned())
}

/// The line in the parser's message.
fn line_of(message: &str) -> Option<u32> {
    let rest = message.split("line ").nth(1)?;
    rest.chars().take_while(char::is_ascii_digit).collect::<String>().parse().ok()
}

/// The text before the second document.
fn first_document(text: &str) -> &str {
    let mut at = 0;
    let mut begun = false;
    for line in text.split_inclusive('\n') {
        let trimmed = line.trim_end();
        let mark = trimmed == "---" || trimmed.starts_with("--- ");
        if (mark && begun) || trimmed == "..." {
            return &text[..at];
        }
        begun |= mark || !(trimmed.is_empty() || trimmed.starts_with('#') || trimmed.starts_with('%'));
        at += line.len();
    }
    text
}

fn document_options() -> serde_saphyr::Options {
    serde_saphyr::options! { legacy_octal_numbers: true, budget: None }
}

/// The documents of a multi-document YAML text, without empty ones.
pub(crate) fn documents(text: &str) -> Result<Vec<Value>, String> {
    let documents: Vec<Value> = serde_saphyr::from_multiple_with_options(text, document_options())
        .map_err(|error| error.to_string())?;
    Ok(documents.into_iter().filter(|document| !document.is_null()).collect())
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    #[rstest]
    #[case("a: y", json!({"a": true}))]
    #[case("a: yes", json!({"a": true}))]
    #[case("a: off", json!({"a": false}))]
    #[case("a: True", json!({"a": true}))]
    #[case("a: \"y\"", json!({"a": "y"}))]
    #[case("a: 0644", json!({"a": 420}))]
    #[case("a: 0x1F", json!({"a": 31}))]
    #[case("a: 1e3", json!({"a": 1000.0}))]
    #[case("a: 12:30", json!({"a": "12:30"}))]
    #[case("a: 2001-01-01", json!({"a": "2001-01-01"}))]
    #[case("a: ~", json!({"a": null}))]
    #[case("a: !!str 3", json!({"a": "3"}))]
    #[case("1: x", json!({"1": "x"}))]
    #[case("y: x", json!({"true": "x"}))]
    #[case("off: x", json!({"false": "x"}))]
    #[case("\"y\": x", json!({"y": "x"}))]
    #[case("1.5: x", json!({"1.5": "x"}))]
    #[case("<<: {x: 1}\nb: 2", json!({"x": 1, "b": 2}))]
    #[case("", json!(null))]
    fn scalars_are_parsed_as_in_kube_apiserver(#[case] text: &str, #[case] expected: Value) {
        assert_eq!(parse(text.as_bytes()).unwrap().value, expected, "{text}");
    }

    #[test]
    fn text_nested_too_deep_is_rejected() {
        let flow = |depth: usize| format!("a: {}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(parse(flow(120).as_bytes()).is_ok());
        assert!(parse(flow(5_000).as_bytes()).unwrap_err().starts_with("yaml: nested deeper than 128"));
        assert_eq!(parse(flow(20_000).as_bytes()).unwrap_err(), "yaml: exceeded max depth of 10000");
        assert!(parse("- ".repeat(5_000).as_bytes()).is_err());
        let lines = (0..3_000).map(|level| format!("{}a:\n", " ".repeat(level))).collect::<Vec<_>>().concat();
        assert!(parse(lines.as_bytes()).is_err());
    }

    #[test]
    fn only_the_first_document_is_parsed() {
        assert_eq!(parse(b"---\na: 1\n---\nb: 2\n").unwrap().value, json!({"a": 1}));
    }

    #[test]
    fn duplicate_key_is_reported_with_its_line() {
        let parsed = parse(b"apiVersion: v1\nkind: A\nkind: B\n").unwrap();
        assert_eq!(parsed.value["kind"], "B");
        assert_eq!(parsed.duplicates, ["line 3: key \"kind\" already set in map"]);
    }

    #[test]
    fn yaml_1_1_octal_numbers_are_octal() {
        let documents = documents("a: 0644\n---\n---\nb: 1\n").expect("valid YAML");
        assert_eq!(documents, [serde_json::json!({"a": 420}), serde_json::json!({"b": 1})]);
    }
}
