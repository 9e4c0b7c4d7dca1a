//! Order and seeds of specs, derived from the run's seed.
//!
//! Which specs run is not known here; a spec's own seed depends on its name alone, so that one that runs
//! alone runs as it ran with all others.

use crate::options::Order;
use crate::spec::plan::Spec;

/// Specs that run on one thread, one after the other: a single spec, or a group that shares a cluster.
pub(crate) struct Unit {
    pub(crate) specs: Vec<Spec>,
    pub(crate) serial: bool,
}

/// Puts specs into units and the units into their order. Serial ones come last.
pub(crate) fn units(specs: Vec<Spec>, order: Order, seed: u64) -> Vec<Unit> {
    let mut units: Vec<(Vec<u64>, Unit)> = Vec::new();
    for spec in sorted(specs, order, seed) {
        if let Some((_, unit)) = units.last_mut()
            && same_unit(&unit.specs[0], &spec)
        {
            unit.serial |= spec.serial;
            unit.specs.push(spec);
            continue;
        }
        let key = unit_key(&spec, order, seed);
        units.push((key, Unit { serial: spec.serial, specs: vec![spec] }));
    }
    units.sort_by(|(one, left), (other, right)| (left.serial, one).cmp(&(right.serial, other)));
    units.into_iter().map(|(_, unit)| unit).collect()
}

/// By the tree, so that what shares a cluster stands together; at each fork by lot, unless it is ordered.
fn sorted(mut specs: Vec<Spec>, order: Order, seed: u64) -> Vec<Spec> {
    specs.sort_by_cached_key(|spec| tree_key(spec, order, seed));
    specs
}

fn tree_key(spec: &Spec, order: Order, seed: u64) -> Vec<u64> {
    let mut way = seed;
    let draw = |place: &crate::spec::plan::PlanPosition| {
        let index = place.index as u64;
        way = splitmix(way ^ splitmix(index));
        if place.ordered || order == Order::Written { index } else { way }
    };
    spec.place.iter().map(draw).collect()
}

fn unit_key(spec: &Spec, order: Order, seed: u64) -> Vec<u64> {
    match (order, spec.shared.first()) {
        (Order::Mixed, Some(group)) => vec![seed_of(&group.name, seed)],
        (Order::Mixed, None) => vec![seed_of(&spec.name, seed)],
        (Order::Groups | Order::Written, _) => tree_key(spec, order, seed),
    }
}

fn same_unit(one: &Spec, other: &Spec) -> bool {
    match (one.shared.first(), other.shared.first()) {
        (Some(one), Some(other)) => std::sync::Arc::ptr_eq(one, other),
        _ => false,
    }
}

/// The seed of a spec, or of what else has a name, in a run with this seed.
pub(crate) fn seed_of(name: &str, run: u64) -> u64 {
    // FNV-1a: Rust's own hashers may change between versions.
    let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    splitmix(hash ^ splitmix(run))
}

/// The seed of an attempt at a spec: the first one has the spec's own.
pub(crate) fn seed_of_attempt(spec: u64, attempt: u32) -> u64 {
    (1..attempt).fold(spec, |seed, _| splitmix(seed))
}

/// The seed of a repetition of a run: the first one has the run's own.
pub(crate) fn seed_of_repetition(run: u64, repetition: u64) -> u64 {
    run.wrapping_add(repetition)
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
    use crate::context::Cx;
    use crate::spec::Scope;
    use crate::spec::plan::plan;
    use crate::spec::tree::Suite;

    fn it(s: &mut Scope, name: &str) {
        s.it(name, async |_: &mut Cx| Ok(()));
    }

    fn four(s: &mut Scope) {
        for name in ["1", "2", "3", "4"] {
            it(s, name);
        }
    }

    /// Two plain groups, one that shares a cluster, one ordered group, and a serial spec.
    fn suite() -> Vec<Spec> {
        let mut suite = Suite::new();
        suite.describe("A", four);
        suite.describe("B", four);
        suite.describe("Shared", |s| {
            s.before_all(async |_: &mut Cx| Ok(()));
            four(s);
        });
        suite.describe("Story", |s| {
            s.ordered();
            four(s);
        });
        suite.describe("Alone", |s| {
            s.it("1", async |_: &mut Cx| Ok(())).serial();
        });
        plan(&suite).unwrap()
    }

    fn run(order: Order, seed: u64) -> Vec<Vec<String>> {
        let units = units(suite(), order, seed);
        units.into_iter().map(|unit| unit.specs.into_iter().map(|spec| spec.name).collect()).collect()
    }

    fn groups(run: &[Vec<String>]) -> Vec<&str> {
        let mut groups: Vec<_> =
            run.iter().flatten().map(|name| name.split(" / ").next().unwrap_or_default()).collect();
        groups.dedup();
        groups
    }

    #[test]
    fn same_seed_gives_the_same_order() {
        assert_eq!(run(Order::Mixed, 7), run(Order::Mixed, 7));
        assert_ne!(run(Order::Mixed, 7), run(Order::Mixed, 8));
        assert_ne!(run(Order::Groups, 7), run(Order::Groups, 8));
    }

    #[test]
    fn groups_stay_together_unless_all_are_mixed() {
        assert!((0..20).all(|seed| groups(&run(Order::Groups, seed)).len() == 5));
        assert!((0..20).any(|seed| groups(&run(Order::Mixed, seed)).len() > 5));
        assert_eq!(groups(&run(Order::Written, 7)), ["A", "B", "Shared", "Story", "Alone"]);
    }

    #[test]
    fn specs_that_share_a_cluster_are_one_unit_in_every_order() {
        let story: Vec<_> = ["1", "2", "3", "4"].map(|name| format!("Story / {name}")).to_vec();
        let mut shared_orders = std::collections::BTreeSet::new();
        for seed in 0..20 {
            let run = run(Order::Mixed, seed);
            assert!(run.contains(&story), "{run:?}");
            let shared = run.into_iter().find(|unit| unit[0].starts_with("Shared")).unwrap();
            assert_eq!(shared.len(), 4);
            shared_orders.insert(shared);
        }
        assert!(shared_orders.len() > 1, "the specs of a shared group never change places");
    }

    #[test]
    fn serial_specs_come_last() {
        for order in [Order::Mixed, Order::Groups] {
            assert!((0..20).all(|seed| run(order, seed).last().unwrap() == &["Alone / 1"]));
        }
    }

    #[test]
    fn a_spec_s_seed_depends_on_its_name_and_on_the_run_s_seed_alone() {
        assert_eq!(seed_of("a", 1), seed_of("a", 1));
        assert_ne!(seed_of("a", 1), seed_of("b", 1));
        assert_ne!(seed_of("a", 1), seed_of("a", 2));
    }

    #[test]
    fn a_first_attempt_has_the_spec_s_seed_and_a_second_one_another() {
        assert_eq!(seed_of_attempt(7, 1), 7);
        assert_ne!(seed_of_attempt(7, 2), 7);
        assert_ne!(seed_of_attempt(7, 3), seed_of_attempt(7, 2));
    }
}
