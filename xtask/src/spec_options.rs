//! Command-line options for the selection and execution of specs, passed to the spec runner as variables.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Result, ensure};

/// The options of the spec runner.
#[derive(Clone, Debug, Default, clap::Args)]
pub(crate) struct SpecOptions {
    /// Only specs whose name contains this.
    #[arg(long)]
    filter: Option<String>,
    /// Only specs with these labels: `recovery && !(slow || flaky)`.
    #[arg(long, value_name = "EXPRESSION")]
    labels: Option<String>,
    /// The order: mixed, groups or written.
    #[arg(long)]
    order: Option<String>,
    /// The number of specs that run at once.
    #[arg(long, value_name = "N")]
    workers: Option<usize>,
    /// The number of retries of a failed spec; one that then passes is reported as flaky.
    #[arg(long, value_name = "N")]
    retries: Option<u32>,
    /// Start no spec after the first failure.
    #[arg(long)]
    fail_fast: bool,
    /// Repeat up to N times, each time with another seed, until a spec fails.
    #[arg(long, value_name = "N")]
    repeat: Option<u64>,
    /// Repeat without limit, each time with another seed, until a spec fails.
    #[arg(long)]
    until_it_fails: bool,
    /// A folder for the reports: report.html, report.json, junit.xml and artefacts of failures.
    #[arg(long, value_name = "DIR")]
    report: Option<PathBuf>,
}

impl SpecOptions {
    /// Adds the options to a command of the spec runner.
    pub(crate) fn apply(&self, command: &mut Command) {
        command.args(&self.filter);
        if let Some(workers) = self.workers {
            command.arg(format!("--test-threads={workers}"));
        }
        let flag = |is: bool| is.then(|| "true".to_owned());
        let variables = [
            ("SEATRIAL_LABELS", self.labels.clone()),
            ("SEATRIAL_ORDER", self.order.clone()),
            ("SEATRIAL_RETRIES", self.retries.map(|count| count.to_string())),
            ("SEATRIAL_FAIL_FAST", flag(self.fail_fast)),
            ("SEATRIAL_REPEAT", self.repeat.map(|count| count.to_string())),
            ("SEATRIAL_UNTIL_IT_FAILS", flag(self.until_it_fails)),
        ];
        // Variables of the caller are kept for options that are not given.
        command.envs(variables.into_iter().filter_map(|(name, value)| Some((name, value?))));
        command.envs(self.report().map(|folder| ("SEATRIAL_REPORT", folder)));
    }

    /// The absolute path of the report folder, since cargo runs tests in the folder of their package.
    pub(crate) fn report(&self) -> Option<PathBuf> {
        let folder = self.report.as_ref()?;
        Some(std::path::absolute(folder).unwrap_or_else(|_| folder.clone()))
    }

    /// Fails if a filter or labels select no spec. `task` is the command that lists specs.
    pub(crate) fn ensure_selected(&self, count: usize, task: &str) -> Result<()> {
        let name = self.filter.as_ref().map(|text| format!("name contains {text:?}"));
        let labels = self.labels.as_ref().map(|text| format!("labels are {text:?}"));
        let asked: Vec<_> = name.into_iter().chain(labels).collect();
        ensure!(
            asked.is_empty() || count > 0,
            "no spec's {}: `cargo xtask {task}` shows the names",
            asked.join(" while its ")
        );
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        spec_options: SpecOptions,
    }

    #[test]
    fn only_given_options_reach_the_runner() {
        let options = "x --filter restart --labels !slow --order groups --workers 3 --retries 2 --fail-fast \
             --repeat 9 --until-it-fails --report /out";
        let mut command = Command::new("specs");
        Line::parse_from(options.split(' ')).spec_options.apply(&mut command);
        let text = |part: &std::ffi::OsStr| part.to_string_lossy().into_owned();
        let variables =
            command.get_envs().map(|(name, value)| format!("{}={}", text(name), text(value.unwrap())));
        let expected = [
            "SEATRIAL_FAIL_FAST=true",
            "SEATRIAL_LABELS=!slow",
            "SEATRIAL_ORDER=groups",
            "SEATRIAL_REPEAT=9",
            "SEATRIAL_REPORT=/out",
            "SEATRIAL_RETRIES=2",
            "SEATRIAL_UNTIL_IT_FAILS=true",
        ];
        assert_eq!(variables.collect::<Vec<_>>(), expected);
        assert_eq!(command.get_args().collect::<Vec<_>>(), ["restart", "--test-threads=3"]);
        let mut bare = Command::new("specs");
        Line::parse_from(["x"]).spec_options.apply(&mut bare);
        assert_eq!((bare.get_envs().count(), bare.get_args().count()), (0, 0));
    }

    #[test]
    fn an_empty_selection_is_an_error_with_the_filter() {
        let chosen = |options: &str, count| {
            Line::parse_from(options.split(' '))
                .spec_options
                .ensure_selected(count, "trial")
                .map_err(|error| error.to_string())
        };
        let none = "no spec's name contains \"x\": `cargo xtask trial` shows the names".to_owned();
        assert_eq!(chosen("x --filter x", 0), Err(none));
        let none = "no spec's name contains \"x\" while its labels are \"slow\": `cargo xtask trial` shows the names";
        assert_eq!(chosen("x --filter x --labels slow", 0), Err(none.to_owned()));
        // Who asked for nothing has got it.
        assert_eq!((chosen("x --filter x", 1), chosen("x", 0)), (Ok(()), Ok(())));
    }
}
