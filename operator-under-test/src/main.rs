//! The operator's command line: a thin shell around the library that brings a client, a clock and a provider.

use std::{
    io::{IsTerminal, Write},
    path::PathBuf,
    process::ExitCode,
    sync::Arc,
    time::Duration,
};

use anyhow::Context;
use clap::{Args, Parser, Subcommand};
use futures::FutureExt;
use kube::{
    Client, Config,
    config::{KubeConfigOptions, Kubeconfig},
};
use seatrial_operator::{Clock, Options, Simulated, SystemClock, crds, run};
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

const EXAMPLES: &str = "\
Examples:
  seatrial-operator crds | kubectl apply -f -
  seatrial-operator run --kubeconfig ~/.kube/config --context kind-trial
  seatrial-operator run --namespace fleet --machine-boot 5 --log seatrial_operator=debug";

/// Keeps fleets of clusters as they are asked for.
#[derive(Parser)]
#[command(name = "seatrial-operator", version, after_help = EXAMPLES)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Look after Clusters and Machines until SIGTERM or SIGINT.
    #[command(after_help = EXAMPLES)]
    Run(RunArguments),
    /// Print the definitions of the operator's kinds as YAML.
    #[command(after_help = EXAMPLES)]
    Crds,
}

#[derive(Args)]
struct RunArguments {
    /// The kubeconfig to use. Without it: $KUBECONFIG, ~/.kube/config, or the Pod's service account.
    #[arg(long, value_name = "PATH")]
    kubeconfig: Option<PathBuf>,
    /// The kubeconfig's context to use instead of its current one.
    #[arg(long, value_name = "NAME")]
    context: Option<String>,
    /// Look after this namespace only.
    #[arg(long, value_name = "NAMESPACE")]
    namespace: Option<String>,
    /// How long a simulated machine takes to come up.
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    machine_boot: u64,
    /// What to log, as a tracing filter such as `info` or `seatrial_operator=debug`.
    #[arg(long, value_name = "FILTER", default_value = "info")]
    log: String,
}

fn main() -> ExitCode {
    let outcome = match Arguments::parse().command {
        Command::Run(arguments) => operate(arguments),
        Command::Crds => print_crds(),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // What failed and why. Causes further down only repeat themselves: kube's errors print their own.
            let why = error.chain().nth(1).map(|cause| format!(": {cause}")).unwrap_or_default();
            eprintln!("seatrial-operator: failed to {error}{why}");
            ExitCode::FAILURE
        }
    }
}

#[tokio::main]
async fn operate(arguments: RunArguments) -> anyhow::Result<()> {
    let filter =
        EnvFilter::try_new(&arguments.log).with_context(|| format!("read --log {:?}", arguments.log))?;
    let colours = std::io::stderr().is_terminal();
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(colours).init();
    // Signals are caught before anything starts, so that none of them can come too early to be clean.
    let shutdown = shutdown()?;
    let client = Client::try_from(configuration(&arguments).await?).context("make a client")?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let boot = Duration::from_secs(arguments.machine_boot);
    let provider = Arc::new(Simulated::new(client.clone(), Arc::clone(&clock), boot));
    let options = Options { namespace: arguments.namespace, provider, clock, shutdown: Box::pin(shutdown) };
    Ok(run(client, options).await?)
}

async fn configuration(arguments: &RunArguments) -> anyhow::Result<Config> {
    let context = KubeConfigOptions { context: arguments.context.clone(), ..KubeConfigOptions::default() };
    if let Some(path) = &arguments.kubeconfig {
        let next = "check the path and its contents with `kubectl config view --kubeconfig PATH`";
        let file = Kubeconfig::read_from(path)
            .with_context(|| format!("read the kubeconfig {} ({next})", path.display()))?;
        return Config::from_custom_kubeconfig(file, &context)
            .await
            .with_context(|| format!("use the kubeconfig {} ({next})", path.display()));
    }
    if arguments.context.is_some() {
        return Config::from_kubeconfig(&context).await.context("use the default kubeconfig's context");
    }
    Config::infer().await.context("find a cluster; name one with --kubeconfig PATH")
}

fn shutdown() -> anyhow::Result<impl Future<Output = ()> + Send> {
    let mut terminate = signal(SignalKind::terminate()).context("listen for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("listen for SIGINT")?;
    Ok(async move {
        futures::select! {
            _ = terminate.recv().fuse() => tracing::info!("SIGTERM: stopping"),
            _ = interrupt.recv().fuse() => tracing::info!("SIGINT: stopping"),
        }
    })
}

fn print_crds() -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    for definition in crds() {
        let yaml = serde_saphyr::to_string(&definition).context("write a definition as YAML")?;
        writeln!(out, "---\n{}", yaml.trim_end()).context("write to standard output")?;
    }
    Ok(())
}
