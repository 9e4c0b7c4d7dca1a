//! Who removes what: a killed process's half-made cluster, and nothing that somebody still uses or wants to keep.

use std::process::Child;
use std::time::{Duration, Instant};

use seatrial_e2e::kind::{Home, reap};

use crate::child::creator;
use crate::surroundings::{CLUSTER, REAPING, docker, home, left_of, unique};

/// Waits until the cluster has a container: its create is then in the middle.
#[track_caller]
fn wait_for_a_container(name: &str, child: &mut Child) {
    let deadline = Instant::now() + Duration::from_secs(120);
    while docker(&["ps", "--quiet", "--filter", &format!("label={CLUSTER}={name}")]).is_empty() {
        assert!(Instant::now() < deadline, "no container of {name} came up");
        assert_eq!(child.try_wait().unwrap(), None, "the create ended before it had a container");
        // Docker is asked again, but not all the time: the one who makes the cluster needs the machine, too.
        std::thread::park_timeout(Duration::from_millis(100));
    }
}

fn lease_is_held(home: &Home, name: &str) -> bool {
    let file =
        std::fs::File::open(home.path().join(format!("{name}.lease"))).expect("the lease of a cluster");
    file.try_lock().is_err()
}

#[tokio::test]
async fn what_a_create_that_was_killed_leaves_is_removed_by_the_next_run() {
    let _alone = REAPING.lock().await;
    let (_folder, home) = home();
    let name = unique("killed");
    let mut child = creator(&home, &name).spawn().unwrap();
    wait_for_a_container(&name, &mut child);
    // While it works on the cluster, nobody takes it away.
    let reaped = reap(&home, false).await.unwrap();
    assert!(reaped.held.contains(&name), "{reaped:?}");
    assert!(lease_is_held(&home, &name));
    // `Child::kill` is SIGKILL: nothing of its own is tidied up.
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(!left_of(&home, &name).is_empty());
    let reaped = reap(&home, false).await.unwrap();
    assert!(reaped.removed.contains(&name), "{reaped:?}");
    assert_eq!(left_of(&home, &name), Vec::<String>::new());
    let reaped = reap(&home, false).await.unwrap();
    assert!(!reaped.removed.contains(&name), "there was more to remove");
}

#[tokio::test]
async fn a_network_whose_lease_is_gone_is_removed() {
    let _alone = REAPING.lock().await;
    let (_folder, home) = home();
    let name = unique("network");
    let lease = home.path().join(format!("{name}.lease"));
    let label = format!("dev.seatrial.kind.lease={}", lease.display());
    docker(&["network", "create", "--label", &label, "--subnet", "10.220.77.0/24", &name]);
    let reaped = reap(&home, false).await.unwrap();
    assert!(reaped.removed.contains(&name), "{reaped:?}");
    assert_eq!(left_of(&home, &name), Vec::<String>::new());
}

#[tokio::test]
async fn a_folder_without_a_cluster_is_removed_and_a_foreign_one_is_not() {
    let _alone = REAPING.lock().await;
    let (_folder, home) = home();
    for name in ["seatrial-folder", "notes"] {
        std::fs::create_dir_all(home.path().join(name)).unwrap();
    }
    assert!(reap(&home, false).await.unwrap().removed.contains(&"seatrial-folder".to_owned()));
    assert!(home.path().join("notes").is_dir() && !home.path().join("seatrial-folder").exists());
}
