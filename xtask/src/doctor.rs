//! `cargo xtask doctor`: what each tier needs here, what is missing and for what, and the command that mends it.

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

/// How it stands with a thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// It is here.
    Here,
    /// It is missing, and a tier needs it.
    Missing,
    /// It is not here, and need not be.
    Spared,
}

/// One thing that a tier needs, or could use.
struct Finding {
    state: State,
    text: String,
    mend: Option<String>,
}

impl Finding {
    fn good(text: impl Into<String>) -> Self {
        Self { state: State::Here, text: text.into(), mend: None }
    }

    fn bad(text: impl Into<String>, mend: impl Into<String>) -> Self {
        Self { state: State::Missing, text: text.into(), mend: Some(mend.into()) }
    }

    /// The text says why it need not be here.
    fn spared(text: impl Into<String>) -> Self {
        Self { state: State::Spared, text: text.into(), mend: None }
    }

    fn is_missing(&self) -> bool {
        self.state == State::Missing
    }

    fn print(&self) {
        let mark = match self.state {
            State::Here => "ok",
            State::Missing => "MISS",
            State::Spared => "-",
        };
        println!("  {mark:<4} {}", self.text);
        if let Some(mend) = &self.mend {
            println!("       mend: {mend}");
        }
    }
}

/// Prints the findings by tier; an error if a tier cannot run.
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
    let mend = "install Rust 1.89 or newer (rustup.rs)";
    let missing = || Finding::bad("rustc is missing, and needed for everything", mend);
    vec![version("rustc", "--version").map_or_else(missing, Finding::good)]
}

async fn envtest() -> Vec<Finding> {
    let go = version("go", "version");
    let request = match Request::new(None) {
        Ok(request) => request.with(Binary::KubeControllerManager).installed_only(true),
        Err(error) => return vec![Finding::bad(error.to_string(), "set another version")],
    };
    let (lines, missing) = match assets::resolve(&request).await {
        Ok(found) => (found.report().lines().to_vec(), Vec::new()),
        Err(error) => (error.report().lines().to_vec(), error.missing().to_vec()),
    };
    let mut findings: Vec<_> = lines.iter().filter_map(|line| looked(line, missing.is_empty())).collect();
    findings.push(binaries_or_go(&missing, go));
    findings
}

/// What a step found, or why it found nothing. Those that would obtain something were not asked to.
fn looked(line: &ReportLine, complete: bool) -> Option<Finding> {
    match (&line.outcome, line.step) {
        (StepOutcome::Found { .. }, _) => Some(Finding::good(line.to_string())),
        (StepOutcome::NotFound(_), _) if complete => {
            Some(Finding::spared(format!("{line}; not needed, since they are found elsewhere")))
        }
        (StepOutcome::NotFound(_), Step::Index | Step::Source) => None,
        (StepOutcome::NotFound(_), _) => Some(Finding::spared(line.to_string())),
    }
}

/// Go builds what is not here and cannot be downloaded.
fn binaries_or_go(missing: &[Binary], go: Option<String>) -> Finding {
    let names: Vec<_> = missing.iter().map(|binary| binary.name()).collect();
    let names = names.join(", ");
    match (missing.is_empty(), go) {
        (true, Some(go)) => Finding::good(go),
        (true, None) => Finding::spared("go is missing; not needed, since the binaries are here"),
        (false, Some(go)) => Finding::spared(format!(
            "not here yet: {names}; `cargo xtask envtest` downloads them, or builds them with {go}"
        )),
        (false, None) => Finding::bad(
            format!(
                "missing: {names}, needed for the real control plane; and go, which builds them where they cannot be downloaded"
            ),
            "install Go 1.26 or newer (https://go.dev/dl); where they can be downloaded, cargo xtask envtest does it",
        ),
    }
}

/// A cluster of the caller's is a wish, not a need: a machine without one is in order.
fn existing() -> Finding {
    let context = kube::config::Kubeconfig::read().ok().and_then(|config| config.current_context);
    allowed(context.as_deref(), &std::env::var("SEATRIAL_CONTEXT_ALLOW").unwrap_or_default())
}

fn allowed(context: Option<&str>, list: &str) -> Finding {
    let wish = "only needed for specs on a cluster of your own";
    let both = "point KUBECONFIG at it and name its context in SEATRIAL_CONTEXT_ALLOW";
    match context {
        Some(context) if list.split(',').any(|name| name.trim() == context) => {
            Finding::good(format!("context {context} is on the allow-list"))
        }
        Some(context) => Finding::spared(format!(
            "context {context} is not on the allow-list, SEATRIAL_CONTEXT_ALLOW; {wish}"
        )),
        None => Finding::spared(format!("no kubeconfig with a current context; {wish}: {both}")),
    }
}

fn tools() -> Vec<Finding> {
    let tool = |program: &str, argument: &str, mend| {
        let missing = || Finding::bad(format!("{program} is missing, and needed for cargo xtask ci"), mend);
        version(program, argument).map_or_else(missing, Finding::good)
    };
    let no_browser = "no Chromium; not needed, since looks at the report's page (cargo xtask page, ci) are skipped \
        without it: apt-get install chromium";
    let no_deny = "no cargo-deny; not needed, since what deny.toml says of dependencies (cargo xtask ci) is skipped \
        without it: cargo install --locked cargo-deny";
    vec![
        tool("rustfmt", "--version", "rustup component add rustfmt"),
        tool("cargo-clippy", "--version", "rustup component add clippy"),
        browser::find().map_or_else(
            || Finding::spared(no_browser),
            |path| Finding::good(format!("Chromium: {}", path.display())),
        ),
        version("cargo-deny", "--version").map_or_else(|| Finding::spared(no_deny), Finding::good),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn go_is_missed_only_where_binaries_are_missing_and_binaries_only_where_go_is() {
        let (none, some) = ([].as_slice(), [Binary::Etcd].as_slice());
        let go = || Some("go version go1.26.8".to_owned());
        let states = [(none, go()), (none, None), (some, go()), (some, None)]
            .map(|(missing, go)| binaries_or_go(missing, go).state);
        assert_eq!(states, [State::Here, State::Spared, State::Spared, State::Missing]);
        let missing = binaries_or_go(some, None);
        assert!(missing.text.starts_with("missing: etcd, needed for "), "{}", missing.text);
        assert!(missing.mend.unwrap().contains("Go 1.26"));
    }

    #[test]
    fn no_cluster_of_ones_own_is_in_order_and_the_line_says_what_it_would_be_for() {
        let (none, other) = (allowed(None, "dev"), allowed(Some("prod"), "dev, test"));
        assert_eq!((none.state, other.state), (State::Spared, State::Spared));
        assert!(none.text.contains("only needed for specs on a cluster of your own"), "{}", none.text);
        assert!(other.text.starts_with("context prod is not on the allow-list"), "{}", other.text);
        assert_eq!(allowed(Some("test"), "dev, test").state, State::Here);
    }
}
