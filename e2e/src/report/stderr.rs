//! Messages on standard error beside the report; a closed terminal is ignored.

use std::io::Write as _;

/// Says something. A terminal that was closed must not end the run, which has to tidy up.
pub(crate) fn print_to_stderr(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}
