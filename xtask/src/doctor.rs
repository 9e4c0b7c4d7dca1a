//! `cargo xtask doctor`: what each tier needs here, what is missing, and the command that mends it.

mod kind;

use std::process::Command;

use anyhow::{Result, bail};
use seatrial_envtest::assets::{self, Binary, Request};

/// Say what each tier needs on this machine, what is missing, and what mends it.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  cargo xtask doctor        exits with 1 if a tier cannot run")]
pub(crate) struct Args {}

/// One thing that a tier needs.
struct Finding {
    ok: bool,
    text: String,
    mend: Option<String>,
}

impl Finding {
    fn good(text: impl Into<String>) -> Self {
        Self { ok: true, text: text.into(), mend: None }
    }

    fn bad(text: impl Into<String>, mend: impl Into<String>) -> Self {
        Self { ok: false, text: text.into(), mend: Some(mend.into()) }
    }

    fn print(&self) {
        println!("  {} {}", if self.ok { "ok  " } else { "MISS" }, self.text);
        if let Some(mend) = &self.mend {
            println!("       mend: {mend}");
        }
    }
}

/// Prints the findings by tier; an error if a tier cannot run.
pub(crate) async fn doctor(_args: &Args) -> Result<()> {
    let (mut broken, mut wished) = (Vec::new(), Vec::new());
    let tiers = [
        ("fake", fake()),
        ("envtest", envtest().await),
        ("kind", kind::kind().await),
        ("existing", existing()),
        ("development", tools()),
    ];
    for (tier, findings) in tiers {
        println!("{tier}");
        for finding in &findings {
            finding.print();
        }
        // Tier `existing` is a wish, not a need: a machine without a kubeconfig is in order.
        if findings.iter().any(|finding| !finding.ok) {
            if tier == "existing" { wished.push(tier) } else { broken.push(tier) }
        }
    }
    if broken.is_empty() {
        let wished: Vec<_> = wished.iter().map(|tier| format!(", but tier {tier} is not set up")).collect();
        println!("all is there{}", wished.concat());
        return Ok(());
    }
    bail!("not everything is there for: {}; the lines marked MISS say what to do", broken.join(", "))
}

fn version(program: &str, argument: &str) -> Option<String> {
    let output =
        Command::new(program).arg(argument).output().ok().filter(|output| output.status.success())?;
    Some(String::from_utf8_lossy(&output.stdout).lines().next()?.trim().to_owned())
}

fn fake() -> Vec<Finding> {
    let mend = "install Rust 1.89 or newer (rustup.rs)";
    vec![version("rustc", "--version").map_or_else(|| Finding::bad("rustc is missing", mend), Finding::good)]
}

async fn envtest() -> Vec<Finding> {
    let mut findings = Vec::new();
    let go = version("go", "version");
    match Request::new(None) {
        Err(error) => findings.push(Finding::bad(error.to_string(), "set another version")),
        Ok(request) => {
            let request = request.with(Binary::KubeControllerManager).installed_only(true);
            match assets::resolve(&request).await {
                Ok(found) => {
                    findings.extend(found.report().lines().iter().map(|l| Finding::good(l.to_string())));
                }
                Err(error) => {
                    let text = format!("not here yet: {}", missing(error.missing()));
                    findings.extend(error.report().lines().iter().map(|l| Finding::good(l.to_string())));
                    let can_build = go.is_some();
                    let mend = "cargo xtask envtest (it downloads them, or builds them with Go)";
                    findings.push(if can_build {
                        Finding::good(format!("{text}; {mend}"))
                    } else {
                        Finding::bad(text, mend)
                    });
                }
            }
        }
    }
    let mend = "install Go 1.26 or newer (only needed where prebuilt binaries cannot be downloaded)";
    findings.push(go.map_or_else(|| Finding::bad("go is missing", mend), Finding::good));
    findings
}

fn missing(binaries: &[Binary]) -> String {
    binaries.iter().map(|binary| binary.name()).collect::<Vec<_>>().join(", ")
}

fn existing() -> Vec<Finding> {
    let mend = "point KUBECONFIG at a cluster and name its context in SEATRIAL_CONTEXT_ALLOW";
    let context = kube::config::Kubeconfig::read().ok().and_then(|config| config.current_context);
    let allowed = std::env::var("SEATRIAL_CONTEXT_ALLOW").unwrap_or_default();
    vec![match context {
        None => Finding::bad("no kubeconfig with a current context", mend),
        Some(context) if allowed.split(',').any(|name| name.trim() == context) => {
            Finding::good(format!("context {context} is on the allow-list"))
        }
        Some(context) => Finding::bad(format!("context {context} is not on the allow-list"), mend),
    }]
}

fn tools() -> Vec<Finding> {
    let tool = |program: &str, argument: &str, mend| {
        version(program, argument)
            .map_or_else(|| Finding::bad(format!("{program} is missing"), mend), Finding::good)
    };
    vec![
        tool("rustfmt", "--version", "rustup component add rustfmt"),
        tool("cargo-clippy", "--version", "rustup component add clippy"),
    ]
}
