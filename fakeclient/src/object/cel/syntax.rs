//! Syntax tree of CEL expressions, and the interface to the parser.
//!
//! Macros are nodes of the tree and are not expanded, so that the checker and the evaluator have the source's
//! structure.

use cel::Env;
use cel::common::ast::{EntryExpr, Expr as Parsed, IdedExpr, LiteralValue, SourceInfo};

use super::value::Value;

/// An expression and its position, in characters from the start of the source.
#[derive(Clone, Debug)]
pub(crate) struct Expr {
    pub(crate) at: usize,
    pub(crate) kind: ExprKind,
}

/// The kind of an expression, with its operands.
#[derive(Clone, Debug)]
pub(crate) enum ExprKind {
    Literal(Value),
    Ident(String),
    Select { operand: Box<Expr>, field: String },
    Has { operand: Box<Expr>, field: String },
    Call { target: Option<Box<Expr>>, name: String, args: Vec<Expr> },
    List(Vec<LiteralElement>),
    Map(Vec<(Expr, LiteralElement)>),
    Struct(String),
    Loop { name: Macro, range: Box<Expr>, vars: Vec<String>, args: Vec<Expr> },
}

/// An item or an entry's value in a literal. An optional element without a value is omitted.
#[derive(Clone, Debug)]
pub(crate) struct LiteralElement {
    pub(crate) value: Expr,
    pub(crate) optional: bool,
}

/// A macro over a range or an optional value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Macro {
    All,
    Exists,
    ExistsOne,
    Map,
    Filter,
    TransformList,
    TransformMap,
    OptMap,
    OptFlatMap,
}

/// An error at a position in the source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CelError {
    pub(crate) at: usize,
    pub(crate) text: String,
}

/// A parser of expressions.
pub(crate) trait Parser {
    /// Parses the source, or returns all syntax errors.
    fn parse(&self, source: &str) -> Result<Expr, Vec<CelError>>;
}

/// The `cel` crate's parser.
#[derive(Debug)]
pub(crate) struct CelParser;

impl Parser for CelParser {
    fn parse(&self, source: &str) -> Result<Expr, Vec<CelError>> {
        let parsed = Env::default().parser().parse_with_source_info(source);
        let (tree, info) = parsed.map_err(|errors| {
            let problem = |e: cel::ParseError| {
                let (line, column) = e.pos;
                let before: usize = source
                    .split_inclusive('\n')
                    .take(usize::try_from(line - 1).unwrap_or(0))
                    .map(|l| l.chars().count())
                    .sum();
                let column = usize::try_from(column - 1).unwrap_or(0);
                CelError { at: before + column, text: syntax_error(&e.msg) }
            };
            errors.errors.into_iter().map(problem).collect::<Vec<_>>()
        })?;
        let mut reading = TreeConverter { info: &info, problems: Vec::new() };
        let expr = reading.expr(&tree);
        if reading.problems.is_empty() { Ok(expr) } else { Err(reading.problems) }
    }
}

/// Some errors of the `cel` crate need no prefix.
fn syntax_error(message: &str) -> String {
    format!("Syntax error: {}", message.strip_prefix("Syntax error: ").unwrap_or(message))
}

struct TreeConverter<'a> {
    info: &'a SourceInfo,
    problems: Vec<CelError>,
}

impl TreeConverter<'_> {
    fn at(&self, id: u64) -> usize {
        self.info.offset_for(id).map_or(0, |(start, _)| start as usize)
    }

    fn expr(&mut self, parsed: &IdedExpr) -> Expr {
        let at = self.at(parsed.id);
        let kind = match &parsed.expr {
            Parsed::Literal(literal) => ExprKind::Literal(literal_value(literal)),
            Parsed::Ident(name) => ExprKind::Ident(name.clone()),
            Parsed::Select(select) if select.test => {
                ExprKind::Has { operand: Box::new(self.expr(&select.operand)), field: select.field.clone() }
            }
            Parsed::Select(select) => ExprKind::Select {
                operand: Box::new(self.expr(&select.operand)),
                field: select.field.clone(),
            },
            Parsed::Call(call) => {
                let target = call.target.as_ref().map(|t| self.expr(t));
                let args: Vec<Expr> = call.args.iter().map(|a| self.expr(a)).collect();
                self.call(at, target, call.func_name.clone(), args)
            }
            Parsed::List(list) => {
                let element = |(index, item): (usize, &IdedExpr)| LiteralElement {
                    value: self.expr(item),
                    optional: list.optional_indices.contains(&index),
                };
                ExprKind::List(list.elements.iter().enumerate().map(element).collect())
            }
            Parsed::Map(map) => {
                let mut entries = Vec::new();
                for entry in &map.entries {
                    if let EntryExpr::MapEntry(entry) = &entry.expr {
                        let value =
                            LiteralElement { value: self.expr(&entry.value), optional: entry.optional };
                        entries.push((self.expr(&entry.key), value));
                    }
                }
                ExprKind::Map(entries)
            }
            Parsed::Struct(built) => ExprKind::Struct(built.type_name.clone()),
            Parsed::Comprehension(_) | Parsed::Unspecified => {
                self.problems.push(CelError { at, text: "Syntax error: unexpected expression".to_owned() });
                ExprKind::Literal(Value::Null)
            }
        };
        Expr { at, kind }
    }

    fn call(&mut self, at: usize, target: Option<Expr>, name: String, mut args: Vec<Expr>) -> ExprKind {
        if target.is_none() && name == "has" && args.len() == 1 {
            return match args.remove(0).kind {
                ExprKind::Select { operand, field } => ExprKind::Has { operand, field },
                other => {
                    let text = "invalid argument to has() macro".to_owned();
                    self.problems.push(CelError { at: at + 1, text });
                    other
                }
            };
        }
        let Some(target) = target else { return ExprKind::Call { target: None, name, args } };
        let variables: Vec<String> = args
            .iter()
            .map_while(|a| if let ExprKind::Ident(v) = &a.kind { Some(v.clone()) } else { None })
            .collect();
        match macro_of(&name, args.len(), variables.len()) {
            Some((name, count)) => {
                let vars = variables.into_iter().take(count).collect();
                let args = args.split_off(count);
                ExprKind::Loop { name, range: Box::new(target), vars, args }
            }
            None => ExprKind::Call { target: Some(Box::new(target)), name, args },
        }
    }
}

/// The macro of a method call, and the number of variables that it binds; at least one argument is the body.
fn macro_of(name: &str, args: usize, leading: usize) -> Option<(Macro, usize)> {
    let (found, count) = match (name, args) {
        ("all", 2) => (Macro::All, 1),
        ("all", 3) => (Macro::All, 2),
        ("exists", 2) => (Macro::Exists, 1),
        ("exists", 3) => (Macro::Exists, 2),
        ("exists_one" | "existsOne", 2) => (Macro::ExistsOne, 1),
        ("exists_one" | "existsOne", 3) => (Macro::ExistsOne, 2),
        ("map", 2 | 3) => (Macro::Map, 1),
        ("filter", 2) => (Macro::Filter, 1),
        ("transformList", 3 | 4) => (Macro::TransformList, 2),
        ("transformMap", 3 | 4) => (Macro::TransformMap, 2),
        ("optMap", 2) => (Macro::OptMap, 1),
        ("optFlatMap", 2) => (Macro::OptFlatMap, 1),
        _ => return None,
    };
    (leading >= count).then_some((found, count))
}

fn literal_value(literal: &LiteralValue) -> Value {
    match literal {
        LiteralValue::Boolean(b) => Value::Bool(*b.inner()),
        LiteralValue::Bytes(b) => Value::Bytes(b.inner().to_vec()),
        LiteralValue::Double(d) => Value::Double(*d.inner()),
        LiteralValue::Int(i) => Value::Int(*i.inner()),
        LiteralValue::Null => Value::Null,
        LiteralValue::String(s) => Value::String(s.inner().into()),
        LiteralValue::UInt(u) => Value::Uint(*u.inner()),
    }
}
