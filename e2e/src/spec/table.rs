//! Tables: a spec for each row, all with one body.

use crate::spec::marks::Marks;

/// One row of a [table](crate::Scope::table): its name, which becomes its spec's, and its value.
///
/// A pair of the two is a row as well. One with marks of its own is written out:
/// `Row::new("without nodes", 0).label("edge").pending("the API still allows it")`.
pub struct Row<T> {
    pub(crate) name: String,
    pub(crate) value: T,
    pub(crate) marks: Marks,
}

impl<T> Row<T> {
    /// A row with its name and its value.
    pub fn new(name: impl Into<String>, value: T) -> Self {
        Self { name: name.into(), value, marks: Marks::default() }
    }

    /// Labels the row's spec.
    #[must_use]
    pub fn label(mut self, label: &str) -> Self {
        self.marks.labels.push(label.to_owned());
        self
    }

    /// Only this row, and others with focus, shall run.
    #[must_use]
    pub fn focus(mut self) -> Self {
        self.marks.focused = true;
        self
    }

    /// The row's spec is left out for now, and reported as skipped with the reason.
    #[must_use]
    pub fn pending(mut self, reason: &str) -> Self {
        self.marks.pending = Some(reason.to_owned());
        self
    }
}

impl<T, N: Into<String>> From<(N, T)> for Row<T> {
    fn from((name, value): (N, T)) -> Self {
        Self::new(name, value)
    }
}
