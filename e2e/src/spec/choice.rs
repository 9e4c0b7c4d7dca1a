//! Choice of the specs that run, and of those that are listed as skipped, with reasons.
//!
//! What can run is decided here, when specs are listed: a spec whose need the tier lacks is listed as ignored with the
//! reason in front of its name, so that nextest too shows a skip as a skip.

use std::collections::BTreeSet;

use libtest_mimic::{Arguments, Trial};

use crate::report::{Outcome, SpecReport};
use crate::spec::plan::Spec;
use crate::spec::pool::blank;
use crate::tier::Tier;

/// A test for the harness: a spec, or an ordered group of specs.
pub(crate) struct PlannedTrial {
    pub(crate) name: String,
    pub(crate) specs: Vec<Spec>,
    /// Reason for skipping it unless the command line includes ignored tests.
    pub(crate) held: Option<SkipReason>,
}

/// Reason why specs are left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum SkipReason {
    /// Its author says so.
    Pending(String),
    /// The tier lacks what it needs.
    Needs(String),
    /// Others are in focus.
    Unfocused,
}

/// The chosen specs of a plan.
#[derive(Default)]
pub(crate) struct Choice {
    /// To be run.
    pub(crate) runs: Vec<Spec>,
    /// Reports of the others, which do not run.
    pub(crate) skipped: Vec<SpecReport>,
    /// The trials of both.
    pub(crate) trials: Vec<TrialNames>,
    /// Number of trials that the command line filters out.
    pub(crate) filtered_out: usize,
}

/// A trial and the specs of which it consists.
#[derive(Clone)]
pub(crate) struct TrialNames {
    pub(crate) name: String,
    pub(crate) kind: String,
    pub(crate) specs: Vec<String>,
}

/// Groups a plan's specs into what the harness lists.
pub(crate) fn candidates(specs: Vec<Spec>, tier: &dyn Tier) -> Vec<PlannedTrial> {
    let focused = specs.iter().any(|spec| spec.focused);
    let mut candidates: Vec<PlannedTrial> = Vec::new();
    for spec in specs {
        match candidates.last_mut() {
            Some(last) if spec.ordered.is_some() && last.name == spec.trial() => last.specs.push(spec),
            _ => {
                candidates.push(PlannedTrial {
                    name: spec.trial().to_owned(),
                    specs: vec![spec],
                    held: None,
                });
            }
        }
    }
    for candidate in &mut candidates {
        candidate.held = held(&candidate.specs, tier, focused);
    }
    candidates
}

fn held(specs: &[Spec], tier: &dyn Tier, focused: bool) -> Option<SkipReason> {
    if let Some(reason) =
        specs[0].pending.as_ref().filter(|_| specs.iter().all(|spec| spec.pending.is_some()))
    {
        return Some(SkipReason::Pending(reason.clone()));
    }
    let missing: BTreeSet<_> =
        specs.iter().flat_map(|spec| &spec.needs).filter(|need| !tier.has(**need)).collect();
    if !missing.is_empty() {
        let missing: Vec<_> = missing.iter().map(ToString::to_string).collect();
        return Some(SkipReason::Needs(missing.join(", ")));
    }
    (focused && !specs.iter().any(|spec| spec.focused)).then_some(SkipReason::Unfocused)
}

impl SkipReason {
    fn outcome(&self) -> Outcome {
        match self {
            Self::Pending(reason) => Outcome::Pending { reason: reason.clone() },
            Self::Needs(needs) => Outcome::Skipped { reason: format!("needs {needs}") },
            Self::Unfocused => Outcome::Skipped { reason: "not in focus".into() },
        }
    }

    /// Stands in brackets before the name in a listing.
    fn kind(&self) -> String {
        match self {
            Self::Pending(reason) => format!("pending: {reason}"),
            Self::Needs(needs) => format!("skipped: needs {needs}"),
            Self::Unfocused => "skipped: not in focus".into(),
        }
    }
}

impl PlannedTrial {
    /// The labels of all its specs.
    pub(crate) fn labels(&self) -> BTreeSet<String> {
        self.specs.iter().flat_map(|spec| spec.labels.iter().cloned()).collect()
    }

    /// The same for the library that reads the command line and prints listings.
    pub(crate) fn trial(&self) -> Trial {
        let kind = self.held.as_ref().map(SkipReason::kind).unwrap_or_default();
        Trial::test(&self.name, || Ok(())).with_kind(kind).with_ignored_flag(self.held.is_some())
    }

    /// True if the command line leaves it out. A filter that is no exact name may name a part of an ordered group.
    pub(crate) fn is_filtered_out(&self, arguments: &Arguments) -> bool {
        let part = |spec: &Spec| {
            let trial = Trial::test(&spec.name, || Ok(())).with_ignored_flag(self.held.is_some());
            !arguments.is_filtered_out(&trial)
        };
        arguments.is_filtered_out(&self.trial()) && (arguments.exact || !self.specs.iter().any(part))
    }
}

/// Decides what becomes of each candidate.
pub(crate) fn choose(candidates: Vec<PlannedTrial>, arguments: &Arguments, tier: &'static str) -> Choice {
    let mut choice = Choice::default();
    for candidate in candidates {
        if candidate.is_filtered_out(arguments) {
            choice.filtered_out += 1;
            continue;
        }
        let ignored = arguments.is_ignored(&candidate.trial());
        choice.trials.push(TrialNames {
            name: candidate.name.clone(),
            kind: candidate.held.as_ref().map(SkipReason::kind).unwrap_or_default(),
            specs: candidate.specs.iter().map(|spec| spec.name.clone()).collect(),
        });
        for spec in candidate.specs {
            match (&candidate.held, &spec.pending) {
                (Some(held), _) if ignored => choice.skipped.push(blank(&spec, tier, held.outcome())),
                // The caller insists, and the tier still cannot.
                (Some(SkipReason::Needs(needs)), _) => {
                    let story = format!("needs {needs}, which tier {tier} lacks");
                    choice.skipped.push(blank(&spec, tier, Outcome::Failed { story }));
                }
                (None, Some(reason)) => {
                    choice.skipped.push(blank(&spec, tier, SkipReason::Pending(reason.clone()).outcome()));
                }
                _ => choice.runs.push(spec),
            }
        }
    }
    choice
}
