//! Query parameters of a request.

use crate::error::ApiError;

/// Decoded query parameters, in the order of the URL.
#[derive(Clone, Debug, Default)]
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    pub(crate) fn parse(raw: &str) -> Self {
        let decode = |text: &str| {
            let spaced = text.replace('+', " ");
            super::request_info::percent_decode_lossy(&spaced)
        };
        let pairs = raw.split('&').filter(|pair| !pair.is_empty());
        // Go's url.Values drops a pair with a malformed escape or a semicolon.
        let pairs = pairs.filter(|pair| !pair.contains(';')).filter_map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            Some((decode(key)?, decode(value)?))
        });
        Self(pairs.collect())
    }

    pub(crate) fn get(&self, key: &str) -> Option<&str> {
        self.0.iter().find(|(k, _)| k == key).map(|(_, v)| v.as_str())
    }

    pub(super) fn text(&self, key: &str) -> String {
        self.get(key).unwrap_or_default().to_owned()
    }

    pub(super) fn all(&self, key: &str) -> Vec<String> {
        self.0.iter().filter(|(k, _)| k == key).map(|(_, v)| v.clone()).collect()
    }

    /// A boolean as apimachinery converts it: everything but `false` and `0` is true.
    pub(crate) fn flag(&self, key: &str) -> Option<bool> {
        self.get(key).map(|value| !(value.eq_ignore_ascii_case("false") || value == "0"))
    }

    /// A number as Go's `strconv.ParseInt` parses it; an empty one is absent.
    pub(super) fn number(&self, key: &str) -> Result<Option<i64>, ApiError> {
        let Some(value) = self.get(key) else { return Ok(None) };
        let digits = value.strip_prefix(['+', '-']).unwrap_or(value);
        match value.parse() {
            Ok(number) => Ok(Some(number)),
            Err(_) if !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) => {
                Err(ApiError::bad_request(format!("strconv.ParseInt: parsing {value:?}: value out of range")))
            }
            Err(_) => {
                Err(ApiError::bad_request(format!("strconv.ParseInt: parsing {value:?}: invalid syntax")))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_other_than_false_and_zero_are_true() {
        let query = Query::parse("a&b=false&c=0&d=FALSE&e=x");
        let flags: Vec<_> = ["a", "b", "c", "d", "e", "f"].map(|key| query.flag(key)).into();
        assert_eq!(flags, [Some(true), Some(false), Some(false), Some(false), Some(true), None]);
    }
}
