//! Matchers of collections: their length, and each of their objects.

use crate::expect::{Matcher, Mismatch};

/// Made by [`have_len`].
pub struct HaveLen(usize);

/// Made by [`each`].
pub struct Each<M>(M);

/// There are so many: `cx.eventually(cx.all::<Machine>()).should(have_len(3))`.
pub fn have_len(count: usize) -> HaveLen {
    HaveLen(count)
}

/// Every one of them matches. None at all match too: ask for [`have_len`] as well.
pub fn each<M>(matcher: M) -> Each<M> {
    Each(matcher)
}

impl<T> Matcher<Vec<T>> for HaveLen {
    fn expected(&self) -> String {
        format!("be {}", self.0)
    }

    fn check(&self, actual: Option<&Vec<T>>) -> Result<(), Mismatch> {
        match actual.map_or(0, Vec::len) {
            count if count == self.0 => Ok(()),
            0 => Err(Mismatch::new("there are none")),
            1 => Err(Mismatch::new("there is 1")),
            count => Err(Mismatch::new(format!("there are {count}"))),
        }
    }
}

impl<T, M: Matcher<T>> Matcher<Vec<T>> for Each<M> {
    fn expected(&self) -> String {
        format!("each {}", self.0.expected())
    }

    fn check(&self, actual: Option<&Vec<T>>) -> Result<(), Mismatch> {
        let items = actual.map_or(&[][..], Vec::as_slice);
        let wrong: Vec<_> = items
            .iter()
            .enumerate()
            .filter_map(|(index, item)| {
                let mismatch = self.0.check(Some(item)).err()?;
                Some(mismatch.numbered(index + 1, items.len()))
            })
            .collect();
        if wrong.is_empty() { Ok(()) } else { Err(Mismatch::joined(&wrong)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matchers::equal;

    #[test]
    fn the_number_that_is_there_is_reported() {
        assert_eq!(have_len(2).check(Some(&vec!['a', 'b'])), Ok(()));
        assert_eq!(have_len(2).check(Some(&vec!['a'])).unwrap_err().why(), "there is 1");
        assert_eq!(have_len(2).check(Some(&Vec::<char>::new())).unwrap_err().why(), "there are none");
    }

    #[test]
    fn those_that_do_not_match_are_reported_by_their_place() {
        assert_eq!(each(equal(1)).check(Some(&vec![1, 1])), Ok(()));
        assert_eq!(each(equal(1)).check(Some(&vec![1, 2])).unwrap_err().why(), "2 of 2: it is 2");
    }
}
