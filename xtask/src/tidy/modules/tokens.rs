//! Tokens of Rust code without comments, literals and test code.

/// A token: an identifier, `::`, or another character.
pub(super) type Token = String;

/// The code of a file that is not for tests, and the child modules that are.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Code {
    /// The tokens of the code.
    pub(super) tokens: Vec<Token>,
    /// The modules declared by `#[cfg(test)] mod NAME;`.
    pub(super) test_modules: Vec<String>,
}

/// Reads a file.
pub(super) fn read(text: &str) -> Code {
    let all = tokens(text);
    let attribute = ["#", "[", "cfg", "(", "test", ")", "]"];
    let mut code = Code::default();
    let mut at = 0;
    while at < all.len() {
        if all[at..].iter().map(String::as_str).take(attribute.len()).eq(attribute) {
            let end = item_end(&all, at + attribute.len());
            code.test_modules.extend(declared_module(&all[at + attribute.len()..end]));
            at = end;
        } else {
            code.tokens.push(all[at].clone());
            at += 1;
        }
    }
    code
}

/// The end of the item at a token: after its `;`, or after the brace that closes it.
fn item_end(tokens: &[Token], start: usize) -> usize {
    let mut depth = 0_usize;
    for (at, token) in tokens.iter().enumerate().skip(start) {
        match token.as_str() {
            "{" | "(" | "[" => depth += 1,
            "}" | ")" | "]" => {
                depth = depth.saturating_sub(1);
                // A brace of a `use` is followed by a semicolon, which may stay.
                if depth == 0 && token == "}" {
                    return at + 1;
                }
            }
            ";" if depth == 0 => return at + 1,
            _ => {}
        }
    }
    tokens.len()
}

/// The name in `mod NAME;`.
fn declared_module(item: &[Token]) -> Option<String> {
    let [.., keyword, name, end] = item else { return None };
    (keyword == "mod" && end == ";").then(|| name.clone())
}

fn tokens(text: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let length = if let Some(length) = ignored(rest) {
            length
        } else if is_word(first) {
            let length = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
            tokens.push(rest[..length].to_owned());
            length
        } else if rest.starts_with("::") {
            tokens.push("::".to_owned());
            2
        } else {
            if !first.is_whitespace() {
                tokens.push(first.to_string());
            }
            first.len_utf8()
        };
        rest = &rest[length..];
    }
    tokens
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// The length of a comment or a literal at the start of a text.
fn ignored(text: &str) -> Option<usize> {
    let to_end = |at: Option<usize>| Some(at.unwrap_or(text.len()));
    if text.starts_with("//") {
        return to_end(text.find('\n'));
    }
    if text.starts_with("/*") {
        return to_end(text.find("*/").map(|at| at + 2));
    }
    let prefix = ["br", "cr", "b", "c", "r", ""].into_iter().find(|prefix| {
        text.strip_prefix(prefix).is_some_and(|rest| {
            let rest = if prefix.ends_with('r') { rest.trim_start_matches('#') } else { rest };
            rest.starts_with('"')
        })
    });
    if let Some(prefix) = prefix {
        return to_end(string_end(text, prefix));
    }
    character(text)
}

/// The end of a string literal with this prefix.
fn string_end(text: &str, prefix: &str) -> Option<usize> {
    let open = text.find('"').expect("a string has a quote");
    let body = &text[open + 1..];
    if prefix.ends_with('r') {
        let close = format!("\"{}", "#".repeat(open - prefix.len()));
        return body.find(&close).map(|at| open + 1 + at + close.len());
    }
    let mut escaped = false;
    let end = body.find(|c| {
        let ends = c == '"' && !escaped;
        escaped = c == '\\' && !escaped;
        ends
    });
    end.map(|at| open + at + 2)
}

/// The length of a character literal; a lifetime is none.
fn character(text: &str) -> Option<usize> {
    let body = text.strip_prefix('\'')?;
    let mut chars = body.char_indices();
    let (_, first) = chars.next()?;
    if first == '\\' {
        let (second, _) = chars.next()?;
        return body[second + 1..].find('\'').map(|at| second + at + 3);
    }
    let (next, quote) = chars.next()?;
    (quote == '\'').then_some(next + 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> String {
        read(text).tokens.join(" ")
    }

    #[test]
    fn comments_and_literals_are_left_out() {
        assert_eq!(words("a /* b */ // c\nd"), "a d");
        assert_eq!(words(r#"a("b\"c", 'd', '\'', '\\', '"', b"e") f"#), "a ( , , , , , ) f");
        assert_eq!(words("r#\"{ \"a\" \"# br\"b\\\" c::d<'e>"), "c :: d < ' e >");
        assert_eq!(words("for bar in r { c }"), "for bar in r { c }");
    }

    #[test]
    fn test_code_is_left_out() {
        let text = "use a;\n#[cfg(test)]\n#[path = \"x.rs\"]\nmod b;\nfn c() {}\n#[cfg(test)]\nmod tests { fn d() {} }\n#[cfg(test)]\nuse e::{f, g};\nh";
        let code = read(text);
        assert_eq!(code.tokens.join(" "), "use a ; fn c ( ) { } ; h");
        assert_eq!(code.test_modules, ["b"]);
    }
}
