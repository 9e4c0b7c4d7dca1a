//! The program behind `cargo xtask gen`.

use std::process::ExitCode;

use clap::Parser as _;
use seatrial_generate::{Args, run};

#[tokio::main]
async fn main() -> ExitCode {
    match run(Args::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
