//! The account at a run's end: each part that failed, its error, and its failures, in so many lines and no more.

use super::Failure;

/// Lines of the whole account, at most.
const LINES: usize = 200;

/// A part of a run that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Part<'a> {
    pub(crate) name: &'a str,
    pub(crate) error: String,
    pub(crate) failures: &'a [Failure],
}

/// All parts. Where there is too much to tell, of each failure less is told; names go last.
pub(crate) fn account(parts: &[Part<'_>]) -> Vec<String> {
    let mut lines = Vec::new();
    for each in [usize::MAX, 8, 4, 2, 1, 0] {
        lines = parts.iter().flat_map(|part| told(part, each)).collect();
        if lines.len() <= LINES {
            break;
        }
    }
    if lines.len() > LINES {
        let more = lines.len() - (LINES - 1);
        lines.truncate(LINES - 1);
        lines.push(format!("… and {more} more"));
    }
    lines
}

/// A part's lines, with at most so many for each of its failures beside its name.
fn told(part: &Part<'_>, each: usize) -> Vec<String> {
    let error = Failure::of_text(&part.error);
    let mut lines = vec![format!("{}: {}", part.name, error.name)];
    message(&error, each, "  ", &mut lines);
    for failure in part.failures {
        lines.push(format!("  {}", failure.name));
        message(failure, each, "    ", &mut lines);
    }
    lines
}

fn message(failure: &Failure, most: usize, indent: &str, into: &mut Vec<String>) {
    let shown = failure.lines.len().min(most);
    into.extend(failure.lines[..shown].iter().map(|line| format!("{indent}{line}").trim_end().to_owned()));
    let left_out = failure.left_out + failure.lines.len() - shown;
    // Where nothing else is told, that something is left out need not be told either.
    if left_out > 0 && most > 0 {
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
    fn each_part_has_its_error_and_its_failures_below_it() {
        let failures = [failure("store::a", 2, 3), failure("store::b", 0, 0)];
        let parts = [
            Part { name: "format", error: "failed to start cargo".into(), failures: &[] },
            Part { name: "tests", error: "cargo test failed:\nit said".into(), failures: &failures },
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
        assert_eq!(account(&parts).join("\n"), expected.trim_start());
        assert!(account(&[]).is_empty());
    }

    #[test]
    fn where_there_is_too_much_messages_get_shorter_before_a_name_is_left_out() {
        let shown = |count: usize| {
            let failures: Vec<_> = (0..count).map(|at| failure(&format!("t{at}"), 14, 0)).collect();
            account(&[Part { name: "tests", error: "no".into(), failures: &failures }])
        };
        for count in [1, 13, 14, 20, 40, 66, 150, 199] {
            let lines = shown(count);
            let names = lines.iter().filter(|line| line.starts_with("  t")).count();
            assert_eq!(names, count, "every name is there: {lines:?}");
            assert!(lines.len() <= LINES, "{count}: {} lines", lines.len());
        }
        assert!(shown(13).contains(&"    line 14".to_owned()));
        assert!(shown(40).contains(&"    … 12 more lines".to_owned()));
        let lines = shown(500);
        assert_eq!((lines.len(), lines.last().unwrap().as_str()), (LINES, "… and 302 more"));
    }
}
