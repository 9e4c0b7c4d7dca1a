//! Command line flags: the defaults of ours and what a caller sets over them.
//!
//! It knows how flags are written, not what they mean.

use std::ffi::OsString;

/// Flags in the order in which they were first set. Setting a flag replaces our default for it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Flags {
    flags: Vec<(String, Vec<String>)>,
}

impl Flags {
    /// Sets a default.
    pub(crate) fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.flags.push((name.to_owned(), vec![value.into()]));
        self
    }

    /// Lays a caller's flags over these. A flag that the caller gives several times is passed several times.
    pub(crate) fn overridden_by(mut self, caller: &[(String, String)]) -> Self {
        self.flags.retain(|(name, _)| !caller.iter().any(|(other, _)| bare(other) == name));
        for (name, value) in caller {
            let name = bare(name);
            match self.flags.iter_mut().find(|(known, _)| known == name) {
                Some((_, values)) => values.push(value.clone()),
                None => self.flags.push((name.to_owned(), vec![value.clone()])),
            }
        }
        self
    }

    /// As arguments of a command.
    pub(crate) fn into_args(self) -> Vec<OsString> {
        self.flags
            .into_iter()
            .flat_map(|(name, values)| {
                values.into_iter().map(move |value| format!("--{name}={value}").into())
            })
            .collect()
    }
}

/// People write flags with and without their dashes.
fn bare(name: &str) -> &str {
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
    fn a_flag_given_twice_is_passed_twice() {
        assert_eq!(args(&[("--a", "8"), ("a", "9")]), ["--b=2", "--a=8", "--a=9"]);
    }

    #[test]
    fn other_defaults_stay() {
        assert_eq!(args(&[("c", "3")]), ["--a=1", "--b=2", "--c=3"]);
    }
}
