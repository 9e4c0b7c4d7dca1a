//! Values that are compared or asked by a function.

use std::fmt::Debug;
use std::marker::PhantomData;

use crate::expect::{Matcher, Mismatch};

/// Made by [`equal`].
pub struct Equal<T>(T);

/// Made by [`satisfy`].
pub struct Satisfy<T, F> {
    description: String,
    holds: F,
    value: PhantomData<fn(&T)>,
}

/// The value is equal to another one.
pub fn equal<T>(expected: T) -> Equal<T> {
    Equal(expected)
}

/// A function says that the value is right. The description fits after "should":
/// `satisfy("have a node", |machine: &Machine| machine.status.node.is_some())`.
pub fn satisfy<T, F: Fn(&T) -> bool>(description: &str, holds: F) -> Satisfy<T, F> {
    Satisfy { description: description.into(), holds, value: PhantomData }
}

impl<T: PartialEq + Debug> Matcher<T> for Equal<T> {
    fn expected(&self) -> String {
        format!("equal {:?}", self.0)
    }

    fn check(&self, actual: Option<&T>) -> Result<(), Mismatch> {
        let Some(actual) = actual else { return Err(Mismatch::absent()) };
        if *actual == self.0 {
            return Ok(());
        }
        let (expected, seen) = (format!("{:#?}\n", self.0), format!("{actual:#?}\n"));
        let mismatch = Mismatch::new(format!("it is {actual:?}"));
        let one_line = expected.lines().count() == 1 && seen.lines().count() == 1;
        Err(if one_line { mismatch } else { mismatch.with_text_difference(&expected, &seen) })
    }
}

impl<T, F: Fn(&T) -> bool> Matcher<T> for Satisfy<T, F> {
    fn expected(&self) -> String {
        self.description.clone()
    }

    fn check(&self, actual: Option<&T>) -> Result<(), Mismatch> {
        match actual {
            None => Err(Mismatch::absent()),
            Some(actual) if (self.holds)(actual) => Ok(()),
            Some(_) => Err(Mismatch::new(format!("it does not {}", self.description))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_several_lines_are_compared_line_by_line() {
        let mismatch = equal(vec![1, 2]).check(Some(&vec![1, 3])).unwrap_err();
        assert_eq!(mismatch.difference(), Some(" [\n     1,\n-    2,\n+    3,\n ]"));
    }

    #[test]
    fn an_absent_object_satisfies_nothing() {
        assert!(satisfy("be", |_: &i32| true).check(None).unwrap_err().is_absent());
    }
}
