//! The flat list of specs that a tree stands for: full names, hooks in order, all that applies to each.
//!
//! A spec's full name is the names from its outermost group to itself, joined by ` / `:
//! `Machine / whose node stops answering / is replaced within the health check's timeout`. It is what the
//! harness lists and filters by, so it must be unique. This file knows neither tiers nor options.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::spec::tree::{Body, Entry, Leaf, Marks, Scope, Suite};
use crate::tier::Need;

/// One spec with everything that applies to it.
#[derive(Clone)]
pub(crate) struct Spec {
    pub(crate) name: String,
    pub(crate) labels: BTreeSet<String>,
    pub(crate) needs: BTreeSet<Need>,
    pub(crate) time_out: Option<Duration>,
    pub(crate) before: Vec<Body>,
    pub(crate) body: Body,
    pub(crate) after: Vec<Body>,
}

/// A tree that cannot be run.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PlanError {
    #[error("two specs are called {0:?}; names must be unique, because reports and filters go by them")]
    Duplicate(String),
    #[error("a name in {0:?} is empty, or has a line break or spaces at an end")]
    Name(String),
    #[error("the label {label:?} of {spec:?} is empty, or has a comma, a space or an exclamation mark in it")]
    Label { spec: String, label: String },
    #[error("the namespace prefix {0:?} is not 1 to 20 of a-z, 0-9 and '-', beginning with a letter")]
    Prefix(String),
}

/// Flattens a suite, in the order in which its specs were written.
pub(crate) fn plan(suite: &Suite) -> Result<Vec<Spec>, PlanError> {
    check_prefix(&suite.prefix)?;
    let mut specs = Vec::new();
    flatten(&suite.root, &Inherited::default(), &mut specs)?;
    let mut names = BTreeSet::new();
    for spec in &specs {
        if !names.insert(&spec.name) {
            return Err(PlanError::Duplicate(spec.name.clone()));
        }
    }
    Ok(specs)
}

/// What a group hands down to what is in it.
#[derive(Clone, Default)]
struct Inherited {
    path: Vec<String>,
    marks: Marks,
    before: Vec<Body>,
    after: Vec<Body>,
}

impl Inherited {
    fn within(&self, scope: &Scope) -> Self {
        let mut inner = self.clone();
        if !scope.name.is_empty() || !self.path.is_empty() {
            inner.path.push(scope.name.clone());
        }
        inner.marks = self.marks.joined(&scope.marks);
        inner.before.extend(scope.before.iter().cloned());
        inner.after = scope.after.iter().chain(&self.after).cloned().collect();
        inner
    }
}

impl Marks {
    fn joined(&self, inner: &Self) -> Self {
        Self {
            labels: self.labels.iter().chain(&inner.labels).cloned().collect(),
            needs: self.needs.iter().chain(&inner.needs).copied().collect(),
            time_out: inner.time_out.or(self.time_out),
        }
    }
}

fn flatten(scope: &Scope, outer: &Inherited, specs: &mut Vec<Spec>) -> Result<(), PlanError> {
    let here = outer.within(scope);
    for entry in &scope.entries {
        match entry {
            Entry::Group(group) => {
                if group.name.is_empty() {
                    return Err(PlanError::Name(here.path.join(" / ")));
                }
                flatten(group, &here, specs)?;
            }
            Entry::Spec(leaf) => specs.push(spec(leaf, &here)?),
        }
    }
    Ok(())
}

fn spec(leaf: &Leaf, group: &Inherited) -> Result<Spec, PlanError> {
    let mut path = group.path.clone();
    path.push(leaf.name.clone());
    let name = path.join(" / ");
    if path.iter().any(|part| part.is_empty() || part.trim() != part || part.contains(['\n', '\r'])) {
        return Err(PlanError::Name(name));
    }
    let marks = group.marks.joined(&leaf.marks);
    if let Some(label) = marks.labels.iter().find(|label| label.is_empty() || label.contains([',', ' ', '!']))
    {
        return Err(PlanError::Label { spec: name, label: label.clone() });
    }
    Ok(Spec {
        name,
        labels: marks.labels.into_iter().collect(),
        needs: marks.needs.into_iter().collect(),
        time_out: marks.time_out,
        before: group.before.clone(),
        body: leaf.body.clone(),
        after: group.after.clone(),
    })
}

fn check_prefix(prefix: &str) -> Result<(), PlanError> {
    let plain = prefix.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
    if plain && prefix.starts_with(|c: char| c.is_ascii_lowercase()) && prefix.len() <= 20 {
        return Ok(());
    }
    Err(PlanError::Prefix(prefix.to_owned()))
}

/// A spec's own seed: it depends on the run's seed and on the spec's name, not on which specs run beside
/// it or before it.
pub(crate) fn seed_of(spec: &str, run: u64) -> u64 {
    // FNV-1a, 64 bits: a fixed function, where the standard library's hashes may change between versions.
    let hash = spec.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    splitmix(hash ^ splitmix(run))
}

/// One step of `SplitMix64`: every bit of the input changes about half of the bits of the output.
pub(crate) fn splitmix(seed: u64) -> u64 {
    let z = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::Cx;

    fn planned(build: impl FnOnce(&mut Scope)) -> Result<Vec<Spec>, PlanError> {
        let mut suite = Suite::new();
        suite.describe("Machine", build);
        plan(&suite)
    }

    #[test]
    fn a_spec_is_called_by_the_way_to_it() {
        let specs = planned(|s| {
            s.it("starts", async |_: &mut Cx| Ok(()));
            s.context("whose node stops answering", |s| {
                s.it("is replaced", async |_: &mut Cx| Ok(()));
            });
        })
        .unwrap();
        let names: Vec<_> = specs.iter().map(|spec| spec.name.as_str()).collect();
        assert_eq!(names, ["Machine / starts", "Machine / whose node stops answering / is replaced"]);
    }

    #[test]
    fn two_specs_of_one_name_are_refused() {
        let error = planned(|s| {
            s.it("starts", async |_: &mut Cx| Ok(()));
            s.it("starts", async |_: &mut Cx| Ok(()));
        })
        .err();
        assert_eq!(error, Some(PlanError::Duplicate("Machine / starts".into())));
    }

    #[test]
    fn names_that_a_listing_could_not_carry_are_refused() {
        for name in ["", " starts", "starts\n", "two\nlines"] {
            let error = planned(|s| {
                s.it(name, async |_: &mut Cx| Ok(()));
            })
            .err();
            assert!(matches!(error, Some(PlanError::Name(_))), "{name:?} was taken as a name");
        }
        let nameless_group = planned(|s| {
            s.context("", |s| {
                s.it("starts", async |_: &mut Cx| Ok(()));
            });
        });
        assert_eq!(nameless_group.err(), Some(PlanError::Name("Machine".into())));
    }

    #[test]
    fn a_group_s_marks_hold_for_specs_above_and_below_them() {
        let specs = planned(|s| {
            s.it("first", async |_: &mut Cx| Ok(())).label("own").time_out(Duration::from_secs(1));
            s.label("recovery").needs(Need::Controllers).time_out(Duration::from_secs(9));
            s.it("second", async |_: &mut Cx| Ok(())).needs(Need::Nodes(2));
        })
        .unwrap();
        assert_eq!(specs[0].labels, BTreeSet::from(["own".to_owned(), "recovery".to_owned()]));
        assert_eq!(specs[0].needs, BTreeSet::from([Need::Controllers]));
        assert_eq!(specs[0].time_out, Some(Duration::from_secs(1)));
        assert_eq!(specs[1].needs, BTreeSet::from([Need::Controllers, Need::Nodes(2)]));
        assert_eq!(specs[1].time_out, Some(Duration::from_secs(9)));
    }

    #[test]
    fn a_label_that_a_filter_could_not_name_is_refused() {
        let error = planned(|s| {
            s.it("starts", async |_: &mut Cx| Ok(())).label("a,b");
        })
        .err();
        assert!(matches!(error, Some(PlanError::Label { .. })), "{error:?}");
    }

    #[test]
    fn a_namespace_prefix_that_no_namespace_could_have_is_refused() {
        for prefix in ["", "Sea", "1st", "a-prefix-of-more-than-twenty"] {
            let mut suite = Suite::new();
            suite.namespace_prefix(prefix);
            assert_eq!(plan(&suite).err(), Some(PlanError::Prefix(prefix.into())));
        }
    }

    #[test]
    fn a_spec_s_seed_depends_on_its_name_and_on_the_run_s_seed_alone() {
        assert_eq!(seed_of("a", 1), seed_of("a", 1));
        assert_ne!(seed_of("a", 1), seed_of("b", 1));
        assert_ne!(seed_of("a", 1), seed_of("a", 2));
    }
}
