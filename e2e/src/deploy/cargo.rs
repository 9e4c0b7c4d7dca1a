//! The command for cargo from a program that cargo has started.
//!
//! cargo tells the programs that it starts about their package by variables, and some build scripts (ring's, for one)
//! ask to be run again when those change. Handed on, they would make cargo build half of what it has built once more.

use std::env;
use std::process::Command;

/// Variables that cargo sets for the programs that it starts (the Cargo book, "Environment
/// variables Cargo sets for crates").
const TOLD: [&str; 5] = ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_", "CARGO_CRATE_", "CARGO_PRIMARY_"];

/// The cargo that started this process, or the one in PATH, as a person's shell would call it.
pub fn cargo() -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    for (name, _) in env::vars_os().filter(|(name, _)| is_told(&name.to_string_lossy())) {
        command.env_remove(name);
    }
    command
}

fn is_told(name: &str) -> bool {
    TOLD.iter().any(|prefix| name.starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use super::{cargo, is_told};

    #[test]
    fn cargo_variables_are_not_passed_on() {
        let removed: Vec<_> = cargo()
            .get_envs()
            .filter(|(_, value)| value.is_none())
            .map(|(name, _)| name.to_string_lossy().into_owned())
            .collect();
        assert!(removed.contains(&"CARGO_PKG_NAME".to_owned()), "{removed:?}");
        assert!(removed.contains(&"CARGO_MANIFEST_DIR".to_owned()), "{removed:?}");
    }

    #[test]
    fn user_variables_are_kept() {
        for name in
            ["CARGO", "CARGO_HOME", "CARGO_TARGET_DIR", "CARGO_INCREMENTAL", "CARGO_PROFILE_DEV_DEBUG"]
        {
            assert!(!is_told(name), "{name}");
        }
    }
}
