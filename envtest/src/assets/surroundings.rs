//! What the chain may know of this process and machine: environment variables and platform.
//!
//! Everything below takes it as an argument, so that a test can describe a machine of its own.

use std::{collections::BTreeMap, env, ffi::OsString, path::PathBuf, time::Duration};

/// Environment variables and platform.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Surroundings {
    variables: BTreeMap<OsString, OsString>,
    os: &'static str,
    arch: &'static str,
}

impl Surroundings {
    /// Those of this process.
    pub fn of_this_process() -> Self {
        Self::with_variables(env::vars_os())
    }

    /// This platform with other variables.
    pub fn with_variables<K: Into<OsString>, V: Into<OsString>>(
        variables: impl IntoIterator<Item = (K, V)>,
    ) -> Self {
        Self {
            variables: variables.into_iter().map(|(name, value)| (name.into(), value.into())).collect(),
            os: go_os(env::consts::OS),
            arch: go_arch(env::consts::ARCH),
        }
    }

    /// A variable's value, unless it is unset or empty.
    pub(crate) fn variable(&self, name: &str) -> Option<&OsString> {
        self.variables.get(std::ffi::OsStr::new(name)).filter(|value| !value.is_empty())
    }

    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.variable(name)?.to_str()
    }

    /// A variable that holds a duration as Go writes it.
    pub(crate) fn duration(&self, name: &str) -> Option<Duration> {
        go_duration(self.text(name)?)
    }

    /// A variable that Go's `strconv.ParseBool` reads as true.
    pub(crate) fn is_set(&self, name: &str) -> bool {
        matches!(self.text(name), Some("1" | "t" | "T" | "true" | "TRUE" | "True"))
    }

    /// `linux-amd64`, as Go and the release archives write it.
    pub fn platform(&self) -> String {
        format!("{}-{}", self.os, self.arch)
    }

    pub(crate) fn os(&self) -> &'static str {
        self.os
    }

    pub(crate) fn arch(&self) -> &'static str {
        self.arch
    }

    /// Where this project keeps what it built or fetched: `${XDG_CACHE_HOME:-~/.cache}/seatrial`.
    pub fn cache(&self) -> PathBuf {
        let cache = self.absolute("XDG_CACHE_HOME").unwrap_or_else(|| self.home().join(".cache"));
        cache.join("seatrial")
    }

    /// The folder that setup-envtest keeps its binaries in, on this platform.
    pub(crate) fn setup_envtest_store(&self) -> PathBuf {
        if self.os == "darwin" {
            return self.home().join("Library/Application Support/io.kubebuilder.envtest/k8s");
        }
        let data = self.absolute("XDG_DATA_HOME").unwrap_or_else(|| self.home().join(".local/share"));
        data.join("kubebuilder-envtest/k8s")
    }

    /// The XDG specification has relative paths ignored.
    fn absolute(&self, name: &str) -> Option<PathBuf> {
        self.variable(name).map(PathBuf::from).filter(|path| path.is_absolute())
    }

    fn home(&self) -> PathBuf {
        self.absolute("HOME").unwrap_or_else(env::temp_dir)
    }

    /// All variables, for a child that should see what this process sees.
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

/// Go's `1m30s`, `500ms`, `20s`.
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
    fn durations_are_read_as_go_writes_them(#[case] text: &str, #[case] millis: Option<u64>) {
        assert_eq!(go_duration(text), millis.map(Duration::from_millis));
    }

    #[test]
    fn the_cache_follows_xdg_and_ignores_relative_paths() {
        let at = |value: &str| {
            Surroundings::with_variables([("HOME", "/home/ann"), ("XDG_CACHE_HOME", value)]).cache()
        };
        assert_eq!(at("/big/cache"), PathBuf::from("/big/cache/seatrial"));
        assert_eq!(at("cache"), PathBuf::from("/home/ann/.cache/seatrial"));
        assert_eq!(at(""), PathBuf::from("/home/ann/.cache/seatrial"));
    }
}
