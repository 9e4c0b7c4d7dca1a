//! `cargo xtask fidelity`: the fake against a real control plane, case by case.

mod command;
mod coverage;
mod fake;
mod fuzz;
mod real;
mod report;

pub(crate) use command::{Args, run};
