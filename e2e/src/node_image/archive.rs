//! Image archives in Docker's format: a tar of layers, which are tars, with a manifest.
//!
//! Written straight into whoever reads it, without a file between: a layer is gone through twice, once for its hash
//! and size and once for its bytes. It knows the format only; which images there are is said elsewhere.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::PathBuf;

use serde_json::json;
use sha2::{Digest as _, Sha256};
use tar::{Archive, Builder, EntryType, Header};

use super::recipe::hex;

/// An image of one or more layers.
#[derive(Clone, Debug)]
pub(super) struct ArchiveImage {
    /// All its names, with registry and tag.
    pub(super) names: Vec<String>,
    pub(super) layers: Vec<Layer>,
    pub(super) entrypoint: Vec<String>,
    pub(super) path: &'static str,
}

/// Content of a layer.
#[derive(Clone, Debug)]
pub(super) enum Layer {
    /// Files of this machine, executable, and links.
    Files { files: Vec<(PathBuf, String)>, links: Vec<(String, String)> },
    /// Those entries of a tar that `keep` accepts, by their path without `./`.
    Of { tar: PathBuf, keep: fn(&str) -> bool },
}

impl Layer {
    fn write(&self, out: impl Write) -> io::Result<()> {
        let mut layer = Builder::new(out);
        match self {
            Self::Files { files, links } => {
                for (from, to) in files {
                    let mut file = File::open(from)?;
                    let size = file.metadata()?.len();
                    layer.append_data(&mut header(EntryType::Regular, 0o755, size), to, &mut file)?;
                }
                for (path, target) in links {
                    layer.append_link(&mut header(EntryType::Symlink, 0o777, 0), path, target)?;
                }
            }
            Self::Of { tar, keep } => {
                for entry in Archive::new(File::open(tar)?).entries()? {
                    let mut entry = entry?;
                    let path = entry.path()?.to_string_lossy().into_owned();
                    let path = path.trim_start_matches("./").to_owned();
                    if path.is_empty() || !keep(&path) {
                        continue;
                    }
                    let mut header = entry.header().clone();
                    match entry.link_name()? {
                        Some(target) => layer.append_link(&mut header, &path, target)?,
                        None => layer.append_data(&mut header, &path, &mut entry)?,
                    }
                }
            }
        }
        layer.into_inner()?.flush()
    }
}

/// Writes all images as one archive.
pub(super) fn write(out: impl Write, images: &[ArchiveImage], architecture: &str) -> io::Result<()> {
    let mut archive = Builder::new(out);
    let mut manifest = Vec::new();
    for image in images {
        let mut layers = Vec::new();
        for layer in &image.layers {
            let mut measure = ByteCounter::default();
            layer.write(&mut measure)?;
            let (size, hash) = (measure.size, hex(&measure.hash.finalize()));
            append_layer(&mut archive, &format!("{hash}.tar"), size, layer)?;
            layers.push(hash);
        }
        let config = config(image, &layers, architecture);
        let name = format!("{}.json", hex(&Sha256::digest(&config)));
        append(&mut archive, &name, config.len() as u64, &mut config.as_slice())?;
        let layers: Vec<String> = layers.iter().map(|hash| format!("{hash}.tar")).collect();
        manifest.push(json!({"Config": name, "RepoTags": image.names, "Layers": layers}));
    }
    let manifest = serde_json::to_vec(&manifest).map_err(io::Error::other)?;
    append(&mut archive, "manifest.json", manifest.len() as u64, &mut manifest.as_slice())?;
    archive.into_inner()?.flush()
}

fn config(image: &ArchiveImage, layers: &[String], architecture: &str) -> Vec<u8> {
    let layers: Vec<String> = layers.iter().map(|hash| format!("sha256:{hash}")).collect();
    let config = json!({
        "architecture": architecture,
        "os": "linux",
        "config": {"Env": [format!("PATH={}", image.path)], "Entrypoint": image.entrypoint},
        "rootfs": {"type": "layers", "diff_ids": layers},
    });
    config.to_string().into_bytes()
}

/// A layer is written into the archive as it is made, not read from somewhere.
fn append_layer(archive: &mut Builder<impl Write>, name: &str, size: u64, layer: &Layer) -> io::Result<()> {
    let mut header = header(EntryType::Regular, 0o644, size);
    header.set_path(name)?;
    header.set_cksum();
    let mut counted = CountingWriter { out: archive.get_mut(), size: 0 };
    counted.out.write_all(header.as_bytes())?;
    layer.write(&mut counted)?;
    if counted.size != size {
        return Err(io::Error::other("a file changed while it was packed"));
    }
    let padding = size.next_multiple_of(512) - size;
    counted.out.write_all(&vec![0; usize::try_from(padding).expect("less than a block")])
}

fn append(archive: &mut Builder<impl Write>, name: &str, size: u64, from: &mut dyn Read) -> io::Result<()> {
    archive.append_data(&mut header(EntryType::Regular, 0o644, size), name, from)
}

/// A header without a time or an owner of this machine: the same content gives the same bytes.
pub(super) fn header(kind: EntryType, mode: u32, size: u64) -> Header {
    let mut header = Header::new_gnu();
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_size(size);
    header.set_mtime(0);
    header.set_uid(0);
    header.set_gid(0);
    header
}

/// Counts what goes through.
struct CountingWriter<W> {
    out: W,
    size: u64,
}

impl<W: Write> Write for CountingWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes)?;
        self.size += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// Counts and hashes what is written.
#[derive(Default)]
struct ByteCounter {
    size: u64,
    hash: Sha256,
}

impl Write for ByteCounter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.size += bytes.len() as u64;
        self.hash.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;
    use std::fs;

    fn entries(tar: &[u8]) -> BTreeMap<String, Vec<u8>> {
        let mut archive = Archive::new(tar);
        let entries = archive.entries().unwrap().map(|entry| {
            let mut entry = entry.unwrap();
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes).unwrap();
            (entry.path().unwrap().display().to_string(), bytes)
        });
        entries.collect()
    }

    fn image(folder: &std::path::Path) -> ArchiveImage {
        let binary = folder.join("kube-scheduler");
        fs::write(&binary, vec![7; 100_000]).unwrap();
        let files = vec![(binary, "usr/local/bin/kube-scheduler".to_owned())];
        let links = vec![("bin/x".to_owned(), "../usr/local/bin/kube-scheduler".to_owned())];
        ArchiveImage {
            names: vec!["registry.k8s.io/kube-scheduler:v1.37.2".to_owned()],
            layers: vec![Layer::Files { files, links }],
            entrypoint: Vec::new(),
            path: "/usr/local/bin",
        }
    }

    #[test]
    fn an_archive_holds_for_each_image_its_layers_and_a_description_that_names_their_hashes() {
        let folder = tempfile::tempdir().unwrap();
        let mut archive = Vec::new();
        write(&mut archive, &[image(folder.path())], "amd64").unwrap();
        let files = entries(&archive);
        let manifest: serde_json::Value = serde_json::from_slice(&files["manifest.json"]).unwrap();
        assert_eq!(manifest[0]["RepoTags"][0], "registry.k8s.io/kube-scheduler:v1.37.2");
        let layer = manifest[0]["Layers"][0].as_str().unwrap();
        let hash = hex(&Sha256::digest(&files[layer]));
        assert_eq!(layer, format!("{hash}.tar"), "a layer is named by what is in it");
        let config: serde_json::Value =
            serde_json::from_slice(&files[manifest[0]["Config"].as_str().unwrap()]).unwrap();
        assert_eq!(config["rootfs"]["diff_ids"][0], format!("sha256:{hash}"));
        assert_eq!(config["architecture"], "amd64");
        let inside = entries(&files[layer]);
        assert_eq!(inside["usr/local/bin/kube-scheduler"].len(), 100_000);
        assert!(inside.contains_key("bin/x"));
    }

    #[test]
    fn the_same_files_give_the_same_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let image = [image(folder.path())];
        let (mut one, mut two) = (Vec::new(), Vec::new());
        write(&mut one, &image, "amd64").unwrap();
        write(&mut two, &image, "amd64").unwrap();
        assert!(one == two);
    }

    #[test]
    fn a_layer_takes_from_another_tar_what_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let tar = folder.path().join("parts.tar");
        let mut builder = Builder::new(File::create(&tar).unwrap());
        for (path, kind, content) in [
            ("./usr/", EntryType::Directory, ""),
            ("./usr/a", EntryType::Regular, "x"),
            ("./usr/b", EntryType::Regular, "x"),
        ] {
            let mut header = header(kind, 0o755, content.len() as u64);
            builder.append_data(&mut header, path, content.as_bytes()).unwrap();
        }
        builder.into_inner().unwrap();
        let mut layer = Vec::new();
        Layer::Of { tar, keep: |path| path != "usr/b" }.write(&mut layer).unwrap();
        assert_eq!(entries(&layer).into_keys().collect::<Vec<_>>(), ["usr/", "usr/a"]);
    }

    #[test]
    fn a_file_that_is_gone_is_an_error_and_not_a_short_layer() {
        let folder = tempfile::tempdir().unwrap();
        let image = image(folder.path());
        fs::remove_file(folder.path().join("kube-scheduler")).unwrap();
        assert!(write(Vec::new(), &[image], "amd64").is_err());
    }
}
