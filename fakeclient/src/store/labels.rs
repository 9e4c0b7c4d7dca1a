//! The labels of a stored object in one text, which a selector reads without visiting the object.

use serde_json::Value;

use crate::object::view::metadata;

/// Labels as lines of key and value. Validation keeps line breaks and `=` out of both.
#[derive(Debug)]
pub(crate) struct Labels(Box<str>);

impl Labels {
    /// The labels of an object.
    pub(super) fn of(object: &Value) -> Self {
        let mut text = String::new();
        for (key, value) in metadata::labels(object).into_iter().flatten() {
            text.extend([key, "=", value.as_str().unwrap_or_default(), "\n"]);
        }
        Self(text.into())
    }

    /// The value of a label.
    pub(crate) fn get(&self, key: &str) -> Option<&str> {
        self.0.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('='))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn label_is_found_by_its_whole_key() {
        let labels = Labels::of(&json!({"metadata": {"labels": {"app": "web", "app.io/x": "", "b": "app"}}}));
        let found = ["app", "app.io/x", "b", "ap", "app.io", ""].map(|key| labels.get(key));
        assert_eq!(found, [Some("web"), Some(""), Some("app"), None, None, None]);
        assert_eq!(Labels::of(&json!({"metadata": {}})).get("a"), None);
    }
}
