//! The operator's specs: one text, run in memory, on a real API server, or on any cluster.
//!
//! `cargo test -p seatrial-operator --test specs` runs them in memory and in virtual time;
//! `SEATRIAL_TIER=envtest` and `SEATRIAL_TIER=existing` run the same file elsewhere. One file per kind, and
//! one for what concerns the operator as a whole. How a spec starts the operator stands in `operator.rs`.

mod cluster;
mod evidence;
mod machine;
mod pod;
mod restart;
mod rights;

mod fleet;

mod operator;

mod deployed;
mod in_process;

use std::process::ExitCode;

fn main() -> ExitCode {
    if evidence::is_wanted() {
        return evidence::fail_deliberately();
    }
    seatrial_e2e::run(|suite| {
        suite.crds(seatrial_operator::crds());
        suite.describe("Cluster", cluster::specs);
        suite.describe("Machine", machine::specs);
        suite.describe("Operator", |s| {
            restart::specs(s);
            s.context("under the rules of its bundle", rights::specs);
            s.context("in a Pod", pod::specs);
            s.context("that fails", evidence::specs);
        });
    })
}
