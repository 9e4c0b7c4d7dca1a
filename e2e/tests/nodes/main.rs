//! Specs that need real nodes: each fault, two clusters in one spec, a node that is away and comes back.
//!
//! `cargo xtask e2e` runs them; elsewhere they are listed as skipped, with what they need.

mod away;
mod clusters;
mod images;
mod links;
mod pods;
mod probe;
mod undone;

use std::process::ExitCode;

use seatrial_e2e::Need;

fn main() -> ExitCode {
    seatrial_e2e::run(|suite| {
        suite.namespace_prefix("nodes");
        suite.describe("Node", |s| {
            // Other specs would meet the faults, too.
            s.label("faults").serial().needs(Need::Nodes(2)).needs(Need::Kubelet);
            s.context("that is away", away::specs);
            s.context("on a bad network", links::specs);
            s.context("whose spec leaves it broken", undone::specs);
        });
        suite.describe("Pod", |s| {
            s.needs(Need::Kubelet);
            pods::specs(s);
            s.context("whose image comes from this machine", images::specs);
        });
        suite.describe("Cluster", |s| {
            s.label("clusters").needs(Need::Kubelet);
            clusters::specs(s);
        });
    })
}
