//! Functions: what each takes and gives, for the checker, and what it does, for the evaluator.
//!
//! One table serves both. Functions of Kubernetes 1.37 that are not in it are named, so that a definition that uses one
//! is refused by name instead of being taken for a mistake of its author.

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

/// What a function does with its arguments, the target first.
pub(super) type Run = fn(&[Value]) -> Result<Value, String>;

/// One signature.
#[derive(Debug)]
pub(super) struct Overload {
    pub(super) member: bool,
    pub(super) params: Vec<Type>,
    pub(super) result: Type,
    pub(super) run: Run,
}

type Table = BTreeMap<&'static str, Vec<Overload>>;

/// Names that stand for types.
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

/// Functions that a real server knows and this one does not yet.
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
    static TABLE: LazyLock<Table> = LazyLock::new(|| {
        let mut table = Table::new();
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

fn function(table: &mut Table, name: &'static str, params: &[Type], result: Type, run: Run) {
    table.entry(name).or_default().push(Overload { member: false, params: params.to_vec(), result, run });
}

fn method(table: &mut Table, name: &'static str, params: &[Type], result: Type, run: Run) {
    table.entry(name).or_default().push(Overload { member: true, params: params.to_vec(), result, run });
}

/// An error for arguments that no overload takes; the checker lets only dynamic ones come so far.
pub(super) fn no_overload() -> String {
    "no such overload".to_owned()
}
