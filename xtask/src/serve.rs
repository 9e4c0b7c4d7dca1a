//! `cargo xtask serve`: the fake on a TLS socket, for kubectl and any client.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use seatrial_e2e::signal::Signals;
use seatrial_fakeclient::FakeCluster;

use crate::cargo::print_line;

/// Serve an in-memory cluster on a loopback TLS socket.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  cargo xtask serve --kubeconfig fake.yaml       then: kubectl --kubeconfig fake.yaml get namespaces\n  cargo xtask serve --port 6443 --objects crds.yaml"
)]
pub(crate) struct Args {
    /// The path of the kubeconfig (mode 0600), which is written once the socket listens.
    #[arg(long, value_name = "PATH", default_value = "seatrial.kubeconfig")]
    kubeconfig: PathBuf,
    /// Port on 127.0.0.1; 0 takes a free one.
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// Objects to begin with: multi-document YAML, applied in order.
    #[arg(long, value_name = "FILE")]
    objects: Vec<PathBuf>,
    /// Seed of UIDs, generated names and allocated addresses.
    #[arg(long, default_value_t = 0)]
    seed: u64,
}

/// Serves until a signal comes, then removes the kubeconfig.
pub(crate) async fn serve(args: &Args) -> Result<()> {
    let mut builder = FakeCluster::builder().seed(args.seed);
    for path in &args.objects {
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("failed to read the objects in {}", path.display()))?;
        builder = builder.objects(&text);
    }
    let cluster = builder.build()?;
    let mut signals = Signals::listen()?;
    let serving = cluster.serve(args.port).await?;
    write_secret(&args.kubeconfig, serving.kubeconfig())?;
    println!("serving on {}; stop with Ctrl-C", serving.url());
    println!("kubectl --kubeconfig {} get namespaces", args.kubeconfig.display());
    signals.next().await;
    serving.stop().await;
    std::fs::remove_file(&args.kubeconfig)
        .with_context(|| format!("failed to remove {}", args.kubeconfig.display()))?;
    print_line("stopped");
    Ok(())
}

/// Writes a file of mode 0600 atomically.
fn write_secret(path: &Path, text: &str) -> Result<()> {
    let unfinished = path.with_extension("unfinished");
    let write = || -> std::io::Result<()> {
        let mut file =
            OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&unfinished)?;
        file.write_all(text.as_bytes())?;
        std::fs::rename(&unfinished, path)
    };
    write().with_context(|| format!("failed to write the kubeconfig to {}", path.display()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_kubeconfig_has_mode_0600() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("k");
        write_secret(&path, "secret").unwrap();
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "secret");
    }
}
