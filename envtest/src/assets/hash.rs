//! Hashes in lowercase hexadecimal, the format of checksum files.

use std::fmt::Write as _;

/// Bytes in lowercase hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        write!(text, "{byte:02x}").expect("writing to a String does not fail");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_keep_their_leading_zeros() {
        assert_eq!(hex(&[0, 10, 255]), "000aff");
    }
}
