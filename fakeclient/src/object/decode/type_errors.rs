//! Errors of values with another Go type, and the paths that they name.

use std::fmt;

/// The position of the decoder, on the stack.
#[derive(Clone, Copy)]
pub(super) enum DecodePath<'p> {
    Root,
    Field { parent: &'p DecodePath<'p>, name: &'p str, owner: &'p str, embedded: Option<&'p str> },
    Key { parent: &'p DecodePath<'p>, key: &'p str },
    Index { parent: &'p DecodePath<'p>, index: usize },
}

/// The error of `encoding/json`.
pub(super) fn type_error(place: DecodePath<'_>, found: &str, wanted: &str) -> String {
    match owner_and_path(place) {
        Some((owner, path)) => {
            format!("json: cannot unmarshal {found} into Go struct field {owner}.{path} of type {wanted}")
        }
        None => format!("json: cannot unmarshal {found} into Go value of type {wanted}"),
    }
}

/// The error of the unstructured converter, which has no path.
pub(super) fn map_error(found: &str, wanted: &str) -> String {
    let found = match found {
        "object" => "map",
        "array" => "slice",
        text if text.starts_with("number ") && text.contains('.') => "float64",
        text if text.starts_with("number") => "int64",
        text => text,
    };
    if wanted.starts_with("[]") {
        format!("cannot restore slice from {found}")
    } else if wanted.starts_with("map[") || wanted == "v1.ResourceList" {
        format!("cannot restore map from {found}")
    } else if matches!(wanted, "string" | "bool" | "uint8" | "int32" | "int64" | "float64") {
        let fraction = found == "float64" && matches!(wanted, "uint8" | "int32" | "int64");
        if fraction || (wanted == "string" && found == "int64") {
            format!("cannot convert {found} to {wanted}")
        } else {
            format!("unrecognized type: {wanted}")
        }
    } else {
        format!("cannot restore struct from: {found}")
    }
}

/// The innermost struct and the field names on the path, as in Go's errors: without keys and indices.
fn owner_and_path(place: DecodePath<'_>) -> Option<(String, String)> {
    match place {
        DecodePath::Root => None,
        DecodePath::Key { parent, .. } | DecodePath::Index { parent, .. } => owner_and_path(*parent),
        DecodePath::Field { parent, name, owner, embedded } => {
            let mut path = owner_and_path(*parent).map(|(_, path)| path + ".").unwrap_or_default();
            if let Some(embedded) = embedded {
                path.push_str(embedded);
                path.push('.');
            }
            path.push_str(name);
            Some((owner.rsplit('.').next().unwrap_or_default().to_owned(), path))
        }
    }
}

impl fmt::Display for DecodePath<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Root => Ok(()),
            Self::Field { parent, name: key, .. } | Self::Key { parent, key } => match parent {
                Self::Root => f.write_str(key),
                _ => write!(f, "{parent}.{key}"),
            },
            Self::Index { parent, index } => write!(f, "{parent}[{index}]"),
        }
    }
}
