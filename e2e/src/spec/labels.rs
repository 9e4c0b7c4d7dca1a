//! Which labels a run wants: `recovery,!slow`.
//!
//! A name asks for specs that have one of the named labels; a name behind an exclamation mark leaves out
//! the specs that have it. Nothing here knows what the labels mean.

use std::collections::BTreeSet;
use std::str::FromStr;

/// A filter by labels; the empty one lets everything through.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct LabelFilter {
    any_of: BTreeSet<String>,
    none_of: BTreeSet<String>,
}

impl LabelFilter {
    pub(crate) fn lets_through(&self, labels: &BTreeSet<String>) -> bool {
        let wanted = self.any_of.is_empty() || !self.any_of.is_disjoint(labels);
        wanted && self.none_of.is_disjoint(labels)
    }
}

impl FromStr for LabelFilter {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut filter = Self::default();
        for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            let (set, label) = match part.strip_prefix('!') {
                Some(label) => (&mut filter.none_of, label),
                None => (&mut filter.any_of, part),
            };
            if label.is_empty() || label.contains([' ', '!']) {
                return Err(format!(
                    "{part:?} is not a label; write names with commas between them, and ! before those to leave out"
                ));
            }
            set.insert(label.to_owned());
        }
        Ok(filter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(filter: &str, labels: &[&str], expected: bool) {
        let labels = labels.iter().map(|label| (*label).to_owned()).collect();
        let filter: LabelFilter = filter.parse().unwrap();
        assert_eq!(filter.lets_through(&labels), expected);
    }

    #[test]
    fn a_spec_needs_one_of_the_wanted_labels() {
        check("", &[], true);
        check("recovery", &[], false);
        check("recovery,upgrade", &["upgrade"], true);
    }

    #[test]
    fn an_unwanted_label_wins_over_a_wanted_one() {
        check("!slow", &[], true);
        check("!slow", &["slow"], false);
        check("recovery, !slow", &["recovery", "slow"], false);
    }

    #[test]
    fn what_is_no_label_is_refused() {
        for wrong in ["!", "a b", "!!slow"] {
            assert!(wrong.parse::<LabelFilter>().is_err(), "{wrong:?} was taken as a filter");
        }
    }
}
