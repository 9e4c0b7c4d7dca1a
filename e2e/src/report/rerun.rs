//! The command that runs a spec again as it ran.

use crate::report::model::SpecReport;

/// One line for a POSIX shell, to be entered in the workspace.
pub(crate) fn command(spec: &SpecReport) -> String {
    let seed = spec.seed.map(|seed| format!("SEATRIAL_SEED={seed} ")).unwrap_or_default();
    // Set by `cargo test` for the program that it runs.
    let package =
        std::env::var("CARGO_PKG_NAME").map(|name| format!("--package {name} ")).unwrap_or_default();
    let (tier, suite, name) = (&spec.tier, &spec.suite, quoted(&spec.name));
    format!("SEATRIAL_TIER={tier} {seed}cargo test {package}--test {suite} -- --exact {name}")
}

/// In single quotes; one within ends them, stands by itself and begins them anew.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}
