//! Choice of the image: a named one, the official one, or one that is built here.
//!
//! The one file that knows all steps. One process builds at a time; others wait and then find the result.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

use bollard::Docker;
use bollard::models::ImageInspect;
use bollard::query_parameters::RemoveImageOptions;
use seatrial_envtest::assets::{self, Assets, AssetsError, HostEnvironment, Version, VersionError};

use super::capabilities::Capabilities;
use super::components::{IN_PODS, ON_NODES};
use super::error::NodeImageError;
use super::fill::{NodeImageParts, fill};
use super::fingerprint::Fingerprints;
use super::recipe::{INPUTS_LABEL, RecipeHasher};
use super::request::{NodeImage, Origin, Request};
use super::{base, container, files, official, parts};
use crate::docker;

/// Name of images built here; the tag is the release.
const REPOSITORY: &str = "seatrial/node";

/// Provides a node image through the Docker that `DOCKER_HOST`, or else the usual socket, leads to.
pub async fn obtain(request: &Request) -> Result<NodeImage, NodeImageError> {
    let host = docker::host();
    let docker = docker::connect_to(&host).await?;
    obtain_with(&docker, &host, request).await
}

/// The same through a connection that is there; `host` is where it leads.
///
/// Dropping the future ends what it has begun: nothing is left but results of steps that were finished.
pub async fn obtain_with(
    docker: &Docker,
    host: &str,
    request: &Request,
) -> Result<NodeImage, NodeImageError> {
    let version = docker.version().await.map_err(NodeImageError::docker("asking Docker for its version"))?;
    let machine = version.arch.unwrap_or_default();
    let say = request.say;
    if let Some(image) = &request.image {
        return named(docker, image, &machine, say).await;
    }
    let official = if request.build { None } else { official::name(&request.version) };
    let Some(official) = official else { return build(docker, host, request, &machine).await };
    if let Some(found) = inspect(docker, &official).await? {
        return checked(&found, official, Origin::Here, &machine);
    }
    if let Some(built) = built_before(docker, request, &machine).await {
        say(&format!("{} is here: it was built of the same ingredients", built.name));
        return Ok(built);
    }
    let pull = match official::pull(docker, &official, say).await {
        Ok(()) => match inspect(docker, &official).await? {
            Some(found) => return checked(&found, official, Origin::Pulled, &machine),
            None => "Docker pulled it and does not have it".to_owned(),
        },
        Err(reason) => reason,
    };
    say(&format!("{official} cannot be pulled ({pull}); building a node image instead"));
    let built = build(docker, host, request, &machine).await;
    built.map_err(|build| NodeImageError::Neither { image: official, pull, build: Box::new(build) })
}

/// Image that [`obtain_with`] would return without a pull or a build.
pub async fn find(docker: &Docker, request: &Request) -> Result<Option<NodeImage>, NodeImageError> {
    let version = docker.version().await.map_err(NodeImageError::docker("asking Docker for its version"))?;
    let machine = version.arch.unwrap_or_default();
    let named = request.image.clone().or_else(|| official::name(&request.version));
    if let Some(name) = named
        && let Some(found) = inspect(docker, &name).await?
    {
        return checked(&found, name, Origin::Here, &machine).map(Some);
    }
    Ok(if request.image.is_some() { None } else { built_before(docker, request, &machine).await })
}

/// A named image.
async fn named(
    docker: &Docker,
    image: &str,
    machine: &str,
    say: fn(&str),
) -> Result<NodeImage, NodeImageError> {
    if let Some(found) = inspect(docker, image).await? {
        return checked(&found, image.to_owned(), Origin::Here, machine);
    }
    let absent = |reason| NodeImageError::NotHere { image: image.to_owned(), reason };
    official::pull(docker, image, say).await.map_err(absent)?;
    let found = inspect(docker, image)
        .await?
        .ok_or_else(|| absent("Docker pulled it and does not have it".into()))?;
    checked(&found, image.to_owned(), Origin::Pulled, machine)
}

/// An image is only good for machines of its architecture.
fn checked(
    found: &ImageInspect,
    name: String,
    origin: Origin,
    machine: &str,
) -> Result<NodeImage, NodeImageError> {
    let its = found.architecture.clone().unwrap_or_default();
    if its != machine {
        return Err(NodeImageError::WrongArchitecture { image: name, its, machine: machine.to_owned() });
    }
    let built_here = label(found, INPUTS_LABEL).is_some();
    Ok(NodeImage { name, id: found.id.clone().unwrap_or_default(), origin, has_network: !built_here })
}

/// The image of these ingredients, if all of them and the image are here.
async fn built_before(docker: &Docker, request: &Request, machine: &str) -> Option<NodeImage> {
    // Whatever is missing, the build will say it.
    let plan = BuildPlan::new(request, machine, true).await.ok()?;
    plan.find(docker).await.ok()?
}

/// Builds, unless the same was built before.
async fn build(
    docker: &Docker,
    host: &str,
    request: &Request,
    machine: &str,
) -> Result<NodeImage, NodeImageError> {
    let say = request.say;
    let plan = BuildPlan::new(request, machine, false).await?;
    let _lock = lock(&plan.folder, say).await?;
    if let Some(found) = plan.find(docker).await? {
        say(&format!("{} is here: it was built of the same ingredients", found.name));
        return Ok(found);
    }
    container::remove_leftovers(docker).await?;
    parts::remove_leftovers(&plan.folder);
    let parts = parts::provide(&plan.folder, machine, say).await?;
    let base = base::provide(docker, machine, say).await?;
    let name = plan.name();
    let old = inspect(docker, &name).await?.and_then(|image| image.id);
    let tag = format!("v{}", plan.version);
    let ingredients = NodeImageParts {
        version: plan.version,
        architecture: machine.to_owned(),
        capabilities: plan.capabilities,
        base,
        parts,
        assets: plan.assets,
        hash: plan.hash,
    };
    let id = fill(docker, host, &ingredients, (REPOSITORY, &tag), say).await?;
    if let Some(old) = old.filter(|old| *old != id) {
        // It has lost its name to the new one. Where a container still uses it, it stays until that is gone.
        let _ = docker.remove_image(&old, None::<RemoveImageOptions>, None).await;
    }
    Ok(NodeImage { name, id, origin: Origin::Built, has_network: false })
}

/// A build, and the hash of its inputs.
struct BuildPlan {
    version: Version,
    capabilities: Capabilities,
    assets: Assets,
    folder: PathBuf,
    hash: String,
}

impl BuildPlan {
    async fn new(request: &Request, machine: &str, installed_only: bool) -> Result<Self, NodeImageError> {
        let host_environment = HostEnvironment::of_this_process();
        let here = host_environment.platform();
        if here != format!("linux-{machine}") {
            return Err(NodeImageError::CannotBuildFor { machine: format!("linux-{machine}"), here });
        }
        let capabilities = Capabilities::of_this_process()?;
        let folder = host_environment.cache().join("node-image");
        fs::create_dir_all(&folder).map_err(NodeImageError::file(&folder, "written"))?;
        let assets = binaries(request, installed_only).await?;
        let version =
            assets.kubernetes().cloned().or_else(|| request.release()).expect("binaries of a known release");
        let hash = hash(&version, machine, &capabilities, &assets, &folder, request.say)?;
        Ok(Self { version, capabilities, assets, folder, hash })
    }

    fn name(&self) -> String {
        format!("{REPOSITORY}:v{}", self.version)
    }

    /// The image, if it is here and of these ingredients.
    async fn find(&self, docker: &Docker) -> Result<Option<NodeImage>, NodeImageError> {
        let name = self.name();
        let found = inspect(docker, &name).await?;
        let found = found.filter(|image| label(image, INPUTS_LABEL) == Some(self.hash.as_str()));
        Ok(found.map(|image| NodeImage {
            name,
            id: image.id.unwrap_or_default(),
            origin: Origin::BuiltBefore,
            has_network: false,
        }))
    }
}

async fn binaries(request: &Request, installed_only: bool) -> Result<Assets, NodeImageError> {
    let wanted = request.version.to_string();
    let binaries = IN_PODS.into_iter().chain(ON_NODES);
    let wish: Result<_, VersionError> = assets::Request::only(Some(&wanted), binaries);
    let found: Result<Assets, AssetsError> = assets::resolve(&wish?.installed_only(installed_only)).await;
    found.map_err(|error| NodeImageError::Assets(Box::new(error)))
}

fn hash(
    version: &Version,
    machine: &str,
    capabilities: &Capabilities,
    assets: &Assets,
    folder: &Path,
    say: fn(&str),
) -> Result<String, NodeImageError> {
    // The pause image's name is what kubeadm says, and kubeadm's binary is an ingredient.
    let entries = files::entries(&version.to_string(), "", capabilities);
    let mut inputs = files::hashed(&entries, RecipeHasher::new("node"))
        .with("base", base::hash(machine))
        .with("parts", parts::hash(machine))
        .with("entrypoint", files::ENTRYPOINT.join(" "))
        .with("missing capabilities", capabilities.missing().collect::<Vec<_>>().join(" "));
    let mut fingerprints = Fingerprints::load(folder.join("fingerprints.json"));
    for binary in IN_PODS.into_iter().chain(ON_NODES) {
        let path = assets.path(binary).expect("a binary that was asked for");
        let reading = || say(&format!("reading {} …", path.display()));
        inputs = inputs.with(binary.name(), fingerprints.of(path, reading)?);
    }
    fingerprints.keep()?;
    Ok(inputs.hash())
}

/// Waits until no other process builds.
async fn lock(folder: &Path, say: fn(&str)) -> Result<File, NodeImageError> {
    let path = folder.join("lock");
    let file = File::options().create(true).truncate(false).write(true).open(&path);
    let file = file.map_err(NodeImageError::file(&path, "written"))?;
    let locking = tokio::task::spawn_blocking(move || {
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                say("waiting for another process that builds a node image …");
                file.lock()?;
            }
            Err(TryLockError::Error(error)) => return Err(error),
        }
        Ok(file)
    });
    locking.await.expect("locking does not panic").map_err(NodeImageError::file(&path, "locked"))
}

/// Docker's description of an image, if it exists.
async fn inspect(docker: &Docker, image: &str) -> Result<Option<ImageInspect>, NodeImageError> {
    match docker.inspect_image(image).await {
        Ok(found) => Ok(Some(found)),
        Err(bollard::errors::Error::DockerResponseServerError { status_code: 404, .. }) => Ok(None),
        Err(error) => Err(NodeImageError::docker(format!("looking for image {image}"))(error)),
    }
}

fn label<'i>(image: &'i ImageInspect, label: &str) -> Option<&'i str> {
    image.config.as_ref()?.labels.as_ref()?.get(label).map(String::as_str)
}

/// A label of an image, if there is such an image and it has one.
pub(super) async fn label_of(
    docker: &Docker,
    image: &str,
    name: &str,
) -> Result<Option<String>, NodeImageError> {
    Ok(inspect(docker, image).await?.and_then(|image| label(&image, name).map(str::to_owned)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use bollard::models::ImageConfig;
    use std::collections::HashMap;

    fn image(architecture: &str, labels: &[(&str, &str)]) -> ImageInspect {
        let labels: HashMap<_, _> = labels.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        ImageInspect {
            architecture: Some(architecture.to_owned()),
            id: Some("sha256:1".to_owned()),
            config: Some(ImageConfig { labels: Some(labels), ..ImageConfig::default() }),
            ..ImageInspect::default()
        }
    }

    #[test]
    fn an_image_of_another_architecture_is_refused_by_name() {
        let error = checked(&image("arm64", &[]), "mine:1".into(), Origin::Here, "amd64").unwrap_err();
        assert!(
            error.to_string().starts_with("the node image mine:1 is for arm64 and Docker runs on amd64"),
            "{error}"
        );
    }

    #[test]
    fn an_official_image_brings_a_network_and_one_that_was_built_here_does_not() {
        let official = checked(&image("amd64", &[]), "a".into(), Origin::Here, "amd64").unwrap();
        let ours =
            checked(&image("amd64", &[(INPUTS_LABEL, "0123")]), "b".into(), Origin::Here, "amd64").unwrap();
        assert!(official.has_network && !ours.has_network);
    }
}
