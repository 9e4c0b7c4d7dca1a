//! Starts a control plane, prints its processes and its kubeconfig, and ends by a command on standard input: `stop`,
//! `exit`, `panic` or `abort`.
//!
//! `cargo run -p seatrial-envtest --example control_plane -- [VERSION [CONTROLLER…]]`

use std::io::BufRead as _;

use seatrial_envtest::Environment;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

fn main() {
    let (sender, mut commands) = unbounded_channel();
    // The thread is not joined: it blocks on standard input until the process ends.
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            let _ = sender.send(line);
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
            () = run_commands(&mut commands) => return,
        };
        eprintln!("{:?}", env.timings());
        for (name, pid) in env.processes() {
            println!("{name} {pid}");
        }
        println!("{}", env.kubeconfig());
        run_commands(&mut commands).await;
        env.stop().await;
    });
}

/// Returns on `stop`, ends the process on the other commands.
async fn run_commands(commands: &mut UnboundedReceiver<String>) {
    while let Some(command) = commands.recv().await {
        match command.as_str() {
            "stop" => return,
            "exit" => std::process::exit(0),
            "panic" => panic!("by command"),
            "abort" => std::process::abort(),
            other => eprintln!("unknown command {other:?}: use stop, exit, panic or abort"),
        }
    }
}
