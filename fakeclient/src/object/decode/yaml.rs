//! YAML bodies, read as the server reads them: YAML 1.1's booleans and octal numbers, the first document only, keys as
//! text. It gives the same parsed value as `text`. The words of a syntax error are the reader's own, not the
//! server's.

use serde::de::{Deserialize, DeserializeSeed, Deserializer};
use serde_json::Value;

use super::text::{Parsed, Path, ValueSeed};
use serde_saphyr::options::DuplicateKeyPolicy;

/// Reads the first document. Duplicates are whole remarks, such as `line 3: key "kind" already set in map`.
pub(crate) fn parse(bytes: &[u8]) -> Result<Parsed, String> {
    let text = String::from_utf8_lossy(bytes);
    let document = first_document(&text);
    if document.trim().is_empty() {
        return Ok(Parsed::default());
    }
    let mut parsed = read(document, DuplicateKeyPolicy::PassThrough).map_err(|why| format!("yaml: {why}"))?;
    if !parsed.duplicates.is_empty() {
        let line = read(document, DuplicateKeyPolicy::Error).err().and_then(|why| line_of(&why)).unwrap_or(1);
        for path in &mut parsed.duplicates {
            let key = path.rsplit('.').next().unwrap_or_default();
            *path = format!("line {line}: key {key:?} already set in map");
        }
    }
    Ok(parsed)
}

struct Document(Parsed);

impl<'de> Deserialize<'de> for Document {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut duplicates = Vec::new();
        let seed = ValueSeed { path: Path::Root, duplicates: &mut duplicates };
        let value: Value = seed.deserialize(deserializer)?;
        Ok(Self(Parsed { value, duplicates }))
    }
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

/// The line that the reader names in its message.
fn line_of(message: &str) -> Option<u32> {
    let rest = message.split("line ").nth(1)?;
    rest.chars().take_while(char::is_ascii_digit).collect::<String>().parse().ok()
}

/// The text up to the second document's mark.
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
    #[case("<<: {x: 1}\nb: 2", json!({"x": 1, "b": 2}))]
    #[case("", json!(null))]
    fn scalars_are_read_as_the_server_reads_them(#[case] text: &str, #[case] expected: Value) {
        assert_eq!(parse(text.as_bytes()).unwrap().value, expected, "{text}");
    }

    #[test]
    fn only_the_first_document_counts() {
        assert_eq!(parse(b"---\na: 1\n---\nb: 2\n").unwrap().value, json!({"a": 1}));
    }

    #[test]
    fn a_key_given_twice_is_named_with_its_line() {
        let parsed = parse(b"apiVersion: v1\nkind: A\nkind: B\n").unwrap();
        assert_eq!(parsed.value["kind"], "B");
        assert_eq!(parsed.duplicates, ["line 3: key \"kind\" already set in map"]);
    }
}
