//! The manifests of the dry runs: minimal objects that together have each component with defaults.

use anyhow::{Context, Result};
use serde_json::Value;

/// File name → text.
const FILES: [(&str, &str); 7] = [
    ("core.yaml", include_str!("minimal/core.yaml")),
    ("extensions.yaml", include_str!("minimal/extensions.yaml")),
    ("networking.yaml", include_str!("minimal/networking.yaml")),
    ("pods.yaml", include_str!("minimal/pods.yaml")),
    ("rights.yaml", include_str!("minimal/rights.yaml")),
    ("storage.yaml", include_str!("minimal/storage.yaml")),
    ("workloads.yaml", include_str!("minimal/workloads.yaml")),
];

/// One object that is sent.
pub(crate) struct Manifest {
    /// Its origin, for errors: `pods.yaml: Pod plain`.
    pub(crate) origin: String,
    /// The object.
    pub(crate) object: Value,
}

/// All manifests that are created, in the order of the files.
pub(crate) fn all() -> Result<Vec<Manifest>> {
    read(&FILES)
}

/// Objects with a status.
pub(crate) fn with_status() -> Result<Vec<Manifest>> {
    read(&[("statuses.yaml", include_str!("minimal/statuses.yaml"))])
}

fn read(files: &[(&str, &str)]) -> Result<Vec<Manifest>> {
    let mut manifests = Vec::new();
    for (file, text) in files {
        let objects: Vec<Value> =
            serde_saphyr::from_multiple(text).with_context(|| format!("{file} is no YAML"))?;
        for object in objects {
            let kind = object["kind"].as_str().with_context(|| format!("{file}: an object has no kind"))?;
            let name = object["metadata"]["name"].as_str().unwrap_or_default();
            manifests.push(Manifest { origin: format!("{file}: {kind} {name}"), object });
        }
    }
    Ok(manifests)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_two_manifests_have_the_same_kind_and_name() {
        let manifests = all().unwrap();
        let names: BTreeSet<String> =
            manifests.iter().map(|m| format!("{} {}", m.object["apiVersion"], m.origin)).collect();
        assert_eq!(names.len(), manifests.len());
    }
}
