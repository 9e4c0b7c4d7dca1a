//! Matchers of values, by comparison or by a function.

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

/// Made by [`check`].
pub struct Check<T, F> {
    description: String,
    wrong: F,
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

/// A function says whether the value is right, and what is wrong with it otherwise: a matcher of one's own in a
/// line. One that is used in many places is better a type with [`Matcher`].
///
/// `check("be balanced", |fleet: &Vec<Machine>| if odd(fleet) { Err("one is left over".into()) } else { Ok(()) })`
pub fn check<T, F: Fn(&T) -> Result<(), String>>(description: &str, wrong: F) -> Check<T, F> {
    Check { description: description.into(), wrong, value: PhantomData }
}

impl<T, F: Fn(&T) -> Result<(), String>> Matcher<T> for Check<T, F> {
    fn expected(&self) -> String {
        self.description.clone()
    }

    fn check(&self, actual: Option<&T>) -> Result<(), Mismatch> {
        match actual {
            None => Err(Mismatch::absent()),
            Some(actual) => (self.wrong)(actual).map_err(Mismatch::new),
        }
    }
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
        // Of two short values everybody sees what they differ in.
        let one_line = |text: &str| text.lines().count() == 1 && text.chars().count() <= 100;
        let one_line = one_line(&expected) && one_line(&seen);
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
    fn long_values_of_one_line_have_a_difference_and_short_ones_need_none() {
        let mismatch = |text: &str| equal(text.to_owned()).check(Some(&format!("{text}!"))).unwrap_err();
        assert_eq!(mismatch("short").difference(), None);
        let long = "long".repeat(40);
        assert_eq!(mismatch(&long).difference(), Some(format!("-{long:?}\n+\"{long}!\"").as_str()));
    }

    #[test]
    fn a_function_may_say_what_is_wrong() {
        let even =
            || check("be even", |n: &i32| if n % 2 == 0 { Ok(()) } else { Err(format!("{n} is odd")) });
        assert_eq!(even().check(Some(&2)), Ok(()));
        assert_eq!(even().check(Some(&3)).unwrap_err().why(), "3 is odd");
        assert!(even().check(None).unwrap_err().is_absent());
    }

    #[test]
    fn an_absent_object_satisfies_nothing() {
        assert!(satisfy("be", |_: &i32| true).check(None).unwrap_err().is_absent());
    }
}
