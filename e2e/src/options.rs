//! Options of a run, read from environment variables.
//!
//! The command line belongs to the libtest-compatible harness, which refuses flags it does not know, so
//! every option of our own is a variable. This file parses; it decides nothing.

use std::path::PathBuf;
use std::time::Duration;

use crate::labels::LabelFilter;
use crate::need::Need;

/// A tier by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TierKind {
    Fake,
    #[cfg(feature = "envtest")]
    Envtest,
    #[cfg(feature = "kind")]
    Kind,
    Existing,
}

/// Order of specs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// All mixed: only what shares a cluster stays together.
    Mixed,
    /// Groups, the groups within them, and specs in their groups change places; each group stays together.
    Groups,
    /// As it is written.
    Written,
}

/// All options of a run, which are environment variables.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a variable of its own that is true or false")]
pub(crate) struct Options {
    /// `SEATRIAL_TIER`: `fake` (the default), `envtest`, `kind` or `existing`.
    pub(crate) tier: TierKind,
    /// `SEATRIAL_SEED`: a number; by default 0 on `fake` and another one for every run elsewhere.
    pub(crate) seed: Option<u64>,
    /// `SEATRIAL_REPORT`, else `ARTIFACTS`: a folder for the report and a failure's evidence.
    pub(crate) report: Option<PathBuf>,
    /// `SEATRIAL_CONTEXT_ALLOW`: kubeconfig contexts that specs may write to.
    pub(crate) contexts: Vec<String>,
    /// `SEATRIAL_SPEC_TIMEOUT`: how long one spec may take, hooks included; clean-up is not counted.
    pub(crate) spec_timeout: Duration,
    /// `SEATRIAL_LABELS`: which labels to run.
    pub(crate) labels: LabelFilter,
    /// `SEATRIAL_ORDER`: `mixed`, `groups` or `written`.
    pub(crate) order: Order,
    /// `SEATRIAL_RETRIES`: how often a failed spec is tried again.
    pub(crate) retries: u32,
    /// `SEATRIAL_FAIL_ON_FLAKE`: whether one that then passes fails the run all the same.
    pub(crate) fail_on_flake: bool,
    /// `SEATRIAL_FAIL_FAST`: whether the first failure is the last.
    pub(crate) fail_fast: bool,
    /// `SEATRIAL_FAIL_ON_FOCUS`, by default `CI`: whether a suite with a focus is refused.
    pub(crate) fail_on_focus: bool,
    /// `SEATRIAL_REPEAT`: how many times all is run, at most.
    pub(crate) repeat: Option<u64>,
    /// `SEATRIAL_UNTIL_IT_FAILS`: whether there is no end to that unless a number was given.
    pub(crate) until_it_fails: bool,
    /// `SEATRIAL_PROGRESS_AFTER`: time after which a running spec is reported.
    pub(crate) progress_after: Option<Duration>,
    /// `SEATRIAL_SLOW`: what counts as slow.
    pub(crate) slow: Duration,
    /// `SEATRIAL_HAS`: what the cluster of tier `existing` has.
    pub(crate) has: Vec<Need>,
}

/// An option that cannot be understood.
#[derive(Debug, thiserror::Error)]
#[error("{variable} is {value:?}: {expected}")]
pub(crate) struct OptionError {
    variable: &'static str,
    value: String,
    expected: String,
}

impl Options {
    pub(crate) fn from_env() -> Result<Self, OptionError> {
        Self::read(|variable| std::env::var(variable).ok().filter(|value| !value.is_empty()))
    }

    fn read(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, OptionError> {
        let option =
            |variable: &'static str, default: &str| (variable, lookup(variable).unwrap_or(default.into()));
        Ok(Self {
            tier: parse(option("SEATRIAL_TIER", "fake"), tier_kind)?,
            seed: match lookup("SEATRIAL_SEED") {
                Some(text) => Some(parse(("SEATRIAL_SEED", text), seed)?),
                None => None,
            },
            report: lookup("SEATRIAL_REPORT").or_else(|| lookup("ARTIFACTS")).map(PathBuf::from),
            contexts: list(&option("SEATRIAL_CONTEXT_ALLOW", "").1),
            spec_timeout: parse(option("SEATRIAL_SPEC_TIMEOUT", "5m"), duration)?,
            labels: parse(option("SEATRIAL_LABELS", ""), str::parse)?,
            order: parse(option("SEATRIAL_ORDER", "mixed"), order)?,
            retries: parse(option("SEATRIAL_RETRIES", "0"), count)?,
            fail_on_flake: parse(option("SEATRIAL_FAIL_ON_FLAKE", "false"), flag)?,
            fail_fast: parse(option("SEATRIAL_FAIL_FAST", "false"), flag)?,
            fail_on_focus: match lookup("SEATRIAL_FAIL_ON_FOCUS") {
                Some(text) => parse(("SEATRIAL_FAIL_ON_FOCUS", text), flag)?,
                // Services set it to all sorts of values; people take it away by these.
                None => lookup("CI").is_some_and(|ci| !matches!(ci.as_str(), "false" | "0")),
            },
            repeat: match lookup("SEATRIAL_REPEAT") {
                Some(text) => Some(parse(("SEATRIAL_REPEAT", text), times)?),
                None => None,
            },
            until_it_fails: parse(option("SEATRIAL_UNTIL_IT_FAILS", "false"), flag)?,
            progress_after: match lookup("SEATRIAL_PROGRESS_AFTER") {
                Some(text) => Some(parse(("SEATRIAL_PROGRESS_AFTER", text), span)?),
                None => None,
            },
            slow: parse(option("SEATRIAL_SLOW", "10s"), duration)?,
            has: parse(option("SEATRIAL_HAS", "controllers,kubelet,nodes:1"), |text| {
                list(text).iter().map(|need| need.parse()).collect()
            })?,
        })
    }
}

fn parse<T>(
    (variable, value): (&'static str, String),
    read: impl Fn(&str) -> Result<T, String>,
) -> Result<T, OptionError> {
    read(&value).map_err(|expected| OptionError { variable, value: value.clone(), expected })
}

fn list(text: &str) -> Vec<String> {
    text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned).collect()
}

fn tier_kind(text: &str) -> Result<TierKind, String> {
    match text {
        "fake" => Ok(TierKind::Fake),
        "existing" => Ok(TierKind::Existing),
        #[cfg(feature = "envtest")]
        "envtest" => Ok(TierKind::Envtest),
        #[cfg(not(feature = "envtest"))]
        "envtest" => Err(feature_is_off(text)),
        #[cfg(feature = "kind")]
        "kind" => Ok(TierKind::Kind),
        #[cfg(not(feature = "kind"))]
        "kind" => Err(feature_is_off(text)),
        _ => {
            Err("the tiers are fake, envtest, kind and existing; set it to one of them, or unset it for fake"
                .into())
        }
    }
}

/// The feature of a tier has the tier's name.
#[cfg(any(test, not(feature = "kind")))]
fn feature_is_off(tier: &str) -> String {
    format!(
        "this program was built without tier {tier}; give it that feature in Cargo.toml: \
         seatrial-e2e = {{ version = {:?}, features = [{tier:?}] }}",
        env!("CARGO_PKG_VERSION")
    )
}

fn seed(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| "a seed is a whole number from 0 to 18446744073709551615".into())
}

fn order(text: &str) -> Result<Order, String> {
    match text {
        "mixed" => Ok(Order::Mixed),
        "groups" => Ok(Order::Groups),
        "written" => Ok(Order::Written),
        _ => Err("the orders are mixed, groups and written".into()),
    }
}

fn count(text: &str) -> Result<u32, String> {
    text.parse().map_err(|_| "it must be a whole number, such as 2".into())
}

fn times(text: &str) -> Result<u64, String> {
    text.parse().ok().filter(|times| *times > 0).ok_or_else(|| "it must be a whole number from 1".into())
}

fn flag(text: &str) -> Result<bool, String> {
    match text {
        "true" | "1" | "yes" => Ok(true),
        "false" | "0" | "no" => Ok(false),
        _ => Err("it must be true or false".into()),
    }
}

/// A duration that is one.
fn span(text: &str) -> Result<Duration, String> {
    duration(text)?.checked_sub(Duration::from_nanos(1)).ok_or("it must be longer than nothing")?;
    duration(text)
}

/// Reads `90s`, `500ms`, `5m`, `1h`; a bare number is seconds.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let wrong = || "a duration is a whole number with ms, s, m or h behind it, such as 90s".to_owned();
    let number: u64 = number.parse().map_err(|_| wrong())?;
    match unit {
        "ms" => Some(Duration::from_millis(number)),
        "" | "s" => Some(Duration::from_secs(number)),
        "m" => number.checked_mul(60).map(Duration::from_secs),
        "h" => number.checked_mul(3600).map(Duration::from_secs),
        _ => None,
    }
    .ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mins;

    fn read(pairs: &[(&str, &str)]) -> Result<Options, OptionError> {
        Options::read(|variable| {
            pairs.iter().find(|(name, _)| *name == variable).map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn without_variables_specs_run_on_the_fake_for_at_most_five_minutes_each() {
        let options = read(&[]).unwrap();
        assert_eq!(options.tier, TierKind::Fake);
        assert_eq!(options.spec_timeout, mins(5));
        assert_eq!(options.seed, None);
        assert!(options.contexts.is_empty());
    }

    #[test]
    fn a_focus_is_refused_in_ci_unless_it_is_said_otherwise() {
        let refused = |pairs: &[(&str, &str)]| read(pairs).unwrap().fail_on_focus;
        assert!(!refused(&[]));
        assert!(refused(&[("CI", "true")]) && refused(&[("CI", "drone")]));
        assert!(!refused(&[("CI", "false")]));
        assert!(!refused(&[("CI", "true"), ("SEATRIAL_FAIL_ON_FOCUS", "false")]));
        assert!(refused(&[("SEATRIAL_FAIL_ON_FOCUS", "1")]));
    }

    #[test]
    fn numbers_that_mean_nothing_are_refused() {
        for pair in [
            ("SEATRIAL_REPEAT", "0"),
            ("SEATRIAL_RETRIES", "-1"),
            ("SEATRIAL_PROGRESS_AFTER", "0s"),
            ("SEATRIAL_FAIL_FAST", "maybe"),
            ("SEATRIAL_ORDER", "random"),
        ] {
            let error = read(&[pair]).unwrap_err().to_string();
            assert!(error.starts_with(&format!("{} is {:?}: ", pair.0, pair.1)), "{error}");
        }
    }

    #[test]
    fn a_tier_that_does_not_exist_is_refused_with_the_names_of_those_that_do() {
        let error = read(&[("SEATRIAL_TIER", "kwok")]).unwrap_err().to_string();
        let expected = "SEATRIAL_TIER is \"kwok\": the tiers are fake, envtest, kind and existing; \
                        set it to one of them, or unset it for fake";
        assert_eq!(error, expected);
    }

    #[test]
    fn tier_without_its_feature_is_refused_with_the_line_for_the_manifest() {
        let line = "seatrial-e2e = { version = \"0.1.0\", features = [\"kind\"] }";
        assert!(feature_is_off("kind").ends_with(line), "{}", feature_is_off("kind"));
        for (tier, is_on) in [("envtest", cfg!(feature = "envtest")), ("kind", cfg!(feature = "kind"))] {
            let read = read(&[("SEATRIAL_TIER", tier)]);
            assert_eq!(read.is_ok(), is_on, "{tier}");
            let error = read.err().map(|error| error.to_string()).unwrap_or_default();
            assert!(is_on || error.contains(&format!("built without tier {tier}")), "{error}");
        }
    }

    #[test]
    fn durations_take_a_unit_and_nothing_else() {
        assert_eq!(duration("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(duration("90"), Ok(Duration::from_secs(90)));
        assert_eq!(duration("2h"), Ok(mins(120)));
        for wrong in ["", "s", "5 m", "1.5s", "-3s", "18446744073709551615h", "5d"] {
            assert!(duration(wrong).is_err(), "{wrong:?} was read as a duration");
        }
    }

    #[test]
    fn lists_are_split_at_commas_and_trimmed() {
        let options =
            read(&[("SEATRIAL_CONTEXT_ALLOW", "kind-a, dev ,"), ("SEATRIAL_HAS", "nodes:3")]).unwrap();
        assert_eq!(options.contexts, ["kind-a", "dev"]);
        assert_eq!(options.has, [Need::Nodes(3)]);
    }

    #[test]
    fn a_need_that_does_not_exist_is_refused() {
        let error = read(&[("SEATRIAL_HAS", "gpu")]).unwrap_err().to_string();
        assert!(error.starts_with("SEATRIAL_HAS is \"gpu\""), "{error}");
    }
}
