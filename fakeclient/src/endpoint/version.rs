//! `/version`: the Kubernetes release that the fake models.
//!
//! The release comes from the generated data. The build information (commit, Go version, platform) describes the build
//! of this crate.

use serde_json::{Map, Value, json};

const RECORDED: &str = include_str!("../../data/version.json");

/// The response to `GET /version`.
pub(crate) fn version() -> Value {
    let mut info: Map<String, Value> =
        serde_json::from_str(RECORDED).expect("data/version.json is an object");
    for (field, value) in [
        ("gitCommit", json!("")),
        ("gitTreeState", json!("")),
        ("buildDate", json!("1970-01-01T00:00:00Z")),
        ("goVersion", json!("")),
        ("compiler", json!("rustc")),
        ("platform", json!(platform())),
    ] {
        info.insert(field.to_owned(), value);
    }
    Value::Object(info)
}

/// This platform in Go's notation: `linux/amd64`, `darwin/arm64`.
fn platform() -> String {
    let os = if std::env::consts::OS == "macos" { "darwin" } else { std::env::consts::OS };
    let architecture = match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    };
    format!("{os}/{architecture}")
}

/// `1.37`: the version in OpenAPI documents.
pub(crate) fn minor() -> String {
    let info = version();
    let part = |key: &str| info[key].as_str().unwrap_or_default().to_owned();
    format!("{}.{}", part("major"), part("minor"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn version_has_all_fields_that_clients_parse() {
        let info: k8s_openapi::apimachinery::pkg::version::Info = serde_json::from_value(version()).unwrap();
        assert_eq!((info.major.as_str(), info.minor.as_str()), ("1", "37"));
        assert!(info.git_version.starts_with("v1.37."));
        assert_eq!(minor(), "1.37");
    }
}
