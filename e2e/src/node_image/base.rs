//! First build step: a root file system of Debian packages, as the base of all node images.

use bollard::Docker;
use bollard::body_try_stream;
use bollard::query_parameters::CreateImageOptionsBuilder;
use futures::TryStreamExt as _;

use super::debian::Debian;
use super::error::NodeImageError;
use super::obtain::label_of;
use super::recipe::{INPUTS_LABEL, NODE_PACKAGES, RecipeHasher};
use crate::docker::reason;

const REPOSITORY: &str = "seatrial/node-base";

fn debian(architecture: &str) -> Debian {
    Debian { variant: "minbase", packages: &NODE_PACKAGES, architecture: architecture.to_owned() }
}

/// The hash of what it is made of. The mirror is not part of it: the same packages come from all of them.
pub(super) fn hash(architecture: &str) -> String {
    let arguments = debian(architecture).arguments(None);
    let inputs = RecipeHasher::new("base");
    arguments
        .iter()
        .fold(inputs, |inputs, argument| inputs.with("argument", argument.as_encoded_bytes()))
        .hash()
}

/// The name of the base image, which is there afterwards.
pub(super) async fn provide(
    docker: &Docker,
    architecture: &str,
    say: fn(&str),
) -> Result<String, NodeImageError> {
    let hash = hash(architecture);
    let name = format!("{REPOSITORY}:{hash}");
    if label_of(docker, &name, INPUTS_LABEL).await?.as_deref() == Some(hash.as_str()) {
        say(&format!("base root file system: {name} is here"));
        return Ok(name);
    }
    say(&format!(
        "base root file system: installing {} Debian packages (takes 1-3 minutes) …",
        NODE_PACKAGES.len()
    ));
    let installation = debian(architecture).start()?;
    let complaint = installation.complaint();
    // Whether the body was cut short by mmdebstrap rather than by Docker.
    let (failed, failure) = std::sync::mpsc::channel();
    let body = futures::stream::unfold((installation, failed), |(mut installation, failed)| async move {
        let chunk = installation.next().await?;
        if chunk.is_err() {
            let _ = failed.send(());
        }
        Some((chunk, (installation, failed)))
    });
    let options = CreateImageOptionsBuilder::default()
        .from_src("-")
        .repo(REPOSITORY)
        .tag(&hash)
        .changes(vec![format!("LABEL {INPUTS_LABEL}={hash}")])
        .build();
    let import = docker.create_image(Some(options), Some(body_try_stream(body)), None);
    match import.try_collect::<Vec<_>>().await {
        Ok(_) => Ok(name),
        Err(_) if failure.try_recv().is_ok() => Err(complaint.error()),
        Err(error) => Err(NodeImageError::in_words(format!("importing {name}"), reason(&error))),
    }
}
