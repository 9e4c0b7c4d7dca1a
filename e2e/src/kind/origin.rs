//! Images of a cluster's containers: the node image, and the load balancer's for several control planes.
//!
//! How a node image is had stands elsewhere; this only says which one is wanted.

use bollard::Docker;
use bollard::query_parameters::CreateImageOptions;
use futures::TryStreamExt as _;

use super::config::ClusterConfig;
use super::error::{KindError, status};
use crate::docker;
use crate::docker::reason;
use crate::node_image::{NodeImageError, Request, obtain_with};

/// Image of the load balancer for several control planes, in kind 0.33.
const LOAD_BALANCER: &str = "docker.io/envoyproxy/envoy:v1.36.2";

/// Provides a cluster's node image: the one that was named, or else the official one, or else one that is built here.
pub(super) async fn resolve(docker: &Docker, config: &ClusterConfig) -> Result<String, KindError> {
    let mut request = Request::new(config.version.as_deref()).map_err(NodeImageError::from)?;
    let variable = || std::env::var("SEATRIAL_NODE_IMAGE").ok().filter(|image| !image.is_empty());
    if let Some(image) = config.image.clone().or_else(variable) {
        request = request.image(image);
    }
    Ok(obtain_with(docker, &docker::host(), &request).await?.name)
}

/// Makes sure that several control planes can have the load balancer that kind puts before them.
pub(super) async fn check_load_balancer(docker: &Docker, control_planes: usize) -> Result<(), KindError> {
    if control_planes < 2 || present(docker, LOAD_BALANCER).await? {
        return Ok(());
    }
    let options =
        CreateImageOptions { from_image: Some(LOAD_BALANCER.to_owned()), ..CreateImageOptions::default() };
    let progress = docker.create_image(Some(options), None, None);
    let pulled = progress.try_for_each(|_| std::future::ready(Ok(()))).await;
    pulled.map_err(|error| KindError::LoadBalancer {
        count: control_planes,
        image: LOAD_BALANCER.to_owned(),
        reason: reason(&error),
    })
}

/// True if Docker has an image of this name.
pub(super) async fn present(docker: &Docker, image: &str) -> Result<bool, KindError> {
    match docker.inspect_image(image).await {
        Ok(_) => Ok(true),
        Err(error) if status(&error) == Some(404) => Ok(false),
        Err(error) => Err(KindError::docker(format!("looking for image {image}"))(error)),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::docker::scripted::{Scripted, error, scripted, version};

    const NO_NETWORK: &str = "Get \"https://registry-1.docker.io/v2/\": dial tcp: no such host";

    /// A daemon that can pull nothing, and has the load balancer's image or not.
    fn daemon(has_it: bool) -> Scripted {
        scripted(move |request| match request {
            request if request.contains("/version") => version("1.41"),
            request if request.starts_with("POST ") => error(500, NO_NETWORK),
            _ if has_it => (200, json!({"Id": "sha256:1"})),
            _ => error(404, "No such image"),
        })
    }

    #[tokio::test]
    async fn several_control_planes_without_the_load_balancer_s_image_are_refused_with_its_name() {
        let docker = daemon(false);
        let error = check_load_balancer(&docker.connect().await, 3).await.unwrap_err().to_string();
        let begin =
            format!("3 control planes need kind's load balancer, whose image {LOAD_BALANCER} is not here");
        assert!(error.starts_with(&begin) && error.contains(NO_NETWORK), "{error}");
        assert!(error.contains(&format!("\n  next: `docker pull {LOAD_BALANCER}`")), "{error}");
        let asked = docker.asked();
        assert!(asked.iter().any(|request| request.contains("/images/create?")), "{asked:?}");
    }

    #[tokio::test]
    async fn an_image_that_is_here_is_not_pulled_and_one_control_plane_needs_none() {
        let docker = daemon(true);
        check_load_balancer(&docker.connect().await, 3).await.unwrap();
        assert!(docker.asked().iter().all(|request| request.starts_with("GET ")), "{:?}", docker.asked());
        let docker = daemon(false);
        check_load_balancer(&docker.connect().await, 1).await.unwrap();
        assert_eq!(docker.asked().len(), 1, "only for its version: {:?}", docker.asked());
    }
}
