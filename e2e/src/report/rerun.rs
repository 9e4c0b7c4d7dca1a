//! The command that runs a spec again.

use crate::report::model::SpecReport;

/// One line for a POSIX shell, to be entered in the workspace.
pub(crate) fn command(spec: &SpecReport) -> String {
    let seed = spec.seed.map(|seed| format!("SEATRIAL_SEED={seed} ")).unwrap_or_default();
    // Set by `cargo test` for the program that it runs.
    let package =
        std::env::var("CARGO_PKG_NAME").map(|name| format!("--package {name} ")).unwrap_or_default();
    let (tier, suite, name) = (&spec.tier, &spec.suite, quoted(&spec.name));
    let (verb, kind) = if is_an_example() { ("run", "example") } else { ("test", "test") };
    format!("SEATRIAL_TIER={tier} {seed}cargo {verb} {package}--{kind} {suite} -- --exact {name}")
}

/// cargo puts examples into a folder of their own.
fn is_an_example() -> bool {
    let program = std::env::current_exe().ok();
    program.is_some_and(|path| path.parent().is_some_and(|folder| folder.ends_with("examples")))
}

/// In single quotes; one within ends them, stands by itself and begins them anew.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}
