//! Field paths in the notation of apimachinery's `field.Path`.

use std::fmt;

/// The path of a field: `spec.ports[0].name`, `data[key]`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Path(String);

impl Path {
    /// A path of one or more field names, joined by dots.
    pub(crate) fn new(steps: &str) -> Self {
        Self(steps.to_owned())
    }

    /// The path of a field below this one.
    pub(crate) fn child(&self, name: &str) -> Self {
        self.below(if self.0.is_empty() { [name, "", ""] } else { [".", name, ""] })
    }

    /// The path of a list item.
    pub(crate) fn index(&self, index: usize) -> Self {
        self.below(["[", &index.to_string(), "]"])
    }

    /// The path of a map value.
    pub(crate) fn key(&self, key: &str) -> Self {
        self.below(["[", key, "]"])
    }

    /// One allocation and no formatting: validation builds many more paths than it reports.
    fn below(&self, parts: [&str; 3]) -> Self {
        let length = self.0.len() + parts.iter().map(|part| part.len()).sum::<usize>();
        let mut path = String::with_capacity(length);
        path.push_str(&self.0);
        for part in parts {
            path.push_str(part);
        }
        Self(path)
    }
}

impl From<Path> for String {
    fn from(path: Path) -> Self {
        path.0
    }
}

impl From<&Path> for String {
    fn from(path: &Path) -> Self {
        path.0.clone()
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_printed_as_in_go() {
        let path = Path::new("spec").child("ports").index(2).child("labels").key("a/b");
        assert_eq!(path.to_string(), "spec.ports[2].labels[a/b]");
        assert_eq!(Path::default().child("spec").to_string(), "spec");
    }
}
