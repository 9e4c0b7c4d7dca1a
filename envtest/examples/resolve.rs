//! Resolves the binaries of a control plane and those named as arguments, and prints the report.
//!
//! `cargo run -p seatrial-envtest --example resolve -- [VERSION] [kubectl] [kubelet] [kind] …`

use std::process::ExitCode;

use seatrial_envtest::assets::{Binary, Request, resolve};

fn main() -> ExitCode {
    let mut version = None;
    let mut more = Vec::new();
    for argument in std::env::args().skip(1) {
        match Binary::ALL.into_iter().find(|binary| binary.name() == argument) {
            Some(binary) => more.push(binary),
            None => version = Some(argument),
        }
    }
    let request = match Request::new(version.as_deref()) {
        Ok(request) => more.into_iter().fold(request, Request::with),
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::FAILURE;
        }
    };
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime can be built");
    match runtime.block_on(resolve(&request)) {
        Ok(assets) => {
            println!("{}", assets.report());
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
