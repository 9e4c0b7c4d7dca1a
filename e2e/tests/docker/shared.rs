//! One cluster for many processes, as under a runner that starts a process for each spec.

use std::thread;

use seatrial_e2e::kind::{Cluster, reap};

use crate::program::suite;
use crate::surroundings::{REAPING, files, home, left_of};

#[tokio::test]
async fn processes_of_one_run_share_a_cluster_and_it_stays_as_long_as_the_runner_lives() {
    let _alone = REAPING.lock().await;
    let (_folder, home) = home();
    let run = format!("run-{}", std::process::id());
    // What a run that is gone has left is removed by the next one when it begins.
    let stale = home.path().join("seatrial-stale");
    std::fs::create_dir_all(&stale).unwrap();
    let spec = |name: &'static str| {
        let (root, run) = (home.path().to_owned(), run.clone());
        let mut program = suite("passing").arg(name).env("SEATRIAL_TIER", "kind");
        program = program
            .env("SEATRIAL_KIND_HOME", root)
            .env("NEXTEST_RUN_ID", run)
            .env("SEATRIAL_KIND_NODES", "1");
        if let Some(image) = std::env::var_os("SEATRIAL_NODE_IMAGE") {
            program = program.env("SEATRIAL_NODE_IMAGE", image);
        }
        thread::spawn(move || program.run())
    };
    // Both begin without a cluster: one makes it, the other waits and finds it.
    let runs = [spec("is refused twice"), spec("is gone once it was deleted")];
    for ran in runs.map(|run| run.join().unwrap()) {
        assert_eq!(ran.code, Some(0), "{}\n{}", ran.stdout, ran.stderr);
        assert!(ran.stdout.contains("1 passed; 0 failed"), "{}", ran.stdout);
    }
    assert!(!stale.exists(), "the folder of a cluster that is gone is still there");
    let leases = files(&home).into_iter().filter_map(|file| file.strip_suffix(".lease").map(str::to_owned));
    let names: Vec<_> = leases.collect();
    let [name] = names.as_slice() else { panic!("one cluster for both, and not {names:?}") };
    // The runner, which is this process, lives: between two specs nobody may take the cluster away.
    assert!(reap(&home, false).await.unwrap().held.contains(name));
    Cluster::open(&home, name).await.unwrap().delete().await.unwrap();
    assert_eq!(left_of(&home, name), Vec::<String>::new());
}
