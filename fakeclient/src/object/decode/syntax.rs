//! JSON syntax errors with the messages of Go's `encoding/json`. Called only for text that a parser has rejected.

/// The first syntax error; `None` for valid JSON.
pub(crate) fn syntax_error(bytes: &[u8]) -> Option<String> {
    let mut scanner = Scanner { bytes, at: 0 };
    scanner.document().err()
}

struct Scanner<'a> {
    bytes: &'a [u8],
    at: usize,
}

/// The expected continuation of an open bracket.
#[derive(Clone, Copy, PartialEq)]
enum OpenBracket {
    Object,
    Array,
}

type Scan = Result<(), String>;

impl Scanner<'_> {
    fn document(&mut self) -> Scan {
        let mut open: Vec<OpenBracket> = Vec::new();
        loop {
            self.blanks();
            match self.peek()? {
                b'{' => {
                    self.at += 1;
                    self.blanks();
                    if self.peek()? == b'}' {
                        self.at += 1;
                    } else {
                        open.push(OpenBracket::Object);
                        self.key()?;
                        continue;
                    }
                }
                b'[' => {
                    self.at += 1;
                    self.blanks();
                    if self.peek()? == b']' {
                        self.at += 1;
                    } else {
                        open.push(OpenBracket::Array);
                        continue;
                    }
                }
                _ => self.scalar()?,
            }
            if self.close(&mut open)? {
                return Ok(());
            }
        }
    }

    /// After a value, closes all brackets that end here. Returns true at the end of the text, false if a value must
    /// follow.
    fn close(&mut self, open: &mut Vec<OpenBracket>) -> Result<bool, String> {
        loop {
            self.blanks();
            let Some(innermost) = open.last().copied() else {
                return match self.bytes.get(self.at) {
                    None => Ok(true),
                    Some(byte) => Err(unexpected(*byte, "after top-level value")),
                };
            };
            let byte = self.peek()?;
            self.at += 1;
            match (innermost, byte) {
                (OpenBracket::Object, b'}') | (OpenBracket::Array, b']') => {
                    open.pop();
                }
                (OpenBracket::Object, b',') => {
                    self.blanks();
                    self.key()?;
                    return Ok(false);
                }
                (OpenBracket::Array, b',') => return Ok(false),
                (OpenBracket::Object, other) => return Err(unexpected(other, "after object key:value pair")),
                (OpenBracket::Array, other) => return Err(unexpected(other, "after array element")),
            }
        }
    }

    fn key(&mut self) -> Scan {
        match self.peek()? {
            b'"' => self.string()?,
            other => return Err(unexpected(other, "looking for beginning of object key string")),
        }
        self.blanks();
        match self.peek()? {
            b':' => {
                self.at += 1;
                Ok(())
            }
            other => Err(unexpected(other, "after object key")),
        }
    }

    fn scalar(&mut self) -> Scan {
        match self.peek()? {
            b'"' => self.string(),
            b't' => self.literal("true"),
            b'f' => self.literal("false"),
            b'n' => self.literal("null"),
            b'-' | b'0'..=b'9' => self.number(),
            other => Err(unexpected(other, "looking for beginning of value")),
        }
    }

    fn literal(&mut self, word: &str) -> Scan {
        for expected in word.bytes() {
            let byte = self.peek()?;
            if byte != expected {
                let place = format!("in literal {word} (expecting '{}')", char::from(expected));
                return Err(unexpected(byte, &place));
            }
            self.at += 1;
        }
        Ok(())
    }

    fn string(&mut self) -> Scan {
        self.at += 1;
        loop {
            let byte = self.peek()?;
            self.at += 1;
            match byte {
                b'"' => return Ok(()),
                b'\\' => self.escape()?,
                0..=0x1f => return Err(unexpected(byte, "in string literal")),
                _ => {}
            }
        }
    }

    fn escape(&mut self) -> Scan {
        let byte = self.peek()?;
        self.at += 1;
        match byte {
            b'b' | b'f' | b'n' | b'r' | b't' | b'\\' | b'/' | b'"' => Ok(()),
            b'u' => {
                for _ in 0..4 {
                    let digit = self.peek()?;
                    if !digit.is_ascii_hexdigit() {
                        return Err(unexpected(digit, "in \\u hexadecimal character escape"));
                    }
                    self.at += 1;
                }
                Ok(())
            }
            other => Err(unexpected(other, "in string escape code")),
        }
    }

    fn number(&mut self) -> Scan {
        if self.peek()? == b'-' {
            self.at += 1;
        }
        match self.peek()? {
            b'0' => self.at += 1,
            b'1'..=b'9' => self.digits(),
            other => return Err(unexpected(other, "in numeric literal")),
        }
        if self.bytes.get(self.at) == Some(&b'.') {
            self.at += 1;
            self.one_digit("after decimal point in numeric literal")?;
            self.digits();
        }
        if matches!(self.bytes.get(self.at), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek()?, b'+' | b'-') {
                self.at += 1;
            }
            self.one_digit("in exponent of numeric literal")?;
            self.digits();
        }
        Ok(())
    }

    fn one_digit(&self, place: &str) -> Scan {
        let byte = self.peek()?;
        if byte.is_ascii_digit() { Ok(()) } else { Err(unexpected(byte, place)) }
    }

    fn digits(&mut self) {
        while self.bytes.get(self.at).is_some_and(u8::is_ascii_digit) {
            self.at += 1;
        }
    }

    fn blanks(&mut self) {
        while matches!(self.bytes.get(self.at), Some(b' ' | b'\t' | b'\r' | b'\n')) {
            self.at += 1;
        }
    }

    fn peek(&self) -> Result<u8, String> {
        self.bytes.get(self.at).copied().ok_or_else(|| "unexpected end of JSON input".to_owned())
    }
}

/// Go quotes the byte as a rune.
fn unexpected(byte: u8, place: &str) -> String {
    let shown = match byte {
        b'\'' => "\\'".to_owned(),
        b'\\' => "\\\\".to_owned(),
        b'\n' => "\\n".to_owned(),
        b'\r' => "\\r".to_owned(),
        b'\t' => "\\t".to_owned(),
        0x07 => "\\a".to_owned(),
        0x08 => "\\b".to_owned(),
        0x0b => "\\v".to_owned(),
        0x0c => "\\f".to_owned(),
        0..=0x1f | 0x7f => format!("\\x{byte:02x}"),
        0x20..=0x7e | 0xa1..=0xac | 0xae..=0xff => char::from(byte).to_string(),
        _ => format!("\\u{byte:04x}"),
    };
    format!("invalid character '{shown}' {place}")
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("", "unexpected end of JSON input")]
    #[case("{", "unexpected end of JSON input")]
    #[case("{\"a\":", "unexpected end of JSON input")]
    #[case("nonsense", "invalid character 'o' in literal null (expecting 'u')")]
    #[case("{\"a\":1,}", "invalid character '}' looking for beginning of object key string")]
    #[case("[1,]", "invalid character ']' looking for beginning of value")]
    #[case("{\"a\" 1}", "invalid character '1' after object key")]
    #[case("{\"a\":1 \"b\"}", "invalid character '\"' after object key:value pair")]
    #[case("[1 2]", "invalid character '2' after array element")]
    #[case("01", "invalid character '1' after top-level value")]
    #[case("1.x", "invalid character 'x' after decimal point in numeric literal")]
    #[case("\"\\q\"", "invalid character 'q' in string escape code")]
    #[case("'a'", "invalid character '\\'' looking for beginning of value")]
    #[case("\"a\nb\"", "invalid character '\\n' in string literal")]
    fn syntax_error_has_the_message_of_go(#[case] text: &str, #[case] expected: &str) {
        assert_eq!(syntax_error(text.as_bytes()).as_deref(), Some(expected));
    }

    #[test]
    fn valid_json_has_no_error() {
        assert_eq!(syntax_error(br#" {"a":[1,-0.5e+3,{}],"b":[[],"\u00e9"],"c":null} "#), None);
    }
}
