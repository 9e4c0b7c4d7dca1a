//! Values with a Go type of their own: times, bytes and numbers.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde_json::Value;

/// Normalises a `metav1.Time`: UTC, whole seconds. The error is that of Go's `time.Parse`.
pub(crate) fn time(text: &str) -> Result<String, String> {
    let stamp = parse_time(text, "2006-01-02T15:04:05Z07:00", 0)?;
    Ok(stamp.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())
}

/// Normalises a `metav1.MicroTime`: UTC, six fractional digits, which the input must have, too.
pub(crate) fn micro_time(text: &str) -> Result<String, String> {
    let stamp = parse_time(text, "2006-01-02T15:04:05.000000Z07:00", 6)?;
    Ok(stamp.strftime("%Y-%m-%dT%H:%M:%S.%6fZ").to_string())
}

/// Normalises base64. The error is that of Go's `encoding/base64`, which ignores line breaks.
pub(crate) fn bytes(text: &str) -> Result<String, String> {
    let text: String = text.chars().filter(|c| !matches!(c, '\r' | '\n')).collect();
    match STANDARD.decode(&text) {
        Ok(bytes) => Ok(base64(&bytes)),
        Err(error) => {
            let alphabet = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/');
            let at = match error {
                base64::DecodeError::InvalidByte(at, _) => at,
                _ => text.bytes().position(|b| !alphabet(b)).unwrap_or(text.len() / 4 * 4),
            };
            Err(format!("illegal base64 data at input byte {at}"))
        }
    }
}

/// Bytes in base64.
pub(crate) fn base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// Converts floats with an integer value to integers, as Go prints them.
pub(crate) fn plain_numbers(value: &mut Value) {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    match value {
        Value::Number(number) if number.is_f64() => {
            let float = number.as_f64().unwrap_or_default();
            if float.fract() == 0.0 && float.abs() <= EXACT {
                #[expect(
                    clippy::cast_possible_truncation,
                    reason = "a whole number within 2^53 fits exactly"
                )]
                let whole = float as i64;
                *value = whole.into();
            }
        }
        Value::Number(number) if number.is_u64() && !number.is_i64() => {
            *value = number.as_f64().map_or(Value::Null, Value::from);
        }
        Value::Array(items) => items.iter_mut().for_each(plain_numbers),
        Value::Object(fields) => fields.values_mut().for_each(plain_numbers),
        _ => {}
    }
}

/// Parses RFC 3339 element by element, so that the error names the first malformed one.
fn parse_time(text: &str, layout: &str, fraction_digits: usize) -> Result<Timestamp, String> {
    let fail = |rest: &str, piece: &str| {
        Err(format!("parsing time {text:?} as {layout:?}: cannot parse {rest:?} as {piece:?}"))
    };
    let mut rest = text;
    let pieces =
        ["2006", "-", "01", "-", "02", "T", "15", ":", "04", ":", "05"].into_iter().map(|p| (p, p.len()));
    for (piece, length) in pieces {
        let Some(head) = rest.get(..length) else {
            return fail(rest, piece);
        };
        let digits = piece.as_bytes()[0].is_ascii_digit();
        let right = if digits { head.bytes().all(|b| b.is_ascii_digit()) } else { head == piece };
        if !right {
            return fail(rest, piece);
        }
        rest = &rest[length..];
    }
    if let Some(fraction) = rest.strip_prefix('.') {
        let mut digits = fraction.bytes().take_while(u8::is_ascii_digit).count();
        if fraction_digits > 0 {
            if digits < fraction_digits {
                return fail(rest, ".000000");
            }
            // A layout with six digits consumes six; the zone must follow.
            digits = fraction_digits;
        }
        rest = &fraction[digits..];
    } else if fraction_digits > 0 {
        return fail(rest, ".000000");
    }
    let zone = rest.as_bytes();
    let offset = |z: &[u8]| z.len() == 6 && matches!(z[0], b'+' | b'-') && z[3] == b':';
    if !(zone == b"Z" || offset(zone)) {
        if let Some(extra) = rest.strip_prefix('Z') {
            return Err(format!("parsing time {text:?}: extra text: {extra:?}"));
        }
        return fail(rest, "Z07:00");
    }
    text.parse().map_err(|_| format!("parsing time {text:?}: day out of range"))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("2026-11-22T18:05:20Z", "2026-11-22T18:05:20Z")]
    #[case("2026-11-22T18:05:20.987654Z", "2026-11-22T18:05:20Z")]
    #[case("2026-11-22T18:05:20+02:00", "2026-11-22T16:05:20Z")]
    fn time_is_normalised_to_seconds_of_utc(#[case] text: &str, #[case] expected: &str) {
        assert_eq!(time(text).unwrap(), expected);
    }

    #[test]
    fn micro_time_has_six_digits() {
        assert_eq!(micro_time("2026-11-22T18:05:20.120000Z").unwrap(), "2026-11-22T18:05:20.120000Z");
        assert!(micro_time("2026-11-22T18:05:20Z").is_err());
        assert_eq!(
            micro_time("2001-02-03T04:05:07.123456789Z").unwrap_err(),
            "parsing time \"2001-02-03T04:05:07.123456789Z\" as \"2006-01-02T15:04:05.000000Z07:00\": cannot parse \"789Z\" as \"Z07:00\""
        );
    }

    #[test]
    fn time_error_names_the_malformed_element() {
        assert_eq!(
            time("x").unwrap_err(),
            "parsing time \"x\" as \"2006-01-02T15:04:05Z07:00\": cannot parse \"x\" as \"2006\""
        );
    }

    #[test]
    fn base64_error_contains_the_position() {
        assert_eq!(bytes("@@").unwrap_err(), "illegal base64 data at input byte 0");
        assert_eq!(bytes("aGVs\nbG8=").unwrap(), "aGVsbG8=");
    }
}
