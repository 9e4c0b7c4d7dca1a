//! Who removes what: a killed process's half-made cluster, and nothing that somebody still uses or wants to keep.

use std::process::Child;
use std::time::{Duration, Instant};

use seatrial_e2e::kind::{ClusterConfig, Home, create, reap};

use crate::child::creator;
use crate::surroundings::{CLUSTER, REAPING, docker, empty_image, home, left_of, own_architecture, unique};

/// Waits until the cluster has a container: its create is then in the middle.
#[track_caller]
fn wait_for_a_container(name: &str, child: &mut Child) {
    let deadline = Instant::now() + Duration::from_secs(300);
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
async fn leftovers_of_a_killed_create_are_removed_by_the_next_run() {
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
    // Another run's may be there at the same time.
    let subnet = format!("10.220.{}.0/24", std::process::id() % 256);
    docker(&["network", "create", "--label", &label, "--subnet", &subnet, &name]);
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

#[tokio::test]
async fn a_failed_create_that_is_to_be_kept_stays_until_it_is_asked_for_by_its_reason() {
    let _alone = REAPING.lock().await;
    let (_folder, home) = home();
    let name = unique("keptfailed");
    let image = empty_image(&format!("seatrial.test/kept:{}", std::process::id()), own_architecture());
    let config = ClusterConfig::new().name(&name).image(&image.0).keep_on_failure(true);
    let error = create(&home, &config, &|_| ()).await.unwrap_err().to_string();
    assert!(error.contains(&format!("{name}), then remove it: `cargo xtask e2e reap --kept`")), "{error}");
    let reaped = reap(&home, false).await.unwrap();
    let kept = (name.clone(), "its create failed, and it was to be kept then".to_owned());
    assert!(reaped.kept.contains(&kept), "{reaped:?}");
    let left = left_of(&home, &name);
    for part in ["container ", "network ", &name] {
        assert!(left.iter().any(|left| left.starts_with(part)), "no {part} is left: {left:?}");
    }
    assert!(reap(&home, true).await.unwrap().removed.contains(&name));
    assert_eq!(left_of(&home, &name), Vec::<String>::new());
}
