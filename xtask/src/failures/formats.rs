//! The formats of failures: their first lines, and the lines that belong to them.

use super::Stream;

/// The format of a failure, by the program that prints it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    /// libtest: `---- NAME stdout ----`, in its list of failures.
    Test,
    /// The spec runner: `── failed: NAME ──…`.
    Spec,
    /// `cargo xtask fidelity`: `DIFFERENT …`, `STALE …`, `UNCOVERED: …`.
    Case,
    /// `cargo xtask kubectl`: `FAILED  kubectl …`.
    Kubectl,
    /// rustfmt: `Diff in FILE:LINE:`.
    Rustfmt,
    /// A name in a list, with or without an indented message.
    NameOnly,
    /// `error: …`, of the compiler, of cargo and of the commands here.
    Error,
    /// A panic outside of a test.
    Panic,
}

/// The format and the name of the failure that starts at this line. Failures quoted in a message do not start one.
pub(super) fn opening(stream: Stream, inside: Option<Format>, line: &str) -> Option<(Format, &str)> {
    let (format, name) = match stream {
        Stream::Output => stdout_format(line)?,
        Stream::Errors => (stderr_format(line)?, line),
    };
    match inside {
        Some(quoting @ (Format::Test | Format::Spec)) if format != quoting => None,
        _ => Some((format, name)),
    }
}

fn stdout_format(line: &str) -> Option<(Format, &str)> {
    if let Some(name) = line.strip_prefix("---- ").and_then(|rest| rest.strip_suffix(" ----")) {
        return Some((Format::Test, name.strip_suffix(" stdout").unwrap_or(name)));
    }
    let spec = line.strip_prefix("── failed: ").or_else(|| line.strip_prefix("── flaky: "));
    if let Some(name) = spec {
        return Some((Format::Spec, name.trim_end_matches('─').trim_end()));
    }
    if ["DIFFERENT ", "STALE ", "STALE: ", "UNCOVERED: "].iter().any(|word| line.starts_with(word)) {
        return Some((Format::Case, line));
    }
    if let Some(name) = line.strip_prefix("FAILED  ").filter(|name| name.starts_with("kubectl ")) {
        return Some((Format::Kubectl, name));
    }
    if line.starts_with("Diff in ") {
        return Some((Format::Rustfmt, line));
    }
    let test = || line.strip_prefix("test ")?.strip_suffix(" ... FAILED");
    let spec = || Some(line.trim_start().strip_prefix("✗ ")?.rsplit_once(" (")?.0);
    line.strip_suffix(" --- FAILED").or_else(test).or_else(spec).map(|name| (Format::NameOnly, name))
}

fn stderr_format(line: &str) -> Option<Format> {
    let is = line.starts_with("error: ") || line.starts_with("error[") || line == "Caused by:";
    if is { Some(Format::Error) } else { is_panic(line).then_some(Format::Panic) }
}

/// Matches `thread 'NAME' panicked at FILE:LINE:COLUMN:`, with or without the number of the thread.
pub(super) fn is_panic(line: &str) -> bool {
    line.starts_with("thread '") && line.contains("panicked at")
}

/// True if a line belongs to the current failure.
pub(super) fn continues(format: Format, line: &str) -> bool {
    let counted = || line.starts_with("test result: ");
    match format {
        Format::Test => line != "failures:" && !counted(),
        Format::Spec => !line.starts_with("run it again: ") && !line.starts_with("report: ") && !counted(),
        Format::Case => !line.is_empty() && !line.starts_with("coverage: "),
        Format::Kubectl => !line.starts_with("ok      kubectl ") && !is_counts_line(line),
        Format::Rustfmt => matches!(line.as_bytes().first(), Some(b' ' | b'+' | b'-')),
        Format::NameOnly => line.starts_with("  ") && !is_spec_line(line),
        Format::Error => !line.is_empty(),
        Format::Panic => !line.is_empty() && !line.starts_with("stack backtrace:"),
    }
}

/// Matches `12 passed, 1 failed, 0 skipped`.
fn is_counts_line(line: &str) -> bool {
    line.starts_with(|letter: char| letter.is_ascii_digit()) && line.contains(" passed, ")
}

/// Matches the line of another spec.
fn is_spec_line(line: &str) -> bool {
    line.trim_start().starts_with(['✓', '✗', '-', '~'])
}
