//! The path of a field, built while an object is walked, in the notation of apimachinery's `field.Path`.

use std::fmt;

/// A field's place: `spec.ports[0].name`, `data[key]`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Path(String);

impl Path {
    /// A path of one or more named steps, already joined by dots.
    pub(crate) fn new(steps: &str) -> Self {
        Self(steps.to_owned())
    }

    /// The named field below this one.
    pub(crate) fn child(&self, name: &str) -> Self {
        if self.0.is_empty() { Self(name.to_owned()) } else { Self(format!("{}.{name}", self.0)) }
    }

    /// The item of a list.
    pub(crate) fn index(&self, index: usize) -> Self {
        Self(format!("{}[{index}]", self.0))
    }

    /// The value of a map.
    pub(crate) fn key(&self, key: &str) -> Self {
        Self(format!("{}[{key}]", self.0))
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
    fn steps_read_as_the_server_prints_them() {
        let path = Path::new("spec").child("ports").index(2).child("labels").key("a/b");
        assert_eq!(path.to_string(), "spec.ports[2].labels[a/b]");
        assert_eq!(Path::default().child("spec").to_string(), "spec");
    }
}
