//! Collector of objects as YAML: those of the spec's namespaces, and cluster-scoped custom resources.

use std::collections::BTreeSet;

use futures::FutureExt as _;
use futures::future::LocalBoxFuture;
use k8s_openapi::api::core::v1::Namespace;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::ListParams;
use kube::core::{ApiResource, DynamicObject};
use kube::{Api, Client, ResourceExt as _};
use serde_json::Value;

use crate::artefacts::kinds::{self, DiscoveredKind};
use crate::artefacts::{ArtefactWriter, Collector, FailureScene};
use crate::display::yaml;
use crate::failure::sentence;
use crate::redaction::mask;

/// Most objects of a kind that are written: evidence is read by people.
const MOST: u32 = 500;

/// Writes `objects/NAMESPACE/KIND.yaml` and `objects/cluster/KIND.yaml`.
pub(crate) struct Objects;

impl Collector for Objects {
    fn name(&self) -> &'static str {
        "objects"
    }

    fn collect<'a>(
        &'a self,
        scene: &'a FailureScene,
        writer: &'a ArtefactWriter,
    ) -> LocalBoxFuture<'a, Result<(), String>> {
        collect(scene, writer).boxed_local()
    }
}

async fn collect(scene: &FailureScene, writer: &ArtefactWriter) -> Result<(), String> {
    let Some(client) = &scene.client else { return Ok(()) };
    let kinds = kinds::discover(client).await?;
    let custom = custom_groups(client).await.unwrap_or_else(|error| {
        writer.note_missing("cluster-scoped custom objects", &error);
        BTreeSet::new()
    });
    for namespace in &scene.namespaces {
        let namespaces: Api<DynamicObject> =
            Api::all_with(client.clone(), &ApiResource::erase::<Namespace>(&()));
        match namespaces.get(namespace).await {
            Ok(object) => {
                let resource = ApiResource::erase::<Namespace>(&());
                writer.write(
                    "objects",
                    &format!("objects/{namespace}/namespace.yaml"),
                    document(&object, &resource),
                )?;
            }
            Err(error) => writer.note_missing(&format!("namespace {namespace}"), &sentence(&error)),
        }
        for kind in kinds.iter().filter(|kind| kind.namespaced && !kind.is_event()) {
            write(client, kind, namespace, writer).await?;
        }
    }
    for kind in kinds.iter().filter(|kind| !kind.namespaced && custom.contains(&kind.resource.group)) {
        write(client, kind, "cluster", writer).await?;
    }
    Ok(())
}

/// The API groups that CRDs have brought.
async fn custom_groups(client: &Client) -> Result<BTreeSet<String>, String> {
    let api: Api<CustomResourceDefinition> = Api::all(client.clone());
    let list = api.list(&ListParams::default()).await.map_err(|error| sentence(&error))?;
    Ok(list.items.into_iter().map(|crd| crd.spec.group).collect())
}

async fn write(
    client: &Client,
    kind: &DiscoveredKind,
    place: &str,
    writer: &ArtefactWriter,
) -> Result<(), String> {
    let api = kind.api(client, place);
    let list = match api.list(&ListParams::default().limit(MOST)).await {
        Ok(list) if list.items.is_empty() => return Ok(()),
        Ok(list) => list,
        Err(error) => {
            writer.note_missing(&format!("objects of kind {}", kind.label()), &sentence(&error));
            return Ok(());
        }
    };
    if list.metadata.continue_.is_some_and(|token| !token.is_empty()) {
        writer.note_missing(
            &format!("objects of kind {}", kind.label()),
            &format!("only the first {MOST} were written"),
        );
    }
    let documents: Vec<_> = list.items.iter().map(|object| document(object, &kind.resource)).collect();
    writer.write("objects", &format!("objects/{place}/{}.yaml", kind.file_stem()), documents.join("---\n"))
}

fn document(object: &DynamicObject, resource: &ApiResource) -> String {
    // The items of a list say neither what they are nor in which version.
    let mut json = serde_json::json!({"apiVersion": resource.api_version, "kind": resource.kind});
    match serde_json::to_value(object) {
        Ok(Value::Object(fields)) => json.as_object_mut().expect("it was just made as one").extend(fields),
        Ok(_) | Err(_) => return format!("# {} cannot be written as JSON\n", object.name_any()),
    }
    mask(&resource.kind, &mut json);
    yaml(&json)
}
