//! What a run was asked to do, read from the environment and from nowhere else.
//!
//! The command line belongs to the libtest-compatible harness, which refuses flags it does not know, so
//! every option of our own is a variable. This file parses; it decides nothing.

use std::path::PathBuf;
use std::time::Duration;

use crate::spec::LabelFilter;
use crate::tier::Need;

/// Which tier answers the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TierKind {
    Fake,
    Envtest,
    Kind,
    Existing,
}

/// Everything a run can be told by environment variables.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    /// `SEATRIAL_TIER`: `fake` (the default), `envtest`, `kind` or `existing`.
    pub(crate) tier: TierKind,
    /// `SEATRIAL_SEED`: a number; by default 0 on `fake` and another one for every run elsewhere.
    pub(crate) seed: Option<u64>,
    /// `SEATRIAL_REPORT`: a folder for `report.json`.
    pub(crate) report: Option<PathBuf>,
    /// `SEATRIAL_CONTEXT_ALLOW`: kubeconfig contexts that specs may write to.
    pub(crate) contexts: Vec<String>,
    /// `SEATRIAL_SPEC_TIMEOUT`: how long one spec may take, hooks included; clean-up is not counted.
    pub(crate) spec_timeout: Duration,
    /// `SEATRIAL_LABELS`: which labels to run.
    pub(crate) labels: LabelFilter,
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
            report: lookup("SEATRIAL_REPORT").map(PathBuf::from),
            contexts: list(&option("SEATRIAL_CONTEXT_ALLOW", "").1),
            spec_timeout: parse(option("SEATRIAL_SPEC_TIMEOUT", "5m"), duration)?,
            labels: parse(option("SEATRIAL_LABELS", ""), str::parse)?,
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
        "envtest" => Ok(TierKind::Envtest),
        "kind" => Ok(TierKind::Kind),
        "existing" => Ok(TierKind::Existing),
        _ => Err("the tiers are fake, envtest, kind and existing".into()),
    }
}

fn seed(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| "a seed is a whole number from 0 to 18446744073709551615".into())
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
    fn a_tier_that_does_not_exist_is_refused_with_the_names_of_those_that_do() {
        let error = read(&[("SEATRIAL_TIER", "kwok")]).unwrap_err().to_string();
        assert_eq!(error, "SEATRIAL_TIER is \"kwok\": the tiers are fake, envtest, kind and existing");
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
