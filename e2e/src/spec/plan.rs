//! The plan: a flat list of specs with full names, hooks in order, and marks.
//!
//! A spec's full name is the names from its outermost group to itself, joined by ` / `:
//! `Machine / whose node stops answering / is replaced within the health check's timeout`. It is what the
//! harness lists and filters by, so it must be unique. This file knows neither tiers nor options.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use crate::labels::is_label;
use crate::need::Need;
use crate::spec::marks::Marks;
use crate::spec::tree::{Body, Scope, ScopeEntry, SpecDefinition, Suite};

/// One spec with everything that applies to it.
#[derive(Clone)]
pub(crate) struct Spec {
    pub(crate) path: Vec<String>,
    pub(crate) name: String,
    pub(crate) labels: BTreeSet<String>,
    pub(crate) needs: BTreeSet<Need>,
    pub(crate) time_out: Option<Duration>,
    pub(crate) retries: Option<u32>,
    pub(crate) serial: bool,
    pub(crate) focused: bool,
    pub(crate) pending: Option<String>,
    /// The group that runs in the written order, if it is in one.
    pub(crate) ordered: Option<Arc<str>>,
    /// The groups that share a cluster, outermost first. With one of them or more, the outermost is a unit.
    pub(crate) shared: Vec<Arc<SharedGroup>>,
    /// Position in the tree.
    pub(crate) place: Vec<PlanPosition>,
    pub(crate) before: Vec<Body>,
    pub(crate) body: Option<Body>,
    pub(crate) after: Vec<Body>,
}

/// A group whose specs share a cluster and a namespace, with what runs once for all of them.
pub(crate) struct SharedGroup {
    pub(crate) name: String,
    pub(crate) before_all: Vec<Body>,
    pub(crate) after_all: Vec<Body>,
}

/// One step of the way to a spec: which entry of its group it is, and whether the group's order matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PlanPosition {
    pub(crate) index: usize,
    pub(crate) ordered: bool,
}

/// A tree that cannot be run.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PlanError {
    #[error("two specs are called {0:?}; names must be unique, because reports and filters go by them")]
    Duplicate(String),
    #[error("a name in {0:?} is empty, or has a line break or spaces at an end")]
    Name(String),
    #[error(
        "the label {label:?} of {spec:?} is empty, or has a space or one of , ! & | ( ) / and quotes in it"
    )]
    Label { spec: String, label: String },
    #[error("{0:?} is pending without a reason; say what it waits for")]
    Pending(String),
    #[error("the table {0:?} has no rows, so it would check nothing")]
    Empty(String),
    #[error("the namespace prefix {0:?} is not 1 to 20 of a-z, 0-9 and '-', beginning with a letter")]
    Prefix(String),
}

impl Spec {
    /// Name in lists and filters: of the spec, or of the ordered group that contains it.
    pub(crate) fn trial(&self) -> &str {
        self.ordered.as_deref().unwrap_or(&self.name)
    }
}

/// Flattens a suite, in the order in which its specs were written.
pub(crate) fn plan(suite: &Suite) -> Result<Vec<Spec>, PlanError> {
    check_prefix(&suite.prefix)?;
    let mut specs = Vec::new();
    flatten(&suite.root, &Inherited::default(), &mut specs)?;
    let mut names = BTreeSet::new();
    let mut groups = BTreeSet::new();
    for spec in &specs {
        let new_group = spec.ordered.as_ref().is_some_and(|group| groups.insert(Arc::as_ptr(group)));
        if !names.insert(spec.name.as_str()) {
            return Err(PlanError::Duplicate(spec.name.clone()));
        }
        if new_group && !names.insert(spec.trial()) {
            return Err(PlanError::Duplicate(spec.trial().to_owned()));
        }
    }
    Ok(specs)
}

/// Properties that a group's entries inherit.
#[derive(Clone, Default)]
struct Inherited {
    path: Vec<String>,
    marks: Marks,
    focused: bool,
    ordered: Option<Arc<str>>,
    shared: Vec<Arc<SharedGroup>>,
    place: Vec<PlanPosition>,
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
        // A focus further inside is the one that was meant.
        inner.focused = (self.focused || scope.marks.focused) && !scope.entries.iter().any(has_focus);
        let name = inner.path.join(" / ");
        if scope.ordered && inner.ordered.is_none() {
            inner.ordered = Some(name.as_str().into());
        }
        let all = !scope.before_all.is_empty() || !scope.after_all.is_empty();
        if all || (scope.ordered && self.ordered.is_none()) {
            let (before_all, after_all) = (scope.before_all.clone(), scope.after_all.clone());
            inner.shared.push(Arc::new(SharedGroup { name, before_all, after_all }));
        }
        inner.before.extend(scope.before.iter().cloned());
        inner.after = scope.after.iter().chain(&self.after).cloned().collect();
        inner
    }

    fn at(&self, index: usize) -> Self {
        let mut inner = self.clone();
        inner.place.push(PlanPosition { index, ordered: self.ordered.is_some() });
        inner
    }
}

fn has_focus(entry: &ScopeEntry) -> bool {
    match entry {
        ScopeEntry::Group(group) => group.marks.focused || group.entries.iter().any(has_focus),
        ScopeEntry::Spec(leaf) => leaf.marks.focused,
    }
}

fn flatten(scope: &Scope, outer: &Inherited, specs: &mut Vec<Spec>) -> Result<(), PlanError> {
    let here = outer.within(scope);
    for (index, entry) in scope.entries.iter().enumerate() {
        let here = here.at(index);
        match entry {
            ScopeEntry::Group(group) if group.name.is_empty() => {
                return Err(PlanError::Name(here.path.join(" / ")));
            }
            ScopeEntry::Group(group) if group.table && group.entries.is_empty() => {
                return Err(PlanError::Empty([here.path, vec![group.name.clone()]].concat().join(" / ")));
            }
            ScopeEntry::Group(group) => flatten(group, &here, specs)?,
            ScopeEntry::Spec(leaf) => specs.push(spec(leaf, here)?),
        }
    }
    Ok(())
}

fn spec(leaf: &SpecDefinition, group: Inherited) -> Result<Spec, PlanError> {
    let mut path = group.path;
    path.push(leaf.name.clone());
    let name = path.join(" / ");
    if path.iter().any(|part| part.is_empty() || part.trim() != part || part.contains(['\n', '\r'])) {
        return Err(PlanError::Name(name));
    }
    let marks = group.marks.joined(&leaf.marks);
    if let Some(label) = marks.labels.iter().find(|label| !is_label(label)) {
        return Err(PlanError::Label { spec: name, label: label.clone() });
    }
    if marks.pending.as_ref().is_some_and(|reason| reason.trim().is_empty()) {
        return Err(PlanError::Pending(name));
    }
    Ok(Spec {
        path,
        name,
        labels: marks.labels.into_iter().collect(),
        needs: marks.needs.into_iter().collect(),
        time_out: marks.time_out,
        retries: marks.retries,
        serial: marks.serial,
        focused: leaf.marks.focused || group.focused,
        pending: marks.pending,
        ordered: group.ordered,
        shared: group.shared,
        place: group.place,
        before: group.before,
        body: leaf.body.clone(),
        after: group.after,
    })
}

fn check_prefix(prefix: &str) -> Result<(), PlanError> {
    let plain = prefix.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
    if plain && prefix.starts_with(|c: char| c.is_ascii_lowercase()) && prefix.len() <= 20 {
        return Ok(());
    }
    Err(PlanError::Prefix(prefix.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::Cx;

    fn planned(build: impl FnOnce(&mut Scope)) -> Result<Vec<Spec>, PlanError> {
        let mut suite = Suite::new();
        suite.describe("Machine", build);
        plan(&suite)
    }

    fn it<'a>(s: &'a mut Scope, name: &str) -> crate::spec::SpecHandle<'a> {
        s.it(name, async |_: &mut Cx| Ok(()))
    }

    #[test]
    fn a_spec_is_called_by_the_way_to_it() {
        let specs = planned(|s| {
            it(s, "starts");
            s.when("its node stops answering", |s| {
                it(s, "is replaced");
                s.table("keeps", [("its name", 1), ("its size", 2)], async |_: &mut Cx, _: &i32| Ok(()));
            });
        })
        .unwrap();
        let names: Vec<_> = specs.iter().map(|spec| spec.name.as_str()).collect();
        let group = "Machine / when its node stops answering";
        let expected = ["is replaced", "keeps / its name", "keeps / its size"];
        assert_eq!(names[0], "Machine / starts");
        assert_eq!(names[1..], expected.map(|name| format!("{group} / {name}")));
    }

    #[test]
    fn two_specs_of_one_name_are_refused() {
        let error = planned(|s| {
            it(s, "starts");
            it(s, "starts");
        })
        .err();
        assert_eq!(error, Some(PlanError::Duplicate("Machine / starts".into())));
    }

    #[test]
    fn a_spec_that_is_called_as_an_ordered_group_is_refused() {
        let error = planned(|s| {
            it(s, "lives");
            s.context("lives", |s| {
                s.ordered();
                it(s, "starts");
                it(s, "ends");
            });
        })
        .err();
        assert_eq!(error, Some(PlanError::Duplicate("Machine / lives".into())));
    }

    #[test]
    fn names_that_a_listing_could_not_carry_are_refused() {
        for name in ["", " starts", "starts\n", "two\nlines"] {
            let error = planned(|s| {
                it(s, name);
            })
            .err();
            assert!(matches!(error, Some(PlanError::Name(_))), "{name:?} was taken as a name");
        }
        for nameless in [
            |s: &mut Scope| {
                s.context("", |_| {});
            },
            |s: &mut Scope| {
                s.when("", |_| {});
            },
        ] {
            assert_eq!(planned(nameless).err(), Some(PlanError::Name("Machine".into())));
        }
    }

    #[test]
    fn a_table_without_rows_and_a_pending_spec_without_a_reason_are_refused() {
        let rows: [(&str, i32); 0] = [];
        let error = planned(|s| {
            s.table("sizes", rows, async |_: &mut Cx, _: &i32| Ok(()));
        })
        .err();
        assert_eq!(error, Some(PlanError::Empty("Machine / sizes".into())));
        let error = planned(|s| {
            it(s, "starts").pending(" ");
        })
        .err();
        assert_eq!(error, Some(PlanError::Pending("Machine / starts".into())));
    }

    #[test]
    fn a_group_s_marks_hold_for_specs_above_and_below_them() {
        let specs = planned(|s| {
            it(s, "first").label("own").time_out(Duration::from_secs(1)).retries(2);
            s.label("recovery").needs(Need::Controllers).time_out(Duration::from_secs(9)).serial();
            it(s, "second").needs(Need::Nodes(2));
        })
        .unwrap();
        assert_eq!(specs[0].labels, BTreeSet::from(["own".to_owned(), "recovery".to_owned()]));
        assert_eq!(specs[0].needs, BTreeSet::from([Need::Controllers]));
        assert_eq!((specs[0].time_out, specs[0].retries), (Some(Duration::from_secs(1)), Some(2)));
        assert_eq!(specs[1].needs, BTreeSet::from([Need::Controllers, Need::Nodes(2)]));
        assert_eq!((specs[1].time_out, specs[1].retries), (Some(Duration::from_secs(9)), None));
        assert!(specs.iter().all(|spec| spec.serial));
    }

    #[test]
    fn a_focus_within_a_group_with_focus_narrows_it() {
        let specs = planned(|s| {
            s.focus();
            it(s, "first");
            it(s, "second").focus();
        })
        .unwrap();
        assert_eq!([specs[0].focused, specs[1].focused], [false, true]);
        let specs = planned(|s| {
            s.context("inside", |s| {
                s.focus();
                it(s, "first");
            });
            it(s, "second");
        })
        .unwrap();
        assert_eq!([specs[0].focused, specs[1].focused], [true, false]);
    }

    #[test]
    fn specs_know_their_shared_groups_and_ordered_groups_are_one_trial() {
        let specs = planned(|s| {
            s.before_all(async |_: &mut Cx| Ok(()));
            it(s, "first");
            s.context("inside", |s| {
                s.ordered();
                it(s, "second");
                s.context("deeper", |s| {
                    it(s.ordered(), "third");
                });
            });
        })
        .unwrap();
        let shared = |at: usize| specs[at].shared.iter().map(|group| group.name.as_str()).collect::<Vec<_>>();
        assert_eq!(shared(0), ["Machine"]);
        assert_eq!(shared(2), ["Machine", "Machine / inside"]);
        assert_eq!([specs[0].trial(), specs[1].trial()], ["Machine / first", "Machine / inside"]);
        assert_eq!(specs[2].trial(), "Machine / inside");
    }

    #[test]
    fn a_label_that_a_filter_could_not_name_is_refused() {
        for label in ["a,b", "a b", "", "!a", "(a)", "a&b"] {
            let error = planned(|s| {
                it(s, "starts").label(label);
            })
            .err();
            assert!(matches!(error, Some(PlanError::Label { .. })), "{label:?}: {error:?}");
        }
    }

    #[test]
    fn a_namespace_prefix_that_no_namespace_could_have_is_refused() {
        for prefix in ["", "Sea", "1st", "a-prefix-of-more-than-twenty"] {
            let mut suite = Suite::new();
            suite.namespace_prefix(prefix);
            assert_eq!(plan(&suite).err(), Some(PlanError::Prefix(prefix.into())));
        }
    }
}
