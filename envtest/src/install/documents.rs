//! Manifests in files and folders, parsed as Kubernetes does: several documents, `List` objects, octal numbers.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use serde_json::Value;

/// A manifest that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// An I/O error.
    #[error("cannot read {}: {source}", path.display())]
    Io {
        /// The path.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
    /// A file is neither YAML nor JSON.
    #[error("cannot read {} as YAML: {reason}", path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// The error of the parser, with the position.
        reason: String,
    },
}

/// Reads a file, or the `.yaml`, `.yml` and `.json` files of a folder in the order of their names.
pub(crate) fn read(path: &Path) -> Result<Vec<Value>, ReadError> {
    let io = |source| ReadError::Io { path: path.to_owned(), source };
    if !fs::metadata(path).map_err(io)?.is_dir() {
        return read_file(path);
    }
    let mut files = Vec::new();
    for entry in fs::read_dir(path).map_err(io)? {
        let file = entry.map_err(io)?.path();
        let extension = file.extension().and_then(|extension| extension.to_str());
        if file.is_file() && matches!(extension, Some("yaml" | "yml" | "json")) {
            files.push(file);
        }
    }
    files.sort();
    let objects = files.iter().map(|file| read_file(file)).collect::<Result<Vec<_>, _>>()?;
    Ok(objects.into_iter().flatten().collect())
}

fn read_file(path: &Path) -> Result<Vec<Value>, ReadError> {
    let text = fs::read_to_string(path).map_err(|source| ReadError::Io { path: path.to_owned(), source })?;
    parse(&text).map_err(|reason| ReadError::Syntax { path: path.to_owned(), reason })
}

/// Parses a text into objects. `List`s are flattened, empty documents are left out.
fn parse(text: &str) -> Result<Vec<Value>, String> {
    let options = serde_saphyr::options! { legacy_octal_numbers: true, budget: None };
    let documents: Vec<Value> =
        serde_saphyr::from_multiple_with_options(text, options).map_err(|error| error.to_string())?;
    Ok(documents.into_iter().flat_map(flatten_list).filter(|object| !object.is_null()).collect())
}

fn flatten_list(mut document: Value) -> Vec<Value> {
    let is_list = document["kind"].as_str().is_some_and(|kind| kind.ends_with("List"));
    match document.get_mut("items").map(Value::take) {
        Some(Value::Array(items)) if is_list => items,
        Some(items) => {
            document["items"] = items;
            vec![document]
        }
        None => vec![document],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn empty_documents_of_a_file_are_ignored() {
        let objects = parse("---\na: 1\n---\n# nothing\n---\na: 0644\n").unwrap();
        assert_eq!(objects, [json!({"a": 1}), json!({"a": 420})]);
    }

    #[test]
    fn a_list_is_flattened() {
        let objects = parse("kind: List\nitems: [{kind: A}, {kind: B}]").unwrap();
        assert_eq!(objects, [json!({"kind": "A"}), json!({"kind": "B"})]);
    }

    #[test]
    fn an_object_with_items_that_is_no_list_is_kept() {
        assert_eq!(parse("kind: Shop\nitems: [1]").unwrap(), [json!({"kind": "Shop", "items": [1]})]);
    }

    #[test]
    fn a_folder_is_read_in_the_order_of_names_without_other_files() {
        let dir = tempfile::tempdir().unwrap();
        for (name, text) in
            [("b.yml", "n: 2"), ("a.yaml", "n: 1"), ("c.json", "{\"n\": 3}"), ("README.md", "n: 4")]
        {
            fs::write(dir.path().join(name), text).unwrap();
        }
        assert_eq!(read(dir.path()).unwrap(), [json!({"n": 1}), json!({"n": 2}), json!({"n": 3})]);
    }

    #[test]
    fn a_missing_path_is_an_error_that_names_it() {
        let message = read(Path::new("/nonexistent/crds")).unwrap_err().to_string();
        assert!(message.starts_with("cannot read /nonexistent/crds: "), "{message}");
    }

    #[test]
    fn a_broken_file_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("broken.yaml");
        fs::write(&path, "a: [1").unwrap();
        let message = read(&path).unwrap_err().to_string();
        assert!(message.contains("broken.yaml as YAML"), "{message}");
    }
}
