//! Command-line flags: defaults, and overrides of the caller.

use std::ffi::OsString;

/// Flags in the order in which they were first set.
#[derive(Debug, Clone, Default)]
pub(crate) struct Flags {
    flags: Vec<(String, Vec<String>)>,
}

impl Flags {
    /// Adds a default.
    pub(crate) fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.flags.push((name.to_owned(), vec![value.into()]));
        self
    }

    /// Replaces defaults by the caller's flags. A repeated flag of the caller is passed repeatedly.
    pub(crate) fn overridden_by(mut self, overrides: &[(String, String)]) -> Self {
        self.flags.retain(|(name, _)| !overrides.iter().any(|(other, _)| without_dashes(other) == name));
        for (name, value) in overrides {
            let name = without_dashes(name);
            match self.flags.iter_mut().find(|(known, _)| known == name) {
                Some((_, values)) => values.push(value.clone()),
                None => self.flags.push((name.to_owned(), vec![value.clone()])),
            }
        }
        self
    }

    /// The arguments `--name=value`.
    pub(crate) fn into_args(self) -> Vec<OsString> {
        self.flags
            .into_iter()
            .flat_map(|(name, values)| {
                values.into_iter().map(move |value| format!("--{name}={value}").into())
            })
            .collect()
    }
}

/// The name of a flag without its dashes.
fn without_dashes(name: &str) -> &str {
    name.trim_start_matches('-')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(caller: &[(&str, &str)]) -> Vec<String> {
        let caller: Vec<_> = caller.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        let flags = Flags::default().with("a", "1").with("b", "2").overridden_by(&caller);
        flags.into_args().into_iter().map(|arg| arg.into_string().unwrap()).collect()
    }

    #[test]
    fn a_callers_flag_replaces_the_default() {
        assert_eq!(args(&[("a", "9")]), ["--b=2", "--a=9"]);
    }

    #[test]
    fn a_repeated_flag_is_passed_repeatedly() {
        assert_eq!(args(&[("--a", "8"), ("a", "9")]), ["--b=2", "--a=8", "--a=9"]);
    }

    #[test]
    fn other_defaults_stay() {
        assert_eq!(args(&[("c", "3")]), ["--a=1", "--b=2", "--c=3"]);
    }
}
