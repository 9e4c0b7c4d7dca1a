//! What a person and a harness see of a suite: the program in `tests/suites` run as a child process.
//!
//! The suites run on tier `fake`, or on the tier that `SEATRIAL_TIER` names: the same must be seen there.

mod endings;
mod groups;
mod interrupted;
mod listing;
mod looking;
mod managers;
mod program;
mod reports;
mod runs;
mod secrets;
mod tiers;
mod waiting;
