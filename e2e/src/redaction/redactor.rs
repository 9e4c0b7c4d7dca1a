//! Redaction of Secret values in texts, by known values and by the form of tokens and keys.
//!
//! An object that is known to be a Secret is masked field by field (`mask`). This is for texts that a value may have
//! got into by another way: a log line, a comparison of two strings, a panic.
//!
//! When a spec has failed, all Secrets of its namespaces are known, and hidden in all that is told of it. What is told
//! while it runs is told without the values that it has met until then: written, read or waited on through its
//! context.
//! Texts by others, such as the logs of a node, may come late and tell of a spec that is over: there the values that
//! any attempt of the run has met are hidden, too.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard};

use aho_corasick::{AhoCorasick, MatchKind};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use regex::Regex;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::redaction::mask;

/// Replacement of a value.
const MASK: &str = "(masked)";

/// Shorter values are words that stand everywhere: `true`, `5432`.
const LEAST: usize = 6;

/// A longer value is looked for in parts of this length, so that no text needs to hold all of it.
const PART: usize = 512;

/// Shortest word that is redacted by itself in a value of several lines: a line of a key, a password in a file.
const WORD: usize = 12;

/// The values of Secrets that an attempt has met.
#[derive(Default)]
pub(crate) struct Redactor {
    own: Mutex<SecretValues>,
    run_secrets: RunSecrets,
}

/// The values that the attempts of a run have met, all together.
#[derive(Clone, Default)]
pub(crate) struct RunSecrets(Arc<Mutex<SecretValues>>);

#[derive(Default)]
struct SecretValues {
    values: BTreeSet<String>,
    /// Made of the values when it is needed, and anew when there are others.
    finder: Option<Arc<AhoCorasick>>,
}

impl SecretValues {
    fn extend(&mut self, found: &BTreeSet<String>) {
        if !found.is_subset(&self.values) {
            self.values.extend(found.iter().cloned());
            self.finder = None;
        }
    }

    fn finder(&mut self) -> Option<Arc<AhoCorasick>> {
        if self.finder.is_none() && !self.values.is_empty() {
            let made = AhoCorasick::builder().match_kind(MatchKind::LeftmostLongest).build(&self.values);
            self.finder = Some(Arc::new(made.expect("some thousand short patterns are not too many")));
        }
        self.finder.clone()
    }
}

fn lock(known: &Mutex<SecretValues>) -> MutexGuard<'_, SecretValues> {
    known.lock().expect("nobody panics while values are learnt or looked for")
}

/// A text without the values that a finder finds.
fn without(finder: Option<Arc<AhoCorasick>>, text: &str) -> Cow<'_, str> {
    let Some(finder) = finder.filter(|finder| finder.is_match(text)) else { return text.into() };
    finder.replace_all(text, &vec![MASK; finder.patterns_len()]).into()
}

impl Redactor {
    /// For an attempt that is the only one.
    #[cfg(any(test, feature = "kind"))]
    pub(crate) fn new() -> Arc<Self> {
        Arc::default()
    }

    /// For an attempt among others.
    pub(crate) fn sharing(run_secrets: &RunSecrets) -> Arc<Self> {
        Arc::new(Self { own: Mutex::default(), run_secrets: run_secrets.clone() })
    }

    /// Takes in the values of a Secret. Certificates are public, and so is the namespace of a service account.
    pub(crate) fn add_secret(&self, secret: &Value) {
        let of_account = secret["type"] == "kubernetes.io/service-account-token";
        let mut found = BTreeSet::new();
        for field in ["data", "stringData"] {
            for (key, value) in secret[field].as_object().into_iter().flatten() {
                let Some(text) = value.as_str().filter(|_| !(of_account && key == "namespace")) else {
                    continue;
                };
                if field == "stringData" {
                    add(text, &STANDARD.encode(text), &mut found);
                } else if let Some(plain) =
                    STANDARD.decode(text).ok().and_then(|plain| String::from_utf8(plain).ok())
                {
                    add(&plain, text, &mut found);
                } else {
                    add("", text, &mut found);
                }
            }
        }
        lock(&self.own).extend(&found);
        lock(&self.run_secrets.0).extend(&found);
    }

    /// A text without the values that are known.
    pub(crate) fn redact<'t>(&self, text: &'t str) -> Cow<'t, str> {
        without(lock(&self.own).finder(), text)
    }

    /// The same, and without what another attempt has met or what only has the form of a secret: for texts that
    /// nobody has written for this report.
    pub(crate) fn redact_foreign<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let known = without(lock(&self.run_secrets.0).finder(), text);
        FORMS.iter().fold(known, |text, (form, stand_in)| match form.replace_all(&text, *stand_in) {
            Cow::Borrowed(_) => text,
            Cow::Owned(hidden) => hidden.into(),
        })
    }

    /// Anything that is made of texts, without the values that are known.
    pub(crate) fn redact_all<T: Serialize + DeserializeOwned>(&self, all: T) -> T {
        if lock(&self.own).finder().is_none() {
            return all;
        }
        let mut json = serde_json::to_value(&all).expect("what reports hold can be written as JSON");
        self.hide(&mut json);
        serde_json::from_value(json).expect("another text is a text, too")
    }

    fn hide(&self, json: &mut Value) {
        match json {
            Value::String(text) => {
                if let Cow::Owned(hidden) = self.redact(text) {
                    *text = hidden;
                }
            }
            Value::Array(items) => items.iter_mut().for_each(|item| self.hide(item)),
            // A sort of thing is one of a few words of ours.
            Value::Object(fields) => {
                let texts = fields.iter_mut().filter(|(key, _)| !matches!(key.as_str(), "kind" | "change"));
                texts.for_each(|(_, value)| self.hide(value));
            }
            _ => {}
        }
    }

    /// Takes in what an expectation says about Secrets: `Secret demo/login should match {"data":…}`.
    pub(crate) fn add_expectation(&self, expected: &str) {
        if !["Secret ", "secrets "].iter().any(|begin| expected.starts_with(begin)) {
            return;
        }
        for (at, _) in expected.match_indices('{') {
            let mut documents = serde_json::Deserializer::from_str(&expected[at..]).into_iter::<Value>();
            if let Some(Ok(partial)) = documents.next() {
                self.add_secret(&partial);
            }
        }
    }

    /// Masks what is a Secret, or a collection of them by name, and takes in its values. Gives what tells its content
    /// from another one, if it is one.
    pub(crate) fn mask(&self, object: &mut Value) -> Option<u64> {
        if is_secret(object) {
            self.add_secret(object);
            let content = fingerprint(&object["data"]);
            mask("Secret", object);
            return Some(content);
        }
        let of_a_collection = object.get("metadata").is_none();
        let parts = object.as_object_mut().filter(|_| of_a_collection)?.values_mut();
        parts.filter_map(|part| self.mask(part)).reduce(|one, other| one.rotate_left(1) ^ other)
    }
}

/// The items of a list do not say what they are: nothing else has a type and data.
fn is_secret(object: &Value) -> bool {
    match object.get("kind") {
        Some(kind) => kind == "Secret",
        None => {
            object.get("type").is_some_and(Value::is_string)
                && object.get("data").is_some_and(Value::is_object)
        }
    }
}

fn fingerprint(content: &Value) -> u64 {
    let mut hasher = DefaultHasher::new();
    content.to_string().hash(&mut hasher);
    hasher.finish()
}

/// Enters the ways in which a value can stand in a text.
fn add(plain: &str, encoded: &str, found: &mut BTreeSet<String>) {
    if plain.starts_with("-----BEGIN CERTIFICATE") {
        return;
    }
    let quoted = Value::from(plain).to_string();
    for text in [plain, plain.trim(), quoted.trim_matches('"'), encoded] {
        let letters: Vec<char> = text.chars().collect();
        let parts = letters.chunks(PART).map(|part| part.iter().collect::<String>());
        found.extend(parts.filter(|part| part.trim().len() >= LEAST));
    }
    if plain.trim().contains('\n') {
        found.extend(
            plain.split_whitespace().filter(|word| word.len() >= WORD && !is_rule(word)).map(str::to_owned),
        );
    }
}

/// `-----BEGIN`, and lines under headings.
fn is_rule(word: &str) -> bool {
    word.contains("-----") || word.bytes().all(|byte| !byte.is_ascii_alphanumeric())
}

/// Forms of secrets, with their replacements.
static FORMS: LazyLock<[(Regex, &str); 5]> = LazyLock::new(|| {
    let form = |text: &str| Regex::new(text).expect("a constant that a test reads");
    [
        // Tokens of service accounts.
        (form(r"\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*"), MASK),
        (form(r"(?i)\b(bearer\s+)[\w.~+/=-]{8,}"), "${1}(masked)"),
        // Tokens that a node joins its cluster with.
        (form(r"\b[a-z0-9]{6}\.[a-z0-9]{16}\b"), MASK),
        // The kubelet writes down a whole container that it cannot start, with its environment.
        (form(r"(EnvVar\{Name:[^,]*,Value:).*?(,ValueFrom:)"), "${1}(masked)${2}"),
        (form(r"(?s)(-----BEGIN [A-Z ]*PRIVATE KEY-----).*?(-----END|\z)"), "${1}(masked)${2}"),
    ]
});

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn redactor(secret: &Value) -> Arc<Redactor> {
        let redactor = Redactor::new();
        redactor.add_secret(secret);
        redactor
    }

    #[test]
    fn a_value_is_hidden_in_plain_in_base64_and_as_json_quotes_it() {
        let redactor = redactor(&json!({"data": {"password": "aHVudCJlcjI="}}));
        for text in ["got hunt\"er2 here", "got aHVudCJlcjI= here", r#"got hunt\"er2 here"#] {
            assert_eq!(redactor.redact(text), "got (masked) here", "{text}");
        }
        let written = super::tests::redactor(&json!({"stringData": {"password": "hunter2"}}));
        assert_eq!(written.redact("hunter2 is aHVudGVyMg=="), "(masked) is (masked)");
    }

    #[test]
    fn values_of_other_attempts_are_redacted_only_in_foreign_texts() {
        let run_secrets = RunSecrets::default();
        let (earlier, later) = (Redactor::sharing(&run_secrets), Redactor::sharing(&run_secrets));
        earlier.add_secret(&json!({"stringData": {"password": "hunter2"}}));
        later.add_secret(&json!({"stringData": {"password": "moored"}}));
        assert_eq!(later.redact_foreign("hunter2 is moored"), "(masked) is (masked)");
        assert_eq!(later.redact("hunter2 is moored"), "hunter2 is (masked)");
        assert_eq!(redactor(&json!({})).redact_foreign("hunter2"), "hunter2", "it is of another run");
    }

    #[test]
    fn short_and_public_values_are_not_redacted() {
        let public = json!({
            "type": "kubernetes.io/service-account-token", "stringData": {
                "namespace": "operators", "ca.crt": "-----BEGIN CERTIFICATE-----\nabcdefghijklmnop", "port": "5432",
            },
        });
        let text = "5432 in operators: abcdefghijklmnop";
        assert_eq!(redactor(&public).redact(text), text);
    }

    #[test]
    fn the_lines_of_a_key_and_the_parts_of_a_long_value_are_hidden_one_by_one() {
        let key = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBg\n-----END PRIVATE KEY-----\n";
        let redactor = redactor(&json!({"stringData": {"tls.key": key, "long": "0123456789".repeat(100)}}));
        assert_eq!(redactor.redact("  MIIEvQIBADANBg"), "  (masked)");
        assert_eq!(redactor.redact(&"0123456789".repeat(100)), "(masked)(masked)");
    }

    #[test]
    fn longest_of_overlapping_values_is_redacted() {
        let redactor = redactor(&json!({"stringData": {"a": "hunter"}}));
        assert_eq!(redactor.redact("hunter2"), "(masked)2");
        redactor.add_secret(&json!({"stringData": {"b": "hunter2!"}}));
        assert_eq!(redactor.redact("hunter2!"), "(masked)");
    }

    #[test]
    fn a_secret_is_masked_in_an_object_in_a_collection_and_where_nothing_says_what_it_is() {
        let redactor = Redactor::default();
        let secret = |value: &str| json!({"kind": "Secret", "metadata": {}, "data": {"password": value}});
        let mut one = secret("aHVudGVyMg==");
        let content = redactor.mask(&mut one);
        assert_eq!(one["data"]["password"], "(masked, 7 bytes)");
        assert_eq!(redactor.redact("hunter2"), "(masked)");
        let mut other = secret("aHVudGVyMw==");
        let changed = redactor.mask(&mut other);
        assert!(content.is_some() && changed.is_some() && content != changed);
        assert_eq!(one, other, "only the fingerprint tells them apart");
        let mut all = json!({"a": {"metadata": {}, "type": "Opaque", "data": {"password": "aHVudGVyNA=="}}});
        assert!(redactor.mask(&mut all).is_some());
        assert_eq!(all["a"]["data"]["password"], "(masked, 7 bytes)");
        let map = json!({"kind": "ConfigMap", "metadata": {}, "data": {"password": "public!"}});
        let mut same = map.clone();
        assert_eq!((redactor.mask(&mut same), same), (None, map));
    }

    #[test]
    fn only_expectations_of_secrets_are_redacted() {
        let redactor = Redactor::default();
        redactor.add_expectation(r#"ConfigMap demo/a should match {"data":{"password":"public!"}}"#);
        assert_eq!(redactor.redact("public!"), "public!");
        let expected = r#"Secret demo/a should match {"data":{"password":"aHVudGVyMg=="}} within 30s"#;
        redactor.add_expectation(expected);
        assert_eq!(
            redactor.redact(expected),
            r#"Secret demo/a should match {"data":{"password":"(masked)"}} within 30s"#
        );
        let all = vec![("hunter2".to_owned(), 7)];
        assert_eq!(redactor.redact_all(all), [("(masked)".to_owned(), 7)]);
    }

    #[test]
    fn tokens_keys_and_the_environment_of_containers_are_known_by_their_form() {
        let hidden = |text: &str| Redactor::default().redact_foreign(text).into_owned();
        assert_eq!(hidden("token eyJhbGciOiJSUzI1.eyJpc3MiOiJr.c2lnbmF0dXJl!"), "token (masked)!");
        assert_eq!(hidden("Authorization: Bearer abcdef123456"), "Authorization: Bearer (masked)");
        assert_eq!(hidden("join --token abcdef.0123456789abcdef"), "join --token (masked)");
        let container =
            "Env:[]EnvVar{EnvVar{Name:A,Value:x,y,ValueFrom:nil,},EnvVar{Name:B,Value:z,ValueFrom:nil,},}";
        let shown = "Env:[]EnvVar{EnvVar{Name:A,Value:(masked),ValueFrom:nil,},EnvVar{Name:B,Value:(masked),ValueFrom:nil,},}";
        assert_eq!(hidden(container), shown);
        let key = "-----BEGIN RSA PRIVATE KEY-----\nMIIE\nvQIB\n-----END RSA PRIVATE KEY-----";
        assert_eq!(hidden(key), "-----BEGIN RSA PRIVATE KEY-----(masked)-----END RSA PRIVATE KEY-----");
        let plain = "I1122 23:45:01.123456 kubelet.go:1 \"Starting kubelet\" pod=\"kube-system/etcd\"";
        assert_eq!(hidden(plain), plain);
    }
}
