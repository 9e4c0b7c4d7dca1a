//! Go's regular expressions on the `regex` crate: what `pattern` and CEL's `matches` mean on a real server.
//!
//! Both engines descend from RE2. They differ in that Go's classes `\d`, `\w`, `\s` and the boundary `\b` are ASCII,
//! that Go has `\Q…\E`, and that this crate's classes know set operations and need `[` escaped. It does not know
//! Go's limit of 1,000 repetitions.

use regex::{Error, Regex, RegexBuilder};

/// Compiles a pattern in Go's syntax.
pub(crate) fn compile(pattern: &str) -> Result<Regex, Error> {
    RegexBuilder::new(&translate(pattern)).size_limit(64 << 20).build()
}

fn translate(pattern: &str) -> String {
    let mut out = String::with_capacity(pattern.len());
    let mut rest = pattern;
    let mut class = Class::Outside;
    while let Some(c) = rest.chars().next() {
        let mut used = c.len_utf8();
        match c {
            '\\' if rest[1..].starts_with('Q') && class == Class::Outside => {
                let quoted = &rest[2..];
                let end = quoted.find("\\E").unwrap_or(quoted.len());
                out.push_str(&regex::escape(&quoted[..end]));
                used = (2 + end + 2).min(rest.len());
            }
            '\\' => {
                used += escape(&rest[1..], class != Class::Outside, &mut out);
                class = class.after_item();
            }
            '[' if class == Class::Outside => {
                out.push('[');
                class = Class::Start;
            }
            '[' if rest.starts_with("[:") => {
                let end = rest.find(":]").map_or(1, |end| end + 2);
                out.push_str(&rest[..end]);
                used = end;
                class = Class::Inside;
            }
            '^' if class == Class::Start => {
                out.push('^');
                class = Class::Negated;
            }
            ']' if class == Class::Inside => {
                out.push(']');
                class = Class::Outside;
            }
            '[' | ']' | '&' | '~' if class != Class::Outside => {
                out.push('\\');
                out.push(c);
                class = Class::Inside;
            }
            c => {
                out.push(c);
                class = class.after_item();
            }
        }
        rest = &rest[used..];
    }
    out
}

/// Where in a bracketed class the translation stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Outside,
    Start,
    Negated,
    Inside,
}

impl Class {
    fn after_item(self) -> Self {
        if self == Self::Outside { Self::Outside } else { Self::Inside }
    }
}

/// Writes what follows a backslash; gives the number of bytes read.
fn escape(after: &str, in_class: bool, out: &mut String) -> usize {
    let Some(c) = after.chars().next() else {
        out.push('\\');
        return 0;
    };
    let translated = match (c, in_class) {
        ('d', false) => "[0-9]",
        ('D', _) => "[^0-9]",
        ('w', false) => "[0-9A-Za-z_]",
        ('W', _) => "[^0-9A-Za-z_]",
        ('s', false) => "[\\t\\n\\f\\r ]",
        ('S', _) => "[^\\t\\n\\f\\r ]",
        ('d', true) => "0-9",
        ('w', true) => "0-9A-Za-z_",
        ('s', true) => "\\t\\n\\f\\r\\x20",
        ('b', false) => "(?-u:\\b)",
        ('B', false) => "(?-u:\\B)",
        ('<', _) => "<",
        ('>', _) => ">",
        _ => {
            out.push('\\');
            out.push(c);
            return c.len_utf8();
        }
    };
    out.push_str(translated);
    c.len_utf8()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(pattern: &str, text: &str, expected: bool) {
        let regex = compile(pattern).unwrap();
        assert_eq!(regex.is_match(text), expected, "{pattern} on {text}");
    }

    #[test]
    fn classes_are_ascii_as_in_go() {
        check(r"^\d+$", "12", true);
        check(r"^\d+$", "١٢", false);
        check(r"^[\w.]+$", "a.b", true);
        check(r"^[\w.]+$", "ä", false);
        check(r"^[^\s]+$", "a b", false);
    }

    #[test]
    fn brackets_and_ampersands_in_a_class_are_themselves() {
        check(r"^[[a]+$", "[a", true);
        check(r"^[]a]+$", "]a", true);
        check(r"^[a&&b]+$", "a&b", true);
        check(r"^[[:alpha:]]+$", "ab", true);
    }

    #[test]
    fn quoted_text_stands_for_itself() {
        check(r"^\Qa.b\E$", "a.b", true);
        check(r"^\Qa.b\E$", "axb", false);
    }
}
