//! CEL functions on lists: Kubernetes' `lists` library, cel-go's `lists` and `sets` extensions.

use super::super::types::Type;
use super::super::value::Value;
use super::{FunctionTable, function, method, no_overload};

const A: Type = Type::Param(0);

pub(super) fn declare(table: &mut FunctionTable) {
    use Type::{Bool, Double, Duration, Int, String, Timestamp, Uint};
    for item in [Bool, Int, Uint, Double, String, Type::Bytes, Timestamp, Duration] {
        let list = Type::list(item.clone());
        method(table, "isSorted", std::slice::from_ref(&list), Bool, is_sorted);
        method(table, "min", std::slice::from_ref(&list), item.clone(), |a| {
            extreme(a, std::cmp::Ordering::is_lt, "min")
        });
        method(table, "max", std::slice::from_ref(&list), item.clone(), |a| {
            extreme(a, std::cmp::Ordering::is_gt, "max")
        });
        method(table, "sort", std::slice::from_ref(&list), list.clone(), sort);
    }
    for item in [Int, Uint, Double, Duration] {
        method(table, "sum", &[Type::list(item.clone())], item, sum);
    }
    method(table, "indexOf", &[Type::list(A), A], Int, |a| position(a, false));
    method(table, "lastIndexOf", &[Type::list(A), A], Int, |a| position(a, true));
    method(table, "slice", &[Type::list(A), Int, Int], Type::list(A), slice);
    method(table, "distinct", &[Type::list(A)], Type::list(A), distinct);
    method(table, "reverse", &[Type::list(A)], Type::list(A), |a| {
        items(&a[0]).map(|list| Value::list(list.iter().rev().cloned().collect()))
    });
    method(table, "first", &[Type::list(A)], Type::optional(A), |a| {
        items(&a[0]).map(|list| Value::Optional(list.first().cloned().map(Box::new)))
    });
    method(table, "last", &[Type::list(A)], Type::optional(A), |a| {
        items(&a[0]).map(|list| Value::Optional(list.last().cloned().map(Box::new)))
    });
    function(table, "lists.range", &[Int], Type::list(Int), |a| match &a[0] {
        Value::Int(end) => Ok(Value::list((0..*end).map(Value::Int).collect())),
        _ => Err(no_overload()),
    });
    let lists = [Type::list(A), Type::list(A)];
    function(table, "sets.contains", &lists, Bool, |a| {
        let (outer, inner) = (items(&a[0])?, items(&a[1])?);
        Ok(Value::Bool(inner.iter().all(|x| outer.iter().any(|y| y.equals(x)))))
    });
    function(table, "sets.intersects", &lists, Bool, |a| {
        let (left, right) = (items(&a[0])?, items(&a[1])?);
        Ok(Value::Bool(left.iter().any(|x| right.iter().any(|y| y.equals(x)))))
    });
    function(table, "sets.equivalent", &lists, Bool, |a| {
        let (left, right) = (items(&a[0])?, items(&a[1])?);
        let within = |a: &[Value], b: &[Value]| a.iter().all(|x| b.iter().any(|y| y.equals(x)));
        Ok(Value::Bool(within(left, right) && within(right, left)))
    });
}

fn items(value: &Value) -> Result<&[Value], String> {
    match value {
        Value::List(items, _) => Ok(items),
        _ => Err(no_overload()),
    }
}

fn is_sorted(args: &[Value]) -> Result<Value, String> {
    let list = items(&args[0])?;
    let in_order =
        list.windows(2).all(|pair| pair[0].compare(&pair[1]).is_some_and(std::cmp::Ordering::is_le));
    Ok(Value::Bool(in_order))
}

fn extreme(args: &[Value], better: fn(std::cmp::Ordering) -> bool, name: &str) -> Result<Value, String> {
    let list = items(&args[0])?;
    let mut best = list.first().ok_or_else(|| format!("{name} called on empty list"))?;
    for item in list {
        if item.compare(best).is_some_and(better) {
            best = item;
        }
    }
    Ok(best.clone())
}

fn sort(args: &[Value]) -> Result<Value, String> {
    let mut list = items(&args[0])?.to_vec();
    list.sort_by(|a, b| a.compare(b).unwrap_or(std::cmp::Ordering::Equal));
    Ok(Value::list(list))
}

fn sum(args: &[Value]) -> Result<Value, String> {
    let list = items(&args[0])?;
    let Some((first, rest)) = list.split_first() else { return Ok(Value::Int(0)) };
    let add = super::find("_+_").and_then(|overloads| overloads.first()).ok_or_else(no_overload)?;
    rest.iter().try_fold(first.clone(), |total, item| (add.run)(&[total, item.clone()]))
}

fn position(args: &[Value], from_end: bool) -> Result<Value, String> {
    let list = items(&args[0])?;
    let found = if from_end {
        list.iter().rposition(|item| item.equals(&args[1]))
    } else {
        list.iter().position(|item| item.equals(&args[1]))
    };
    Ok(Value::Int(found.and_then(|at| i64::try_from(at).ok()).unwrap_or(-1)))
}

fn slice(args: &[Value]) -> Result<Value, String> {
    let list = items(&args[0])?;
    let (Value::Int(start), Value::Int(end)) = (&args[1], &args[2]) else { return Err(no_overload()) };
    match (usize::try_from(*start), usize::try_from(*end)) {
        (Ok(from), Ok(to)) if from <= to && to <= list.len() => Ok(Value::list(list[from..to].to_vec())),
        (Ok(from), Ok(to)) if from <= to => {
            Err(format!("cannot slice({start}, {end}), list is length {}", list.len()))
        }
        (Ok(_), Ok(_)) => {
            Err(format!("cannot slice({start}, {end}), start index must be less than or equal to end index"))
        }
        _ => Err(format!("cannot slice({start}, {end}), negative indexes not supported")),
    }
}

fn distinct(args: &[Value]) -> Result<Value, String> {
    let mut seen: Vec<Value> = Vec::new();
    for item in items(&args[0])? {
        if !seen.iter().any(|other| other.equals(item)) {
            seen.push(item.clone());
        }
    }
    Ok(Value::list(seen))
}
