//! Server-side apply for specs.

use std::fmt;
use std::future::IntoFuture;

use futures::FutureExt as _;
use futures::future::LocalBoxFuture;
use kube::api::{Patch, PatchParams};
use kube::core::{ApiResource, DynamicObject, GroupVersionKind, TypeMeta, request};
use kube::discovery::{self, Scope};
use kube::error::DiscoveryError;
use kube::{Api, Resource};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::context::{Cx, Kind, RequestError};
use crate::display::object_label;
use crate::display::short;
use crate::failure::sentence_of;
use crate::managed_fields::{FIELD_MANAGER, conflicts, describe_conflicts};
use crate::redaction::mask;

/// A server-side apply, made by [`Cx::apply`]. Awaiting it sends it and gives the object as it is then.
#[must_use = "an apply that is not awaited is not sent"]
pub struct Apply<'a, K> {
    cx: &'a Cx,
    object: &'a K,
    manager: String,
    force: bool,
    status: bool,
}

/// An object that [`Cx::apply`] takes: one of any [`Kind`], or a [`DynamicObject`] with its apiVersion and kind. `D` is
/// its
/// `DynamicType`.
pub trait ApplyTarget<D>: Clone + fmt::Debug + Serialize + DeserializeOwned + 'static {
    /// The object's apiVersion and kind, as far as they are known.
    #[doc(hidden)]
    fn types(&self) -> TypeMeta;

    /// The API that the object is applied through.
    #[doc(hidden)]
    fn api<'a>(&'a self, cx: &'a Cx) -> LocalBoxFuture<'a, Result<Api<Self>, kube::Error>>;
}

impl<K: Kind> ApplyTarget<()> for K {
    fn types(&self) -> TypeMeta {
        TypeMeta::resource::<K>()
    }

    fn api<'a>(&'a self, cx: &'a Cx) -> LocalBoxFuture<'a, Result<Api<Self>, kube::Error>> {
        std::future::ready(Ok(cx.api_of(self))).boxed_local()
    }
}

impl ApplyTarget<ApiResource> for DynamicObject {
    fn types(&self) -> TypeMeta {
        self.types.clone().unwrap_or_default()
    }

    fn api<'a>(&'a self, cx: &'a Cx) -> LocalBoxFuture<'a, Result<Api<Self>, kube::Error>> {
        dynamic_api(self, cx).boxed_local()
    }
}

/// Looks up in discovery where objects of a kind are.
async fn dynamic_api(object: &DynamicObject, cx: &Cx) -> Result<Api<DynamicObject>, kube::Error> {
    let types = object.types.as_ref().ok_or_else(|| {
        kube::Error::Discovery(DiscoveryError::MissingKind("the object has no apiVersion and kind".into()))
    })?;
    let kind = GroupVersionKind::try_from(types)
        .map_err(|error| kube::Error::Discovery(DiscoveryError::InvalidGroupVersion(error.to_string())))?;
    let (resource, capabilities) = match discovery::pinned_kind(&cx.client, &kind).await {
        // Of a group that it does not know, the server says that there is no such page.
        Err(kube::Error::Api(status)) if status.code == 404 => {
            let unserved = format!("the API server does not serve {} of {}", kind.kind, kind.api_version());
            return Err(kube::Error::Discovery(DiscoveryError::MissingKind(unserved)));
        }
        found => found?,
    };
    let namespace = object.metadata.namespace.as_deref().unwrap_or(&cx.namespace);
    Ok(match capabilities.scope {
        Scope::Cluster => Api::all_with(cx.client(), &resource),
        Scope::Namespaced => Api::namespaced_with(cx.client(), namespace, &resource),
    })
}

/// Server-side apply.
impl Cx {
    /// Applies an object server-side: it is created, or gets the fields that are set here, which then belong to the
    /// field manager. The object may be of any [`Kind`], or a [`DynamicObject`]; it is in the spec's namespace unless
    /// it names another one, and goes with that namespace as what [`create`](Self::create) makes does.
    ///
    /// The field manager is `seatrial` unless another one is [given](Apply::manager). A field that belongs to another
    /// manager and has another value there is a conflict, which fails and tells each such field with its owner and
    /// value;
    /// [`force`](Apply::force) takes these fields over.
    ///
    /// ```no_run
    /// # use k8s_openapi::api::core::v1::ConfigMap;
    /// # use seatrial_e2e::{Cx, SpecResult};
    /// # async fn spec(cx: &mut Cx, map: ConfigMap) -> SpecResult {
    /// cx.apply(&map).await?;
    /// cx.apply(&map).manager("other-operator").force().await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// Only set what the manager shall own: an object that was read has all fields, and the API server refuses one
    /// with
    /// `metadata.managedFields`.
    pub fn apply<'a, K>(&'a self, object: &'a K) -> Apply<'a, K>
    where
        K: Resource + ApplyTarget<<K as Resource>::DynamicType>,
    {
        Apply { cx: self, object, manager: FIELD_MANAGER.to_owned(), force: false, status: false }
    }
}

impl<K> Apply<'_, K> {
    /// Applies as another field manager, such as the operator under test or a user beside it.
    pub fn manager(mut self, name: &str) -> Self {
        name.clone_into(&mut self.manager);
        self
    }

    /// Takes over fields that belong to other managers, instead of failing with a conflict.
    pub fn force(mut self) -> Self {
        self.force = true;
        self
    }

    /// Applies to the subresource `status` of an object that is there.
    pub fn status(mut self) -> Self {
        self.status = true;
        self
    }
}

impl<'a, K> IntoFuture for Apply<'a, K>
where
    K: Resource + ApplyTarget<<K as Resource>::DynamicType>,
{
    type Output = Result<K, RequestError>;
    type IntoFuture = LocalBoxFuture<'a, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        self.send().boxed_local()
    }
}

impl<K> Apply<'_, K>
where
    K: Resource + ApplyTarget<<K as Resource>::DynamicType>,
{
    async fn send(self) -> Result<K, RequestError> {
        let types = self.object.types();
        let body = body(self.object, &types);
        if types.kind == "Secret" {
            self.cx.attempt_log.redactor().add_secret(&body);
        }
        let api = match self.object.api(self.cx).await {
            Ok(api) => api,
            Err(error) => return Err(self.error(&types, None, error)),
        };
        let Some(name) = &self.object.meta().name else {
            let unnamed = request::Error::Validation("the object has no name".into());
            return Err(self.error(&types, api.namespace(), kube::Error::BuildRequest(unnamed)));
        };
        let parameters = PatchParams { force: self.force, ..PatchParams::apply(&self.manager) };
        let patch = Patch::Apply(&body);
        let applied = if self.status {
            api.patch_status(name, &parameters, &patch).await
        } else {
            api.patch(name, &parameters, &patch).await
        };
        match applied {
            Ok(applied) => Ok(applied),
            Err(error) => {
                let conflict = conflict(&error, &api, name, &types.kind, body).await;
                Err(self.error(&types, api.namespace(), error).with_description(conflict))
            }
        }
    }

    fn error(&self, types: &TypeMeta, namespace: Option<&str>, source: kube::Error) -> RequestError {
        let kind = if types.kind.is_empty() { "object" } else { &types.kind };
        let name = self.object.meta().name.as_deref().unwrap_or("(without a name)");
        let label = object_label(kind, namespace, name);
        RequestError::new("apply", format!("{label} as field manager {}", self.manager), source)
    }
}

/// Request body: the object with its apiVersion and kind, which hand-written types may leave out.
fn body(object: &impl Serialize, types: &TypeMeta) -> Value {
    let mut body = serde_json::to_value(object).expect("an object of the API can be written as JSON");
    if let Some(fields) = body.as_object_mut() {
        for (field, value) in [("apiVersion", &types.api_version), ("kind", &types.kind)] {
            let is_set = fields.get(field).and_then(Value::as_str).is_some_and(|set| !set.is_empty());
            if !is_set && !value.is_empty() {
                fields.insert(field.to_owned(), value.as_str().into());
            }
        }
    }
    body
}

/// Description of a conflict, with the other managers' values; `None` for any other error.
async fn conflict<K: Clone + fmt::Debug + Serialize + DeserializeOwned>(
    error: &kube::Error,
    api: &Api<K>,
    name: &str,
    kind: &str,
    mut applied: Value,
) -> Option<String> {
    let kube::Error::Api(status) = error else { return None };
    let mut conflicts = conflicts(status);
    if conflicts.is_empty() {
        return None;
    }
    if let Some(live) = api.get(name).await.ok().and_then(|live| serde_json::to_value(live).ok()) {
        let mut live = live;
        mask(kind, &mut live);
        mask(kind, &mut applied);
        for conflict in &mut conflicts {
            conflict.look_up(&live, &applied, short);
        }
    }
    let next = "\n  next: leave these fields out, or take them over with .force()";
    Some(sentence_of(status, &(describe_conflicts(&conflicts) + next)))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use k8s_openapi::api::core::v1::ConfigMap;
    use kube::api::ObjectMeta;
    use serde_json::json;

    use super::*;
    use crate::failure::{SpecResult, sentence};
    use crate::matchers::equal;
    use crate::mins;
    use crate::spec::{Suite, endings_of, run_on};
    use crate::tier::Fake;

    async fn refuses<K>(cx: &Cx, object: &K, expected: &str) -> SpecResult
    where
        K: Resource + ApplyTarget<<K as Resource>::DynamicType>,
    {
        let error = cx.apply(object).manager("pilot").await.unwrap_err();
        cx.expect(sentence(&error)).to(equal(expected.replace("NAMESPACE", cx.namespace())))
    }

    #[test]
    fn an_object_that_cannot_be_sent_is_named_in_the_error() {
        let mut suite = Suite::new();
        suite.describe("An object", |s| {
            s.it("without a name", async |cx: &mut Cx| {
                let expected = "failed to apply ConfigMap NAMESPACE/(without a name) as field manager pilot: \
                                Failed to build request: failed to validate request: the object has no name";
                refuses(cx, &ConfigMap::default(), expected).await
            });
            s.it("without a kind", async |cx: &mut Cx| {
                let object = DynamicObject { types: None, metadata: ObjectMeta::default(), data: json!({}) };
                let expected = "failed to apply object (without a name) as field manager pilot: \
                                Error from discovery: Missing Kind: the object has no apiVersion and kind";
                refuses(cx, &object, expected).await
            });
            s.it("of a kind that is not served", async |cx: &mut Cx| {
                let kind = ApiResource::from_gvk(&GroupVersionKind::gvk("sea.test", "v1", "Ship"));
                let expected = "failed to apply Ship ark as field manager pilot: Error from discovery: Missing Kind: the API server does not serve Ship of sea.test/v1";
                refuses(cx, &DynamicObject::new("ark", &kind), expected).await
            });
        });
        for ending in endings_of(&suite, run_on(Arc::new(Fake), (mins(1), mins(1)), &Arc::default())) {
            assert!(!ending.failed(), "{}", ending.story());
        }
    }

    #[test]
    fn request_body_has_the_type_s_api_version_and_kind() {
        let types = TypeMeta::resource::<ConfigMap>();
        let sent = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {}});
        assert_eq!(body(&ConfigMap::default(), &types), sent);
        assert_eq!(body(&json!({"kind": "", "metadata": {}}), &types), sent);
        assert_eq!(body(&json!({"metadata": {}}), &TypeMeta::default()), json!({"metadata": {}}));
    }
}
