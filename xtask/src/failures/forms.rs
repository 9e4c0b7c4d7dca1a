//! How failures look on paper: the line that opens one, and which lines belong to it.

use super::Stream;

/// Who tells of a failure, which decides where it ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// libtest: `---- NAME stdout ----`, in its list of failures.
    Test,
    /// The spec runner: `── failed: NAME ──…`.
    Spec,
    /// `cargo xtask fidelity`: `DIFFERENT …`, `STALE …`, `UNCOVERED: …`.
    Case,
    /// `cargo xtask kubectl`: `FAILED  kubectl …`.
    Kubectl,
    /// rustfmt: `Diff in FILE:LINE:`.
    Format,
    /// A name alone, in a list of all; a message may stand below it, indented.
    Mark,
    /// `error: …`, of the compiler, of cargo and of the commands here.
    Error,
    /// A panic that nobody caught, or one on purpose: it tells something only where nobody else does.
    Panic,
}

/// The form and the name of a failure that this line opens. What is quoted in another one's message opens nothing.
pub(super) fn opening(stream: Stream, inside: Option<Form>, line: &str) -> Option<(Form, &str)> {
    let (form, name) = match stream {
        Stream::Output => told(line)?,
        Stream::Errors => (error(line)?, line),
    };
    match inside {
        Some(quoting @ (Form::Test | Form::Spec)) if form != quoting => None,
        _ => Some((form, name)),
    }
}

fn told(line: &str) -> Option<(Form, &str)> {
    if let Some(name) = line.strip_prefix("---- ").and_then(|rest| rest.strip_suffix(" ----")) {
        return Some((Form::Test, name.strip_suffix(" stdout").unwrap_or(name)));
    }
    let spec = line.strip_prefix("── failed: ").or_else(|| line.strip_prefix("── flaky: "));
    if let Some(name) = spec {
        return Some((Form::Spec, name.trim_end_matches('─').trim_end()));
    }
    if ["DIFFERENT ", "STALE ", "STALE: ", "UNCOVERED: "].iter().any(|word| line.starts_with(word)) {
        return Some((Form::Case, line));
    }
    if let Some(name) = line.strip_prefix("FAILED  ").filter(|name| name.starts_with("kubectl ")) {
        return Some((Form::Kubectl, name));
    }
    if line.starts_with("Diff in ") {
        return Some((Form::Format, line));
    }
    let test = || line.strip_prefix("test ")?.strip_suffix(" ... FAILED");
    let spec = || Some(line.trim_start().strip_prefix("✗ ")?.rsplit_once(" (")?.0);
    line.strip_suffix(" --- FAILED").or_else(test).or_else(spec).map(|name| (Form::Mark, name))
}

fn error(line: &str) -> Option<Form> {
    let is = line.starts_with("error: ") || line.starts_with("error[") || line == "Caused by:";
    if is { Some(Form::Error) } else { is_a_panic(line).then_some(Form::Panic) }
}

/// `thread 'NAME' panicked at FILE:LINE:COLUMN:`, with the thread's number behind its name or without.
pub(super) fn is_a_panic(line: &str) -> bool {
    line.starts_with("thread '") && line.contains("panicked at")
}

/// Whether a line that opens nothing belongs to the failure that is open.
pub(super) fn continues(form: Form, line: &str) -> bool {
    let counted = || line.starts_with("test result: ");
    match form {
        Form::Test => line != "failures:" && !counted(),
        Form::Spec => !line.starts_with("run it again: ") && !line.starts_with("report: ") && !counted(),
        Form::Case => !line.is_empty() && !line.starts_with("coverage: "),
        Form::Kubectl => !line.starts_with("ok      kubectl ") && !is_a_sum(line),
        Form::Format => matches!(line.as_bytes().first(), Some(b' ' | b'+' | b'-')),
        Form::Mark => line.starts_with("  ") && !is_on_the_tree(line),
        Form::Error => !line.is_empty(),
        Form::Panic => !line.is_empty() && !line.starts_with("stack backtrace:"),
    }
}

/// `12 passed, 1 failed, 0 skipped`.
fn is_a_sum(line: &str) -> bool {
    line.starts_with(|letter: char| letter.is_ascii_digit()) && line.contains(" passed, ")
}

/// Another spec's line.
fn is_on_the_tree(line: &str) -> bool {
    line.trim_start().starts_with(['✓', '✗', '-', '~'])
}
