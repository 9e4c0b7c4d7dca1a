//! Types whose JSON is not derived from their fields: times, durations, int-or-string, raw JSON.

use jiff::Timestamp;
use serde_json::Value;

use super::wire::{ProtobufError, Result, parts};

/// A time from seconds and nanoseconds; null if both are absent.
pub(super) fn time(bytes: &[u8], format: &str) -> Result<Value> {
    let parts = parts(bytes)?;
    let wrong = || ProtobufError::Content("a time".to_owned());
    let nanoseconds = i32::try_from(parts.int(2)).map_err(|_| wrong())?;
    if parts.0.is_empty() {
        return Ok(Value::Null);
    }
    let time = Timestamp::new(parts.int(1), nanoseconds).map_err(|_| wrong())?;
    Ok(time.strftime(format).to_string().into())
}

/// Nanoseconds in Go's duration format: `1h0m0s`, `1.5s`, `20ms`.
pub(super) fn duration(nanoseconds: i64) -> String {
    const SECOND: u64 = 1_000_000_000;
    let sign = if nanoseconds < 0 { "-" } else { "" };
    let all = nanoseconds.unsigned_abs();
    let (unit, digits, name) = match all {
        0 => return "0s".to_owned(),
        1..1_000 => (1, 0, "ns"),
        1_000..1_000_000 => (1_000, 3, "µs"),
        1_000_000..SECOND => (1_000_000, 6, "ms"),
        _ => (SECOND, 9, "s"),
    };
    let point = match all % unit {
        0 => String::new(),
        rest => format!(".{rest:0digits$}").trim_end_matches('0').to_owned(),
    };
    let whole = all / unit;
    if unit < SECOND || whole < 60 {
        return format!("{sign}{whole}{point}{name}");
    }
    let (hours, minutes, seconds) = (whole / 3600, whole / 60 % 60, whole % 60);
    let hours = if hours == 0 { String::new() } else { format!("{hours}h") };
    format!("{sign}{hours}{minutes}m{seconds}{point}s")
}

/// JSON in a bytes field.
pub(super) fn raw(bytes: &[u8]) -> Result<Value> {
    let bytes = parts(bytes)?.bytes(1);
    if bytes.is_empty() {
        return Ok(Value::Null);
    }
    serde_json::from_slice(bytes).map_err(|error| ProtobufError::Content(format!("embedded JSON ({error})")))
}

pub(super) fn int_or_string(bytes: &[u8]) -> Result<Value> {
    let parts = parts(bytes)?;
    Ok(if parts.int(1) == 0 { parts.int(2).into() } else { parts.text(3).into() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_printed_as_in_go() {
        for (nanoseconds, text) in [
            (0, "0s"),
            (15, "15ns"),
            (1_500, "1.5µs"),
            (20_000_000, "20ms"),
            (1_500_000_000, "1.5s"),
            (3_600_000_000_000, "1h0m0s"),
            (-90_000_000_000, "-1m30s"),
        ] {
            assert_eq!(duration(nanoseconds), text);
        }
    }
}
