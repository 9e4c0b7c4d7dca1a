//! The command: generates all files, then writes them or compares them with the committed ones.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use super::server::{KUBERNETES, Server};
use super::{columns, defaults, openapi, protobuf, resources};

/// Generate the built-in kinds' data from a real kube-apiserver.
#[derive(Debug, clap::Parser)]
#[command(
    name = "cargo xtask gen",
    bin_name = "cargo xtask gen",
    after_help = "Examples:\n  cargo xtask gen\n  cargo xtask gen --check\n  cargo xtask gen --kubeconfig ~/.kube/throw-away"
)]
pub struct Args {
    /// Write nothing; fail and name the files that differ from what the server says.
    #[arg(long)]
    check: bool,
    /// Ask the server of this kubeconfig instead of starting one (it must be the pinned version).
    #[arg(long, value_name = "PATH")]
    kubeconfig: Option<PathBuf>,
}

/// File name → text.
pub(crate) type Files = BTreeMap<&'static str, String>;

/// Generates all files, then writes or compares them.
pub async fn run(args: Args) -> Result<()> {
    let server = Server::start(args.kubeconfig.as_deref()).await?;
    let files = collect(&server).await;
    server.stop().await;
    let files = files?;
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fakeclient/data");
    if args.check { compare(&folder, &files) } else { write(&folder, &files) }
}

async fn collect(server: &Server) -> Result<Files> {
    let documents = openapi::read(server).await.context("failed to read the OpenAPI documents")?;
    let kinds = resources::read(server, &documents).await.context("failed to read discovery")?;
    let columns = columns::read(server, &kinds).await.context("failed to read the printer columns")?;
    let defaults =
        defaults::read(server, &kinds, &documents).await.context("failed to record the defaults")?;
    Ok(Files::from([
        ("version.json", server.version_file()?),
        ("resources.json", resources::file(&kinds)?),
        ("schemas.jsonl", openapi::file(&documents)?),
        ("columns.json", columns),
        ("defaults.json", defaults),
        ("protobuf.jsonl", protobuf::file(&documents)?),
        ("NOTICE", notice()),
    ]))
}

fn notice() -> String {
    format!(
        "Seatrial fakeclient: data of the built-in kinds\n\
         \n\
         The files resources.json, schemas.jsonl, columns.json, defaults.json and version.json are derived from the\n\
         API descriptions that kube-apiserver {KUBERNETES} publishes (discovery, OpenAPI v3, Table answers and dry runs),\n\
         with the prose left out. The file protobuf.jsonl is derived from the generated.proto files of the Go modules\n\
         of the same version.\n\
         \n\
         Kubernetes is Copyright The Kubernetes Authors and licensed under the Apache License, Version 2.0;\n\
         you may obtain a copy of the License at http://www.apache.org/licenses/LICENSE-2.0\n"
    )
}

fn write(folder: &Path, files: &Files) -> Result<()> {
    std::fs::create_dir_all(folder).with_context(|| format!("failed to create {}", folder.display()))?;
    let mut total = 0;
    for (name, text) in files {
        let path = folder.join(name);
        std::fs::write(&path, text).with_context(|| format!("failed to write {}", path.display()))?;
        println!("{:>8} bytes  {name}", text.len());
        total += text.len();
    }
    println!("{total:>8} bytes in {} files from Kubernetes {KUBERNETES}", files.len());
    Ok(())
}

fn compare(folder: &Path, files: &Files) -> Result<()> {
    let stale: Vec<&str> = files
        .iter()
        .filter(|(name, text)| std::fs::read_to_string(folder.join(name)).ok().as_ref() != Some(text))
        .map(|(name, _)| *name)
        .collect();
    if stale.is_empty() {
        println!("{} files are what Kubernetes {KUBERNETES} says", files.len());
        return Ok(());
    }
    bail!(
        "{} differ from what Kubernetes {KUBERNETES} says; run `cargo xtask gen` and commit",
        stale.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files() -> Files {
        Files::from([("a.json", "[]\n".to_owned()), ("b.json", "{}\n".to_owned())])
    }

    #[test]
    fn written_files_pass_the_check() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), &files()).unwrap();
        compare(folder.path(), &files()).unwrap();
    }

    #[test]
    fn the_check_names_files_that_differ_or_are_missing() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("a.json"), "[]\n").unwrap();
        let error = compare(folder.path(), &files()).unwrap_err().to_string();
        assert!(error.starts_with("b.json differ"), "{error}");
        std::fs::write(folder.path().join("a.json"), "[1]\n").unwrap();
        let error = compare(folder.path(), &files()).unwrap_err().to_string();
        assert!(error.starts_with("a.json, b.json differ"), "{error}");
    }
}
