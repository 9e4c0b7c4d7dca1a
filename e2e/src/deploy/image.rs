//! Container images made of files, without base, registry or daemon: archives that Docker and containerd can load.
//!
//! The archive is a function of its content. Times, owners and order are fixed, and the image is named after a
//! digest of what is in it, so the same files make the same bytes and the same name, wherever and whenever.

use std::fmt::Write as _;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

/// Whoever runs the image if a Pod does not say otherwise; a number that no host knows.
const NOBODY: &str = "65532:65532";

/// An image to be: files and what is started.
#[derive(Clone, Debug)]
pub struct Image {
    repository: String,
    files: Vec<(String, u32, Vec<u8>)>,
    entrypoint: Vec<String>,
}

/// An image in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Archive {
    /// The name by which nodes know the image once it is loaded.
    pub reference: String,
    /// The file: an OCI layout that is a `docker save` at the same time.
    pub path: PathBuf,
}

/// Error of making an image.
#[derive(Debug, thiserror::Error)]
#[error("failed to {action} {path} ({source}); check that it is there and that its disk has room")]
pub struct ImageError {
    action: &'static str,
    path: PathBuf,
    source: io::Error,
}

impl ImageError {
    fn new(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self { action, path, source }
    }
}

impl Image {
    /// An empty image of a repository, with its host: `seatrial.local/operator`. Nothing is ever asked of that host as
    /// long as nodes have the image and Pods do not insist on pulling it.
    pub fn new(repository: impl Into<String>) -> Self {
        Self { repository: repository.into(), files: Vec::new(), entrypoint: Vec::new() }
    }

    /// Adds a program of this machine at an absolute path of the image, and starts the image with it.
    pub fn program(mut self, at: &str, program: &Path) -> Result<Self, ImageError> {
        let content = fs::read(program).map_err(ImageError::new("read", program))?;
        self.entrypoint = vec![at.to_owned()];
        Ok(self.file(at, 0o555, content))
    }

    /// Adds a file at an absolute path of the image.
    #[must_use]
    pub fn file(mut self, at: &str, mode: u32, content: impl Into<Vec<u8>>) -> Self {
        self.files.push((at.trim_start_matches('/').to_owned(), mode, content.into()));
        self.files.sort();
        self
    }

    /// Writes the image into a folder, which is made if it is not there, unless it is in there already.
    pub fn write_to(&self, folder: &Path) -> Result<Archive, ImageError> {
        let (layer, config) = self.parts();
        let digest = digest(config.to_string().as_bytes());
        let tag = &digest[..16];
        let reference = format!("{}:{tag}", self.repository);
        let file = self.repository.rsplit('/').next().unwrap_or("image");
        let path = folder.join(format!("{file}-{tag}.tar"));
        if path.exists() {
            return Ok(Archive { reference, path });
        }
        fs::create_dir_all(folder).map_err(ImageError::new("make the folder", folder))?;
        // Written beside and renamed: who looks for the archive never sees half of it.
        let mut unfinished =
            tempfile::NamedTempFile::new_in(folder).map_err(ImageError::new("write into", folder))?;
        let written = archive(&reference, &layer, &config.to_string());
        unfinished.write_all(&written).map_err(ImageError::new("write", &path))?;
        unfinished.persist(&path).map_err(|error| ImageError::new("write", &path)(error.error))?;
        Ok(Archive { reference, path })
    }

    /// The one layer, and the image's configuration, which names the layer by its digest.
    fn parts(&self) -> (Vec<u8>, Value) {
        let files = self.files.iter().map(|(path, mode, content)| (path.as_str(), *mode, content.as_slice()));
        let layer = tar(files);
        let config = json!({
            "architecture": architecture(),
            "os": "linux",
            "created": "1970-01-01T00:00:00Z",
            "config": {"Entrypoint": self.entrypoint, "User": NOBODY, "WorkingDir": "/"},
            "rootfs": {"type": "layers", "diff_ids": [format!("sha256:{}", digest(&layer))]},
            "history": [{"created": "1970-01-01T00:00:00Z", "created_by": "seatrial"}],
        });
        (layer, config)
    }
}

/// An OCI image layout whose blobs are also listed the way `docker save` lists them: containerd reads the one, Docker
/// before version 25 only the other.
fn archive(reference: &str, layer: &[u8], config: &str) -> Vec<u8> {
    let descriptor = |kind: &str, blob: &[u8]| {
        json!({
            "mediaType": format!("application/vnd.oci.image.{kind}"),
            "digest": format!("sha256:{}", digest(blob)),
            "size": blob.len(),
        })
    };
    let blob = |content: &[u8]| format!("blobs/sha256/{}", digest(content));
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": descriptor("config.v1+json", config.as_bytes()),
        "layers": [descriptor("layer.v1.tar", layer)],
    })
    .to_string();
    let mut entry = descriptor("manifest.v1+json", manifest.as_bytes());
    let tag = reference.rsplit(':').next().unwrap_or_default();
    entry["annotations"] =
        json!({"io.containerd.image.name": reference, "org.opencontainers.image.ref.name": tag});
    entry["platform"] = json!({"architecture": architecture(), "os": "linux"});
    let index = json!({"schemaVersion": 2, "manifests": [entry]}).to_string();
    let (config_path, layer_path) = (blob(config.as_bytes()), blob(layer));
    let saved = json!([{"Config": config_path, "RepoTags": [reference], "Layers": [layer_path]}]).to_string();
    let mut files = [
        (blob(manifest.as_bytes()), manifest.as_bytes()),
        (config_path, config.as_bytes()),
        (layer_path, layer),
        ("index.json".to_owned(), index.as_bytes()),
        ("manifest.json".to_owned(), saved.as_bytes()),
        ("oci-layout".to_owned(), br#"{"imageLayoutVersion":"1.0.0"}"#),
    ];
    files.sort();
    tar(files.iter().map(|(path, content)| (path.as_str(), 0o444, *content)))
}

/// A tar of files and the folders above them, all of them root's, all of them from 1970.
fn tar<'a>(files: impl Iterator<Item = (&'a str, u32, &'a [u8])>) -> Vec<u8> {
    let header = |kind: tar::EntryType, mode: u32, size: usize| {
        let mut header = tar::Header::new_ustar();
        header.set_entry_type(kind);
        header.set_mode(mode);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(0);
        header.set_size(size as u64);
        header
    };
    let mut builder = tar::Builder::new(Vec::new());
    let mut folders = std::collections::BTreeSet::new();
    let wrote = "writing into memory does not fail, and the paths of an image fit into a tar";
    for (path, mode, content) in files {
        for (end, _) in path.match_indices('/') {
            let folder = &path[..=end];
            if folders.insert(folder.to_owned()) {
                let mut entry = header(tar::EntryType::Directory, 0o755, 0);
                builder.append_data(&mut entry, folder, io::empty()).expect(wrote);
            }
        }
        let mut entry = header(tar::EntryType::Regular, mode, content.len());
        builder.append_data(&mut entry, path, content).expect(wrote);
    }
    builder.into_inner().expect(wrote)
}

fn digest(bytes: &[u8]) -> String {
    let mut hex = String::new();
    for byte in Sha256::digest(bytes) {
        write!(hex, "{byte:02x}").expect("a String takes every write");
    }
    hex
}

/// This machine's architecture as images name it.
fn architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::io::Read as _;

    use super::*;

    fn image(content: &str) -> Image {
        let mut image = Image::new("seatrial.local/demo").file("/bin/demo", 0o555, content);
        image.entrypoint = vec!["/bin/demo".into()];
        image
    }

    fn files(archive: &Path) -> BTreeMap<String, Vec<u8>> {
        let mut archive = tar::Archive::new(fs::File::open(archive).unwrap());
        let read = |entry: io::Result<tar::Entry<'_, fs::File>>| {
            let mut entry = entry.unwrap();
            let mut content = Vec::new();
            entry.read_to_end(&mut content).unwrap();
            (entry.path().unwrap().to_string_lossy().into_owned(), content)
        };
        archive.entries().unwrap().map(read).collect()
    }

    fn json_of(files: &BTreeMap<String, Vec<u8>>, path: &str) -> Value {
        serde_json::from_slice(&files[path]).unwrap()
    }

    #[test]
    fn the_same_files_make_the_same_bytes_and_the_same_name() {
        let (here, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let first = image("a").write_to(here.path()).unwrap();
        let second = image("a").write_to(&there.path().join("deeper")).unwrap();
        assert_eq!(first.reference, second.reference);
        assert_eq!(fs::read(first.path).unwrap(), fs::read(second.path).unwrap());
    }

    #[test]
    fn another_content_has_another_name() {
        let folder = tempfile::tempdir().unwrap();
        let first = image("a").write_to(folder.path()).unwrap();
        let second = image("b").write_to(folder.path()).unwrap();
        assert_ne!((first.reference, first.path), (second.reference, second.path));
    }

    #[test]
    fn an_image_that_is_there_is_not_written_again() {
        let folder = tempfile::tempdir().unwrap();
        let written = image("a").write_to(folder.path()).unwrap();
        fs::write(&written.path, "touched").unwrap();
        let again = image("a").write_to(folder.path()).unwrap();
        assert_eq!((fs::read_to_string(&again.path).unwrap().as_str(), &again), ("touched", &written));
    }

    #[test]
    fn containerd_and_docker_find_the_same_image_in_the_archive() {
        let folder = tempfile::tempdir().unwrap();
        let written = image("a").write_to(folder.path()).unwrap();
        let files = files(&written.path);
        let (index, saved) = (json_of(&files, "index.json"), json_of(&files, "manifest.json"));
        let entry = &index["manifests"][0];
        assert_eq!(entry["annotations"]["io.containerd.image.name"], written.reference.as_str());
        assert_eq!(saved[0]["RepoTags"], json!([written.reference]));
        let blob = |digest: &Value| format!("blobs/{}", digest.as_str().unwrap().replace(':', "/"));
        let manifest = json_of(&files, &blob(&entry["digest"]));
        assert_eq!(saved[0]["Config"], blob(&manifest["config"]["digest"]).as_str());
        assert_eq!(saved[0]["Layers"], json!([blob(&manifest["layers"][0]["digest"])]));
    }

    #[test]
    fn every_blob_is_named_by_its_own_digest_and_the_layer_by_the_configuration() {
        let folder = tempfile::tempdir().unwrap();
        let files = files(&image("a").write_to(folder.path()).unwrap().path);
        let blobs: Vec<_> = files
            .iter()
            .filter_map(|(path, content)| Some((path.strip_prefix("blobs/sha256/")?, content)))
            .filter(|(name, _)| !name.is_empty())
            .collect();
        assert_eq!(blobs.len(), 3);
        for (name, content) in &blobs {
            assert_eq!(*name, digest(content));
        }
        let saved = json_of(&files, "manifest.json");
        let config = json_of(&files, saved[0]["Config"].as_str().unwrap());
        let layer = saved[0]["Layers"][0].as_str().unwrap().replace("blobs/sha256/", "sha256:");
        assert_eq!(config["rootfs"]["diff_ids"], json!([layer]));
        assert_eq!(config["config"]["User"], "65532:65532");
    }

    #[test]
    fn a_program_that_is_not_there_is_named() {
        let error = Image::new("x").program("/a", Path::new("/no/such/program")).unwrap_err().to_string();
        assert!(error.starts_with("failed to read /no/such/program (No such file"), "{error}");
    }
}
