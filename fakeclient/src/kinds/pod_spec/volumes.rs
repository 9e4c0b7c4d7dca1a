//! Validation of volumes: names, sources and paths.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::error::field::{FieldError, invalid_each};
use crate::error::path::Path;
use crate::kinds::rules::enums::required_one_of;
use crate::kinds::rules::names::{dns_label, dns_subdomain};
use crate::object::quantity::Quantity;
use crate::object::view::fields::FieldAccess;

use super::{claim_template, env};

/// Volume sources, in the order in which the server searches for a second one.
const SOURCES: [&str; 29] = [
    "emptyDir",
    "hostPath",
    "gitRepo",
    "gcePersistentDisk",
    "awsElasticBlockStore",
    "secret",
    "nfs",
    "iscsi",
    "glusterfs",
    "flocker",
    "persistentVolumeClaim",
    "rbd",
    "cinder",
    "cephfs",
    "quobyte",
    "downwardAPI",
    "fc",
    "flexVolume",
    "configMap",
    "azureFile",
    "vsphereVolume",
    "photonPersistentDisk",
    "portworxVolume",
    "azureDisk",
    "storageos",
    "projected",
    "scaleIO",
    "csi",
    "ephemeral",
];

/// Volumes of a Pod: name → true if the source is a claim, which can be a block device.
pub(super) type ValidVolumes = BTreeMap<String, bool>;

/// The valid volumes for mounts, and the errors of all volumes.
pub(super) fn check(path: &Path, volumes: &[Value]) -> (ValidVolumes, Vec<FieldError>) {
    let mut names = ValidVolumes::new();
    let mut errors = Vec::new();
    for (index, volume) in volumes.iter().enumerate() {
        let at = path.index(index);
        let name = volume.text("name");
        let mut own = source(&at, volume);
        if name.is_empty() {
            own.push(FieldError::required(at.child("name"), ""));
        } else {
            own.extend(invalid_each(&at.child("name"), name, dns_label(name)));
        }
        if names.contains_key(name) {
            own.push(FieldError::duplicate(at.child("name"), name.into()));
        }
        if own.is_empty() {
            let claimed = volume.has("persistentVolumeClaim") || volume.has("ephemeral");
            names.insert(name.to_owned(), claimed);
        }
        errors.extend(own);
    }
    (names, errors)
}

fn source(path: &Path, volume: &Value) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let mut given = 0;
    for key in SOURCES.into_iter().chain(["image"]).filter(|key| volume.has(key)) {
        let (at, source) = (path.child(key), &volume[key]);
        given += 1;
        if given > 1 {
            errors.push(FieldError::forbidden(&at, "may not specify more than 1 volume type"));
            continue;
        }
        match key {
            "emptyDir" => errors.extend(empty_dir(&at, source)),
            "hostPath" => errors.extend(host_path(&at, source)),
            "secret" => errors.extend(files(&at, source, "secretName")),
            "configMap" => errors.extend(files(&at, source, "name")),
            "persistentVolumeClaim" => errors.extend(required(&at, source, "claimName")),
            "csi" => errors.extend(driver(&at, source)),
            "ephemeral" => errors.extend(ephemeral(&at, source)),
            "nfs" => errors.extend(network_files(&at, source)),
            "image" => {
                errors.extend(required(&at, source, "reference"));
                errors.extend(required_one_of(
                    &at,
                    source,
                    "pullPolicy",
                    &["Always", "IfNotPresent", "Never"],
                ));
            }
            "downwardAPI" => {
                errors.extend(mode(&at, source, "defaultMode"));
                for item in source.list("items") {
                    errors.extend(downward_api_file(&at, item));
                }
            }
            "projected" => errors.extend(projected(&at, source)),
            _ => {}
        }
    }
    if given == 0 {
        errors.push(FieldError::required(path, "must specify a volume type"));
    }
    errors
}

fn driver(path: &Path, source: &Value) -> Vec<FieldError> {
    let (name, at) = (source.text("driver"), path.child("driver"));
    let mut errors: Vec<_> = required(path, source, "driver").into_iter().collect();
    if !name.is_empty() {
        if name.len() > 63 {
            errors.push(FieldError::too_long(&at, 63));
        }
        errors.extend(invalid_each(&at, name, dns_subdomain(&name.to_lowercase())));
    }
    if source.has("nodePublishSecretRef") {
        let secret = source["nodePublishSecretRef"].text("name");
        if secret.is_empty() {
            errors.push(FieldError::required(path.child("nodePublishSecretRef").child("name"), ""));
        } else {
            // The server omits a segment of this path.
            errors.extend(invalid_each(&path.child("name"), secret, dns_subdomain(secret)));
        }
    }
    errors
}

fn ephemeral(path: &Path, source: &Value) -> Vec<FieldError> {
    let (key, at) = ("volumeClaimTemplate", path.child("volumeClaimTemplate"));
    if source.has(key) {
        claim_template::check(&at, &source[key])
    } else {
        vec![FieldError::required(at, "")]
    }
}

fn network_files(path: &Path, source: &Value) -> Vec<FieldError> {
    let folder = source.text("path");
    let mut errors: Vec<_> = required(path, source, "server").into_iter().collect();
    errors.extend(required(path, source, "path"));
    if !folder.starts_with('/') {
        errors.push(FieldError::invalid(path.child("path"), folder.into(), "must be an absolute path"));
    }
    errors
}

fn required(path: &Path, source: &Value, key: &str) -> Option<FieldError> {
    source.text(key).is_empty().then(|| FieldError::required(path.child(key), ""))
}

fn mode(path: &Path, source: &Value, key: &str) -> Option<FieldError> {
    let mode = source.number(key).filter(|mode| !(0..=0o777).contains(mode))?;
    let why = "must be a number between 0 and 0777 (octal), both inclusive";
    Some(FieldError::invalid(path.child(key), mode.into(), why))
}

fn empty_dir(path: &Path, source: &Value) -> Option<FieldError> {
    let limit = source["sizeLimit"].as_str().and_then(|text| Quantity::parse(text).ok());
    limit.filter(|limit| limit.milli() < 0).map(|_| {
        FieldError::forbidden(path.child("sizeLimit"), "SizeLimit field must be a valid resource quantity")
    })
}

fn host_path(path: &Path, source: &Value) -> Vec<FieldError> {
    let folder = source.text("path");
    if folder.is_empty() {
        return vec![FieldError::required(path.child("path"), "")];
    }
    let mut errors = no_back_steps(&path.child("path"), folder);
    let known =
        ["", "BlockDevice", "CharDevice", "Directory", "DirectoryOrCreate", "File", "FileOrCreate", "Socket"];
    let kind = source.text("type");
    if !known.contains(&kind) {
        errors.push(FieldError::not_supported(path.child("type"), kind.into(), &known));
    }
    errors
}

fn files(path: &Path, source: &Value, name: &str) -> Vec<FieldError> {
    let mut errors: Vec<_> = required(path, source, name).into_iter().collect();
    errors.extend(mode(path, source, "defaultMode"));
    errors.extend(items(path, source));
    errors
}

fn items(path: &Path, source: &Value) -> Vec<FieldError> {
    let all = source.list("items").iter().enumerate();
    all.flat_map(|(index, item)| one_item(&path.child("items").index(index), item)).collect()
}

fn one_item(path: &Path, item: &Value) -> Vec<FieldError> {
    let mut errors: Vec<_> = required(path, item, "key").into_iter().collect();
    errors.extend(required(path, item, "path"));
    errors.extend(no_absolute_path(&path.child("path"), item.text("path")));
    errors.extend(mode(path, item, "mode"));
    errors
}

/// Errors of a downward API file. The server reports them at the volume.
fn downward_api_file(path: &Path, item: &Value) -> Vec<FieldError> {
    let mut errors: Vec<_> = required(path, item, "path").into_iter().collect();
    errors.extend(no_absolute_path(&path.child("path"), item.text("path")));
    if item.has("fieldRef") {
        errors.extend(env::field(&path.child("fieldRef"), &item["fieldRef"], &env::FILE_FIELDS));
        if item.has("resourceFieldRef") {
            let why = "fieldRef and resourceFieldRef can not be specified simultaneously";
            errors.push(FieldError::invalid(path, "resource".into(), why));
        }
    } else if item.has("resourceFieldRef") {
        errors.extend(env::resource(&path.child("resourceFieldRef"), &item["resourceFieldRef"], true));
    } else {
        errors.push(FieldError::required(path, "one of fieldRef and resourceFieldRef is required"));
    }
    errors.extend(mode(path, item, "mode"));
    errors
}

fn projected(path: &Path, volume: &Value) -> Vec<FieldError> {
    let mut errors: Vec<_> = mode(path, volume, "defaultMode").into_iter().collect();
    let mut taken: BTreeSet<String> = BTreeSet::new();
    let mut twice = |file: &str, shown: &str| {
        let again = !file.is_empty() && !taken.insert(file.to_owned());
        again.then(|| FieldError::invalid(path, shown.into(), "conflicting duplicate paths"))
    };
    for (index, source) in volume.list("sources").iter().enumerate() {
        let at = path.child("sources").index(index);
        for key in ["secret", "configMap"].into_iter().filter(|key| source.has(key)) {
            errors.extend(required(&at.child(key), &source[key], "name"));
            for (index, item) in source[key].list("items").iter().enumerate() {
                errors.extend(one_item(&at.child(key).child("items").index(index), item));
                errors.extend(twice(item.text("path"), source[key].text("name")));
            }
        }
        for item in source["downwardAPI"].list("items") {
            errors.extend(downward_api_file(&at.child("downwardAPI"), item));
            errors.extend(twice(item.text("path"), item.text("path")));
        }
        if source.has("serviceAccountToken") {
            errors.extend(token(path, &at.child("serviceAccountToken"), &source["serviceAccountToken"]));
        }
        if source.as_object().is_some_and(|map| map.values().filter(|v| !v.is_null()).count() > 1) {
            errors.push(FieldError::forbidden(&at, "may not specify more than 1 volume type per source"));
        }
    }
    errors
}

/// Errors of a projected service account token. The server reports those of its path at the volume.
fn token(volume: &Path, path: &Path, token: &Value) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let at = path.child("expirationSeconds");
    match token.number("expirationSeconds") {
        None => errors.push(FieldError::required(&at, "")),
        Some(seconds) if seconds < 600 => {
            let why = "may not specify a duration less than 10 minutes";
            errors.push(FieldError::invalid(&at, seconds.into(), why));
        }
        Some(seconds) if seconds > 1 << 32 => {
            let why = "may not specify a duration larger than 2^32 seconds";
            errors.push(FieldError::invalid(&at, seconds.into(), why));
        }
        Some(_) => {}
    }
    match required(volume, token, "path") {
        Some(error) => errors.push(error),
        None => errors.extend(no_absolute_path(&volume.child("path"), token.text("path"))),
    }
    errors
}

/// Errors of a path that must be relative and must not contain `..`.
pub(super) fn relative_path(path: &Path, text: &str) -> Vec<FieldError> {
    let mut errors = Vec::new();
    if text.starts_with('/') {
        errors.push(FieldError::invalid(path, text.into(), "must be a relative path"));
    }
    errors.extend(no_back_steps(path, text));
    errors
}

fn no_absolute_path(path: &Path, text: &str) -> Vec<FieldError> {
    let mut errors = relative_path(path, text);
    if text.starts_with("..") && !text.starts_with("../") {
        errors.push(FieldError::invalid(path, text.into(), "must not start with '..'"));
    }
    errors
}

fn no_back_steps(path: &Path, text: &str) -> Vec<FieldError> {
    let climbs = text.split('/').any(|step| step == "..");
    climbs.then(|| FieldError::invalid(path, text.into(), "must not contain '..'")).into_iter().collect()
}
