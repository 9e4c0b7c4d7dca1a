//! Suites that are meant to be looked at from outside: some pass, most fail in one way each.
//!
//! The tests run this program as a child process, with `SUITE` naming the suite. What each suite must
//! print and exit with stands in the tests.

use std::process::ExitCode;

use seatrial_e2e::Suite;

#[cfg(feature = "kind")]
mod broken;
mod custom;
mod endings;
#[cfg(feature = "kind")]
mod evidence;
mod groups;
mod interrupted;
mod looking;
mod managers;
mod passing;
mod refused;
mod runs;
mod secrets;
mod waiting;

fn main() -> ExitCode {
    let name = std::env::var("SUITE").unwrap_or_default();
    let build: fn(&mut Suite) = match name.as_str() {
        #[cfg(feature = "kind")]
        "broken" => broken::suite,
        "custom" => custom::suite,
        "passing" => passing::suite,
        "endings" => endings::suite,
        #[cfg(feature = "kind")]
        "evidence" => evidence::suite,
        "groups" => groups::suite,
        "interrupted" => interrupted::suite,
        "stubborn" => interrupted::stubborn,
        "crowd" => runs::crowd,
        "flaky" => runs::flaky,
        "order" => runs::order,
        "third time" => runs::third_time,
        "focused" => runs::focused,
        "secrets" => secrets::suite,
        "stuck" => runs::stuck,
        "looking" => looking::suite,
        "managers" => managers::suite,
        "one writer" => managers::one_writer,
        "waiting" => waiting::suite,
        "refused" => refused::suite,
        other => panic!("SUITE is {other:?}, which is none of this program's suites"),
    };
    seatrial_e2e::run(build)
}
