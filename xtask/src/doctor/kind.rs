//! Requirements of tier `kind`: Docker with privileged containers, kind, a node image or its ingredients.

use std::path::Path;

use bollard::Docker;
use bollard::models::SystemInfo;
use seatrial_e2e::docker;
use seatrial_e2e::node_image::{self, Capabilities};
use seatrial_envtest::assets::{self, Binary, HostEnvironment, Request};

use super::{Finding, version};

/// The minimum version of Docker's API, that of Docker 20.10.
const OLDEST_API: (u32, u32) = (1, 41);

/// The free space for a cluster of two nodes and the build of its image, in bytes.
const SPACE: u64 = 8_000_000_000;

/// The limit of inotify instances of a user. A control plane needs 30 and a worker 18; containerd and kubelet fail without.
const WATCHERS: &str = "/proc/sys/fs/inotify/max_user_instances";

/// The minimum for a cluster of two nodes beside Docker and a desktop.
const FEWEST_WATCHERS: u32 = 64;

/// The recommended minimum for several clusters.
const ENOUGH_WATCHERS: u32 = 256;

const MORE_WATCHERS: &str = "sysctl -w fs.inotify.max_user_instances=512";

const START: &str = "cargo xtask docker start";
const INSTALL: &str =
    "apt-get install --no-install-recommends docker.io iptables iproute2 && cargo xtask docker start";

/// The findings of the tier.
pub(super) async fn kind() -> Vec<Finding> {
    let host = docker::host();
    let mut findings = vec![client()];
    match docker::connect_to(&host).await {
        Err(error) => {
            let can_start = which::which_in("dockerd", Some(crate::docker::search_path()), "/").is_ok();
            findings.push(Finding::missing(
                format!("Docker does not answer at {}: {}", error.host, error.reason),
                if can_start { START } else { INSTALL },
            ));
            findings.push(space("this project's cache", &HostEnvironment::of_this_process().cache()));
            findings.extend(ingredients(None).await);
        }
        Ok(connection) => {
            findings.extend(daemon(&connection, &host).await);
            findings.extend(ingredients(Some(&connection)).await);
        }
    }
    findings.push(kind_itself().await);
    findings
}

/// The Docker CLI, which kind executes.
fn client() -> Finding {
    which::which("docker").map_or_else(
        |_| {
            Finding::missing(
                "Docker's client is missing, and needed by kind, which calls `docker`",
                "apt-get install --no-install-recommends docker.io",
            )
        },
        |path| Finding::available(format!("docker: {}", path.display())),
    )
}

async fn daemon(connection: &Docker, host: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    match connection.version().await {
        Err(error) => {
            findings
                .push(Finding::missing(format!("Docker at {host} does not say its version: {error}"), START));
        }
        Ok(version) => findings.push(api(
            host,
            version.version.as_deref().unwrap_or("?"),
            version.api_version.as_deref().unwrap_or_default(),
        )),
    }
    match connection.info().await {
        Err(error) => findings
            .push(Finding::missing(format!("Docker at {host} says nothing of its machine: {error}"), START)),
        Ok(info) => {
            findings.push(privileged(
                Capabilities::of_this_process(),
                info.default_runtime.as_deref().unwrap_or("runc"),
            ));
            findings.push(groups(&info));
            findings.push(watchers(&std::fs::read_to_string(WATCHERS).unwrap_or_default()));
            if let Some(folder) = &info.docker_root_dir {
                findings.push(space("Docker's data", Path::new(folder)));
            }
        }
    }
    findings
}

fn api(host: &str, release: &str, api: &str) -> Finding {
    let numbers =
        api.split_once('.').and_then(|(major, minor)| Some((major.parse().ok()?, minor.parse().ok()?)));
    let text = format!("Docker {release} at {host} speaks API {api}");
    if numbers.is_some_and(|numbers: (u32, u32)| numbers >= OLDEST_API) {
        Finding::available(text)
    } else {
        let (major, minor) = OLDEST_API;
        Finding::missing(
            format!("{text}, and {major}.{minor} is the oldest that serves"),
            "install Docker 20.10 or newer",
        )
    }
}

/// Nodes are privileged containers, which ask for every capability.
fn privileged(capabilities: Result<Capabilities, node_image::CapabilitiesError>, runtime: &str) -> Finding {
    let missing = match capabilities {
        Err(error) => return Finding::missing(error.to_string(), "run it on Linux, with /proc mounted"),
        Ok(capabilities) => capabilities.missing().collect::<Vec<_>>().join(", "),
    };
    if missing.is_empty() {
        Finding::available(format!("root has every capability; Docker's runtime: {runtime}"))
    } else if matches!(runtime, "runc" | "io.containerd.runc.v2" | "crun") {
        let text = format!(
            "root lacks {missing}, and Docker's runtime {runtime} refuses privileged containers then"
        );
        Finding::missing(
            text,
            format!("{START}   (it takes out what root lacks; then `eval \"$(cargo xtask docker env)\"`)"),
        )
    } else {
        Finding::available(format!("root lacks {missing}; Docker's runtime {runtime} is taken to do without"))
    }
}

fn groups(info: &SystemInfo) -> Finding {
    match info.cgroup_version.map(|version| version.to_string()).as_deref() {
        Some("2") => Finding::available("control groups: version 2"),
        Some("1") => Finding::available("control groups: version 1 (clusters tell the kubelet to take it)"),
        _ => Finding::missing("Docker knows no control groups", "mount -t cgroup2 none /sys/fs/cgroup"),
    }
}

fn watchers(text: &str) -> Finding {
    match text.trim().parse::<u32>() {
        Err(_) => {
            Finding::not_needed("inotify: its limit cannot be told here; Docker's machine has one of its own")
        }
        Ok(limit) if limit >= ENOUGH_WATCHERS => {
            Finding::available(format!("inotify: {limit} instances per user"))
        }
        Ok(limit) if limit >= FEWEST_WATCHERS => Finding::available(format!(
            "inotify: {limit} instances per user, enough for one or two clusters; for more: {MORE_WATCHERS}"
        )),
        Ok(limit) => Finding::missing(
            format!("inotify: {limit} instances per user, and a cluster of two nodes takes about 50"),
            MORE_WATCHERS,
        ),
    }
}

/// Free space where a folder is or will be.
fn space(what: &str, folder: &Path) -> Finding {
    let there = folder.ancestors().find(|folder| folder.exists()).unwrap_or(Path::new("/"));
    match rustix::fs::statvfs(there) {
        Err(error) => Finding::missing(
            format!("the free space of {} cannot be told: {error}", there.display()),
            "check the folder",
        ),
        Ok(stat) => enough(what, folder, stat.f_bavail * stat.f_frsize),
    }
}

#[expect(clippy::cast_precision_loss, reason = "gigabytes for people, with one digit after the point")]
fn enough(what: &str, folder: &Path, free: u64) -> Finding {
    let text = format!("{:.1} GB free for {what} ({})", free as f64 / 1e9, folder.display());
    if free >= SPACE {
        return Finding::available(text);
    }
    let fix = "docker system prune; cargo xtask e2e reap; or move it to a larger disk (XDG_CACHE_HOME)";
    Finding::missing(format!("{text}, and {} GB are needed", SPACE / 1_000_000_000), fix)
}

/// The node image, or what one is built of where it cannot be pulled.
async fn ingredients(connection: Option<&Docker>) -> Vec<Finding> {
    if let (Some(connection), Ok(request)) = (connection, node_image::Request::new(None)) {
        match node_image::find(connection, &request).await {
            Ok(Some(image)) => return vec![Finding::available(format!("node image: {}", image.name))],
            Ok(None) => {}
            Err(error) => return vec![Finding::missing(error.to_string(), "cargo xtask node-image")],
        }
    }
    let installed = |program: &str, argument: &str, package: &str| {
        let why = "to build a node image where none can be pulled";
        version(program, argument).map_or_else(
            || {
                Finding::missing(
                    format!("{program} is missing, and needed {why}"),
                    format!("apt-get install {package}"),
                )
            },
            Finding::available,
        )
    };
    vec![
        Finding::not_needed(
            "node image: not here yet; the first run pulls or builds it (cargo xtask node-image)",
        ),
        installed("mmdebstrap", "--version", "mmdebstrap"),
        version("go", "version").map_or_else(
            || {
                Finding::missing(
                    "go is missing, and needed to build Kubernetes' binaries where none can be downloaded",
                    "install Go 1.26 or newer (https://go.dev/dl)",
                )
            },
            Finding::available,
        ),
    ]
}

async fn kind_itself() -> Finding {
    let Ok(request) = Request::only(None, [Binary::Kind]) else { return unbuilt(None) };
    match assets::resolve(&request.installed_only(true)).await {
        Ok(found) => Finding::available(format!(
            "kind: {}",
            found.path(Binary::Kind).unwrap_or(Path::new("?")).display()
        )),
        Err(_) => unbuilt(version("go", "version")),
    }
}

/// kind where it is not here.
fn unbuilt(go: Option<String>) -> Finding {
    go.map_or_else(
        || {
            Finding::missing(
                "kind is missing, and needed for clusters; and go, which would build it",
                "install Go 1.26 or newer (https://go.dev/dl), or put kind v0.33.0 into PATH",
            )
        },
        |go| Finding::not_needed(format!("kind: not here yet; the first run builds it with {go}")),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runs_nodes(bounding: &str, runtime: &str) -> Finding {
        let read = Capabilities::read(&format!("CapBnd:\t{bounding}\n"), "40");
        privileged(Ok(read.unwrap()), runtime)
    }

    #[test]
    fn missing_privileged_containers_are_reported_with_the_fix() {
        let finding = runs_nodes("000001fffeffffff", "runc");
        assert!(
            finding.is_missing() && finding.text.contains("root lacks CAP_SYS_RESOURCE"),
            "{}",
            finding.text
        );
        assert!(finding.fix.unwrap().starts_with("cargo xtask docker start"));
        assert!(!runs_nodes("000001fffeffffff", "seatrial-bounded").is_missing());
        assert!(!runs_nodes("000001ffffffffff", "runc").is_missing());
    }

    #[test]
    fn a_docker_api_that_is_too_old_is_missing() {
        assert!(!api("unix:///x", "20.10.24", "1.41").is_missing());
        assert!(!api("unix:///x", "29.0", "1.52").is_missing());
        let old = api("unix:///x", "18.09", "1.39");
        assert!(old.is_missing() && old.text.ends_with("and 1.41 is the oldest that serves"), "{}", old.text);
        assert!(api("unix:///x", "?", "").is_missing());
    }

    #[test]
    fn a_low_limit_of_inotify_instances_is_reported() {
        let some = watchers("128\n");
        assert!(
            !some.is_missing() && some.text.contains("fs.inotify.max_user_instances=512"),
            "{}",
            some.text
        );
        let few = watchers("32\n");
        assert!(
            few.is_missing() && few.fix.unwrap().contains("fs.inotify.max_user_instances=512"),
            "{}",
            few.text
        );
        assert_eq!(watchers("512\n").text, "inotify: 512 instances per user");
    }

    #[test]
    fn kind_is_missing_if_nothing_can_build_it() {
        assert!(unbuilt(None).is_missing());
        let later = unbuilt(Some("go version go1.26.8".into()));
        assert_eq!(later.text, "kind: not here yet; the first run builds it with go version go1.26.8");
        assert!(!later.is_missing());
    }

    #[test]
    fn too_little_space_is_reported_with_the_required_size() {
        assert!(!enough("Docker's data", Path::new("/d"), 90_000_000_000).is_missing());
        let little = enough("Docker's data", Path::new("/d"), 1_500_000_000);
        assert_eq!(little.text, "1.5 GB free for Docker's data (/d), and 8 GB are needed");
        assert!(little.is_missing());
    }
}
