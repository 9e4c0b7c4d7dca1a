//! Lexer of label selectors. `in` and `notin` are plain words; the parser distinguishes operators and values.

/// A token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Token<'a> {
    /// A key, a value, or an operator `in` or `notin`.
    Word(&'a str),
    /// One of `= == != ! > < ( ) ,`.
    Sign(&'a str),
    /// The end of the selector.
    End,
}

impl<'a> Token<'a> {
    /// The text of the token in error messages; empty for the end.
    pub(crate) fn text(self) -> &'a str {
        match self {
            Self::Word(text) | Self::Sign(text) => text,
            Self::End => "",
        }
    }

    /// True if the token is the given sign.
    pub(crate) fn is(self, sign: &str) -> bool {
        matches!(self, Self::Sign(text) if text == sign)
    }
}

/// Splits a selector into tokens; the last one is always `End`. A NUL byte ends a word and, between words, the
/// selector.
pub(crate) fn tokens(text: &str) -> Vec<Token<'_>> {
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        if is_blank(byte) {
            at += 1;
        } else if byte == 0 {
            break;
        } else if is_sign(byte) {
            let two = matches!(bytes.get(at..at + 2), Some(b"==" | b"!="));
            let end = at + 1 + usize::from(two);
            found.push(Token::Sign(&text[at..end]));
            at = end;
        } else {
            let ends = |b: &u8| is_blank(*b) || is_sign(*b) || *b == 0;
            let end = bytes[at..].iter().position(ends).map_or(bytes.len(), |length| at + length);
            found.push(Token::Word(&text[at..end]));
            at = if bytes.get(end) == Some(&0) { end + 1 } else { end };
        }
    }
    found.push(Token::End);
    found
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

fn is_sign(byte: u8) -> bool {
    matches!(byte, b'=' | b'!' | b'(' | b')' | b',' | b'>' | b'<')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn longest_sign_is_a_token() {
        let texts: Vec<_> = tokens("a!==b").into_iter().map(Token::text).collect();
        assert_eq!(texts, ["a", "!=", "=", "b", ""]);
    }
}
