//! Failure messages for a terminal's width: long values are broken or cut around their differences.
//!
//! It changes what is shown and nothing that is kept: reports have the whole values. It is asked last, since a part
//! of a Secret would not be known as one.

use crate::display::text_difference;

/// Longest line with a value.
const WIDE: usize = 200;

/// Characters shown of a longer line: of its beginning, and of its end.
const ENDS: (usize, usize) = (120, 60);

/// Characters shown on both sides of a difference between two lines.
const AROUND: usize = 50;

/// Lines shown of a text: of its beginning, and of its end.
const LINES: (usize, usize) = (10, 5);

/// Beginnings of lines with a value; other lines are sentences, and stay whole.
const MARKS: [&str; 4] = ["value: ", "it is ", "last seen: it is ", "expected it to equal "];

/// The story with its long values made short.
pub(crate) fn readable(story: &str) -> String {
    let (mut shown, mut lines) = (Vec::new(), story.lines().peekable());
    while let Some(line) = lines.next() {
        match lines.peek().and_then(|next| differing(line, next)) {
            Some(both) => {
                lines.next();
                shown.push(both);
            }
            None => shown.push(value(line)),
        }
    }
    shown.join("\n")
}

/// A line of expected and one of seen, if one of them is too long to find the difference by looking.
fn differing(line: &str, next: &str) -> Option<String> {
    let (indent, _) = line.split_at(line.len() - line.trim_start().len());
    let expected = line.strip_prefix(indent)?.strip_prefix('-')?;
    let seen = next.strip_prefix(indent)?.strip_prefix('+')?;
    if length(expected).max(length(seen)) <= WIDE {
        return None;
    }
    let text = |line: &str| parts(line).join("\n") + "\n";
    let (old, new) = (text(expected), text(seen));
    let lines = if old.lines().count() + new.lines().count() > 2 {
        text_difference(&old, &new)
    } else {
        let (old, new) = windows(expected, seen);
        format!("-{old}\n+{new}")
    };
    Some(lines.lines().map(|line| format!("{indent}{}", cut(line))).collect::<Vec<_>>().join("\n"))
}

/// Difference of two lines, with context.
fn windows(one: &str, other: &str) -> (String, String) {
    let (one, other): (Vec<char>, Vec<char>) = (one.chars().collect(), other.chars().collect());
    let same = one.iter().zip(&other).take_while(|(a, b)| a == b).count();
    let rest = one.len().min(other.len()) - same;
    let tail = one.iter().rev().zip(other.iter().rev()).take(rest).take_while(|(a, b)| a == b).count();
    let window = |line: &[char]| {
        let (from, to) = (same.saturating_sub(AROUND), (line.len() - tail + AROUND).min(line.len()));
        let (before, after) = (if from > 0 { "…" } else { "" }, if to < line.len() { "…" } else { "" });
        format!("{before}{}{after}", line[from..to].iter().collect::<String>())
    };
    (window(&one), window(&other))
}

fn value(line: &str) -> String {
    let text = line.trim_start();
    if length(line) <= WIDE || !MARKS.iter().any(|mark| text.starts_with(mark)) {
        return line.to_owned();
    }
    let parts = parts(line);
    if parts.len() == 1 || !text.starts_with(MARKS[0]) {
        return cut(line);
    }
    let below = format!("\n{}  ", " ".repeat(line.len() - text.len()));
    let cut: Vec<_> = parts.iter().map(|part| cut(part)).collect();
    let left_out = cut.len().saturating_sub(LINES.0 + LINES.1);
    if left_out == 0 {
        return cut.join(&below);
    }
    let (begin, end) = (cut[..LINES.0].join(&below), cut[cut.len() - LINES.1..].join(&below));
    format!("{begin}{below}({left_out} lines more){below}{end}")
}

/// A text as Rust writes it, broken behind each of its line breaks, which are kept as they are written.
fn parts(text: &str) -> Vec<String> {
    let (mut parts, mut part, mut letters) = (Vec::new(), String::new(), text.chars());
    while let Some(letter) = letters.next() {
        part.push(letter);
        if letter == '\\'
            && let Some(escaped) = letters.next()
        {
            part.push(escaped);
            if escaped == 'n' {
                parts.push(std::mem::take(&mut part));
            }
        }
    }
    parts.push(part);
    parts
}

/// A line without its middle, if it is long.
fn cut(line: &str) -> String {
    let letters: Vec<char> = line.chars().collect();
    if letters.len() <= WIDE {
        return line.to_owned();
    }
    let (begin, end) = (&letters[..ENDS.0], &letters[letters.len() - ENDS.1..]);
    let left_out = letters.len() - ENDS.0 - ENDS.1;
    format!("{}…({left_out} characters more)…{}", String::from_iter(begin), String::from_iter(end))
}

fn length(line: &str) -> usize {
    line.chars().count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_lines_and_sentences_are_unchanged() {
        let long = format!("kind could not create cluster x: {}", "because ".repeat(100));
        let story = format!("{long}\n  value: [1, 2]\n    -  3,\n    +  2,\n  at a.rs:1:1");
        assert_eq!(readable(&story), story);
    }

    #[test]
    fn a_long_value_is_cut_in_its_middle_and_says_how_much_is_missing() {
        let story = format!("expected it to equal \"{0}\"\n  value: \"{0}é\"", "0123456789".repeat(100));
        let shown = readable(&story);
        let mut lines = shown.lines();
        let first = lines.next().unwrap();
        assert!(
            first.starts_with("expected it to equal \"0123456789") && first.ends_with("6789\""),
            "{first}"
        );
        assert!(first.contains("…(843 characters more)…") && length(first) < WIDE + 30, "{first}");
        assert!(lines.next().unwrap().ends_with("0123456789é\""), "{shown}");
    }

    #[test]
    fn a_value_of_many_lines_is_shown_by_its_first_and_last_ones() {
        let lines: Vec<_> = (0..100).map(|n| format!("line {n}\n")).collect();
        let text = lines.concat();
        let shown = readable(&format!("expected it to hold\n  value: {text:?}\n  at a.rs:1:1"));
        let lines: Vec<_> = shown.lines().collect();
        assert_eq!(lines[1..3], ["  value: \"line 0\\n", "    line 1\\n"]);
        assert_eq!(lines[11], "    (86 lines more)");
        assert_eq!(lines[lines.len() - 3..], ["    line 99\\n", "    \"", "  at a.rs:1:1"]);
    }

    #[test]
    fn two_long_lines_are_shown_where_they_differ() {
        let (before, after) = ("x".repeat(500), "y".repeat(500));
        let shown = readable(&format!("    -\"{before}old{after}\"\n    +\"{before}new one{after}\""));
        let around = |what: &str| format!("…{}{what}{}…", "x".repeat(50), "y".repeat(50));
        assert_eq!(shown, format!("    -{}\n    +{}", around("old"), around("new one")));
        // One that only goes on is not mistaken for one that ends otherwise.
        let (old, new) = windows("aaaa", "aaaaaa");
        assert_eq!((old.as_str(), new.as_str()), ("aaaa", "aaaaaa"));
    }

    #[test]
    fn texts_of_several_lines_are_compared_line_by_line() {
        let text = |last: &str| format!("{:?}", format!("{}{last}", "one of many lines\n".repeat(20)));
        let shown = readable(&format!("  -{}\n  +{}", text("a\\nb"), text("c")));
        assert!(shown.ends_with("  -a\\\\nb\"\n  +c\""), "{shown}");
        assert_eq!(shown.lines().count(), 4, "{shown}");
    }
}
