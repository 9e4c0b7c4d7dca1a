//! `cargo xtask bench`: speed, as medians, beside the target and a ratio measured in the same run.

mod envtest;
mod fake;
mod kind;
pub(crate) mod report;
mod stopwatch;

use anyhow::{Context, Result};
use serde::Serialize;

use crate::cargo::cargo;

/// Measure the fake, the report's page, the start of a real control plane, and clusters of real nodes.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  cargo xtask bench             a table (builds with optimisation first)\n  cargo xtask bench --json      the same for programs\n  cargo xtask bench --kind      clusters of real nodes alone"
)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
pub(crate) struct Args {
    /// Print JSON.
    #[arg(long)]
    json: bool,
    /// Leave out what needs real Kubernetes binaries.
    #[arg(long)]
    fake_only: bool,
    /// Measure clusters of real nodes, and nothing else: it needs Docker and takes some minutes.
    #[arg(long)]
    kind: bool,
    /// Measure in this process; without it, an optimised build of this command is made and run.
    #[arg(long, hide = true)]
    here: bool,
    /// Print the microseconds of the first fake cluster of this process, and nothing else.
    #[arg(long, hide = true)]
    first: bool,
}

/// One row of the table.
#[derive(Debug, Serialize)]
struct Row {
    what: String,
    /// Median of the runs.
    microseconds: f64,
    /// The upper limit, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    target_microseconds: Option<f64>,
    /// The ratio to another row of this run, with its upper limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    ratio: Option<Ratio>,
}

#[derive(Debug, Serialize)]
struct Ratio {
    to: String,
    is: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<f64>,
}

impl Row {
    fn new(what: impl Into<String>, microseconds: f64) -> Self {
        Self { what: what.into(), microseconds, target_microseconds: None, ratio: None }
    }

    fn under(mut self, microseconds: f64) -> Self {
        self.target_microseconds = Some(microseconds);
        self
    }

    fn against(mut self, to: &str, base: f64, target: Option<f64>) -> Self {
        self.ratio = Some(Ratio { to: to.to_owned(), is: self.microseconds / base, target });
        self
    }

    /// True if the row exceeds its limit or the limit of its ratio.
    fn exceeds_target(&self) -> bool {
        let over = |ratio: &Ratio| ratio.target.is_some_and(|target| ratio.is > target);
        self.target_microseconds.is_some_and(|target| self.microseconds >= target)
            || self.ratio.as_ref().is_some_and(over)
    }

    fn print(&self) {
        let target = self.target_microseconds.map(|t| format!("< {}", time(t))).unwrap_or_default();
        let ratio = self.ratio.as_ref().map(|ratio| {
            let most = ratio.target.map(|target| format!(" (at most {target})")).unwrap_or_default();
            format!("{:.2} × {}{most}", ratio.is, ratio.to)
        });
        println!(
            "{:<58} {:>10}  {:<10} {}{}",
            self.what,
            time(self.microseconds),
            target,
            ratio.unwrap_or_default(),
            if self.exceeds_target() { "  MISSED" } else { "" }
        );
    }
}

fn time(microseconds: f64) -> String {
    if microseconds < 1000.0 {
        format!("{microseconds:.1} µs")
    } else {
        format!("{:.2} ms", microseconds / 1000.0)
    }
}

/// Runs the benchmarks in an optimized build of this program.
pub(crate) async fn bench(args: &Args) -> Result<()> {
    if args.first {
        println!("{}", fake::first_cluster());
        return Ok(());
    }
    if !args.here {
        return optimised(args);
    }
    let rows = if args.kind { kind::rows().await? } else { without_nodes(args).await? };
    if args.json {
        println!("{}", serde_json::to_string_pretty(&rows)?);
    } else {
        rows.iter().for_each(Row::print);
    }
    let missed = rows.iter().filter(|row| row.exceeds_target()).count();
    anyhow::ensure!(missed == 0, "{missed} of {} rows are over their target", rows.len());
    Ok(())
}

async fn without_nodes(args: &Args) -> Result<Vec<Row>> {
    let mut rows = fake::rows().await?;
    rows.extend(report::rows().await?);
    if !args.fake_only {
        rows.extend(envtest::rows().await?);
    }
    Ok(rows)
}

fn optimised(args: &Args) -> Result<()> {
    let mut command = cargo();
    command.args(["run", "--profile", "bench", "--package", "xtask", "--", "bench", "--here"]);
    command.args(args.json.then_some("--json"));
    command.args(args.fake_only.then_some("--fake-only"));
    command.args(args.kind.then_some("--kind"));
    let status = command.status().context("failed to start cargo")?;
    anyhow::ensure!(status.success(), "the optimised run says that something is wrong");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::Row;

    #[test]
    fn a_row_exceeds_its_target_by_time_or_ratio() {
        assert!(!Row::new("x", 99.0).exceeds_target());
        assert!(!Row::new("x", 99.0).under(100.0).exceeds_target());
        assert!(Row::new("x", 100.0).under(100.0).exceeds_target());
        assert!(!Row::new("x", 12.0).against("y", 10.0, Some(1.2)).exceeds_target());
        assert!(Row::new("x", 12.1).against("y", 10.0, Some(1.2)).exceeds_target());
        assert!(!Row::new("x", 1000.0).against("y", 1.0, None).exceeds_target());
    }
}
