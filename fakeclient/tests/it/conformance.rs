//! Conformance cases on the fake: the assertions of each case.
//!
//! `cargo xtask fidelity` compares whole responses with a real server's.

use std::collections::BTreeSet;
use std::sync::Arc;

use seatrial_fakeclient::{FakeCluster, ServerHandle};
use seatrial_fixtures::conformance::divergence::known;
use seatrial_fixtures::conformance::{Case, cases, run_all};
use seatrial_fixtures::wire::{Wire, in_process};

fn fake() -> Arc<dyn Wire> {
    let serve = async |cluster: FakeCluster| cluster.serve(0).await;
    in_process(
        FakeCluster::new(),
        FakeCluster::service,
        serve,
        ServerHandle::kubeconfig,
        FakeCluster::compact,
    )
}

async fn check_area(area: &str) {
    // Cases with an entry in the ledger may fail here, and must differ where both servers are compared.
    let cases: Vec<Case> = cases()
        .into_iter()
        .filter(|case| case.area == area && known(case.area, &case.name).is_none())
        .collect();
    let outcomes = run_all(&cases, "a00", 8, fake, |_, _| ()).await;
    let failures: Vec<String> = cases
        .iter()
        .zip(&outcomes)
        .filter_map(|(case, outcome)| Some(format!("{}: {}", case.title(), outcome.failure.as_ref()?)))
        .collect();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

macro_rules! areas {
    ($($area:ident),+ $(,)?) => {
        $(
            #[tokio::test(flavor = "multi_thread")]
            async fn $area() {
                check_area(stringify!($area)).await;
            }
        )+

        const AREAS: &[&str] = &[$(stringify!($area)),+];
    };
}

areas! {
    read, list, paging, selectors, watch, bookmarks, compaction, create, generate_name, update, status, scale,
    json_patch, merge_patch, strategic_patch, dry_run, delete, finalizers, grace, delete_collection,
    field_validation, namespaces, garbage_collection, crd, crd_schema, crd_defaults, crd_cel,
    crd_versions, crd_mistakes, builtin_config_map, builtin_secret, builtin_service, builtin_deployment,
    builtin_lease, builtin_service_account, builtin_pod, pod_mistakes, pod_placement, app_armor, workload_mistakes, webhooks, kinds, discovery, table, events, admission,
    pod_security, bad_input, query_options, malformed_bytes, protobuf,
    apply, apply_bad_input, apply_conflicts, apply_custom, apply_custom_maps, apply_custom_versions, apply_errors,
    apply_kinds, apply_lists, apply_maps, apply_reads, apply_scale, apply_status, apply_templates, apply_upgrade,
    apply_validation, managed_fields_cap, managed_fields_edit, managed_fields_updates,
}

#[test]
fn every_area_has_a_test() {
    let all: BTreeSet<&str> = cases().iter().map(|case| case.area).collect();
    assert_eq!(all, AREAS.iter().copied().collect());
}
