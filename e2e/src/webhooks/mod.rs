//! Webhooks of the operator under test: its handler, installed with its manifests.

#[cfg(feature = "envtest")]
mod loopback;

use std::collections::BTreeSet;

use k8s_openapi::api::core::v1::{Namespace, Service};
use kube::Api;
use kube::api::{DeleteParams, DynamicObject, PostParams};
use seatrial_fakeclient::{FakeCluster, WebhookService};
use serde_json::{Value, json};

use crate::context::{ApplyTarget as _, Cx};
use crate::failure::{Failure, SpecResult};

/// The way from the API server of a spec's cluster to a webhook of the spec.
pub(crate) enum WebhookHost {
    /// The API server is in this process.
    InProcess(FakeCluster),
    /// The API server is on this machine.
    #[cfg(feature = "envtest")]
    OnLoopback,
}

/// Webhooks.
impl Cx {
    /// Installs webhook configurations (YAML, one or more documents) and answers them by `service`: a tower service
    /// such as an `axum::Router`, or one made by [`admission_webhook`](seatrial_fakeclient::admission_webhook). It
    /// needs [`Need::Webhooks`](crate::Need::Webhooks), and returns when the API server calls the webhooks.
    ///
    /// The manifests are those of the operator: their `clientConfig.service` is where the operator's own Service would
    /// be. On tier `fake` the handler is called in this process and in virtual time; on `envtest` over TLS on the
    /// loopback interface, with the URL and the CA in place of the Service. A configuration gets the spec's namespace
    /// in its name, and of namespaced objects meets those of that namespace alone. It goes with the spec. A CRD with a
    /// conversion webhook can be among the manifests on tier `fake`.
    pub async fn webhooks(&self, service: impl WebhookService, manifests: &str) -> SpecResult {
        let host = self.extensions.get::<WebhookHost>().ok_or_else(|| {
            Failure::nowhere(format!(
                "installing webhooks: the API server of tier {} does not reach this process; \
                 mark the spec with .needs(Need::Webhooks)",
                self.tier
            ))
        })?;
        let mut objects = documents(manifests)?;
        let configurations = objects.iter_mut().filter(|object| is_configuration(object));
        for object in configurations {
            let name = object["metadata"]["name"].as_str().unwrap_or_default();
            object["metadata"]["name"] = format!("{name}.{}", self.namespace).into();
            for webhook in object["webhooks"].as_array_mut().into_iter().flatten() {
                confine(webhook, &self.namespace);
            }
        }
        match &*host {
            WebhookHost::InProcess(cluster) => {
                for (namespace, name) in services(&objects) {
                    self.ensure_service(&namespace, &name).await?;
                    cluster.serve_webhooks(&namespace, &name, service.clone());
                }
                for object in &objects {
                    self.install(object).await?;
                }
            }
            #[cfg(feature = "envtest")]
            WebhookHost::OnLoopback => loopback::install(self, service, objects).await?,
        }
        Ok(())
    }

    async fn ensure_service(&self, namespace: &str, name: &str) -> SpecResult {
        let namespaces: Api<Namespace> = Api::all(self.client.clone());
        if namespaces.get_opt(namespace).await?.is_none() {
            let object = serde_json::from_value(json!({"metadata": {"name": namespace}}))?;
            namespaces.create(&PostParams::default(), &object).await?;
        }
        let services: Api<Service> = Api::namespaced(self.client.clone(), namespace);
        if services.get_opt(name).await?.is_none() {
            let object = json!({"metadata": {"name": name}, "spec": {"ports": [{"port": 443}]}});
            services.create(&PostParams::default(), &serde_json::from_value(object)?).await?;
        }
        Ok(())
    }

    /// Applies an object, and deletes it at the spec's end if it is a configuration.
    async fn install(&self, object: &Value) -> SpecResult {
        let applied: DynamicObject = serde_json::from_value(object.clone())?;
        self.apply(&applied).force().await?;
        if is_configuration(object) {
            self.defer(async move |cx| {
                let name = applied.metadata.name.as_deref().unwrap_or_default();
                match applied.api(cx).await?.delete(name, &DeleteParams::default()).await {
                    Err(kube::Error::Api(status)) if status.code == 404 => Ok(()),
                    deleted => Ok(deleted.map(drop)?),
                }
            });
        }
        Ok(())
    }
}

/// The documents of a YAML text.
fn documents(manifests: &str) -> SpecResult<Vec<Value>> {
    let read: Result<Vec<Value>, _> = serde_saphyr::from_multiple(manifests);
    let documents = read.map_err(|error| {
        Failure::nowhere(format!("installing webhooks: the manifests are no YAML: {error}"))
    })?;
    Ok(documents.into_iter().filter(|document| !document.is_null()).collect())
}

fn is_configuration(object: &Value) -> bool {
    object["kind"].as_str().is_some_and(|kind| kind.ends_with("WebhookConfiguration"))
}

/// Limits a webhook to the objects of a namespace. Cluster-scoped objects are met by every spec's webhooks.
fn confine(webhook: &mut Value, namespace: &str) {
    let requirement = json!({"key": "kubernetes.io/metadata.name", "operator": "In", "values": [namespace]});
    let selector = &mut webhook["namespaceSelector"];
    match selector.get_mut("matchExpressions").and_then(Value::as_array_mut) {
        Some(expressions) => expressions.push(requirement),
        None => selector["matchExpressions"] = json!([requirement]),
    }
}

/// The client configurations of an object's webhooks: of a webhook configuration, or of a CRD's conversion.
fn client_configs(object: &mut Value) -> Vec<&mut Value> {
    if object["kind"] == "CustomResourceDefinition" {
        return object.pointer_mut("/spec/conversion/webhook/clientConfig").into_iter().collect();
    }
    let webhooks = object.get_mut("webhooks").and_then(Value::as_array_mut);
    webhooks.into_iter().flatten().filter_map(|webhook| webhook.get_mut("clientConfig")).collect()
}

/// Namespace and name of each Service that the webhooks are called through.
fn services(objects: &[Value]) -> BTreeSet<(String, String)> {
    let mut objects = objects.to_vec();
    let configs = objects.iter_mut().flat_map(client_configs);
    let text = |config: &Value, key: &str| config["service"][key].as_str().unwrap_or_default().to_owned();
    configs
        .filter(|config| config["service"].is_object())
        .map(|config| (text(config, "namespace"), text(config, "name")))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn webhooks_are_confined_to_the_namespace_beside_what_they_select() {
        let mut webhook =
            json!({"namespaceSelector": {"matchExpressions": [{"key": "a", "operator": "Exists"}]}});
        confine(&mut webhook, "ns");
        assert_eq!(webhook["namespaceSelector"]["matchExpressions"][1]["values"], json!(["ns"]));
        let mut open = json!({});
        confine(&mut open, "ns");
        assert_eq!(open["namespaceSelector"]["matchExpressions"][0]["values"], json!(["ns"]));
    }

    #[test]
    fn services_of_configurations_and_conversions_are_found() {
        let config = |name: &str| json!({"clientConfig": {"service": {"namespace": "ns", "name": name}}});
        let objects = [
            json!({"kind": "ValidatingWebhookConfiguration", "webhooks": [config("a"), config("a")]}),
            json!({"kind": "CustomResourceDefinition", "spec": {"conversion": {"webhook": config("b")}}}),
            json!({"kind": "Service"}),
        ];
        let found = services(&objects);
        assert_eq!(found.iter().map(|(_, name)| name.as_str()).collect::<Vec<_>>(), ["a", "b"]);
    }
}
