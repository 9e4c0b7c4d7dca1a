//! Go's regular expressions on the `regex` crate, for `pattern` and CEL's `matches`.
//!
//! Both engines derive from RE2. In Go, the classes `\d`, `\w`, `\s` and the boundary `\b` are ASCII only, and `\Q…\E`
//! quotes text; this crate's bracketed classes have set operations and need an escaped `[`. Go's limit of 1,000
//! repetitions is not modelled.

use regex::{Error, Regex, RegexBuilder};

/// Compiles a pattern in Go's syntax.
pub(crate) fn compile(pattern: &str) -> Result<Regex, Error> {
    RegexBuilder::new(&translate(pattern)).size_limit(64 << 20).build()
}

/// Compiles a pattern. For common mistakes, the error has Go's message.
pub(crate) fn check(pattern: &str) -> Result<(), String> {
    let Err(error) = compile(pattern) else { return Ok(()) };
    Err(format!("error parsing regexp: {}", go_message(pattern, &error.to_string())))
}

fn go_message(pattern: &str, error: &str) -> String {
    let perl = ["(?=", "(?!", "(?<=", "(?<!"].into_iter().find(|look| pattern.contains(look));
    let found = |marker: &str| error.contains(marker);
    if let Some(look) = perl {
        return format!("invalid or unsupported Perl syntax: `{}`", &look[..3]);
    }
    if found("unclosed group") {
        return format!("missing closing ): `{pattern}`");
    }
    if found("unopened group") {
        return format!("unexpected ): `{pattern}`");
    }
    if found("unclosed character class") {
        let at = pattern.rfind('[').unwrap_or(0);
        return format!("missing closing ]: `{}`", &pattern[at..]);
    }
    if found("repetition operator missing expression") {
        let operator = pattern.find(['*', '+', '?', '{']).unwrap_or(0);
        return format!("missing argument to repetition operator: `{}`", &pattern[operator..=operator]);
    }
    if found("unrecognized escape sequence") || found("backreferences are not supported") {
        let at = pattern.find('\\').unwrap_or(0);
        return format!("invalid escape sequence: `{}`", pattern[at..].chars().take(2).collect::<String>());
    }
    format!("invalid pattern: `{pattern}`")
}

fn translate(pattern: &str) -> String {
    let mut out = String::with_capacity(pattern.len());
    let mut rest = pattern;
    let mut class = ClassState::Outside;
    while let Some(c) = rest.chars().next() {
        let mut used = c.len_utf8();
        match c {
            '\\' if rest[1..].starts_with('Q') && class == ClassState::Outside => {
                let quoted = &rest[2..];
                let end = quoted.find("\\E").unwrap_or(quoted.len());
                out.push_str(&regex::escape(&quoted[..end]));
                used = (2 + end + 2).min(rest.len());
            }
            '\\' => {
                used += escape(&rest[1..], class != ClassState::Outside, &mut out);
                class = class.after_item();
            }
            '[' if class == ClassState::Outside => {
                out.push('[');
                class = ClassState::Start;
            }
            '[' if rest.starts_with("[:") => {
                let end = rest.find(":]").map_or(1, |end| end + 2);
                out.push_str(&rest[..end]);
                used = end;
                class = ClassState::Inside;
            }
            '^' if class == ClassState::Start => {
                out.push('^');
                class = ClassState::Negated;
            }
            ']' if class == ClassState::Inside => {
                out.push(']');
                class = ClassState::Outside;
            }
            '[' | ']' | '&' | '~' if class != ClassState::Outside => {
                out.push('\\');
                out.push(c);
                class = ClassState::Inside;
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

/// Position of the translation in a bracketed class.
#[derive(Clone, Copy, PartialEq, Eq)]
enum ClassState {
    Outside,
    Start,
    Negated,
    Inside,
}

impl ClassState {
    fn after_item(self) -> Self {
        if self == Self::Outside { Self::Outside } else { Self::Inside }
    }
}

/// Translates the escape after a backslash. Returns the number of consumed bytes.
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
    fn check_match(pattern: &str, text: &str, expected: bool) {
        let regex = compile(pattern).unwrap();
        assert_eq!(regex.is_match(text), expected, "{pattern} on {text}");
    }

    #[test]
    fn classes_are_ascii_as_in_go() {
        check_match(r"^\d+$", "12", true);
        check_match(r"^\d+$", "١٢", false);
        check_match(r"^[\w.]+$", "a.b", true);
        check_match(r"^[\w.]+$", "ä", false);
        check_match(r"^[^\s]+$", "a b", false);
    }

    #[test]
    fn brackets_and_ampersands_in_a_class_are_literal() {
        check_match(r"^[[a]+$", "[a", true);
        check_match(r"^[]a]+$", "]a", true);
        check_match(r"^[a&&b]+$", "a&b", true);
        check_match(r"^[[:alpha:]]+$", "ab", true);
    }

    #[test]
    fn errors_have_the_message_of_go() {
        let wrong = |pattern: &str| check(pattern).unwrap_err();
        assert_eq!(check("^a+$"), Ok(()));
        assert_eq!(wrong("("), "error parsing regexp: missing closing ): `(`");
        assert_eq!(wrong("a)"), "error parsing regexp: unexpected ): `a)`");
        assert_eq!(wrong("[a"), "error parsing regexp: missing closing ]: `[a`");
        assert_eq!(wrong("*a"), "error parsing regexp: missing argument to repetition operator: `*`");
        assert_eq!(wrong("a(?=b)"), "error parsing regexp: invalid or unsupported Perl syntax: `(?=`");
    }

    #[test]
    fn quoted_text_is_literal() {
        check_match(r"^\Qa.b\E$", "a.b", true);
        check_match(r"^\Qa.b\E$", "axb", false);
    }
}
