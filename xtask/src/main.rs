//! The few commands people and CI use.

fn main() {}
