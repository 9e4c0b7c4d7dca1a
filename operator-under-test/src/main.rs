//! The operator's command line.

use std::{
    io::{IsTerminal, Write},
    net::SocketAddr,
    path::PathBuf,
    process::ExitCode,
    sync::Arc,
    time::Duration,
};

use anyhow::Context;
use clap::{Args, Parser, Subcommand};
use futures::{
    FutureExt,
    future::{self, Either},
};
use kube::{
    Client, Config,
    config::{KubeConfigOptions, Kubeconfig},
};
use seatrial_operator::{Bundle, Clock, Health, Options, SimulatedProvider, SystemClock, bundle, crds, run};
use serde::Serialize;
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
};
use tracing_subscriber::EnvFilter;

const EXAMPLES: &str = "\
Examples:
  seatrial-operator crds | kubectl apply -f -
  seatrial-operator bundle --image registry.example.com/seatrial-operator:0.1.0 | kubectl apply --server-side -f -
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
    /// Print all that installs or upgrades the operator in a cluster, as YAML.
    #[command(after_help = EXAMPLES)]
    Bundle(BundleArguments),
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
    /// The time that a simulated machine takes to boot.
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    machine_boot: u64,
    /// Serve GET /healthz and /readyz on this address. Without it nothing listens.
    #[arg(long, value_name = "IP:PORT")]
    health_address: Option<SocketAddr>,
    /// The log filter in tracing's syntax, such as `info` or `seatrial_operator=debug`.
    #[arg(long, value_name = "FILTER", default_value = "info")]
    log: String,
}

#[derive(Args)]
struct BundleArguments {
    /// The image that the operator runs from.
    #[arg(long, value_name = "IMAGE")]
    image: String,
    /// The namespace that the operator lives in.
    #[arg(long, value_name = "NAMESPACE", default_value = bundle::NAMESPACE)]
    namespace: String,
    /// Leave the namespace itself out: it is there already.
    #[arg(long)]
    skip_namespace: bool,
    /// Look after this namespace only, with rights in no other.
    #[arg(long, value_name = "NAMESPACE")]
    watch: Option<String>,
    /// Further arguments of `seatrial-operator run`.
    #[arg(last = true, value_name = "ARGUMENTS")]
    arguments: Vec<String>,
}

fn main() -> ExitCode {
    let result = match Arguments::parse().command {
        Command::Run(arguments) => run_operator(arguments),
        Command::Crds => print_yaml(&crds()),
        Command::Bundle(arguments) => print_yaml(&Bundle::from(arguments).objects()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // The first cause only: kube's errors repeat their sources in their own message.
            let cause = error.chain().nth(1).map(|cause| format!(": {cause}")).unwrap_or_default();
            eprintln!("seatrial-operator: failed to {error}{cause}");
            ExitCode::FAILURE
        }
    }
}

#[tokio::main]
async fn run_operator(arguments: RunArguments) -> anyhow::Result<()> {
    let filter =
        EnvFilter::try_new(&arguments.log).with_context(|| format!("read --log {:?}", arguments.log))?;
    let colours = std::io::stderr().is_terminal();
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(colours).init();
    // Signal handlers come first, so that an early signal ends the process cleanly too.
    let shutdown = shutdown_signal()?;
    let client = Client::try_from(kube_config(&arguments).await?).context("make a client")?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let boot = Duration::from_secs(arguments.machine_boot);
    let provider = Arc::new(SimulatedProvider::new(client.clone(), Arc::clone(&clock), boot));
    let health = Health::default();
    let health_server = health_server(arguments.health_address, health.clone()).await?;
    let namespace = arguments.namespace;
    let options = Options { namespace, provider, clock, health, shutdown: Box::pin(shutdown) };
    match future::select(Box::pin(run(client, options)), health_server).await {
        Either::Left((result, _)) => Ok(result?),
        Either::Right((result, _)) => result,
    }
}

/// The server of the health endpoints, which ends only on failure; pending without an address.
async fn health_server(
    address: Option<SocketAddr>,
    health: Health,
) -> anyhow::Result<future::BoxFuture<'static, anyhow::Result<()>>> {
    let Some(address) = address else { return Ok(future::pending().boxed()) };
    let next = "choose an address that is free with --health-address IP:PORT";
    let listener = TcpListener::bind(address)
        .await
        .with_context(|| format!("listen for questions about its health on {address} ({next})"))?;
    Ok(async move { health.serve(listener).await.context("answer questions about its health") }.boxed())
}

async fn kube_config(arguments: &RunArguments) -> anyhow::Result<Config> {
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

fn shutdown_signal() -> anyhow::Result<impl Future<Output = ()> + Send> {
    let mut terminate = signal(SignalKind::terminate()).context("listen for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("listen for SIGINT")?;
    Ok(async move {
        futures::select! {
            _ = terminate.recv().fuse() => tracing::info!("SIGTERM: stopping"),
            _ = interrupt.recv().fuse() => tracing::info!("SIGINT: stopping"),
        }
    })
}

impl From<BundleArguments> for Bundle {
    fn from(arguments: BundleArguments) -> Self {
        Self {
            image: arguments.image,
            namespace: arguments.namespace,
            include_namespace: !arguments.skip_namespace,
            watch_namespace: arguments.watch,
            arguments: arguments.arguments,
        }
    }
}

fn print_yaml(objects: &[impl Serialize]) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    for object in objects {
        let yaml = serde_saphyr::to_string(object).context("write an object as YAML")?;
        writeln!(out, "---\n{}", yaml.trim_end()).context("write to standard output")?;
    }
    Ok(())
}
