//! Deterministic UIDs, name suffixes and random numbers, from one seed.

use std::sync::Mutex;

/// The alphabet of apimachinery's `rand.String`: no vowels, no characters that look alike.
const LETTERS: &[u8; 27] = b"bcdfghjklmnpqrstvwxz2456789";

/// A seeded generator (`SplitMix64`, public domain, Sebastiano Vigna 2015).
#[derive(Debug)]
pub(crate) struct Ids(Mutex<u64>);

impl Ids {
    pub(crate) fn new(seed: u64) -> Self {
        Self(Mutex::new(seed))
    }

    /// The state of the generator, for [`resume`](Self::resume).
    pub(crate) fn state(&self) -> u64 {
        *self.0.lock().expect("the source's lock is held for a step only")
    }

    /// Sets the state of the generator.
    pub(crate) fn resume(&self, state: u64) {
        *self.0.lock().expect("the source's lock is held for a step only") = state;
    }

    pub(crate) fn next(&self) -> u64 {
        let mut state = self.0.lock().expect("the source's lock is held for a step only");
        *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = *state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number in `0..bound`.
    pub(crate) fn pick(&self, bound: u64) -> u64 {
        self.next() % bound.max(1)
    }

    /// An RFC 4122 version 4 UUID.
    pub(crate) fn uid(&self) -> String {
        let (high, low) = (self.next(), self.next());
        let high = (high & 0xffff_ffff_ffff_0fff) | 0x4000;
        let low = (low & 0x3fff_ffff_ffff_ffff) | 0x8000_0000_0000_0000;
        format!(
            "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
            high >> 32,
            (high >> 16) & 0xffff,
            high & 0xffff,
            low >> 48,
            low & 0xffff_ffff_ffff
        )
    }

    /// The five characters that `generateName` appends.
    pub(crate) fn suffix(&self) -> String {
        (0..5).map(|_| char::from(LETTERS[usize::try_from(self.pick(27)).expect("below 27")])).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn same_seed_gives_same_ids() {
        let (a, b) = (Ids::new(7), Ids::new(7));
        assert_eq!((a.uid(), a.suffix()), (b.uid(), b.suffix()));
        assert_ne!(Ids::new(8).uid(), Ids::new(7).uid());
    }

    #[test]
    fn uid_is_a_version_4_uuid() {
        let uid = Ids::new(1).uid();
        assert_eq!(uid.len(), 36);
        assert_eq!(uid.as_bytes()[14], b'4');
        assert!(b"89ab".contains(&uid.as_bytes()[19]));
    }
}
