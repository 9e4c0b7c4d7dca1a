//! Field paths such as `.spec.name` or `.spec['a-b']` in a schema: `fieldPath` of rules, `jsonPath` of selectable
//! fields.

use super::structural::{AdditionalProperties, Structural};

/// Support for `['name']` in a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BracketNotation {
    /// As in `fieldPath`.
    Allowed,
    /// As in selectable fields.
    Refused,
}

/// The target of a path.
#[derive(Clone, Debug)]
pub(crate) struct ResolvedPath<'a> {
    /// Path in error messages: `spec.name`, `spec.map[key]`.
    pub(crate) path: String,
    /// Schema of the target.
    pub(crate) schema: &'a Structural,
}

/// Resolves a path in a schema.
pub(crate) fn resolve<'a>(
    path: &str,
    schema: &'a Structural,
    brackets: BracketNotation,
) -> Result<ResolvedPath<'a>, String> {
    let mut found = ResolvedPath { path: String::new(), schema };
    let mut tokens = tokens(path).into_iter();
    let end = || "unexpected end of JSON path".to_owned();
    while let Some(token) = tokens.next() {
        match token {
            "[" if brackets == BracketNotation::Refused => {
                return Err("array notation is not allowed".to_owned());
            }
            "[" => {
                let quoted = tokens.next().ok_or_else(end)?;
                let name = quoted
                    .strip_prefix('\'')
                    .and_then(|rest| rest.strip_suffix('\''))
                    .ok_or_else(|| format!("expected single quoted string but got {quoted}"))?;
                found.step(&name.replace("\\'", "'").replace("\\\\", "\\"))?;
                match tokens.next() {
                    None => return Err(end()),
                    Some("]") => {}
                    Some(other) => return Err(format!("expected ] but got {other}")),
                }
            }
            "." => found.step(tokens.next().ok_or_else(end)?)?,
            other => return Err(format!("expected [ or . but got: {other}")),
        }
    }
    Ok(found)
}

impl ResolvedPath<'_> {
    fn step(&mut self, name: &str) -> Result<(), String> {
        let unknown = || "does not refer to a valid field".to_owned();
        if !self.schema.properties.is_empty() {
            self.schema = self.schema.properties.get(name).ok_or_else(unknown)?;
            let dot = if self.path.is_empty() { "" } else { "." };
            self.path = format!("{}{dot}{name}", self.path);
            return Ok(());
        }
        let AdditionalProperties::Schema(values) = &self.schema.additional else { return Err(unknown()) };
        self.schema = values;
        self.path = format!("{}[{name}]", self.path);
        Ok(())
    }
}

/// Tokens of a path: `.`, `[`, `]`, quoted strings, and names.
fn tokens(path: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut rest = path;
    while !rest.is_empty() {
        let length = if rest.starts_with('\'') {
            let mut escaped = false;
            let close = rest.char_indices().skip(1).find(|(_, c)| {
                let closes = *c == '\'' && !escaped;
                escaped = *c == '\\' && !escaped;
                closes
            });
            close.map_or(rest.len(), |(at, _)| at + 1)
        } else {
            match rest.find(['.', '[', ']']) {
                Some(0) => 1,
                Some(at) => at,
                None => rest.len(),
            }
        };
        found.push(&rest[..length]);
        rest = &rest[length..];
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[track_caller]
    fn check(path: &str, expected: Result<&str, &str>) {
        let schema = Structural::parse(&json!({"type": "object", "properties": {
            "spec": {"type": "object", "properties": {"a-b": {"type": "string"}}},
            "map": {"type": "object", "additionalProperties": {"type": "string"}}}}));
        let found = resolve(path, &schema, BracketNotation::Allowed);
        assert_eq!(found.as_ref().map(|f| f.path.as_str()).map_err(String::as_str), expected, "{path}");
    }

    #[test]
    fn paths_resolve_fields_and_maps() {
        check(".spec.a-b", Ok("spec.a-b"));
        check(".spec['a-b']", Ok("spec.a-b"));
        check(".map.key", Ok("map[key]"));
        check(".spec.c", Err("does not refer to a valid field"));
        check("spec", Err("expected [ or . but got: spec"));
        check(".spec[0]", Err("expected single quoted string but got 0"));
        check(".spec.", Err("unexpected end of JSON path"));
    }
}
