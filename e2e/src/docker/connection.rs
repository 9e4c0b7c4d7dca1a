//! Docker's address, and a connection with the API version of the daemon.
//!
//! A connection belongs to the runtime that it was made on.

use std::path::{Path, PathBuf};

use bollard::{API_DEFAULT_VERSION, Docker};

/// Docker's usual socket.
const USUAL: &str = "/var/run/docker.sock";

/// Seconds until an answer must have begun: stopping a container, uploading and committing take long.
const PATIENCE: u64 = 600;

/// Docker does not answer.
#[derive(Clone, Debug, thiserror::Error)]
#[error(
    "Docker does not answer at {host}: {reason}\n  next: start Docker, or a daemon of this project's own \
     (`cargo xtask docker start`), or point DOCKER_HOST at a socket; `cargo xtask doctor` says what is missing"
)]
pub struct DockerUnavailable {
    /// The address that was tried.
    pub host: String,
    /// The error.
    pub reason: String,
}

/// The socket of the daemon that `cargo xtask docker start` starts.
pub fn own_socket() -> PathBuf {
    let host_environment = seatrial_envtest::assets::HostEnvironment::of_this_process();
    host_environment.cache().join("docker/docker.sock")
}

/// Docker's address: `DOCKER_HOST`, or the usual socket, or that of a daemon of this project's own.
pub fn host() -> String {
    let named = std::env::var("DOCKER_HOST").ok().filter(|host| !host.is_empty());
    named.unwrap_or_else(|| address(&[Path::new(USUAL), &own_socket()]))
}

/// The first socket that is there, or the first of all.
fn address(sockets: &[&Path]) -> String {
    let socket = sockets.iter().find(|socket| socket.exists()).unwrap_or(&sockets[0]);
    format!("unix://{}", socket.display())
}

/// A connection to what listens at an address.
pub async fn connect_to(host: &str) -> Result<Docker, DockerUnavailable> {
    let refused = |reason: String| DockerUnavailable { host: host.to_owned(), reason };
    let path = match host.split_once("://") {
        Some(("unix", path)) => path,
        None => host,
        Some((scheme, _)) => {
            let reason = format!("only sockets of this machine are spoken to, and this is {scheme}://");
            return Err(refused(reason));
        }
    };
    if !Path::new(path).exists() {
        return Err(refused("there is no such socket".into()));
    }
    let docker = Docker::connect_with_unix(path, PATIENCE, API_DEFAULT_VERSION);
    let docker = docker.map_err(|error| refused(crate::failure::sentence(&error)))?;
    docker.negotiate_version().await.map_err(|error| refused(crate::failure::sentence(&error)))
}

#[cfg(test)]
mod tests {
    use bollard::query_parameters::ListContainersOptions;
    use serde_json::json;

    use super::*;
    use crate::docker::scripted::{scripted, version};

    #[test]
    fn the_first_socket_that_is_there_is_taken() {
        let folder = tempfile::tempdir().unwrap();
        let (one, two) = (folder.path().join("one"), folder.path().join("two"));
        assert_eq!(address(&[&one, &two]), format!("unix://{}", one.display()));
        std::fs::write(&two, "").unwrap();
        assert_eq!(address(&[&one, &two]), format!("unix://{}", two.display()));
    }

    #[tokio::test]
    async fn a_socket_that_is_not_there_is_named() {
        let error = connect_to("unix:///nowhere/docker.sock").await.unwrap_err().to_string();
        let named = "Docker does not answer at unix:///nowhere/docker.sock: there is no such socket\n  next: start Docker";
        assert!(error.starts_with(named), "{error}");
    }

    #[tokio::test]
    async fn a_socket_that_nobody_listens_on_is_no_docker() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("docker.sock");
        drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
        let error = connect_to(&format!("unix://{}", path.display())).await.unwrap_err();
        assert!(error.to_string().starts_with("Docker does not answer at unix://"), "{error}");
    }

    #[tokio::test]
    async fn a_daemon_of_api_1_41_is_spoken_to_in_its_version_and_a_newer_one_in_ours() {
        let ours = format!("{}.{}", API_DEFAULT_VERSION.major_version, API_DEFAULT_VERSION.minor_version);
        for (daemon, spoken) in [("1.41", "1.41"), ("9.99", ours.as_str())] {
            let scripted = scripted(move |request| match request {
                request if request.contains("/version") => version(daemon),
                _ => (200, json!([])),
            });
            let docker = scripted.connect().await;
            assert_eq!(docker.client_version().to_string(), spoken);
            docker.list_containers(None::<ListContainersOptions>).await.unwrap();
            let asked = scripted.asked();
            assert!(asked[0].starts_with("GET /") && asked[0].ends_with("/version"), "{asked:?}");
            // A path names no version, or the one that both speak.
            let path = asked[1].trim_start_matches("GET ").trim_start_matches(&format!("/v{spoken}"));
            assert!(path.starts_with("/containers/json"), "{asked:?}");
        }
    }

    #[tokio::test]
    async fn server_that_is_not_docker_is_reported_as_such() {
        let scripted = scripted(|_| (200, json!({"hello": "there"})));
        let error = connect_to(&scripted.host()).await.unwrap_err();
        assert!(error.to_string().starts_with("Docker does not answer at unix://"), "{error}");
    }

    #[tokio::test]
    async fn an_address_of_another_machine_is_refused_by_its_scheme() {
        let error = connect_to("tcp://10.0.0.1:2375").await.unwrap_err();
        assert!(error.to_string().contains("this is tcp://"), "{error}");
    }
}
