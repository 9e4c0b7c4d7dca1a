//! The name of the running test target.

use std::path::Path;

/// The test target's name: its program's file name without the hash that cargo appends.
pub(crate) fn suite_name() -> String {
    let program = std::env::current_exe().ok();
    let stem = program.as_deref().and_then(Path::file_stem).map(|stem| stem.to_string_lossy().into_owned());
    without_hash(&stem.unwrap_or_else(|| "specs".into())).to_owned()
}

fn without_hash(stem: &str) -> &str {
    match stem.rsplit_once('-') {
        Some((name, hash)) if hash.len() == 16 && hash.bytes().all(|byte| byte.is_ascii_hexdigit()) => name,
        _ => stem,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cargo_s_hash_is_no_part_of_a_suite_s_name() {
        assert_eq!(without_hash("specs-0123456789abcdef"), "specs");
        assert_eq!(without_hash("machine-specs"), "machine-specs");
    }
}
