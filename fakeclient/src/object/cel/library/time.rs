//! CEL functions on timestamps and durations. UTC is the only supported time zone.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::super::duration::{SECOND, parse_duration};
use super::super::types::Type;
use super::super::value::Value;
use super::{FunctionTable, function, method, no_overload};

pub(super) fn declare(table: &mut FunctionTable) {
    use Type::{Duration, Int, String};
    function(table, "timestamp", &[String], Type::Timestamp, |a| match &a[0] {
        Value::String(text) => text
            .parse::<Timestamp>()
            .map(Value::Timestamp)
            .map_err(|_| "type conversion error from 'string' to 'google.protobuf.Timestamp'".to_owned()),
        _ => Err(no_overload()),
    });
    function(table, "timestamp", &[Type::Timestamp], Type::Timestamp, |a| Ok(a[0].clone()));
    function(table, "timestamp", &[Int], Type::Timestamp, |a| match &a[0] {
        Value::Int(second) => Timestamp::from_second(*second)
            .map(Value::Timestamp)
            .map_err(|_| "timestamp out of range".to_owned()),
        _ => Err(no_overload()),
    });
    function(table, "duration", &[String], Duration, |a| match &a[0] {
        Value::String(text) => parse_duration(text)
            .map(Value::Duration)
            .ok_or_else(|| "type conversion error from 'string' to 'google.protobuf.Duration'".to_owned()),
        _ => Err(no_overload()),
    });
    function(table, "duration", &[Duration], Duration, |a| Ok(a[0].clone()));
    for name in ["getFullYear", "getMonth", "getDayOfMonth", "getDayOfWeek"] {
        let run: super::FunctionImpl = match name {
            "getFullYear" => |a| part(a, |t| i64::from(t.year())),
            "getMonth" => |a| part(a, |t| i64::from(t.month()) - 1),
            "getDayOfMonth" => |a| part(a, |t| i64::from(t.day()) - 1),
            _ => |a| part(a, |t| i64::from(t.weekday().to_sunday_zero_offset())),
        };
        method(table, name, &[Type::Timestamp], Int, run);
    }
    method(table, "getHours", &[Type::Timestamp], Int, |a| part(a, |t| i64::from(t.hour())));
    method(table, "getMinutes", &[Type::Timestamp], Int, |a| part(a, |t| i64::from(t.minute())));
    method(table, "getSeconds", &[Type::Timestamp], Int, |a| part(a, |t| i64::from(t.second())));
    method(table, "getMilliseconds", &[Type::Timestamp], Int, |a| part(a, |t| i64::from(t.millisecond())));
    method(table, "getHours", &[Duration], Int, |a| whole(a, 3600 * SECOND));
    method(table, "getMinutes", &[Duration], Int, |a| whole(a, 60 * SECOND));
    method(table, "getSeconds", &[Duration], Int, |a| whole(a, SECOND));
    method(table, "getMilliseconds", &[Duration], Int, |a| whole(a, SECOND / 1000));
}

fn part(args: &[Value], read: fn(&jiff::Zoned) -> i64) -> Result<Value, String> {
    match args {
        [Value::Timestamp(t)] => Ok(Value::Int(read(&t.to_zoned(TimeZone::UTC)))),
        _ => Err(no_overload()),
    }
}

fn whole(args: &[Value], unit: i128) -> Result<Value, String> {
    match args {
        [Value::Duration(nanoseconds)] => {
            Ok(Value::Int(i64::try_from(nanoseconds / unit).unwrap_or(i64::MAX)))
        }
        _ => Err(no_overload()),
    }
}

/// The timestamp after a duration in nanoseconds; `None` on overflow.
pub(super) fn shift(time: Timestamp, by: i128) -> Option<Value> {
    Timestamp::from_nanosecond(time.as_nanosecond() + by).ok().map(Value::Timestamp)
}

/// A duration in seconds as CEL prints it: `3600s`, `1.5s`.
pub(super) fn seconds(nanoseconds: i128) -> String {
    let (whole, rest) = (nanoseconds / SECOND, (nanoseconds % SECOND).abs());
    let sign = if nanoseconds < 0 && whole == 0 { "-" } else { "" };
    if rest == 0 {
        return format!("{whole}s");
    }
    let fraction = format!("{rest:09}");
    format!("{sign}{whole}.{}s", fraction.trim_end_matches('0'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_use_the_syntax_of_go() {
        assert_eq!(parse_duration("1h30m"), Some(5400 * SECOND));
        assert_eq!(parse_duration("-1.5s"), Some(-1_500_000_000));
        assert_eq!(parse_duration("5"), None);
        assert_eq!(seconds(-1_500_000_000), "-1.5s");
        assert_eq!(seconds(5400 * SECOND), "5400s");
    }
}
