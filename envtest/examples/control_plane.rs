//! Starts a control plane, prints its processes and kubeconfig, and ends in the way that its standard input says:
//! `stop`, `exit`, `panic` or `abort`. Without a word it stays until it is killed.
//!
//! `cargo run -p seatrial-envtest --example control_plane -- [VERSION [CONTROLLER…]]`

use std::io::BufRead as _;

use seatrial_envtest::Environment;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

fn main() {
    let (words, mut heard) = unbounded_channel();
    // It is never joined: it ends with the process, as it waits for a line that may never come.
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            let _ = words.send(line);
        }
        std::thread::park();
    });
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime can be built");
    runtime.block_on(async {
        let mut builder = Environment::builder();
        let mut arguments = std::env::args().skip(1);
        if let Some(version) = arguments.next() {
            builder = builder.version(version).controllers(arguments);
        }
        let env = tokio::select! {
            started = builder.start() => match started {
                Ok(env) => env,
                Err(error) => {
                    eprintln!("{error}");
                    std::process::exit(1);
                }
            },
            () = obey(&mut heard) => return,
        };
        eprintln!("{:?}", env.timings());
        for (name, pid) in env.processes() {
            println!("{name} {pid}");
        }
        println!("{}", env.kubeconfig());
        obey(&mut heard).await;
        env.stop().await;
    });
}

/// Returns on `stop`; ends the process on the other words.
async fn obey(heard: &mut UnboundedReceiver<String>) {
    while let Some(word) = heard.recv().await {
        match word.as_str() {
            "stop" => return,
            "exit" => std::process::exit(0),
            "panic" => panic!("as I was told"),
            "abort" => std::process::abort(),
            other => eprintln!("I know stop, exit, panic and abort, not {other:?}"),
        }
    }
}
