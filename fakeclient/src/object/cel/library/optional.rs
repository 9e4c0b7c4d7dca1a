//! CEL functions on optional values.

use super::super::types::Type;
use super::super::value::Value;
use super::{FunctionTable, function, method, no_overload};

const A: Type = Type::Param(0);

pub(super) fn declare(table: &mut FunctionTable) {
    let optional = || Type::optional(A);
    function(table, "optional.of", &[A], optional(), |a| Ok(Value::Optional(Some(Box::new(a[0].clone())))));
    function(table, "optional.none", &[], optional(), |_| Ok(Value::Optional(None)));
    function(table, "optional.ofNonZeroValue", &[A], optional(), |a| {
        let zero = match &a[0] {
            Value::Null | Value::Bool(false) | Value::Int(0) | Value::Uint(0) | Value::Duration(0) => true,
            Value::Double(n) => *n == 0.0,
            Value::String(text) => text.is_empty(),
            Value::Bytes(bytes) => bytes.is_empty(),
            Value::List(items, _) => items.is_empty(),
            Value::Map(entries) => entries.is_empty(),
            _ => false,
        };
        Ok(Value::Optional((!zero).then(|| Box::new(a[0].clone()))))
    });
    method(table, "hasValue", &[optional()], Type::Bool, |a| match &a[0] {
        Value::Optional(inner) => Ok(Value::Bool(inner.is_some())),
        _ => Err(no_overload()),
    });
    method(table, "value", &[optional()], A, |a| match &a[0] {
        Value::Optional(Some(inner)) => Ok((**inner).clone()),
        Value::Optional(None) => Err("optional.none() dereference".to_owned()),
        _ => Err(no_overload()),
    });
    method(table, "orValue", &[optional(), A], A, |a| match &a[0] {
        Value::Optional(Some(inner)) => Ok((**inner).clone()),
        Value::Optional(None) => Ok(a[1].clone()),
        _ => Err(no_overload()),
    });
    method(table, "or", &[optional(), optional()], optional(), |a| match &a[0] {
        Value::Optional(None) => Ok(a[1].clone()),
        some => Ok(some.clone()),
    });
}
