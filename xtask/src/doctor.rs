//! `cargo xtask doctor`: requirements of each tier on this machine, and commands to fix what is missing.

mod kind;

use std::process::Command;

use anyhow::{Result, bail};
use seatrial_envtest::assets::{self, Binary, ReportLine, Request, Step, StepOutcome};

use crate::browser;

/// Say what each tier needs on this machine, what is missing, and what mends it.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Each line is marked:\n  ok    it is here\n  MISS  it is missing and needed; the line says for what, and what mends it\n  -     it is not here and need not be; the line says why\n\nExample:\n  cargo xtask doctor        exits with 1 if a tier cannot run"
)]
pub(crate) struct Args {}

/// The availability of a requirement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Availability {
    /// Available.
    Available,
    /// Missing and required by a tier.
    Missing,
    /// Not available and not required.
    NotNeeded,
}

/// The result of one check.
struct Finding {
    availability: Availability,
    text: String,
    fix: Option<String>,
}

impl Finding {
    fn available(text: impl Into<String>) -> Self {
        Self { availability: Availability::Available, text: text.into(), fix: None }
    }

    fn missing(text: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { availability: Availability::Missing, text: text.into(), fix: Some(fix.into()) }
    }

    /// The text has the reason why it is not required.
    fn not_needed(text: impl Into<String>) -> Self {
        Self { availability: Availability::NotNeeded, text: text.into(), fix: None }
    }

    fn is_missing(&self) -> bool {
        self.availability == Availability::Missing
    }

    fn print(&self) {
        let mark = match self.availability {
            Availability::Available => "ok",
            Availability::Missing => "MISS",
            Availability::NotNeeded => "-",
        };
        println!("  {mark:<4} {}", self.text);
        if let Some(fix) = &self.fix {
            println!("       fix: {fix}");
        }
    }
}

/// Prints the findings by tier. Fails if a tier cannot run.
pub(crate) async fn doctor(_args: &Args) -> Result<()> {
    let mut broken = Vec::new();
    let tiers = [
        ("fake", fake()),
        ("envtest", envtest().await),
        ("kind", kind::kind().await),
        ("existing", vec![existing()]),
        ("development", tools()),
    ];
    for (tier, findings) in tiers {
        println!("{tier}");
        findings.iter().for_each(Finding::print);
        if findings.iter().any(Finding::is_missing) {
            broken.push(tier);
        }
    }
    if broken.is_empty() {
        println!("all that is needed is here");
        return Ok(());
    }
    bail!("not all that is needed is here, for: {}; the lines marked MISS say what to do", broken.join(", "))
}

fn version(program: &str, argument: &str) -> Option<String> {
    let output =
        Command::new(program).arg(argument).output().ok().filter(|output| output.status.success())?;
    Some(String::from_utf8_lossy(&output.stdout).lines().next()?.trim().to_owned())
}

fn fake() -> Vec<Finding> {
    let fix = "install Rust 1.89 or newer (rustup.rs)";
    let missing = || Finding::missing("rustc is missing, and needed for everything", fix);
    vec![version("rustc", "--version").map_or_else(missing, Finding::available)]
}

async fn envtest() -> Vec<Finding> {
    let go = version("go", "version");
    let request = match Request::new(None) {
        Ok(request) => request.with(Binary::KubeControllerManager).installed_only(true),
        Err(error) => return vec![Finding::missing(error.to_string(), "set another version")],
    };
    let (lines, missing) = match assets::resolve(&request).await {
        Ok(found) => (found.report().lines().to_vec(), Vec::new()),
        Err(error) => (error.report().lines().to_vec(), error.missing().to_vec()),
    };
    let mut findings: Vec<_> = lines.iter().filter_map(|line| finding_of(line, missing.is_empty())).collect();
    findings.push(binaries_or_go(&missing, go));
    findings
}

/// The finding for a line of the resolution report. Steps that download or build are disabled and left out.
fn finding_of(line: &ReportLine, complete: bool) -> Option<Finding> {
    match (&line.outcome, line.step) {
        (StepOutcome::Found { .. }, _) => Some(Finding::available(line.to_string())),
        (StepOutcome::NotFound(_), _) if complete => {
            Some(Finding::not_needed(format!("{line}; not needed, since they are found elsewhere")))
        }
        (StepOutcome::NotFound(_), Step::Index | Step::Source) => None,
        (StepOutcome::NotFound(_), _) => Some(Finding::not_needed(line.to_string())),
    }
}

/// The finding for missing binaries and the Go toolchain, which can build them.
fn binaries_or_go(missing: &[Binary], go: Option<String>) -> Finding {
    let names: Vec<_> = missing.iter().map(|binary| binary.name()).collect();
    let names = names.join(", ");
    match (missing.is_empty(), go) {
        (true, Some(go)) => Finding::available(go),
        (true, None) => Finding::not_needed("go is missing; not needed, since the binaries are here"),
        (false, Some(go)) => Finding::not_needed(format!(
            "not here yet: {names}; `cargo xtask envtest` downloads them, or builds them with {go}"
        )),
        (false, None) => Finding::missing(
            format!(
                "missing: {names}, needed for the real control plane; and go, which builds them where they cannot be downloaded"
            ),
            "install Go 1.26 or newer (https://go.dev/dl); where they can be downloaded, cargo xtask envtest does it",
        ),
    }
}

/// The finding for an existing cluster, which is optional.
fn existing() -> Finding {
    let context = kube::config::Kubeconfig::read().ok().and_then(|config| config.current_context);
    context_finding(context.as_deref(), &std::env::var("SEATRIAL_CONTEXT_ALLOW").unwrap_or_default())
}

fn context_finding(context: Option<&str>, list: &str) -> Finding {
    let wish = "only needed for specs on a cluster of your own";
    let both = "point KUBECONFIG at it and name its context in SEATRIAL_CONTEXT_ALLOW";
    match context {
        Some(context) if list.split(',').any(|name| name.trim() == context) => {
            Finding::available(format!("context {context} is on the allow-list"))
        }
        Some(context) => Finding::not_needed(format!(
            "context {context} is not on the allow-list, SEATRIAL_CONTEXT_ALLOW; {wish}"
        )),
        None => Finding::not_needed(format!("no kubeconfig with a current context; {wish}: {both}")),
    }
}

fn tools() -> Vec<Finding> {
    let tool = |program: &str, argument: &str, fix| {
        let missing =
            || Finding::missing(format!("{program} is missing, and needed for cargo xtask ci"), fix);
        version(program, argument).map_or_else(missing, Finding::available)
    };
    let no_browser = "no Chromium; not needed, since looks at the report's page (cargo xtask page, ci) are skipped \
        without it: apt-get install chromium";
    let no_deny = "no cargo-deny; not needed, since what deny.toml says of dependencies (cargo xtask ci) is skipped \
        without it: cargo install --locked cargo-deny";
    vec![
        tool("rustfmt", "--version", "rustup component add rustfmt"),
        tool("cargo-clippy", "--version", "rustup component add clippy"),
        browser::find().map_or_else(
            || Finding::not_needed(no_browser),
            |path| Finding::available(format!("Chromium: {}", path.display())),
        ),
        version("cargo-deny", "--version").map_or_else(|| Finding::not_needed(no_deny), Finding::available),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn go_is_required_only_if_binaries_are_missing() {
        let (none, some) = ([].as_slice(), [Binary::Etcd].as_slice());
        let go = || Some("go version go1.26.8".to_owned());
        let states = [(none, go()), (none, None), (some, go()), (some, None)]
            .map(|(missing, go)| binaries_or_go(missing, go).availability);
        assert_eq!(
            states,
            [
                Availability::Available,
                Availability::NotNeeded,
                Availability::NotNeeded,
                Availability::Missing
            ]
        );
        let missing = binaries_or_go(some, None);
        assert!(missing.text.starts_with("missing: etcd, needed for "), "{}", missing.text);
        assert!(missing.fix.unwrap().contains("Go 1.26"));
    }

    #[test]
    fn an_existing_cluster_is_optional() {
        let (none, other) = (context_finding(None, "dev"), context_finding(Some("prod"), "dev, test"));
        assert_eq!(
            (none.availability, other.availability),
            (Availability::NotNeeded, Availability::NotNeeded)
        );
        assert!(none.text.contains("only needed for specs on a cluster of your own"), "{}", none.text);
        assert!(other.text.starts_with("context prod is not on the allow-list"), "{}", other.text);
        assert_eq!(context_finding(Some("test"), "dev, test").availability, Availability::Available);
    }
}
