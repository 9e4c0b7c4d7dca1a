//! Environment variables and platform, as an argument of a resolution.

use std::{collections::BTreeMap, env, ffi::OsString, path::PathBuf, time::Duration};

/// Environment variables and platform.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostEnvironment {
    variables: BTreeMap<OsString, OsString>,
    os: &'static str,
    arch: &'static str,
}

impl HostEnvironment {
    /// The variables and the platform of this process.
    pub fn of_this_process() -> Self {
        Self::with_variables(env::vars_os())
    }

    /// This platform with the given variables.
    pub fn with_variables<K: Into<OsString>, V: Into<OsString>>(
        variables: impl IntoIterator<Item = (K, V)>,
    ) -> Self {
        Self {
            variables: variables.into_iter().map(|(name, value)| (name.into(), value.into())).collect(),
            os: go_os(env::consts::OS),
            arch: go_arch(env::consts::ARCH),
        }
    }

    /// The value of a variable; `None` if it is unset or empty.
    pub(crate) fn variable(&self, name: &str) -> Option<&OsString> {
        self.variables.get(std::ffi::OsStr::new(name)).filter(|value| !value.is_empty())
    }

    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.variable(name)?.to_str()
    }

    /// The value of a variable as a duration in Go's format.
    pub(crate) fn duration(&self, name: &str) -> Option<Duration> {
        go_duration(self.text(name)?)
    }

    /// True if Go's `strconv.ParseBool` parses the variable as true.
    pub(crate) fn is_set(&self, name: &str) -> bool {
        matches!(self.text(name), Some("1" | "t" | "T" | "true" | "TRUE" | "True"))
    }

    /// The platform in Go's notation, such as `linux-amd64`.
    pub fn platform(&self) -> String {
        format!("{}-{}", self.os, self.arch)
    }

    pub(crate) fn os(&self) -> &'static str {
        self.os
    }

    pub(crate) fn arch(&self) -> &'static str {
        self.arch
    }

    /// The cache folder of this project: `${XDG_CACHE_HOME:-~/.cache}/seatrial`.
    pub fn cache(&self) -> PathBuf {
        let cache = self.absolute("XDG_CACHE_HOME").unwrap_or_else(|| self.home().join(".cache"));
        cache.join("seatrial")
    }

    /// The store of setup-envtest on this platform.
    pub(crate) fn setup_envtest_store(&self) -> PathBuf {
        if self.os == "darwin" {
            return self.home().join("Library/Application Support/io.kubebuilder.envtest/k8s");
        }
        let data = self.absolute("XDG_DATA_HOME").unwrap_or_else(|| self.home().join(".local/share"));
        data.join("kubebuilder-envtest/k8s")
    }

    /// The value of a variable as a path; relative ones are ignored (XDG base directory specification).
    fn absolute(&self, name: &str) -> Option<PathBuf> {
        self.variable(name).map(PathBuf::from).filter(|path| path.is_absolute())
    }

    fn home(&self) -> PathBuf {
        self.absolute("HOME").unwrap_or_else(env::temp_dir)
    }

    /// All variables, for a child process.
    pub(crate) fn variables(&self) -> impl Iterator<Item = (&OsString, &OsString)> {
        self.variables.iter()
    }
}

fn go_os(rust: &'static str) -> &'static str {
    if rust == "macos" { "darwin" } else { rust }
}

fn go_arch(rust: &'static str) -> &'static str {
    match rust {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        "powerpc64" => "ppc64le",
        other => other,
    }
}

/// Parses a duration in Go's format, such as `1m30s`, `500ms` or `20s`.
fn go_duration(text: &str) -> Option<Duration> {
    let mut rest = text;
    let mut total = Duration::ZERO;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let number: f64 = rest[..digits].parse().ok()?;
        rest = &rest[digits..];
        let unit = rest.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(rest.len());
        let seconds = match &rest[..unit] {
            "h" => 3600.0,
            "m" => 60.0,
            "s" => 1.0,
            "ms" => 1e-3,
            "us" | "µs" => 1e-6,
            "ns" => 1e-9,
            _ => return None,
        };
        total = total.checked_add(Duration::try_from_secs_f64(number * seconds).ok()?)?;
        rest = &rest[unit..];
    }
    (!text.is_empty()).then_some(total)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("20s", Some(20_000))]
    #[case("1m30s", Some(90_000))]
    #[case("1.5s", Some(1_500))]
    #[case("500ms", Some(500))]
    #[case("", None)]
    #[case("20", None)]
    #[case("soon", None)]
    fn durations_have_gos_format(#[case] text: &str, #[case] millis: Option<u64>) {
        assert_eq!(go_duration(text), millis.map(Duration::from_millis));
    }

    #[test]
    fn the_cache_follows_xdg_and_ignores_relative_paths() {
        let at = |value: &str| {
            HostEnvironment::with_variables([("HOME", "/home/ann"), ("XDG_CACHE_HOME", value)]).cache()
        };
        assert_eq!(at("/big/cache"), PathBuf::from("/big/cache/seatrial"));
        assert_eq!(at("cache"), PathBuf::from("/home/ann/.cache/seatrial"));
        assert_eq!(at(""), PathBuf::from("/home/ann/.cache/seatrial"));
    }
}
