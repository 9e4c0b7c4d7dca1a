//! Clusters from outside: what refuses to be made, what is left behind (nothing), and who removes what a killed process
//! left.
//!
//! They need Docker and, where a real cluster is made, a node image; `cargo xtask e2e` runs them. Each test has a home
//! of its own, so what one reaps is not another's.

mod child;
mod ended;
mod evidence;
mod left;
mod made;
mod proxy;
mod refused;
mod shared;
mod surroundings;
mod undone;

#[expect(dead_code, reason = "the tests of suites look at more of a run")]
#[path = "../it/program.rs"]
mod program;
