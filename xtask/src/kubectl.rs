//! `cargo xtask kubectl`: commands of the real kubectl against the fake and against a real API server.
//!
//! Output and exit codes are compared for each command of `kubectl/steps.txt`.

mod normalise;

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use seatrial_envtest::Environment;
use seatrial_envtest::assets::{self, Binary, Request};
use seatrial_fakeclient::FakeCluster;
use seatrial_fixtures::conformance::server_config;

use crate::cargo::Counts;

/// Run the same kubectl commands on the fake and on a real API server, and compare what they print.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  cargo xtask kubectl        kubectl is found, downloaded or built like the control plane's binaries"
)]
pub(crate) struct Args {}

const STEPS: &str = include_str!("kubectl/steps.txt");

/// The files that the steps name.
const FILES: [(&str, &str); 10] = [
    ("changed.yaml", include_str!("kubectl/changed.yaml")),
    ("configmap.yaml", include_str!("kubectl/configmap.yaml")),
    ("definition.yaml", include_str!("kubectl/definition.yaml")),
    ("deployment.yaml", include_str!("kubectl/deployment.yaml")),
    ("event.yaml", include_str!("kubectl/event.yaml")),
    ("invalid.yaml", include_str!("kubectl/invalid.yaml")),
    ("pod.yaml", include_str!("kubectl/pod.yaml")),
    ("served.yaml", include_str!("kubectl/served.yaml")),
    ("unknown.yaml", include_str!("kubectl/unknown.yaml")),
    ("widget.yaml", include_str!("kubectl/widget.yaml")),
];

/// The comparison of the two sides of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Comparison {
    /// Same exit code, same text.
    Same,
    /// Same exit code.
    Exit,
    /// The fake answers that it does not model this.
    NotModelled,
}

/// A line of `steps.txt`.
#[derive(Debug, PartialEq, Eq)]
struct Step<'a> {
    comparison: Comparison,
    line: &'a str,
}

/// The output of a command, both streams, and its exit code.
#[derive(Debug, PartialEq, Eq)]
struct CommandOutput {
    text: String,
    code: Option<i32>,
}

/// Runs all steps on both sides and prints the counts as the last line.
pub(crate) async fn kubectl(_args: &Args) -> Result<()> {
    let request = Request::new(Some(server_config::KUBERNETES))?.with(Binary::Kubectl);
    let found = assets::resolve(&request).await?;
    let program = found.path(Binary::Kubectl).context("kubectl was asked for")?.to_owned();
    let environment = Environment::builder()
        .version(server_config::KUBERNETES)
        .controllers(server_config::CONTROLLERS)
        .start()
        .await?;
    let cluster = FakeCluster::new();
    let serving = cluster.serve(0).await?;
    let fake = KubectlClient::new(&program, serving.kubeconfig())?;
    let real = KubectlClient::new(&program, &environment.kubeconfig())?;
    // On blocking threads, since the fake runs on this runtime.
    let both = tokio::try_join!(
        tokio::task::spawn_blocking(move || fake.run_all()),
        tokio::task::spawn_blocking(move || real.run_all()),
    );
    serving.stop().await;
    environment.stop().await;
    let (fake, real) = both?;
    let counts = compare(&fake?, &real?);
    println!("{counts}");
    if counts.failed > 0 {
        bail!("kubectl shows that the fake is not a real API server");
    }
    Ok(())
}

/// Prints a line for each step, and both outputs of one that differs.
fn compare(fake: &[CommandOutput], real: &[CommandOutput]) -> Counts {
    let mut counts = Counts::default();
    for ((step, fake), real) in steps().zip(fake).zip(real) {
        if agrees(step.comparison, fake, real) {
            counts.passed += 1;
            println!("ok      kubectl {}", step.line);
        } else {
            counts.failed += 1;
            println!("FAILED  kubectl {}", step.line);
            println!("        fake, exit {:?}:\n{}", fake.code, fake.text);
            println!("        real, exit {:?}:\n{}", real.code, real.text);
        }
    }
    counts
}

fn agrees(comparison: Comparison, fake: &CommandOutput, real: &CommandOutput) -> bool {
    match comparison {
        Comparison::Same => fake == real,
        Comparison::Exit => fake.code == real.code,
        Comparison::NotModelled => {
            fake.code != Some(0) && fake.text.contains("seatrial-fakeclient does not model")
        }
    }
}

fn steps() -> impl Iterator<Item = Step<'static>> {
    STEPS.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).map(step)
}

fn step(line: &str) -> Step<'_> {
    match (line.strip_prefix("! "), line.strip_prefix("~ ")) {
        (Some(line), _) => Step { comparison: Comparison::NotModelled, line },
        (_, Some(line)) => Step { comparison: Comparison::Exit, line },
        _ => Step { comparison: Comparison::Same, line },
    }
}

/// kubectl for one of the two servers, in its own folder.
struct KubectlClient {
    program: PathBuf,
    folder: tempfile::TempDir,
}

impl KubectlClient {
    fn new(program: &Path, kubeconfig: &str) -> Result<Self> {
        let folder = tempfile::tempdir().context("failed to make a folder for kubectl")?;
        for (name, text) in FILES.into_iter().chain([("kubeconfig", kubeconfig)]) {
            fs::write(folder.path().join(name), text).with_context(|| format!("failed to write {name}"))?;
        }
        Ok(Self { program: program.to_owned(), folder })
    }

    fn run_all(&self) -> Result<Vec<CommandOutput>> {
        steps().map(|step| self.run(step.line)).collect()
    }

    /// Runs a line: one command, or one whose standard output is another's input.
    fn run(&self, line: &str) -> Result<CommandOutput> {
        let mut input = Vec::new();
        let mut text = String::new();
        let mut code = None;
        let last = line.split(" | ").count() - 1;
        for (at, command) in line.split(" | ").enumerate() {
            let output = self.command(command, &input)?;
            text.push_str(&String::from_utf8_lossy(&output.stderr));
            if at == last {
                text.insert_str(0, &String::from_utf8_lossy(&output.stdout));
            }
            input = output.stdout;
            code = output.status.code();
        }
        Ok(CommandOutput { text: normalise::normalise(&text), code })
    }

    fn command(&self, line: &str, input: &[u8]) -> Result<std::process::Output> {
        let mut child = Command::new(&self.program)
            // The last one counts, so that a step may have its own time.
            .args(["--kubeconfig", "kubeconfig", "--cache-dir", "cache", "--request-timeout", "30s"])
            .args(line.split(' '))
            .current_dir(self.folder.path())
            .env_remove("KUBECONFIG")
            .env("HOME", self.folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| format!("failed to start {}", self.program.display()))?;
        let mut stdin = child.stdin.take().context("the child's input was asked for")?;
        // A command that reads no input may be gone before it is given any.
        let _ = stdin.write_all(input);
        drop(stdin);
        child.wait_with_output().with_context(|| format!("failed to wait for kubectl {line}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_prefix_of_a_step_selects_its_comparison() {
        assert_eq!(step("! apply -f x"), Step { comparison: Comparison::NotModelled, line: "apply -f x" });
        assert_eq!(step("~ version"), Step { comparison: Comparison::Exit, line: "version" });
        assert_eq!(step("get pods"), Step { comparison: Comparison::Same, line: "get pods" });
    }

    #[test]
    fn different_output_or_exit_code_is_a_difference() {
        let printed = |text: &str, code| CommandOutput { text: text.to_owned(), code: Some(code) };
        assert!(agrees(Comparison::Same, &printed("a", 0), &printed("a", 0)));
        assert!(!agrees(Comparison::Same, &printed("a", 0), &printed("b", 0)));
        assert!(!agrees(Comparison::Exit, &printed("a", 0), &printed("a", 1)));
        assert!(!agrees(Comparison::NotModelled, &printed("done", 0), &printed("done", 0)));
        let said = printed("seatrial-fakeclient does not model it", 1);
        assert!(agrees(Comparison::NotModelled, &said, &printed("done", 0)));
    }

    #[test]
    fn the_files_of_all_steps_exist() {
        for step in steps() {
            for word in step
                .line
                .split([' ', '='])
                .filter(|word| Path::new(word).extension().is_some_and(|ending| ending == "yaml"))
            {
                assert!(FILES.iter().any(|(name, _)| *name == word), "{word}");
            }
        }
    }
}
