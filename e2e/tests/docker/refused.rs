//! What cannot be made: one error with the thing, the reason and the next step, and nothing left.

use std::path::PathBuf;
use std::process::Command;

use seatrial_e2e::kind::{ClusterConfig, Home, KindError, NodeConfig, Role, create};
use seatrial_e2e::node_image;

use crate::child::{creator, refusal};
use crate::proxy::Proxy;
use crate::surroundings::{
    CLUSTER, changed_image, docker, empty_image, files, home, left_of, own_architecture, unique,
};

async fn refused(home: &Home, config: &ClusterConfig) -> KindError {
    match create(home, config, &|_| ()).await {
        Ok(cluster) => panic!("{} was made", cluster.name()),
        Err(error) => error,
    }
}

#[test]
fn without_docker_the_socket_is_named_and_nothing_is_written() {
    let (_folder, home) = home();
    let output = creator(&home, "none").env("DOCKER_HOST", "unix:///nowhere/docker.sock").output().unwrap();
    let told = refusal(&output);
    assert!(told.starts_with("Docker does not answer at unix:///nowhere/docker.sock"), "{told}");
    assert!(files(&home).is_empty());
}

#[test]
fn missing_kind_is_reported_with_the_searched_places() {
    let (folder, home) = home();
    // Docker's client is there, and nothing else: neither kind, nor Go to build it, nor a cache that has it.
    let path = folder.path().join("bin");
    std::fs::create_dir(&path).unwrap();
    std::os::unix::fs::symlink(which::which("docker").unwrap(), path.join("docker")).unwrap();
    let mut child = creator(&home, "none");
    child.env("PATH", &path).env("XDG_CACHE_HOME", folder.path()).env("ENVTEST_INSTALLED_ONLY", "true");
    child.env_remove("TEST_ASSET_KIND").env_remove("GOROOT").env_remove("KUBEBUILDER_ASSETS");
    child.env("DOCKER_HOST", seatrial_e2e::docker::host());
    let told = refusal(&child.output().unwrap());
    assert!(told.starts_with("kind cannot be found or installed"), "{told}");
    assert!(files(&home).is_empty());
}

#[tokio::test]
async fn a_name_that_a_cluster_has_is_refused_and_that_cluster_is_left_alone() {
    let (_folder, home) = home();
    let name = unique("taken");
    let image = empty_image(&format!("seatrial.test/taken:{}", std::process::id()), own_architecture());
    let container = format!("{name}-control-plane");
    docker(&["create", "--label", &format!("{CLUSTER}={name}"), "--name", &container, &image.0]);
    let error = refused(&home, &ClusterConfig::new().name(&name)).await;
    let stays = docker(&["ps", "--all", "--quiet", "--filter", &format!("name=^{container}$")]);
    docker(&["rm", &container]);
    assert!(matches!(&error, KindError::NameTaken { name: told, .. } if *told == name), "{error}");
    assert!(error.to_string().contains(&format!("`--reuse {name}`")), "{error}");
    assert!(!stays.is_empty(), "somebody else's container was removed");
    assert!(files(&home).is_empty());
}

#[tokio::test]
async fn a_node_image_of_another_architecture_is_refused_before_anything_is_made() {
    let (_folder, home) = home();
    let image = empty_image(&format!("seatrial.test/s390x:{}", std::process::id()), "s390x");
    let error = refused(&home, &ClusterConfig::new().image(&image.0)).await;
    let told = error.to_string();
    assert!(told.contains(&image.0) && told.contains("is for s390x and Docker runs on"), "{told}");
    assert!(files(&home).is_empty());
}

#[tokio::test]
async fn a_node_image_that_is_not_here_is_refused_by_name() {
    let (_folder, home) = home();
    let error = refused(&home, &ClusterConfig::new().image("seatrial.test/nowhere:1")).await;
    assert!(error.to_string().starts_with("the node image seatrial.test/nowhere:1 is not here"), "{error}");
    assert!(files(&home).is_empty());
}

#[tokio::test]
async fn several_control_planes_without_a_load_balancer_s_image_are_refused_with_its_name() {
    let (_folder, home) = home();
    let config = ClusterConfig::new()
        .node(NodeConfig::new(Role::ControlPlane))
        .node(NodeConfig::new(Role::ControlPlane))
        .image("seatrial.test/nowhere:1");
    match refused(&home, &config).await {
        error @ KindError::LoadBalancer { .. } => {
            let told = error.to_string();
            assert!(
                told.starts_with(
                    "2 control planes need kind's load balancer, whose image docker.io/envoyproxy/envoy:"
                ),
                "{told}"
            );
        }
        // Where a registry can be reached, the image was pulled, and the next thing that is wrong is told.
        error => assert!(matches!(error, KindError::NodeImage(_)), "{error}"),
    }
    assert!(files(&home).is_empty());
}

#[tokio::test]
async fn failed_create_shows_kind_s_output_and_leaves_nothing() {
    let (_folder, home) = home();
    let (name, image) = (
        unique("broken"),
        empty_image(&format!("seatrial.test/broken:{}", std::process::id()), own_architecture()),
    );
    let error = refused(&home, &ClusterConfig::new().name(&name).image(&image.0)).await;
    let told = error.to_string();
    assert!(told.starts_with(&format!("kind could not create cluster {name}: ")), "{told}");
    assert!(told.contains("/sbin/init"), "Docker's reason is missing: {told}");
    assert_eq!(left_of(&home, &name), Vec::<String>::new());
}

#[tokio::test]
async fn exhausted_inotify_instances_are_diagnosed_with_the_command_that_raises_their_limit() {
    let (_folder, home) = home();
    let (name, image) = (unique("watchers"), format!("seatrial.test/watchers:{}", std::process::id()));
    // A node whose first process says what systemd says then, and ends.
    let base = match std::env::var("SEATRIAL_NODE_IMAGE") {
        Ok(image) => image,
        Err(_) => node_image::obtain(&node_image::Request::new(None).unwrap()).await.unwrap().name,
    };
    let says = "echo 'Failed to create control group inotify object: Too many open files' >&2; exit 255";
    let image = changed_image(&image, &base, says);
    let error = refused(&home, &ClusterConfig::new().name(&name).image(&image.0)).await;
    let told = error.to_string();
    assert!(told.contains("this machine's instances of inotify are used up"), "{told}");
    assert!(
        told.contains("\n  next: raise the limit (`sysctl -w fs.inotify.max_user_instances=512`)"),
        "{told}"
    );
    assert_eq!(left_of(&home, &name), Vec::<String>::new());
}

/// A file system of one page, mounted on a home for as long as this lives.
struct OnePage(PathBuf);

impl OnePage {
    /// Nothing where this process may not mount.
    fn on(home: &Home) -> Option<Self> {
        std::fs::create_dir(home.path()).unwrap();
        let mount =
            Command::new("mount").args(["-t", "tmpfs", "-o", "size=4k", "tmpfs"]).arg(home.path()).status();
        mount.is_ok_and(|status| status.success()).then(|| Self(home.path().to_owned()))
    }
}

impl Drop for OnePage {
    fn drop(&mut self) {
        let unmounted = Command::new("umount").arg(&self.0).status();
        let well = unmounted.is_ok_and(|status| status.success());
        // A second panic would end the other tests, too.
        assert!(well || std::thread::panicking(), "{} stays mounted", self.0.display());
    }
}

#[tokio::test]
async fn a_full_disk_is_reported_as_such_and_nothing_is_left() {
    let (_folder, home) = home();
    // The lease fits into it, the configuration does not.
    let Some(_page) = OnePage::on(&home) else {
        return println!("skipped: this test mounts a file system, and only root may do that");
    };
    let image = empty_image(&format!("seatrial.test/full:{}", std::process::id()), own_architecture());
    let name = unique("full");
    let error = refused(&home, &ClusterConfig::new().name(&name).image(&image.0)).await;
    assert!(matches!(error, KindError::DiskFull(_)), "{error}");
    assert!(error.to_string().contains("next: free some space"), "{error}");
    assert_eq!(left_of(&home, &name), Vec::<String>::new());
}

#[tokio::test]
async fn full_disk_under_a_file_is_recognised_without_root() {
    let (_folder, home) = home();
    let name = unique("fullfile");
    // Whatever is written there finds no space.
    let folder = home.path().join(&name);
    std::fs::create_dir_all(&folder).unwrap();
    std::os::unix::fs::symlink("/dev/full", folder.join("cluster.yaml")).unwrap();
    let image = empty_image(&format!("seatrial.test/fullfile:{}", std::process::id()), own_architecture());
    let error = refused(&home, &ClusterConfig::new().name(&name).image(&image.0)).await;
    let told = error.to_string();
    assert!(
        told.starts_with("the disk is full: ") && told.contains("cluster.yaml could not be written"),
        "{told}"
    );
    assert_eq!(left_of(&home, &name), Vec::<String>::new());
}

#[test]
fn a_disk_that_is_full_where_docker_keeps_containers_is_reported_as_such_and_nothing_is_left() {
    let (folder, home) = home();
    let proxy = Proxy::new(folder.path(), "/containers/create");
    let image = empty_image(&format!("seatrial.test/noroom:{}", std::process::id()), own_architecture());
    let name = unique("noroom");
    let mut child = creator(&home, &name);
    child.env("DOCKER_HOST", proxy.host()).env("SEATRIAL_NODE_IMAGE", &image.0);
    let told = refusal(&child.output().unwrap());
    assert_eq!(proxy.refused(), 1, "{told}");
    assert!(told.starts_with(&format!("the disk is full: creating cluster {name} failed: ")), "{told}");
    assert!(told.contains("no space left on device") && told.contains("next: free some space"), "{told}");
    assert_eq!(left_of(&home, &name), Vec::<String>::new());
}
