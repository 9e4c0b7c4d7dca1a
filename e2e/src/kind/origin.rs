//! Which node image a cluster is made from, and whether this machine can run it.
//!
//! A caller's image is taken as it is; otherwise the official one, pulled if it is not here; and where that cannot be
//! pulled, one that was built on this machine. It does not know how one is built.

use bollard::Docker;
use bollard::models::SystemInfo;
use bollard::query_parameters::CreateImageOptions;
use futures::TryStreamExt as _;

use super::config::ClusterConfig;
use super::docker::architecture;
use super::error::{KindError, reason, status};

/// The image that kind 0.33 uses when nobody names one.
const OFFICIAL: &str =
    "kindest/node:v1.37.0@sha256:a1ed56cfb0e7b93589bdf97c8cd566405a265939e3620fc4f5de89adff580ae5";

/// Images of ours that stand for a version, as the builder names them.
const BUILT: &str = "seatrial/node";

/// What stands in front of several control planes, in kind 0.33.
const LOAD_BALANCER: &str = "docker.io/envoyproxy/envoy:v1.36.2";

/// Finds a cluster's node image, and makes sure that it is here and fits the machine.
pub(super) async fn resolve(
    docker: &Docker,
    machine: &SystemInfo,
    config: &ClusterConfig,
) -> Result<String, KindError> {
    let named = config.image.clone().or_else(|| variable("SEATRIAL_NODE_IMAGE"));
    let image = match named {
        Some(image) => present(docker, &image).await?.then_some(image.clone()).ok_or_else(|| KindError::NodeImage {
            image,
            reason: "it is not here".into(),
            next: "pull or load it into Docker, or name no image: the official one is then pulled, or one is built"
                .into(),
        })?,
        None => official_or_built(docker, config.version.as_deref()).await?,
    };
    fits(docker, machine, &image).await?;
    Ok(image)
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// The official image's name for a version.
fn official(version: Option<&str>) -> String {
    match version.map(|version| version.trim_start_matches('v')) {
        None | Some("1.37" | "1.37.0") => OFFICIAL.to_owned(),
        // A minor release alone: its first patch release always has an image.
        Some(version) if version.matches('.').count() == 1 => format!("kindest/node:v{version}.0"),
        Some(version) => format!("kindest/node:v{version}"),
    }
}

async fn official_or_built(docker: &Docker, version: Option<&str>) -> Result<String, KindError> {
    let image = official(version);
    if present(docker, &image).await? {
        return Ok(image);
    }
    let Err(refusal) = pull(docker, &image).await else { return Ok(image) };
    match built(docker, version).await? {
        Some(image) => Ok(image),
        None => Err(KindError::NodeImage {
            image,
            reason: format!("it is not here and cannot be pulled: {refusal}"),
            next: "build one (`cargo xtask node-image`), or name one that is here (`--image`, SEATRIAL_NODE_IMAGE)".into(),
        }),
    }
}

/// The newest image that was built on this machine for a version, or for any.
async fn built(docker: &Docker, version: Option<&str>) -> Result<Option<String>, KindError> {
    let images = docker.list_images(None::<bollard::query_parameters::ListImagesOptions>).await;
    let images = images.map_err(KindError::docker("listing Docker's images"))?;
    let wanted = version.map_or_else(
        || format!("{BUILT}:v"),
        |version| format!("{BUILT}:v{}", version.trim_start_matches('v')),
    );
    let of_version = |tag: &String| {
        tag.strip_prefix(&wanted)
            .is_some_and(|rest| version.is_none() || rest.is_empty() || rest.starts_with(['.', '-']))
    };
    let dated = images.into_iter().flat_map(|image| {
        let created = image.created;
        image.repo_tags.into_iter().map(move |tag| (created, tag))
    });
    Ok(dated.filter(|(_, tag)| of_version(tag)).max().map(|(_, tag)| tag))
}

async fn present(docker: &Docker, image: &str) -> Result<bool, KindError> {
    match docker.inspect_image(image).await {
        Ok(_) => Ok(true),
        Err(error) if status(&error) == Some(404) => Ok(false),
        Err(error) => Err(KindError::docker(format!("looking for image {image}"))(error)),
    }
}

/// Pulls an image; what went wrong, in Docker's words.
async fn pull(docker: &Docker, image: &str) -> Result<(), String> {
    let options = CreateImageOptions { from_image: Some(image.to_owned()), ..CreateImageOptions::default() };
    let progress = docker.create_image(Some(options), None, None);
    progress.try_for_each(|_| std::future::ready(Ok(()))).await.map_err(|error| reason(&error))
}

/// A node of another architecture would stop at its first instruction, and kind would wait for it for minutes.
async fn fits(docker: &Docker, machine: &SystemInfo, image: &str) -> Result<(), KindError> {
    let found = docker.inspect_image(image).await;
    let found = found.map_err(KindError::docker(format!("looking at image {image}")))?;
    let (Some(is), Some(wants)) = (found.architecture.as_deref(), architecture(machine)) else {
        return Ok(());
    };
    if is.is_empty() || is == wants {
        return Ok(());
    }
    Err(KindError::NodeImage {
        image: image.to_owned(),
        reason: format!("it is made for {is}, and this machine is {wants}"),
        next: format!("pull or build it for {wants} (`docker pull --platform linux/{wants} {image}`)"),
    })
}

/// Makes sure that several control planes can have the load balancer that kind puts before them.
pub(super) async fn check_load_balancer(docker: &Docker, control_planes: usize) -> Result<(), KindError> {
    if control_planes < 2 || present(docker, LOAD_BALANCER).await? {
        return Ok(());
    }
    pull(docker, LOAD_BALANCER).await.map_err(|reason| KindError::LoadBalancer {
        count: control_planes,
        image: LOAD_BALANCER.to_owned(),
        reason,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_official_image_follows_the_version() {
        assert_eq!(official(None), OFFICIAL);
        assert_eq!(official(Some("1.37")), OFFICIAL);
        assert_eq!(official(Some("1.36")), "kindest/node:v1.36.0");
        assert_eq!(official(Some("v1.36.3")), "kindest/node:v1.36.3");
    }
}
