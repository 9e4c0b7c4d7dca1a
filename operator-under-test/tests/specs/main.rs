//! The operator's specs, the same for all tiers.
//!
//! `cargo test -p seatrial-operator --test specs` runs them on the tier `fake`; the variable `SEATRIAL_TIER` selects
//! another one. `start_operator` runs the operator in process or as a Pod, by tier.

mod artefacts;
mod cluster;
mod machine;
mod pod;
mod rbac;
mod restart;

mod objects;

mod start_operator;

mod deployed;
mod in_process;

use std::process::ExitCode;

fn main() -> ExitCode {
    if artefacts::is_failing_run() {
        return artefacts::run_failing_spec();
    }
    seatrial_e2e::run(|suite| {
        suite.crds(seatrial_operator::crds());
        suite.describe("Cluster", cluster::specs);
        suite.describe("Machine", machine::specs);
        suite.describe("Operator", |s| {
            restart::specs(s);
            s.context("with the RBAC rules of its bundle", rbac::specs);
            s.context("in a Pod", pod::specs);
            s.context("whose spec fails", artefacts::specs);
        });
    })
}
