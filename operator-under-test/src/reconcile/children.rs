//! The difference between the Machines that a Cluster asks for and those that it has.
//!
//! Pure. Which Machines belong to the Cluster is decided before; what comes out is done after.

use crate::api::{CLUSTER_LABEL, Machine, MachineCounts, is_true};
use kube::ResourceExt;

/// One Machine as far as counting needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Child {
    /// The Machine's name.
    pub(crate) name: String,
    /// The version that its spec asks for.
    pub(crate) version: String,
    /// Whether it is ready for its newest spec.
    pub(crate) ready: bool,
    /// Whether it is being deleted.
    pub(crate) deleting: bool,
    /// When it was created, in seconds.
    pub(crate) created: i64,
}

impl From<&Machine> for Child {
    fn from(machine: &Machine) -> Self {
        let conditions = machine.status.as_ref().map_or(&[][..], |status| &status.conditions);
        Self {
            name: machine.name_any(),
            version: machine.spec.version.clone(),
            ready: is_true(conditions, "Ready", machine.metadata.generation),
            deleting: machine.metadata.deletion_timestamp.is_some(),
            created: machine.creation_timestamp().map_or(0, |time| time.0.as_second()),
        }
    }
}

/// What to do so that a Cluster has what it asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Difference {
    /// How many Machines to create.
    pub(crate) create: usize,
    /// The names of the Machines to delete.
    pub(crate) delete: Vec<String>,
    /// The names of the Machines to move to the Cluster's version now.
    pub(crate) upgrade: Vec<String>,
}

/// Compares `children` with `desired` Machines of `version`.
///
/// Machines on their way out count for nothing. Of too many, those that serve least go first: not ready
/// before ready, of another version before the right one, newer before older. Machines of another version
/// that are not ready move to the new one at once, for nobody misses them; of those that are ready, one moves
/// at a time, and only while all others are ready.
pub(crate) fn difference(children: &[Child], desired: usize, version: &str) -> Difference {
    let mut staying: Vec<&Child> = children.iter().filter(|child| !child.deleting).collect();
    staying.sort_by(|a, b| {
        let rank = |child: &Child| (!child.ready, child.version != version, child.created);
        rank(a).cmp(&rank(b)).then_with(|| a.name.cmp(&b.name))
    });
    let create = desired.saturating_sub(staying.len());
    let leaving = staying.split_off(staying.len().min(desired));
    let (down, up): (Vec<&Child>, Vec<&Child>) = staying.iter().partition(|child| !child.ready);
    let mut upgrade: Vec<String> = outdated(&down, version).collect();
    if down.is_empty() && create == 0 {
        upgrade.extend(outdated(&up, version).next());
    }
    Difference { create, delete: leaving.iter().map(|child| child.name.clone()).collect(), upgrade }
}

/// Counts `children` as a Cluster's status shows them.
pub(crate) fn count(children: &[Child], version: &str) -> MachineCounts {
    let number = |keep: &dyn Fn(&Child) -> bool| {
        i32::try_from(children.iter().filter(|child| keep(child)).count()).unwrap_or(i32::MAX)
    };
    MachineCounts {
        total: number(&|child| !child.deleting),
        ready: number(&|child| !child.deleting && child.ready),
        up_to_date: number(&|child| !child.deleting && child.version == version),
        deleting: number(&|child| child.deleting),
    }
}

/// Names for new Machines of the Cluster `name`, none of which is one of `children`.
///
/// A name is a function of the Cluster's uid and a number, so that who applies a Machine twice makes one, and a Cluster
/// of the same name that comes later never meets Machines that are on their way out.
pub(crate) fn free_names(name: &str, uid: &str, children: &[Child]) -> impl Iterator<Item = String> {
    let names = (0_u32..).map(move |number| format!("{name}-{}", suffix(uid, number)));
    names.filter(|name| children.iter().all(|child| child.name != *name))
}

/// Six lower-case letters and digits (FNV-1a, base 36).
fn suffix(uid: &str, number: u32) -> String {
    let bytes = uid.bytes().chain(number.to_be_bytes());
    let hash = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let digit = |place: u32| {
        let digit = u32::try_from(hash / 36_u64.pow(place) % 36).expect("below 36");
        char::from_digit(digit, 36).expect("a digit in base 36")
    };
    (0..6).map(digit).collect()
}

/// The selector that finds the Machines labelled as those of the Cluster `name`.
pub(crate) fn selector(name: &str) -> String {
    format!("{CLUSTER_LABEL}={name}")
}

fn outdated<'a>(children: &'a [&Child], version: &'a str) -> impl Iterator<Item = String> + 'a {
    children.iter().filter(move |child| child.version != version).map(|child| child.name.clone())
}

#[cfg(test)]
mod tests {
    use super::{Child, Difference, count, difference, free_names};

    const OLD: &str = "1.36.3";
    const NEW: &str = "1.37.2";

    fn child(name: &str) -> Child {
        Child { name: name.into(), version: NEW.into(), ready: true, deleting: false, created: 0 }
    }

    fn deleted(children: &[Child], desired: usize) -> Vec<String> {
        difference(children, desired, NEW).delete
    }

    #[test]
    fn names_are_the_same_each_time_and_none_is_taken() {
        let first: Vec<String> = free_names("blue", "u", &[]).take(3).collect();
        assert_eq!(free_names("blue", "u", &[]).take(3).collect::<Vec<_>>(), first);
        let left: Vec<String> = free_names("blue", "u", &[child(&first[0])]).take(2).collect();
        assert_eq!(left, first[1..]);
        assert_ne!(free_names("blue", "v", &[]).next().as_ref(), Some(&first[0]));
    }

    #[test]
    fn missing_machines_are_created() {
        assert_eq!(difference(&[], 3, NEW), Difference { create: 3, ..Difference::default() });
        assert_eq!(difference(&[child("a")], 3, NEW).create, 2);
    }

    #[test]
    fn nothing_happens_when_the_numbers_agree() {
        assert_eq!(difference(&[child("a"), child("b")], 2, NEW), Difference::default());
    }

    #[test]
    fn a_machine_on_its_way_out_is_replaced_at_once_and_not_deleted_again() {
        let leaving = Child { deleting: true, ..child("a") };
        let plan = difference(&[leaving, child("b")], 2, NEW);
        assert_eq!((plan.create, plan.delete.len()), (1, 0));
    }

    #[test]
    fn a_machine_that_is_not_ready_goes_before_a_ready_one() {
        let young = Child { ready: false, ..child("a") };
        assert_eq!(deleted(&[young, child("b")], 1), ["a"]);
    }

    #[test]
    fn a_newer_machine_goes_before_an_older_one() {
        let newer = Child { created: 10, ..child("a") };
        let older = Child { created: 5, ..child("b") };
        assert_eq!(deleted(&[newer, older], 1), ["a"]);
    }

    #[test]
    fn the_order_of_the_list_does_not_matter() {
        let (a, b, c) = (child("a"), child("b"), child("c"));
        assert_eq!(deleted(&[a.clone(), b.clone(), c.clone()], 1), deleted(&[c, a, b], 1));
    }

    #[test]
    fn ready_machines_are_upgraded_one_at_a_time() {
        let old = |name| Child { version: OLD.into(), ..child(name) };
        assert_eq!(difference(&[old("a"), old("b")], 2, NEW).upgrade, ["a"]);
    }

    #[test]
    fn no_ready_machine_is_upgraded_while_another_is_down() {
        let old = Child { version: OLD.into(), ..child("a") };
        let booting = Child { ready: false, ..child("b") };
        // Taking "a" down as well would leave the cluster with nothing that runs.
        assert_eq!(difference(&[old, booting], 2, NEW), Difference::default());
    }

    #[test]
    fn machines_that_are_down_anyway_are_upgraded_together() {
        let down = |name| Child { version: OLD.into(), ready: false, ..child(name) };
        assert_eq!(difference(&[down("a"), down("b")], 2, NEW).upgrade, ["a", "b"]);
    }

    #[test]
    fn a_machine_that_is_to_go_is_not_upgraded_first() {
        let old = Child { version: OLD.into(), ..child("a") };
        let plan = difference(&[old, child("b")], 1, NEW);
        assert_eq!((plan.delete, plan.upgrade.len()), (vec!["a".to_owned()], 0));
    }

    #[test]
    fn a_machine_on_its_way_out_counts_as_deleting_only() {
        let leaving = Child { deleting: true, ..child("a") };
        let counts = count(&[leaving, child("b")], NEW);
        assert_eq!((counts.total, counts.ready, counts.up_to_date, counts.deleting), (1, 1, 1, 1));
    }
}
