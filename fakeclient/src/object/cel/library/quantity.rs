//! Kubernetes' CEL library `quantity`.

use std::cmp::Ordering;

use super::super::types::Type;
use super::super::value::Value;
use super::{FunctionTable, function, method, no_overload};
use crate::object::quantity::Quantity;

const QUANTITY: Type = Type::Opaque("kubernetes.Quantity");

pub(super) fn declare(table: &mut FunctionTable) {
    use Type::{Bool, Double, Int, String};
    function(table, "quantity", &[String], QUANTITY, |a| parse(text(a)?).map(Value::Quantity));
    function(table, "isQuantity", &[String], Bool, |a| text(a).map(|t| Value::Bool(parse(t).is_ok())));
    function(table, "sign", &[QUANTITY], Int, |a| one(a).map(|q| Value::Int(q.sign())));
    method(table, "isInteger", &[QUANTITY], Bool, |a| one(a).map(|q| Value::Bool(q.whole().is_some())));
    method(table, "asInteger", &[QUANTITY], Int, |a| {
        one(a)?.whole().map(Value::Int).ok_or_else(|| "cannot convert value to integer".to_owned())
    });
    method(table, "asApproximateFloat", &[QUANTITY], Double, |a| {
        one(a).map(|q| Value::Double(q.approximate()))
    });
    method(table, "isLessThan", &[QUANTITY, QUANTITY], Bool, |a| ordered(a, Ordering::is_lt));
    method(table, "isGreaterThan", &[QUANTITY, QUANTITY], Bool, |a| ordered(a, Ordering::is_gt));
    method(table, "compareTo", &[QUANTITY, QUANTITY], Int, |a| {
        let (one, other) = two(a)?;
        Ok(Value::Int(one.compare(&other) as i64))
    });
    for other in [QUANTITY, Int] {
        method(table, "add", &[QUANTITY, other.clone()], QUANTITY, |a| {
            let (one, other) = two(a)?;
            Ok(Value::Quantity(one.plus(&other)))
        });
        method(table, "sub", &[QUANTITY, other], QUANTITY, |a| {
            let (one, other) = two(a)?;
            Ok(Value::Quantity(one.plus(&other.negated())))
        });
    }
}

fn text(args: &[Value]) -> Result<&str, String> {
    match args {
        [Value::String(text)] => Ok(text),
        _ => Err(no_overload()),
    }
}

fn parse(text: &str) -> Result<Quantity, String> {
    Quantity::parse(text).map_err(str::to_owned)
}

fn one(args: &[Value]) -> Result<&Quantity, String> {
    match args {
        [Value::Quantity(quantity)] => Ok(quantity),
        _ => Err(no_overload()),
    }
}

fn two(args: &[Value]) -> Result<(Quantity, Quantity), String> {
    match args {
        [Value::Quantity(one), Value::Quantity(other)] => Ok((one.clone(), other.clone())),
        [Value::Quantity(one), Value::Int(other)] => Ok((one.clone(), Quantity::of(*other))),
        _ => Err(no_overload()),
    }
}

fn ordered(args: &[Value], holds: fn(Ordering) -> bool) -> Result<Value, String> {
    let (one, other) = two(args)?;
    Ok(Value::Bool(holds(one.compare(&other))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arithmetic_ignores_the_format() {
        let quantity = |text: &str| Value::Quantity(parse(text).expect("a quantity"));
        let table = {
            let mut table = FunctionTable::new();
            declare(&mut table);
            table
        };
        let run = |name: &str, args: &[Value]| (table[name][0].run)(args).expect("it is defined");
        let sum = run("add", &[quantity("1Ki"), quantity("1k")]);
        assert!(sum.equals(&quantity("2024")), "{sum:?}");
        assert!(run("isLessThan", &[quantity("500m"), quantity("1")]).equals(&Value::Bool(true)));
        assert!(run("compareTo", &[quantity("1Gi"), quantity("1G")]).equals(&Value::Int(1)));
        assert!(run("sign", &[quantity("-3")]).equals(&Value::Int(-1)));
        assert!(run("isInteger", &[quantity("1500m")]).equals(&Value::Bool(false)));
    }
}
