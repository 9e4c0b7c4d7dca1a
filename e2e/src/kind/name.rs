//! Names of clusters: the project's prefix, and a suffix that is unique for each run.
//!
//! A name is also the network's, the lease's and the folder's, and the beginning of each node's: it must be short,
//! because a node's name is a host name and a label.

use std::hash::{BuildHasher as _, Hasher as _};

use super::error::KindError;

/// All clusters of the project begin like this.
pub(super) const PREFIX: &str = "seatrial-";

/// The longest name: `-control-plane10` must still fit into a host name of 63 characters.
const LONGEST: usize = 45;

/// Letters that make no words and cannot be mistaken for each other.
const LETTERS: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";

/// A unique name: `seatrial-k4wzq2p7`.
pub(super) fn unique() -> String {
    format!("{PREFIX}{}", random(8))
}

/// Random suffix, unlikely to be drawn by another process.
pub(super) fn random(letters: usize) -> String {
    // The standard library seeds each of these from the system's own randomness.
    let mut random = std::hash::RandomState::new().build_hasher().finish();
    let base = LETTERS.len() as u64;
    (0..letters)
        .map(|_| {
            let index = usize::try_from(random % base).expect("a remainder below 27 is a usize");
            random /= base;
            char::from(LETTERS[index])
        })
        .collect()
}

/// A chosen name, with the prefix put in front if it is missing.
pub(super) fn chosen(name: &str) -> Result<String, KindError> {
    let full = if name.starts_with(PREFIX) { name.to_owned() } else { format!("{PREFIX}{name}") };
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if full.chars().all(plain) && full.ends_with(|c| c != '-') && full.len() <= LONGEST {
        return Ok(full);
    }
    Err(KindError::Config {
        reason: format!("{name:?} is no name for a cluster"),
        next: format!(
            "use a-z, 0-9 and '-', ending with a letter or a digit, and at most {} characters",
            LONGEST - PREFIX.len()
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_names_differ_and_carry_the_prefix() {
        let (a, b) = (unique(), unique());
        assert_ne!(a, b);
        assert!(a.starts_with(PREFIX) && a.len() == PREFIX.len() + 8, "{a}");
        assert_eq!(chosen(&a).unwrap(), a, "a unique name is a name that can be chosen");
    }

    #[test]
    fn a_chosen_name_gets_the_prefix_once() {
        assert_eq!(chosen("dev").unwrap(), "seatrial-dev");
        assert_eq!(chosen("seatrial-dev").unwrap(), "seatrial-dev");
    }

    #[test]
    fn a_name_that_no_host_can_have_is_refused_with_the_rule() {
        for wrong in ["", "Dev", "a_b", "a-", &"x".repeat(60)] {
            let error = chosen(wrong).map(|name| panic!("{name} was taken")).unwrap_err();
            assert!(error.to_string().contains("use a-z, 0-9"), "{error}");
        }
    }
}
