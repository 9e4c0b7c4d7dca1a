//! CEL functions: signatures for the checker, and implementations for the evaluator.
//!
//! Functions of Kubernetes 1.37 that are not modelled are listed by name, so that the error for a definition that uses
//! one is not that of an undeclared function.

mod convert;

mod lists;

mod net;

mod operators;

mod optional;

mod quantity;

mod strings;

pub(super) mod time;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use super::types::Type;
use super::value::Value;

/// The implementation of a function. The first argument of a method is its target.
pub(super) type FunctionImpl = fn(&[Value]) -> Result<Value, String>;

/// An overload of a function.
#[derive(Debug)]
pub(super) struct Overload {
    pub(super) member: bool,
    pub(super) params: Vec<Type>,
    pub(super) result: Type,
    pub(super) run: FunctionImpl,
}

type FunctionTable = BTreeMap<&'static str, Vec<Overload>>;

/// Identifiers of types.
pub(super) const TYPES: [&str; 14] = [
    "bool",
    "bytes",
    "double",
    "int",
    "uint",
    "string",
    "list",
    "map",
    "null_type",
    "type",
    "dyn",
    "timestamp",
    "duration",
    "optional_type",
];

/// Functions of kube-apiserver that are not modelled.
pub(super) const NOT_MODELLED: [&str; 12] = [
    "url",
    "isURL",
    "semver",
    "isSemver",
    "format",
    "named",
    "quote",
    "flatten",
    "getDate",
    "getDayOfYear",
    "findAll",
    "sortBy",
];

/// The overloads of a function.
pub(super) fn find(name: &str) -> Option<&'static [Overload]> {
    static TABLE: LazyLock<FunctionTable> = LazyLock::new(|| {
        let mut table = FunctionTable::new();
        operators::declare(&mut table);
        convert::declare(&mut table);
        strings::declare(&mut table);
        lists::declare(&mut table);
        time::declare(&mut table);
        net::declare(&mut table);
        quantity::declare(&mut table);
        optional::declare(&mut table);
        table
    });
    TABLE.get(name).map(Vec::as_slice)
}

fn function(table: &mut FunctionTable, name: &'static str, params: &[Type], result: Type, run: FunctionImpl) {
    table.entry(name).or_default().push(Overload { member: false, params: params.to_vec(), result, run });
}

fn method(table: &mut FunctionTable, name: &'static str, params: &[Type], result: Type, run: FunctionImpl) {
    table.entry(name).or_default().push(Overload { member: true, params: params.to_vec(), result, run });
}

/// The error of arguments that match no overload. Only dynamic arguments pass the checker and get it.
pub(super) fn no_overload() -> String {
    "no such overload".to_owned()
}
