//! Tests of the commands as child processes.

mod serve;
mod sighup;
mod signals;
