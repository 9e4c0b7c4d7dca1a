//! Label expressions: `recovery && !(slow || /^flaky-/)`.
//!
//! A name stands for specs that have the label; `!`, `&&`, `||` and parentheses combine, in this order of strength; a
//! text between slashes is a regular expression that one of the labels matches. Nothing here knows what the labels
//! mean.

use std::collections::BTreeSet;
use std::str::FromStr;

use regex::Regex;

/// Characters that labels cannot have, since expressions use them.
const NOT_IN_LABELS: &[char] = &[' ', '\t', ',', '!', '&', '|', '(', ')', '/', '"', '\''];

/// True if a filter can name this label.
pub(crate) fn is_label(text: &str) -> bool {
    !text.is_empty() && !text.contains(NOT_IN_LABELS)
}

/// A filter by labels; the empty one lets everything through.
#[derive(Clone, Debug, Default)]
pub(crate) struct LabelFilter(Option<LabelExpression>);

#[derive(Clone, Debug)]
enum LabelExpression {
    Label(String),
    Like(Regex),
    Not(Box<Self>),
    All(Vec<Self>),
    Any(Vec<Self>),
}

impl LabelFilter {
    pub(crate) fn lets_through(&self, labels: &BTreeSet<String>) -> bool {
        self.0.as_ref().is_none_or(|expression| expression.matches(labels))
    }

    /// The labels that the filter names and that are not among these: most likely misspelt.
    pub(crate) fn unknown(&self, known: &BTreeSet<String>) -> BTreeSet<String> {
        let mut named = BTreeSet::new();
        if let Some(expression) = &self.0 {
            expression.names(&mut named);
        }
        named.difference(known).cloned().collect()
    }
}

impl LabelExpression {
    fn matches(&self, labels: &BTreeSet<String>) -> bool {
        match self {
            Self::Label(label) => labels.contains(label),
            Self::Like(pattern) => labels.iter().any(|label| pattern.is_match(label)),
            Self::Not(inner) => !inner.matches(labels),
            Self::All(parts) => parts.iter().all(|part| part.matches(labels)),
            Self::Any(parts) => parts.iter().any(|part| part.matches(labels)),
        }
    }

    fn names(&self, found: &mut BTreeSet<String>) {
        match self {
            Self::Label(label) => drop(found.insert(label.clone())),
            Self::Like(_) => {}
            Self::Not(inner) => inner.names(found),
            Self::All(parts) | Self::Any(parts) => parts.iter().for_each(|part| part.names(found)),
        }
    }
}

impl FromStr for LabelFilter {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.trim().is_empty() {
            return Ok(Self(None));
        }
        let mut reader = Reader { text, at: 0 };
        let read = reader.any().and_then(|expression| reader.end().map(|()| expression));
        read.map(|expression| Self(Some(expression))).map_err(|wrong| wrong.describe(text))
    }
}

/// Something in the text that is not as it must be, at a byte.
struct ParseError {
    at: usize,
    why: String,
}

impl ParseError {
    fn describe(&self, text: &str) -> String {
        let before = text[..self.at].chars().count();
        format!(
            "at character {}, {}; write labels with &&, ||, ! and parentheses, such as recovery && !(slow || flaky)\n  \
             {text}\n  {}^",
            before + 1,
            self.why,
            " ".repeat(before)
        )
    }
}

/// Reads an expression from left to right.
struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl Reader<'_> {
    /// The rest of the text, without leading spaces.
    fn rest(&mut self) -> &str {
        let rest = &self.text[self.at..];
        self.at += rest.len() - rest.trim_start().len();
        &self.text[self.at..]
    }

    fn takes(&mut self, token: &str) -> bool {
        let there = self.rest().starts_with(token);
        self.at += if there { token.len() } else { 0 };
        there
    }

    fn wrong<T>(&self, at: usize, why: impl Into<String>) -> Result<T, ParseError> {
        Err(ParseError { at: at.min(self.text.len()), why: why.into() })
    }

    fn any(&mut self) -> Result<LabelExpression, ParseError> {
        let mut parts = vec![self.all()?];
        while self.takes("||") {
            parts.push(self.all()?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { LabelExpression::Any(parts) })
    }

    fn all(&mut self) -> Result<LabelExpression, ParseError> {
        let mut parts = vec![self.one()?];
        while self.takes("&&") {
            parts.push(self.one()?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { LabelExpression::All(parts) })
    }

    fn one(&mut self) -> Result<LabelExpression, ParseError> {
        if self.takes("!") {
            return Ok(LabelExpression::Not(Box::new(self.one()?)));
        }
        if self.takes("(") {
            let opened = self.at - 1;
            let inner = self.any()?;
            if self.takes(")") {
                return Ok(inner);
            }
            if self.rest().is_empty() {
                return self.wrong(opened, "a parenthesis is opened and never closed");
            }
            return self.unexpected();
        }
        if self.takes("/") {
            return self.pattern();
        }
        self.label()
    }

    fn pattern(&mut self) -> Result<LabelExpression, ParseError> {
        let begin = self.at;
        let Some(length) = self.text[begin..].find('/') else {
            return self.wrong(begin - 1, "a regular expression is begun and has no slash at its end");
        };
        self.at = begin + length + 1;
        let pattern = Regex::new(&self.text[begin..begin + length]);
        pattern.map(LabelExpression::Like).or_else(|error| {
            let error = error.to_string();
            let last = error.lines().last().unwrap_or_default().trim_start_matches("error: ");
            self.wrong(begin, format!("the regular expression is none: {last}"))
        })
    }

    fn label(&mut self) -> Result<LabelExpression, ParseError> {
        let rest = self.rest();
        let length = rest.find(NOT_IN_LABELS).unwrap_or(rest.len());
        if length == 0 {
            return self.unexpected();
        }
        let label = rest[..length].to_owned();
        self.at += length;
        Ok(LabelExpression::Label(label))
    }

    /// A label was expected here, or an operator after one.
    fn unexpected<T>(&mut self) -> Result<T, ParseError> {
        let why = match self.rest().chars().next() {
            None => "a label is missing".into(),
            Some(',') => "a comma says neither && nor ||".into(),
            Some(one @ ('&' | '|')) if !self.rest().starts_with(&[one, one].iter().collect::<String>()) => {
                format!("a single {one} stands where {one}{one} is meant")
            }
            Some(one) => format!("{one:?} is not expected"),
        };
        self.wrong(self.at, why)
    }

    fn end(&mut self) -> Result<(), ParseError> {
        if self.rest().is_empty() {
            return Ok(());
        }
        if self.rest().starts_with(NOT_IN_LABELS) && !self.rest().starts_with(['!', '(', '/']) {
            return self.unexpected();
        }
        self.wrong(self.at, "&& or || is missing between two labels")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(filter: &str, labels: &[&str], expected: bool) {
        let labels = labels.iter().map(|label| (*label).to_owned()).collect();
        let filter: LabelFilter = filter.parse().unwrap();
        assert_eq!(filter.lets_through(&labels), expected);
    }

    #[test]
    fn a_label_asks_for_specs_that_have_it_and_nothing_asks_for_nothing() {
        check("", &[], true);
        check(" ", &["slow"], true);
        check("recovery", &[], false);
        check("recovery", &["recovery", "slow"], true);
    }

    #[test]
    fn not_binds_more_than_and_which_binds_more_than_or() {
        check("recovery || upgrade && slow", &["recovery"], true);
        check("(recovery || upgrade) && slow", &["recovery"], false);
        check("!slow && recovery", &["recovery"], true);
        check("!(slow && recovery)", &["recovery"], true);
        check("!!slow", &["slow"], true);
    }

    #[test]
    fn the_example_of_the_documentation_means_what_it_says() {
        let filter = "recovery && !(slow || flaky)";
        check(filter, &["recovery"], true);
        check(filter, &["recovery", "flaky"], false);
        check(filter, &["slow"], false);
    }

    #[test]
    fn a_pattern_is_held_against_each_label() {
        check("/^net-/", &["slow", "net-cut"], true);
        check("!/^net-/", &["subnet-cut"], true);
    }

    #[track_caller]
    fn refused(filter: &str, at: usize, why: &str) {
        let error = filter.parse::<LabelFilter>().unwrap_err();
        assert!(error.starts_with(&format!("at character {at}, {why}")), "{error}");
        assert!(error.ends_with(&format!("\n  {filter}\n  {}^", " ".repeat(at - 1))), "{error}");
    }

    #[test]
    fn invalid_expression_is_rejected_with_its_position() {
        refused("recovery && (slow", 13, "a parenthesis is opened and never closed");
        refused("recovery && ", 13, "a label is missing");
        refused("recovery)", 9, "')' is not expected");
        refused("(recovery slow)", 11, "'s' is not expected");
        refused("recovery slow", 10, "&& or || is missing between two labels");
        refused("recovery,!slow", 9, "a comma says neither && nor ||");
        refused("recovery & slow", 10, "a single & stands where && is meant");
        refused("!", 2, "a label is missing");
        refused("langsam && /ä", 12, "a regular expression is begun and has no slash at its end");
        refused("ä && /(/", 7, "the regular expression is none: unclosed group");
        refused("\"slow\"", 1, "'\"' is not expected");
    }

    #[test]
    fn labels_that_nobody_has_are_known() {
        let known = BTreeSet::from(["slow".to_owned()]);
        let filter: LabelFilter = "slow && !(recvery || /x/)".parse().unwrap();
        assert_eq!(filter.unknown(&known), BTreeSet::from(["recvery".to_owned()]));
    }
}
