//! Compiled CEL expressions: parsed, and checked against the types of their variables.

use super::check::Checker;
use super::evaluate::Evaluator;
use super::syntax::{CelError, CelParser, Expr, Parser};
use super::types::Type;
use super::value::Value;

/// A compiled expression.
#[derive(Clone, Debug)]
pub(crate) struct Program {
    expr: Expr,
    /// True if the expression uses `oldSelf`.
    pub(crate) uses_old_self: bool,
}

/// The required type of an expression's result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ResultType {
    /// For a rule.
    Bool,
    /// For a message expression.
    Text,
}

impl Program {
    /// Compiles an expression. The error is the server's message.
    pub(crate) fn compile(
        source: &str,
        variables: Vec<(String, Type)>,
        wanted: ResultType,
    ) -> Result<Self, String> {
        let prefix = if wanted == ResultType::Bool { "" } else { "messageExpression " };
        let failed =
            |problems: Vec<CelError>| format!("{prefix}compilation failed: {}", shown(source, problems));
        let expr = CelParser.parse(source).map_err(failed)?;
        let mut checker = Checker::new(variables);
        let found = checker.expr(&expr);
        if !checker.problems.is_empty() {
            return Err(failed(checker.problems));
        }
        match (wanted, found) {
            (ResultType::Bool, Type::Bool | Type::Dyn) | (ResultType::Text, Type::String | Type::Dyn) => {}
            (ResultType::Bool, _) => return Err("cel expression must evaluate to a bool".to_owned()),
            (ResultType::Text, _) => return Err("messageExpression must evaluate to a string".to_owned()),
        }
        Ok(Self { expr, uses_old_self: checker.used.contains("oldSelf") })
    }

    /// Evaluates the expression with the given variables.
    pub(crate) fn run(&self, variables: Vec<(String, Value)>) -> Result<Value, String> {
        Evaluator::new(variables).run(&self.expr)
    }
}

/// Errors as cel-go prints them: position, message, source line, and a caret below the position.
fn shown(source: &str, mut problems: Vec<CelError>) -> String {
    problems.sort_by_key(|p| p.at);
    let print = |problem: &CelError| {
        let (mut line_start, mut number) = (0, 1);
        for (at, c) in source.chars().enumerate().take(problem.at) {
            if c == '\n' {
                line_start = at + 1;
                number += 1;
            }
        }
        let column = problem.at - line_start;
        let line: String = source.chars().skip(line_start).take_while(|c| *c != '\n').collect();
        let dots = ".".repeat(column);
        format!("ERROR: <input>:{number}:{}: {}\n | {line}\n | {dots}^", column + 1, problem.text)
    };
    problems.iter().map(print).collect::<Vec<_>>().join("\n")
}
