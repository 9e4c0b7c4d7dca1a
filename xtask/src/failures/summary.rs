//! The summary of failures at the end of a run, with a limited number of lines.

use super::Failure;

/// The maximum number of lines of a summary.
const MAX_LINES: usize = 200;

/// A part of a run that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FailedPart<'a> {
    pub(crate) name: &'a str,
    pub(crate) error: String,
    pub(crate) failures: &'a [Failure],
}

/// Summarizes all parts. If there are too many lines, messages are shortened before names are left out.
pub(crate) fn summarize(parts: &[FailedPart<'_>]) -> Vec<String> {
    let mut lines = Vec::new();
    for max_lines in [usize::MAX, 8, 4, 2, 1, 0] {
        lines = parts.iter().flat_map(|part| part_lines(part, max_lines)).collect();
        if lines.len() <= MAX_LINES {
            break;
        }
    }
    if lines.len() > MAX_LINES {
        let more = lines.len() - (MAX_LINES - 1);
        lines.truncate(MAX_LINES - 1);
        lines.push(format!("… and {more} more"));
    }
    lines
}

/// The lines of a part, with at most `max_lines` of each message.
fn part_lines(part: &FailedPart<'_>, max_lines: usize) -> Vec<String> {
    let error = Failure::from_text(&part.error);
    let mut lines = vec![format!("{}: {}", part.name, error.name)];
    push_message(&error, max_lines, "  ", &mut lines);
    for failure in part.failures {
        lines.push(format!("  {}", failure.name));
        push_message(failure, max_lines, "    ", &mut lines);
    }
    lines
}

fn push_message(failure: &Failure, max: usize, indent: &str, into: &mut Vec<String>) {
    let shown = failure.lines.len().min(max);
    into.extend(failure.lines[..shown].iter().map(|line| format!("{indent}{line}").trim_end().to_owned()));
    let left_out = failure.left_out + failure.lines.len() - shown;
    // With a limit of zero, omitted lines are not mentioned.
    if left_out > 0 && max > 0 {
        into.push(format!("{indent}… {left_out} more lines"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(name: &str, lines: usize, left_out: usize) -> Failure {
        let lines = (1..=lines).map(|number| format!("line {number}")).collect();
        Failure { name: name.into(), lines, left_out }
    }

    #[test]
    fn each_part_lists_its_error_and_failures() {
        let failures = [failure("store::a", 2, 3), failure("store::b", 0, 0)];
        let parts = [
            FailedPart { name: "format", error: "failed to start cargo".into(), failures: &[] },
            FailedPart { name: "tests", error: "cargo test failed:\nit said".into(), failures: &failures },
        ];
        let expected = "
format: failed to start cargo
tests: cargo test failed:
  it said
  store::a
    line 1
    line 2
    … 3 more lines
  store::b";
        assert_eq!(summarize(&parts).join("\n"), expected.trim_start());
        assert!(summarize(&[]).is_empty());
    }

    #[test]
    fn messages_are_shortened_before_names_are_left_out() {
        let shown = |count: usize| {
            let failures: Vec<_> = (0..count).map(|at| failure(&format!("t{at}"), 14, 0)).collect();
            summarize(&[FailedPart { name: "tests", error: "no".into(), failures: &failures }])
        };
        for count in [1, 13, 14, 20, 40, 66, 150, 199] {
            let lines = shown(count);
            let names = lines.iter().filter(|line| line.starts_with("  t")).count();
            assert_eq!(names, count, "every name is there: {lines:?}");
            assert!(lines.len() <= MAX_LINES, "{count}: {} lines", lines.len());
        }
        assert!(shown(13).contains(&"    line 14".to_owned()));
        assert!(shown(40).contains(&"    … 12 more lines".to_owned()));
        let lines = shown(500);
        assert_eq!((lines.len(), lines.last().unwrap().as_str()), (MAX_LINES, "… and 302 more"));
    }
}
