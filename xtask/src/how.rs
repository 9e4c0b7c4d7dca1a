//! How specs are run, as options of the commands that run them. The spec runner reads variables; these are their names on a
//! command line.

use std::process::Command;

/// How specs are run.
#[derive(Clone, Debug, Default, clap::Args)]
pub(crate) struct How {
    /// Only specs with these labels: `recovery && !(slow || flaky)`.
    #[arg(long, value_name = "EXPRESSION")]
    labels: Option<String>,
    /// In which order: mixed, groups or written.
    #[arg(long)]
    order: Option<String>,
    /// How many specs run at once.
    #[arg(long, value_name = "N")]
    workers: Option<usize>,
    /// How often a failed spec is tried again; one that then passes is told as flaky.
    #[arg(long, value_name = "N")]
    retries: Option<u32>,
    /// After the first failure no other spec begins.
    #[arg(long)]
    fail_fast: bool,
    /// Run so many times, each time with another seed, until it fails.
    #[arg(long, value_name = "N")]
    repeat: Option<u64>,
    /// Run again and again, each time with another seed, until it fails.
    #[arg(long)]
    until_it_fails: bool,
}

impl How {
    /// Adds what was asked for to a command that ends with the spec runner's own arguments.
    pub(crate) fn apply(&self, command: &mut Command) {
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
        // What is not asked for here may still be set by the caller.
        command.envs(variables.into_iter().filter_map(|(name, value)| Some((name, value?))));
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        how: How,
    }

    #[test]
    fn each_option_reaches_the_runner_and_none_that_was_not_given() {
        let options =
            "x --labels !slow --order groups --workers 3 --retries 2 --fail-fast --repeat 9 --until-it-fails";
        let mut command = Command::new("specs");
        Line::parse_from(options.split(' ')).how.apply(&mut command);
        let text = |part: &std::ffi::OsStr| part.to_string_lossy().into_owned();
        let variables =
            command.get_envs().map(|(name, value)| format!("{}={}", text(name), text(value.unwrap())));
        let expected = [
            "SEATRIAL_FAIL_FAST=true",
            "SEATRIAL_LABELS=!slow",
            "SEATRIAL_ORDER=groups",
            "SEATRIAL_REPEAT=9",
            "SEATRIAL_RETRIES=2",
            "SEATRIAL_UNTIL_IT_FAILS=true",
        ];
        assert_eq!(variables.collect::<Vec<_>>(), expected);
        assert_eq!(command.get_args().collect::<Vec<_>>(), ["--test-threads=3"]);
        let mut bare = Command::new("specs");
        Line::parse_from(["x"]).how.apply(&mut bare);
        assert_eq!((bare.get_envs().count(), bare.get_args().count()), (0, 0));
    }
}
