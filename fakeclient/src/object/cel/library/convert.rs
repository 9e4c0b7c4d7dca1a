//! Conversions between CEL types.

use super::super::types::Type;
use super::super::value::Value;
use super::{FunctionTable, function, no_overload, time};
use crate::error::field::go_float;

pub(super) fn declare(table: &mut FunctionTable) {
    use Type::{Bool, Bytes, Double, Duration, Dyn, Int, String, Timestamp, Uint};
    for from in [Int, Uint, Double, String, Timestamp] {
        function(table, "int", &[from], Int, to_int);
    }
    for from in [Int, Uint, Double, String] {
        function(table, "uint", std::slice::from_ref(&from), Uint, to_uint);
        function(table, "double", &[from], Double, to_double);
    }
    for from in [
        Bool,
        Int,
        Uint,
        Double,
        String,
        Bytes,
        Timestamp,
        Duration,
        Type::Opaque("net.IP"),
        Type::Opaque("net.CIDR"),
    ] {
        function(table, "string", &[from], String, |args| Ok(Value::text(shown(&args[0]))));
    }
    function(table, "bytes", &[String], Bytes, |args| match &args[0] {
        Value::String(text) => Ok(Value::Bytes(text.as_bytes().to_vec())),
        _ => Err(no_overload()),
    });
    function(table, "bytes", &[Bytes], Bytes, |args| Ok(args[0].clone()));
    function(table, "bool", &[Bool], Bool, |args| Ok(args[0].clone()));
    function(table, "bool", &[String], Bool, |args| match &args[0] {
        Value::String(text) if matches!(&**text, "1" | "t" | "true" | "TRUE" | "True" | "T") => {
            Ok(Value::Bool(true))
        }
        Value::String(text) if matches!(&**text, "0" | "f" | "false" | "FALSE" | "False" | "F") => {
            Ok(Value::Bool(false))
        }
        _ => Err("type conversion error from 'string' to 'bool'".to_owned()),
    });
    function(table, "dyn", &[Type::Param(0)], Dyn, |args| Ok(args[0].clone()));
    function(table, "type", &[Type::Param(0)], Type::Type, |args| Ok(Value::Type(args[0].type_name())));
}

fn failed(value: &Value, to: &str) -> String {
    format!("type conversion error from '{}' to '{to}'", value.type_name())
}

#[expect(clippy::cast_possible_truncation, reason = "the range was checked, and CEL cuts fractions")]
fn to_int(args: &[Value]) -> Result<Value, String> {
    let overflow = || "integer overflow".to_owned();
    match &args[0] {
        Value::Int(n) => Ok(Value::Int(*n)),
        Value::Uint(n) => i64::try_from(*n).map(Value::Int).map_err(|_| overflow()),
        Value::Double(n) if n.is_finite() && n.abs() < 9.223_372_036_854_775e18 => Ok(Value::Int(*n as i64)),
        Value::Double(_) => Err(overflow()),
        Value::Timestamp(t) => Ok(Value::Int(t.as_second())),
        Value::String(text) => text.parse().map(Value::Int).map_err(|_| failed(&args[0], "int")),
        _ => Err(no_overload()),
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the range was checked, and CEL cuts fractions"
)]
fn to_uint(args: &[Value]) -> Result<Value, String> {
    let overflow = || "unsigned integer overflow".to_owned();
    match &args[0] {
        Value::Uint(n) => Ok(Value::Uint(*n)),
        Value::Int(n) => u64::try_from(*n).map(Value::Uint).map_err(|_| overflow()),
        Value::Double(n) if *n >= 0.0 && *n < 1.844_674_407_370_955e19 => Ok(Value::Uint(*n as u64)),
        Value::Double(_) => Err(overflow()),
        Value::String(text) => text.parse().map(Value::Uint).map_err(|_| failed(&args[0], "uint")),
        _ => Err(no_overload()),
    }
}

#[expect(clippy::cast_precision_loss, reason = "CEL's double() rounds")]
fn to_double(args: &[Value]) -> Result<Value, String> {
    match &args[0] {
        Value::Double(n) => Ok(Value::Double(*n)),
        Value::Int(n) => Ok(Value::Double(*n as f64)),
        Value::Uint(n) => Ok(Value::Double(*n as f64)),
        Value::String(text) => text.parse().map(Value::Double).map_err(|_| failed(&args[0], "double")),
        _ => Err(no_overload()),
    }
}

/// A value as `string()` and error messages print it.
pub(super) fn shown(value: &Value) -> String {
    match value {
        Value::Bool(flag) => flag.to_string(),
        Value::Int(n) => n.to_string(),
        Value::Uint(n) => n.to_string(),
        Value::Double(n) => go_float(*n),
        Value::String(text) => text.to_string(),
        Value::Bytes(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        Value::Timestamp(t) => t.to_string(),
        Value::Duration(nanoseconds) => time::seconds(*nanoseconds),
        Value::Ip(ip) => ip.to_string(),
        Value::Cidr(ip, bits) => format!("{ip}/{bits}"),
        other => other.type_name().to_owned(),
    }
}
