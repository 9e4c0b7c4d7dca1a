//! The controllers' client: verbs on the current state, with a controller's field manager.

use std::sync::Arc;

use serde_json::Value;

use crate::error::ApiError;
use crate::error::warnings::Warnings;
use crate::object::decode::body::BodyFormat;
use crate::object::patch::outcome::FieldValidation;
use crate::registry::resource::Resource;
use crate::state::ClusterState;
use crate::verbs;
use crate::verbs::options::{DeleteOptions, WriteOptions};
use crate::verbs::scope::RequestScope;
use crate::verbs::update::{Part, Proposed, guaranteed_update};

/// Field manager of the controllers of kube-controller-manager.
pub(crate) const CONTROLLER_MANAGER: &str = "kube-controller-manager";
/// Field manager of kube-apiserver's own controllers.
pub(crate) const API_SERVER: &str = "kube-apiserver";

fn options(manager: &str) -> WriteOptions {
    WriteOptions {
        field_validation: FieldValidation::Ignore,
        field_manager: manager.to_owned(),
        ..WriteOptions::default()
    }
}

fn scope(state: &Arc<ClusterState>, resource: Arc<Resource>, namespace: &str, name: &str) -> RequestScope {
    RequestScope {
        state: Arc::clone(state),
        resource,
        user: "system:kube-controller-manager".into(),
        namespace: namespace.to_owned(),
        name: name.to_owned(),
        subresource: String::new(),
        warnings: Warnings::default(),
    }
}

/// Creates an object, which is decoded and defaulted as a client's.
pub(crate) async fn create(
    state: &Arc<ClusterState>,
    manager: &str,
    resource: Arc<Resource>,
    object: Value,
) -> Result<(), ApiError> {
    let namespace = object["metadata"]["namespace"].as_str().unwrap_or_default().to_owned();
    let mut scope = scope(state, resource, &namespace, "");
    let body = serde_json::to_vec(&object).expect("a JSON value can be serialised");
    let object = scope.decode(FieldValidation::Ignore, |decoder| decoder.body(&body, BodyFormat::Json))?;
    verbs::create::create(&mut scope, Proposed::Object(object), &options(manager)).await.map(drop)
}

/// Deletes an object. An absent object is no error.
pub(crate) async fn delete(
    state: &Arc<ClusterState>,
    resource: Arc<Resource>,
    namespace: &str,
    name: &str,
    options: &DeleteOptions,
) -> Result<(), ApiError> {
    match verbs::delete::delete(&scope(state, resource, namespace, name), options).await {
        Err(error) if error.code != 404 => Err(error),
        _ => Ok(()),
    }
}

/// Edits an object with a guaranteed update. An absent object is no error.
pub(crate) async fn edit(
    state: &Arc<ClusterState>,
    manager: &str,
    resource: Arc<Resource>,
    (namespace, name): (&str, &str),
    part: Part,
    edit: impl Fn(&mut Value) + Sync,
) -> Result<(), ApiError> {
    let scope = scope(state, resource, namespace, name);
    let options = options(manager);
    let written = guaranteed_update(&scope, part, &options, |old| {
        let mut new = old.object.clone();
        edit(&mut new);
        Ok(Proposed::Object(new))
    });
    match written.await {
        Err(error) if error.code != 404 => Err(error),
        _ => Ok(()),
    }
}

/// Logs the failure of a controller's request. It is no panic, because a client's object may cause it (such as a
/// changed validation rule in a CRD that rejects the removal of a finalizer).
pub(crate) fn log_failure(controller: &str, doing: &str, result: Result<(), ApiError>) {
    if let Err(error) = result {
        tracing::warn!(controller, doing, %error, "a controller's request was refused");
    }
}
