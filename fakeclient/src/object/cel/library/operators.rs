//! CEL operators: arithmetic, comparison, membership, indexing, size.

use super::super::types::Type;
use super::super::value::Value;
use super::{FunctionImpl, FunctionTable, function, method, no_overload};

const A: Type = Type::Param(0);
const B: Type = Type::Param(1);

pub(super) fn declare(table: &mut FunctionTable) {
    use Type::{Bool, Bytes, Double, Duration, Int, String, Timestamp, Uint};
    function(table, "_==_", &[A, A], Bool, |args| Ok(Value::Bool(args[0].equals(&args[1]))));
    function(table, "_!=_", &[A, A], Bool, |args| Ok(Value::Bool(!args[0].equals(&args[1]))));
    let compare: [(&'static str, FunctionImpl); 4] = [
        ("_<_", |args| order(args, std::cmp::Ordering::is_lt)),
        ("_<=_", |args| order(args, std::cmp::Ordering::is_le)),
        ("_>_", |args| order(args, std::cmp::Ordering::is_gt)),
        ("_>=_", |args| order(args, std::cmp::Ordering::is_ge)),
    ];
    for (name, run) in compare {
        for kind in [Bool, String, Bytes, Timestamp, Duration] {
            function(table, name, &[kind.clone(), kind], Bool, run);
        }
        for left in [Int, Uint, Double] {
            for right in [Int, Uint, Double] {
                function(table, name, &[left.clone(), right], Bool, run);
            }
        }
    }
    for name in ["_+_", "_-_", "_*_", "_/_", "_%_"] {
        let run: FunctionImpl = match name {
            "_+_" => add,
            "_-_" => subtract,
            "_*_" => |args| arithmetic(args, i64::checked_mul, u64::checked_mul, |a, b| a * b),
            "_/_" => divide,
            _ => modulo,
        };
        for kind in [Int, Uint, Double] {
            if !(name == "_%_" && kind == Double) {
                function(table, name, &[kind.clone(), kind.clone()], kind, run);
            }
        }
    }
    for kind in [String, Bytes, Type::list(A)] {
        function(table, "_+_", &[kind.clone(), kind.clone()], kind, add);
    }
    function(table, "_+_", &[Timestamp, Duration], Timestamp, add);
    function(table, "_+_", &[Duration, Timestamp], Timestamp, add);
    function(table, "_+_", &[Duration, Duration], Duration, add);
    function(table, "_-_", &[Timestamp, Timestamp], Duration, subtract);
    function(table, "_-_", &[Timestamp, Duration], Timestamp, subtract);
    function(table, "_-_", &[Duration, Duration], Duration, subtract);
    function(table, "-_", &[Int], Int, negate);
    function(table, "-_", &[Double], Double, negate);
    function(table, "!_", &[Bool], Bool, |args| match args {
        [Value::Bool(flag)] => Ok(Value::Bool(!flag)),
        _ => Err(no_overload()),
    });
    function(table, "_?_:_", &[Bool, A, A], A, |_| Err(no_overload()));
    function(table, "@in", &[A, Type::list(A)], Bool, is_in);
    function(table, "@in", &[A, Type::map(A, B)], Bool, is_in);
    function(table, "_[_]", &[Type::list(A), Int], A, index);
    function(table, "_[_]", &[Type::map(A, B), A], B, index);
    function(table, "_[?_]", &[Type::list(A), Int], Type::optional(A), optional_index);
    function(table, "_[?_]", &[Type::map(A, B), A], Type::optional(B), optional_index);
    for sized in [String, Bytes, Type::list(A), Type::map(A, B)] {
        function(table, "size", std::slice::from_ref(&sized), Int, size);
        method(table, "size", &[sized], Int, size);
    }
}

fn order(args: &[Value], holds: fn(std::cmp::Ordering) -> bool) -> Result<Value, String> {
    match (&args[0], &args[1]) {
        (Value::Double(a), b) if a.is_nan() && b.compare(b).is_some() => Ok(Value::Bool(false)),
        (a, b) => a.compare(b).map(|o| Value::Bool(holds(o))).ok_or_else(no_overload),
    }
}

fn arithmetic(
    args: &[Value],
    int: fn(i64, i64) -> Option<i64>,
    uint: fn(u64, u64) -> Option<u64>,
    double: fn(f64, f64) -> f64,
) -> Result<Value, String> {
    match (&args[0], &args[1]) {
        (Value::Int(a), Value::Int(b)) => {
            int(*a, *b).map(Value::Int).ok_or_else(|| "integer overflow".to_owned())
        }
        (Value::Uint(a), Value::Uint(b)) => {
            uint(*a, *b).map(Value::Uint).ok_or_else(|| "unsigned integer overflow".to_owned())
        }
        (Value::Double(a), Value::Double(b)) => Ok(Value::Double(double(*a, *b))),
        _ => Err(no_overload()),
    }
}

fn add(args: &[Value]) -> Result<Value, String> {
    let range = || "timestamp out of range".to_owned();
    match (&args[0], &args[1]) {
        (Value::String(a), Value::String(b)) => Ok(Value::text(format!("{a}{b}"))),
        (Value::Bytes(a), Value::Bytes(b)) => Ok(Value::Bytes([a.as_slice(), b].concat())),
        (Value::List(a, same), Value::List(b, _)) => {
            let joined: Vec<Value> = match same {
                super::super::value::ListEquality::AnyOrder => {
                    let new = b.iter().filter(|x| !a.iter().any(|y| y.equals(x)));
                    a.iter().chain(new).cloned().collect()
                }
                _ => a.iter().chain(b.iter()).cloned().collect(),
            };
            Ok(Value::List(joined.into(), same.clone()))
        }
        (Value::Timestamp(t), Value::Duration(d)) | (Value::Duration(d), Value::Timestamp(t)) => {
            super::time::shift(*t, *d).ok_or_else(range)
        }
        (Value::Duration(a), Value::Duration(b)) => Ok(Value::Duration(a + b)),
        _ => arithmetic(args, i64::checked_add, u64::checked_add, |a, b| a + b),
    }
}

fn subtract(args: &[Value]) -> Result<Value, String> {
    match (&args[0], &args[1]) {
        (Value::Timestamp(a), Value::Timestamp(b)) => {
            Ok(Value::Duration(a.as_nanosecond() - b.as_nanosecond()))
        }
        (Value::Timestamp(t), Value::Duration(d)) => {
            super::time::shift(*t, -d).ok_or_else(|| "timestamp out of range".to_owned())
        }
        (Value::Duration(a), Value::Duration(b)) => Ok(Value::Duration(a - b)),
        _ => arithmetic(args, i64::checked_sub, u64::checked_sub, |a, b| a - b),
    }
}

fn divide(args: &[Value]) -> Result<Value, String> {
    match &args[1] {
        Value::Int(0) | Value::Uint(0) => Err("division by zero".to_owned()),
        _ => arithmetic(args, i64::checked_div, u64::checked_div, |a, b| a / b),
    }
}

fn modulo(args: &[Value]) -> Result<Value, String> {
    match &args[1] {
        Value::Int(0) | Value::Uint(0) => Err("modulus by zero".to_owned()),
        Value::Double(_) => Err(no_overload()),
        _ => arithmetic(args, i64::checked_rem, u64::checked_rem, |a, _| a),
    }
}

fn negate(args: &[Value]) -> Result<Value, String> {
    match &args[0] {
        Value::Int(a) => a.checked_neg().map(Value::Int).ok_or_else(|| "integer overflow".to_owned()),
        Value::Double(a) => Ok(Value::Double(-a)),
        _ => Err(no_overload()),
    }
}

fn is_in(args: &[Value]) -> Result<Value, String> {
    match &args[1] {
        Value::List(items, _) => Ok(Value::Bool(items.iter().any(|item| item.equals(&args[0])))),
        map @ Value::Map(_) => Ok(Value::Bool(map.get(&args[0]).is_some())),
        _ => Err(no_overload()),
    }
}

fn index(args: &[Value]) -> Result<Value, String> {
    match (&args[0], &args[1]) {
        (Value::Optional(None), _) => Ok(Value::Optional(None)),
        (Value::List(items, _), Value::Int(at)) => {
            let found = usize::try_from(*at).ok().and_then(|at| items.get(at));
            found.cloned().ok_or_else(|| format!("index out of bounds: {at}"))
        }
        (map @ Value::Map(_), key) => {
            map.get(key).cloned().ok_or_else(|| format!("no such key: {}", super::convert::shown(key)))
        }
        _ => Err(no_overload()),
    }
}

#[expect(clippy::unnecessary_wraps, reason = "the table holds functions of one shape")]
fn optional_index(args: &[Value]) -> Result<Value, String> {
    Ok(Value::Optional(index(args).ok().map(Box::new)))
}

fn size(args: &[Value]) -> Result<Value, String> {
    let count = match &args[0] {
        Value::String(text) => text.chars().count(),
        Value::Bytes(bytes) => bytes.len(),
        Value::List(items, _) => items.len(),
        Value::Map(entries) => entries.len(),
        _ => return Err(no_overload()),
    };
    Ok(Value::Int(i64::try_from(count).unwrap_or(i64::MAX)))
}
