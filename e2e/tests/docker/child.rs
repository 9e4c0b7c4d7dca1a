//! This program once more, as a process that creates a cluster and can be killed.

use std::process::{Command, Output, Stdio};

use seatrial_e2e::kind::{ClusterConfig, Home, create};

/// Names the cluster to create; without it the test below has nothing to do.
const NAME: &str = "SEATRIAL_TEST_CREATE";

/// The test that such a process runs.
const TEST: &str = "child::named_cluster_is_created";

/// A process that will create a cluster of this name and print why it could not, if it could not.
pub(crate) fn creator(home: &Home, name: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("a running program has a path"));
    command.args(["--exact", TEST, "--nocapture", "--quiet"]);
    command.env(NAME, name).env("SEATRIAL_KIND_HOME", home.path());
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// The one error that such a process printed.
#[track_caller]
pub(crate) fn refusal(output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let told = text.split_once("refused: ").and_then(|(_, rest)| rest.split_once("\nend of refusal"));
    let Some((told, _)) = told else {
        panic!("no refusal in {text}\n{}", String::from_utf8_lossy(&output.stderr));
    };
    assert!(told.contains("\n  next: "), "no next step in {told}");
    told.to_owned()
}

#[tokio::test]
async fn named_cluster_is_created() {
    let Ok(name) = std::env::var(NAME) else { return };
    let config = ClusterConfig::new().name(name);
    match create(&Home::of_this_process(), &config, &|line| println!("{line}")).await {
        Ok(cluster) => println!("made {}", cluster.name()),
        Err(error) => println!("refused: {error}\nend of refusal"),
    }
}
