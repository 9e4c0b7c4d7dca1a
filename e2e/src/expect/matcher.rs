//! The trait of matchers, and mismatches.

use serde::Serialize;

use crate::display::{text_difference, to_json, yaml};

/// Says whether a value is as it should be.
///
/// A matcher is asked for every state that a watch shows, so it must be quick and must not remember.
pub trait Matcher<T> {
    /// The expectation, in a form that fits after "should": `have condition Ready=True`.
    fn expected(&self) -> String;

    /// True if the value is so; `None` is an object that is absent.
    fn check(&self, actual: Option<&T>) -> Result<(), Mismatch>;
}

impl<T> Matcher<T> for Box<dyn Matcher<T>> {
    fn expected(&self) -> String {
        (**self).expected()
    }

    fn check(&self, actual: Option<&T>) -> Result<(), Mismatch> {
        (**self).check(actual)
    }
}

/// Several matchers of different types for one type of value: a tuple of two to six.
pub trait MatcherList<T> {
    /// The matchers, in their order.
    fn list(&self) -> Vec<&dyn Matcher<T>>;
}

macro_rules! matcher_list {
    ($($matcher:ident)+) => {
        impl<T, $($matcher: Matcher<T>),+> MatcherList<T> for ($($matcher,)+) {
            fn list(&self) -> Vec<&dyn Matcher<T>> {
                #[expect(non_snake_case, reason = "the tuple's parts are named as their types")]
                let ($($matcher,)+) = self;
                vec![$($matcher as &dyn Matcher<T>),+]
            }
        }
    };
}

matcher_list!(A B);
matcher_list!(A B C);
matcher_list!(A B C D);
matcher_list!(A B C D E);
matcher_list!(A B C D E F);

/// Mismatch of a value and a matcher.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mismatch {
    why: String,
    difference: Option<String>,
    absent: bool,
}

impl Mismatch {
    /// A mismatch with its reason: `condition Ready is False`.
    pub fn new(why: impl Into<String>) -> Self {
        Self { why: why.into(), difference: None, absent: false }
    }

    /// There is no object to look at. [`not`](crate::matchers::not) does not turn this into a match.
    pub fn absent() -> Self {
        Self { absent: true, ..Self::new("it is not there") }
    }

    /// Adds the difference between what was expected and what is there, line by line.
    #[must_use]
    pub fn with_difference(self, expected: &impl Serialize, actual: &impl Serialize) -> Self {
        self.with_text_difference(&yaml(&to_json(expected)), &yaml(&to_json(actual)))
    }

    pub(crate) fn with_text_difference(mut self, expected: &str, actual: &str) -> Self {
        self.difference = Some(text_difference(expected, actual));
        self
    }

    pub(crate) fn is_absent(&self) -> bool {
        self.absent
    }

    pub(crate) fn why(&self) -> &str {
        &self.why
    }

    pub(crate) fn difference(&self) -> Option<&str> {
        self.difference.as_deref()
    }

    /// The reason, and the difference below it.
    pub(crate) fn describe(&self) -> String {
        match &self.difference {
            Some(difference) => format!("{}\ndifference (- expected, + seen):\n{difference}", self.why),
            None => self.why.clone(),
        }
    }

    /// Says which of several values it is about.
    pub(crate) fn numbered(mut self, number: usize, of: usize) -> Self {
        self.why = format!("{number} of {of}: {}", self.why);
        self
    }

    /// Several mismatches as one.
    pub(crate) fn joined(parts: &[Self]) -> Self {
        let whys: Vec<_> = parts.iter().map(Self::why).collect();
        let differences: Vec<_> = parts.iter().filter_map(Self::difference).collect();
        Self {
            why: whys.join("; "),
            difference: (!differences.is_empty()).then(|| differences.join("\n")),
            absent: parts.iter().any(Self::is_absent),
        }
    }
}
