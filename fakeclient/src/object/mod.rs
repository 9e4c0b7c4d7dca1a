//! Pure functions on JSON objects, without store, clock or HTTP.

pub(crate) mod decode;
pub(crate) mod go_format;
pub(crate) mod go_regex;
pub(crate) mod jsonpath;
pub(crate) mod meta_rules;
pub(crate) mod names;
pub(crate) mod owner;
pub(crate) mod patch;
pub(crate) mod system_fields;
pub(crate) mod view;

pub(crate) mod apply;
pub(crate) mod quantity;
pub(crate) mod schema;

pub(crate) mod cel;
pub(crate) mod selector;
pub(crate) mod table;
