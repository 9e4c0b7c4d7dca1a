//! What is told beside the report: on standard error, at once, and without minding whether anybody can read it.

use std::io::Write as _;

/// Says something. A terminal that was closed must not end the run, which has to tidy up.
pub(crate) fn print_to_stderr(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}
