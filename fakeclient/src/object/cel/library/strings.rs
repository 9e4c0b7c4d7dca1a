//! CEL functions on strings: cel-go's `strings` extension, and Kubernetes' `find`. Positions count code points.

use super::super::types::Type;
use super::super::value::Value;
use super::{FunctionTable, method, no_overload};
use crate::object::go_regex;

pub(super) fn declare(table: &mut FunctionTable) {
    use Type::{Bool, Int, String};
    let texts = || Type::list(String);
    method(table, "startsWith", &[String, String], Bool, |a| {
        two(a, |s, t| Ok(Value::Bool(s.starts_with(t))))
    });
    method(table, "endsWith", &[String, String], Bool, |a| two(a, |s, t| Ok(Value::Bool(s.ends_with(t)))));
    method(table, "contains", &[String, String], Bool, |a| two(a, |s, t| Ok(Value::Bool(s.contains(t)))));
    method(table, "matches", &[String, String], Bool, matches);
    super::function(table, "matches", &[String, String], Bool, matches);
    method(table, "find", &[String, String], String, |a| {
        two(a, |s, t| {
            let found = go_regex::compile(t).map_err(|e| e.to_string())?;
            Ok(Value::text(found.find(s).map_or("", |m| m.as_str())))
        })
    });
    method(table, "charAt", &[String, Int], String, char_at);
    method(table, "indexOf", &[String, String], Int, |a| two(a, |s, t| Ok(position(s, s.find(t)))));
    method(table, "lastIndexOf", &[String, String], Int, |a| two(a, |s, t| Ok(position(s, s.rfind(t)))));
    method(table, "lowerAscii", &[String], String, |a| one(a, |s| Ok(Value::text(s.to_ascii_lowercase()))));
    method(table, "upperAscii", &[String], String, |a| one(a, |s| Ok(Value::text(s.to_ascii_uppercase()))));
    method(table, "trim", &[String], String, |a| one(a, |s| Ok(Value::text(s.trim()))));
    method(table, "split", &[String, String], texts(), |a| {
        two(a, |s, t| {
            let parts: Vec<Value> = if t.is_empty() {
                s.chars().map(|c| Value::text(c.to_string())).collect()
            } else {
                s.split(t).map(Value::text).collect()
            };
            Ok(Value::list(parts))
        })
    });
    method(table, "split", &[String, String, Int], texts(), split_some);
    method(table, "replace", &[String, String, String], String, replace);
    method(table, "replace", &[String, String, String, Int], String, replace);
    method(table, "substring", &[String, Int], String, substring);
    method(table, "substring", &[String, Int, Int], String, substring);
    method(table, "join", &[texts()], String, join);
    method(table, "join", &[texts(), String], String, join);
}

fn one(args: &[Value], run: fn(&str) -> Result<Value, String>) -> Result<Value, String> {
    match args {
        [Value::String(text)] => run(text),
        _ => Err(no_overload()),
    }
}

fn two(args: &[Value], run: fn(&str, &str) -> Result<Value, String>) -> Result<Value, String> {
    match args {
        [Value::String(text), Value::String(other)] => run(text, other),
        _ => Err(no_overload()),
    }
}

fn matches(args: &[Value]) -> Result<Value, String> {
    two(args, |text, pattern| {
        let regex = go_regex::compile(pattern)
            .map_err(|_| go_regex::check(pattern).err().unwrap_or_else(|| "invalid pattern".to_owned()))?;
        Ok(Value::Bool(regex.is_match(text)))
    })
}

fn position(text: &str, bytes: Option<usize>) -> Value {
    let characters = bytes.map(|at| text[..at].chars().count());
    Value::Int(characters.and_then(|at| i64::try_from(at).ok()).unwrap_or(-1))
}

fn char_at(args: &[Value]) -> Result<Value, String> {
    let [Value::String(text), Value::Int(at)] = args else { return Err(no_overload()) };
    let count = text.chars().count();
    let index = usize::try_from(*at).ok().filter(|i| *i <= count);
    let index = index.ok_or_else(|| format!("index out of range: {at}"))?;
    Ok(Value::text(text.chars().nth(index).map(String::from).unwrap_or_default()))
}

fn split_some(args: &[Value]) -> Result<Value, String> {
    let [Value::String(text), Value::String(by), Value::Int(most)] = args else { return Err(no_overload()) };
    let parts: Vec<Value> = match usize::try_from(*most) {
        Ok(0) => Vec::new(),
        Ok(most) => text.splitn(most, &**by).map(Value::text).collect(),
        Err(_) => text.split(&**by).map(Value::text).collect(),
    };
    Ok(Value::list(parts))
}

fn replace(args: &[Value]) -> Result<Value, String> {
    match args {
        [Value::String(text), Value::String(from), Value::String(to)] => {
            Ok(Value::text(text.replace(&**from, to)))
        }
        [Value::String(text), Value::String(from), Value::String(to), Value::Int(most)] => {
            let replaced = match usize::try_from(*most) {
                Ok(most) => text.replacen(&**from, to, most),
                Err(_) => text.replace(&**from, to),
            };
            Ok(Value::text(replaced))
        }
        _ => Err(no_overload()),
    }
}

fn substring(args: &[Value]) -> Result<Value, String> {
    let (Value::String(text), Value::Int(start)) = (&args[0], &args[1]) else { return Err(no_overload()) };
    let count = text.chars().count();
    let end = match args.get(2) {
        None => i64::try_from(count).unwrap_or(i64::MAX),
        Some(Value::Int(end)) => *end,
        Some(_) => return Err(no_overload()),
    };
    if args.len() == 3 && start > &end {
        return Err(format!("invalid substring range. start: {start}, end: {end}"));
    }
    let within = |at: i64| {
        usize::try_from(at).ok().filter(|i| *i <= count).ok_or_else(|| format!("index out of range: {at}"))
    };
    let (start, end) = (within(*start)?, within(end)?.max(within(*start)?));
    Ok(Value::text(text.chars().skip(start).take(end - start).collect::<String>()))
}

fn join(args: &[Value]) -> Result<Value, String> {
    let Value::List(items, _) = &args[0] else { return Err(no_overload()) };
    let by = match args.get(1) {
        Some(Value::String(by)) => by.to_string(),
        _ => String::new(),
    };
    let texts: Option<Vec<&str>> =
        items.iter().map(|item| if let Value::String(text) = item { Some(&**text) } else { None }).collect();
    texts.map(|texts| Value::text(texts.join(&by))).ok_or_else(no_overload)
}
