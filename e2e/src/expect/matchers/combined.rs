//! Matchers made of other matchers.

use crate::expect::{Matcher, MatcherList, Mismatch};

/// Made by [`all`].
pub struct All<L>(L);

/// Made by [`any`].
pub struct Any<L>(L);

/// Made by [`not`].
pub struct Not<M>(M);

/// Every matcher of a tuple matches: `all((exist(), have_condition("Ready", "True")))`.
pub fn all<L>(matchers: L) -> All<L> {
    All(matchers)
}

/// At least one matcher of a tuple matches.
pub fn any<L>(matchers: L) -> Any<L> {
    Any(matchers)
}

/// The matcher does not match. An absent object matches neither a matcher that looks into it nor its
/// `not`: a spec that watches the wrong name must not pass. For absence there is
/// [`be_gone`](crate::matchers::be_gone).
pub fn not<M>(matcher: M) -> Not<M> {
    Not(matcher)
}

fn joined<T>(list: &[&dyn Matcher<T>], word: &str) -> String {
    let parts: Vec<_> = list.iter().map(|matcher| matcher.expected()).collect();
    parts.join(word)
}

impl<T, L: MatcherList<T>> Matcher<T> for All<L> {
    fn expected(&self) -> String {
        joined(&self.0.list(), " and ")
    }

    fn check(&self, actual: Option<&T>) -> Result<(), Mismatch> {
        let wrong: Vec<_> = self.0.list().iter().filter_map(|matcher| matcher.check(actual).err()).collect();
        if wrong.is_empty() { Ok(()) } else { Err(Mismatch::joined(&wrong)) }
    }
}

impl<T, L: MatcherList<T>> Matcher<T> for Any<L> {
    fn expected(&self) -> String {
        joined(&self.0.list(), " or ")
    }

    fn check(&self, actual: Option<&T>) -> Result<(), Mismatch> {
        let mut wrong = Vec::new();
        for matcher in self.0.list() {
            match matcher.check(actual) {
                Ok(()) => return Ok(()),
                Err(mismatch) => wrong.push(mismatch),
            }
        }
        Err(Mismatch::joined(&wrong))
    }
}

impl<T, M: Matcher<T>> Matcher<T> for Not<M> {
    fn expected(&self) -> String {
        format!("not {}", self.0.expected())
    }

    fn check(&self, actual: Option<&T>) -> Result<(), Mismatch> {
        match self.0.check(actual) {
            Ok(()) => Err(Mismatch::new(format!("it does {}", self.0.expected()))),
            Err(mismatch) if mismatch.is_absent() => Err(mismatch),
            Err(_) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matchers::{be_gone, equal, exist, satisfy};

    #[test]
    fn all_reports_every_mismatch() {
        let matcher = all((equal(1), satisfy("be even", |n: &i32| n % 2 == 0), exist()));
        assert_eq!(matcher.check(Some(&3)).unwrap_err().why(), "it is 3; it does not be even");
        assert_eq!(matcher.expected(), "equal 1 and be even and exist");
    }

    #[test]
    fn any_is_content_with_one() {
        assert_eq!(any((equal(1), equal(2))).check(Some(&2)), Ok(()));
        assert!(any((equal(1), equal(2))).check(Some(&3)).is_err());
        assert_eq!(any((equal(1), be_gone())).check(None), Ok(()));
    }

    #[test]
    fn not_turns_a_match_around() {
        assert_eq!(not(equal(1)).check(Some(&2)), Ok(()));
        assert_eq!(not(equal(1)).check(Some(&1)).unwrap_err().why(), "it does equal 1");
    }

    #[test]
    fn not_does_not_make_an_absent_object_match() {
        assert!(not(equal(1)).check(None).is_err());
        assert!(not(all((equal(1), equal(2)))).check(None).is_err());
        assert_eq!(not(exist()).check(None::<&i32>), Ok(()));
    }
}
