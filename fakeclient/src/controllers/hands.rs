//! How a controller acts: through the same verbs as a client, under a name of its own, and never on a guess — what it
//! writes is based on what is stored at that moment.

use std::sync::Arc;

use serde_json::Value;

use crate::cluster::Core;
use crate::endpoint::media::Form;
use crate::endpoint::options::{DeleteOptions, Query, WriteOptions};
use crate::error::ApiError;
use crate::object::patch::outcome::FieldValidation;
use crate::registry::resource::Resource;
use crate::verbs::create::create_object;
use crate::verbs::delete::delete_object;
use crate::verbs::scope::Scope;
use crate::verbs::update::{Made, Part, change};

/// What the controllers of kube-controller-manager call themselves.
pub(crate) const CONTROLLER_MANAGER: &str = "kube-controller-manager";
/// What kube-apiserver's own controllers call themselves.
pub(crate) const API_SERVER: &str = "kube-apiserver";

/// A lenient reading of what comes from this process, by that field manager.
fn options(manager: &str) -> WriteOptions {
    WriteOptions {
        field_validation: FieldValidation::Ignore,
        field_manager: manager.to_owned(),
        ..WriteOptions::default()
    }
}

/// A scope for a controller's own request.
fn scope<'a>(core: &'a Arc<Core>, resource: Arc<Resource>, namespace: &str, name: &str) -> Scope<'a> {
    Scope {
        core,
        resource,
        user: "system:kube-controller-manager".into(),
        namespace: namespace.to_owned(),
        name: name.to_owned(),
        subresource: String::new(),
        query: Query::default(),
        form: Form::Object,
        content_type: String::new(),
        user_agent: String::new(),
        body: bytes::Bytes::new(),
        warnings: std::cell::RefCell::default(),
    }
}

/// Creates an object; one that is there already, or whose namespace is going, is left alone.
pub(crate) fn create(
    core: &Arc<Core>,
    manager: &str,
    resource: Arc<Resource>,
    object: Value,
) -> Result<(), ApiError> {
    let namespace = object["metadata"]["namespace"].as_str().unwrap_or_default().to_owned();
    let mut scope = scope(core, resource, &namespace, "");
    create_object(&mut scope, Made::Updated(object), &options(manager)).map(drop)
}

/// Deletes an object; one that is gone is as good as deleted.
pub(crate) fn delete(
    core: &Arc<Core>,
    resource: Arc<Resource>,
    namespace: &str,
    name: &str,
    options: &DeleteOptions,
) -> Result<(), ApiError> {
    match delete_object(&scope(core, resource, namespace, name), options) {
        Ok(_) => Ok(()),
        Err(error) if error.code == 404 => Ok(()),
        Err(error) => Err(error),
    }
}

/// Changes an object as it is stored now; one that is gone stays gone.
pub(crate) fn edit(
    core: &Arc<Core>,
    manager: &str,
    resource: Arc<Resource>,
    (namespace, name): (&str, &str),
    part: Part,
    edit: impl Fn(&mut Value),
) -> Result<(), ApiError> {
    let scope = scope(core, resource, namespace, name);
    let made = change(&scope, part, &options(manager), |_, old| {
        let mut new = old.object.clone();
        edit(&mut new);
        Ok(Made::Updated(new))
    });
    match made {
        Ok(_) => Ok(()),
        Err(error) if error.code == 404 => Ok(()),
        Err(error) => Err(error),
    }
}

/// A controller that is refused has met a rule it should have known: worth a line in the log, never a panic, since a
/// client's object may be the reason (a validation that a CRD's author changed under a finalizer, say).
pub(crate) fn report(controller: &str, doing: &str, result: Result<(), ApiError>) {
    if let Err(error) = result {
        tracing::warn!(controller, doing, %error, "a controller's request was refused");
    }
}
