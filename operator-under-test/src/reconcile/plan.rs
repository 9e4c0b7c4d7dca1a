//! The planned creations, deletions and upgrades of a Cluster's Machines, as pure functions.

use crate::api::{CLUSTER_LABEL, Machine, MachineCounts, is_condition_true};
use kube::ResourceExt;

/// The properties of an owned Machine that a plan depends on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OwnedMachine {
    /// The Machine's name.
    pub(crate) name: String,
    /// The version in its spec.
    pub(crate) version: String,
    /// True if it is ready for its current generation.
    pub(crate) ready: bool,
    /// True if it is being deleted.
    pub(crate) deleting: bool,
    /// Its creation time, in seconds since the epoch.
    pub(crate) created: i64,
}

impl From<&Machine> for OwnedMachine {
    fn from(machine: &Machine) -> Self {
        let conditions = machine.status.as_ref().map_or(&[][..], |status| &status.conditions);
        Self {
            name: machine.name_any(),
            version: machine.spec.version.clone(),
            ready: is_condition_true(conditions, "Ready", machine.metadata.generation),
            deleting: machine.metadata.deletion_timestamp.is_some(),
            created: machine.creation_timestamp().map_or(0, |time| time.0.as_second()),
        }
    }
}

/// The changes that bring a Cluster's Machines to its spec.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Plan {
    /// The number of Machines to create.
    pub(crate) create: usize,
    /// The names of the Machines to delete.
    pub(crate) delete: Vec<String>,
    /// The names of the Machines to upgrade to the Cluster's version now.
    pub(crate) upgrade: Vec<String>,
}

/// Compares `machines` with `desired` Machines of `version`.
///
/// Machines that are being deleted are ignored. Surplus Machines are deleted in this order: not ready before ready, of
/// another version before the desired one, newer before older. Outdated Machines that are not ready are upgraded at once;
/// those that are ready are upgraded one at a time, and only while all others are ready.
pub(crate) fn plan(machines: &[OwnedMachine], desired: usize, version: &str) -> Plan {
    let mut staying: Vec<&OwnedMachine> = machines.iter().filter(|machine| !machine.deleting).collect();
    staying.sort_by(|a, b| {
        let rank = |machine: &OwnedMachine| (!machine.ready, machine.version != version, machine.created);
        rank(a).cmp(&rank(b)).then_with(|| a.name.cmp(&b.name))
    });
    let create = desired.saturating_sub(staying.len());
    let leaving = staying.split_off(staying.len().min(desired));
    let (down, up): (Vec<&OwnedMachine>, Vec<&OwnedMachine>) =
        staying.iter().partition(|machine| !machine.ready);
    let mut upgrade: Vec<String> = outdated(&down, version).collect();
    if down.is_empty() && create == 0 {
        upgrade.extend(outdated(&up, version).next());
    }
    Plan { create, delete: leaving.iter().map(|machine| machine.name.clone()).collect(), upgrade }
}

/// The numbers of machines in a Cluster's status.
pub(crate) fn count_machines(machines: &[OwnedMachine], version: &str) -> MachineCounts {
    let number = |keep: &dyn Fn(&OwnedMachine) -> bool| {
        i32::try_from(machines.iter().filter(|machine| keep(machine)).count()).unwrap_or(i32::MAX)
    };
    MachineCounts {
        total: number(&|machine| !machine.deleting),
        ready: number(&|machine| !machine.deleting && machine.ready),
        up_to_date: number(&|machine| !machine.deleting && machine.version == version),
        deleting: number(&|machine| machine.deleting),
    }
}

/// Names for new Machines of the Cluster `name`, without those of `machines`.
///
/// A name is derived from the Cluster's uid and a number, so that a repeated apply creates one Machine, and a later
/// Cluster of the same name does not meet Machines that are still being deleted.
pub(crate) fn unused_names(name: &str, uid: &str, machines: &[OwnedMachine]) -> impl Iterator<Item = String> {
    let names = (0_u32..).map(move |number| format!("{name}-{}", suffix(uid, number)));
    names.filter(|name| machines.iter().all(|machine| machine.name != *name))
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

/// The label selector for the Machines of the Cluster `name`.
pub(crate) fn label_selector(name: &str) -> String {
    format!("{CLUSTER_LABEL}={name}")
}

fn outdated<'a>(machines: &'a [&OwnedMachine], version: &'a str) -> impl Iterator<Item = String> + 'a {
    machines.iter().filter(move |machine| machine.version != version).map(|machine| machine.name.clone())
}

#[cfg(test)]
mod tests {
    use super::{OwnedMachine, Plan, count_machines, plan, unused_names};

    const OLD: &str = "1.36.3";
    const NEW: &str = "1.37.2";

    fn machine(name: &str) -> OwnedMachine {
        OwnedMachine { name: name.into(), version: NEW.into(), ready: true, deleting: false, created: 0 }
    }

    fn deleted(machines: &[OwnedMachine], desired: usize) -> Vec<String> {
        plan(machines, desired, NEW).delete
    }

    #[test]
    fn names_are_deterministic_and_unused() {
        let first: Vec<String> = unused_names("blue", "u", &[]).take(3).collect();
        assert_eq!(unused_names("blue", "u", &[]).take(3).collect::<Vec<_>>(), first);
        let left: Vec<String> = unused_names("blue", "u", &[machine(&first[0])]).take(2).collect();
        assert_eq!(left, first[1..]);
        assert_ne!(unused_names("blue", "v", &[]).next().as_ref(), Some(&first[0]));
    }

    #[test]
    fn missing_machines_are_created() {
        assert_eq!(plan(&[], 3, NEW), Plan { create: 3, ..Plan::default() });
        assert_eq!(plan(&[machine("a")], 3, NEW).create, 2);
    }

    #[test]
    fn matching_numbers_plan_nothing() {
        assert_eq!(plan(&[machine("a"), machine("b")], 2, NEW), Plan::default());
    }

    #[test]
    fn a_machine_being_deleted_is_replaced_at_once() {
        let leaving = OwnedMachine { deleting: true, ..machine("a") };
        let planned = plan(&[leaving, machine("b")], 2, NEW);
        assert_eq!((planned.create, planned.delete.len()), (1, 0));
    }

    #[test]
    fn unready_machines_are_deleted_first() {
        let young = OwnedMachine { ready: false, ..machine("a") };
        assert_eq!(deleted(&[young, machine("b")], 1), ["a"]);
    }

    #[test]
    fn newer_machines_are_deleted_before_older_ones() {
        let newer = OwnedMachine { created: 10, ..machine("a") };
        let older = OwnedMachine { created: 5, ..machine("b") };
        assert_eq!(deleted(&[newer, older], 1), ["a"]);
    }

    #[test]
    fn the_plan_does_not_depend_on_the_order_of_the_list() {
        let (a, b, c) = (machine("a"), machine("b"), machine("c"));
        assert_eq!(deleted(&[a.clone(), b.clone(), c.clone()], 1), deleted(&[c, a, b], 1));
    }

    #[test]
    fn ready_machines_are_upgraded_one_at_a_time() {
        let old = |name| OwnedMachine { version: OLD.into(), ..machine(name) };
        assert_eq!(plan(&[old("a"), old("b")], 2, NEW).upgrade, ["a"]);
    }

    #[test]
    fn no_ready_machine_is_upgraded_while_another_is_not_ready() {
        let old = OwnedMachine { version: OLD.into(), ..machine("a") };
        let booting = OwnedMachine { ready: false, ..machine("b") };
        // An upgrade of "a" would leave the cluster without a ready machine.
        assert_eq!(plan(&[old, booting], 2, NEW), Plan::default());
    }

    #[test]
    fn unready_machines_are_upgraded_together() {
        let down = |name| OwnedMachine { version: OLD.into(), ready: false, ..machine(name) };
        assert_eq!(plan(&[down("a"), down("b")], 2, NEW).upgrade, ["a", "b"]);
    }

    #[test]
    fn a_machine_to_be_deleted_is_not_upgraded() {
        let old = OwnedMachine { version: OLD.into(), ..machine("a") };
        let planned = plan(&[old, machine("b")], 1, NEW);
        assert_eq!((planned.delete, planned.upgrade.len()), (vec!["a".to_owned()], 0));
    }

    #[test]
    fn a_machine_being_deleted_counts_as_deleting_only() {
        let leaving = OwnedMachine { deleting: true, ..machine("a") };
        let counts = count_machines(&[leaving, machine("b")], NEW);
        assert_eq!((counts.total, counts.ready, counts.up_to_date, counts.deleting), (1, 1, 1, 1));
    }
}
