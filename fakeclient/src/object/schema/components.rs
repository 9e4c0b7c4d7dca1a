//! Named schemas of the built-in kinds, and the resolution of references.
//!
//! Custom resources have no references.

use std::collections::BTreeMap;

use super::structural::Structural;

/// Read access to named schemas such as `io.k8s.api.core.v1.PodSpec`.
pub(crate) trait Components: Sync {
    /// The schema of a component.
    fn component(&self, name: &str) -> Option<&Structural>;
}

impl Components for BTreeMap<String, Structural> {
    fn component(&self, name: &str) -> Option<&Structural> {
        self.get(name)
    }
}

/// The node itself, or the component that it references.
///
/// Keywords beside the reference (default, list type, patch strategy) belong to the field, and are only in `node`.
pub(crate) fn resolve<'a>(components: &'a dyn Components, node: &'a Structural) -> &'a Structural {
    let mut current = node;
    // Generated data has no chains of references; the limit prevents an endless loop.
    for _ in 0..8 {
        match current.reference.as_deref().and_then(|name| components.component(name)) {
            Some(next) => current = next,
            None => break,
        }
    }
    current
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn reference_resolves_to_its_component() {
        let pod =
            Structural::parse(&json!({"properties": {"spec": {"$ref": "#/components/schemas/PodSpec"}}}));
        let spec =
            Structural::parse(&json!({"type": "object", "properties": {"nodeName": {"type": "string"}}}));
        let components = BTreeMap::from([("PodSpec".to_owned(), spec)]);
        let resolved = resolve(&components, &pod.properties["spec"]);
        assert!(resolved.properties.contains_key("nodeName"));
        assert!(resolve(&BTreeMap::new(), &pod.properties["spec"]).properties.is_empty());
    }
}
