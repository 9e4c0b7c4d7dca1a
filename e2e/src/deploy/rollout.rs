//! Waiting, by watch, until a Deployment is rolled out, with an early end where that cannot happen.
//!
//! It reads the Deployment with its `ReplicaSet`s and Pods: a Deployment's own status says neither why it takes so
//! long nor that it is in vain. It changes nothing.

use std::cell::RefCell;
use std::ops::ControlFlow;
use std::time::Duration;

use futures::FutureExt as _;
use k8s_openapi::api::apps::v1::{Deployment, ReplicaSet};
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use kube::api::LogParams;
use kube::core::Selector;
use kube::{Api, Client, Resource, ResourceExt};
use serde::de::DeserializeOwned;

use crate::deploy::containers::{ContainerFailure, container_failure, waits_for};
use crate::failure::{Failure, SpecResult};
use crate::watch::{Selection, WatchUpdate};

/// The annotation by which a ReplicaSet tells which revision of its Deployment it is.
const REVISION: &str = "deployment.kubernetes.io/revision";

/// Log lines shown of a container that ended.
const LAST_LINES: i64 = 20;

/// State of a rollout.
#[derive(Clone, Debug, PartialEq, Eq)]
enum RolloutProgress {
    Done,
    /// Condition that is not met yet.
    Underway(String),
    /// It will not come true by waiting.
    Failed(String),
    /// The same, and a container knows more.
    ContainerFailure(ContainerFailure),
}

/// Objects last seen by the watches.
#[derive(Default)]
struct RolloutState {
    deployment: Option<Deployment>,
    replica_sets: Vec<ReplicaSet>,
    /// Nothing until they were listed: no Pods are not the same as none seen yet.
    pods: Option<Vec<Pod>>,
    trouble: Option<String>,
}

/// Waits until the Deployment is rolled out; scaled to zero, until its last Pod is gone. Fails at once where waiting
/// is of no use, and says why.
pub async fn rolled_out(client: &Client, namespace: &str, name: &str, within: Duration) -> SpecResult {
    let label = format!("Deployment {namespace}/{name}");
    let api: Api<Deployment> = Api::namespaced(client.clone(), namespace);
    let deployment =
        api.get(name).await.map_err(|error| Failure::from(error).during(&format!("rolling out {label}")))?;
    let selector = selector_of(&deployment.spec.selector)?;
    let seen = RefCell::new(RolloutState::default());
    let ended = tokio::time::timeout(within, watched(client, namespace, name, &selector, &seen)).await;
    let progress = seen.borrow().progress();
    match progress {
        RolloutProgress::Done => Ok(()),
        RolloutProgress::Failed(reason) => {
            Err(Failure::nowhere(format!("{label} will not be rolled out: {reason}")))
        }
        RolloutProgress::ContainerFailure(found) => {
            let logs = last_lines(client, namespace, &found).await;
            let ContainerFailure { pod, container, reason, .. } = found;
            Err(Failure::nowhere(format!(
                "{label} will not be rolled out: Pod {pod}: container {container}: {reason}{logs}"
            )))
        }
        RolloutProgress::Underway(missing) => {
            debug_assert!(ended.is_err(), "watching ends when the rollout does");
            let trouble = seen.borrow().trouble.as_ref().map(|error| format!("\nlast API error: {error}"));
            let (seconds, trouble) = (within.as_secs_f64(), trouble.unwrap_or_default());
            Err(Failure::nowhere(format!("{label} is not rolled out after {seconds} s: {missing}{trouble}")))
        }
    }
}

/// Follows the three kinds at once until the rollout has an end.
async fn watched(client: &Client, namespace: &str, name: &str, selector: &str, seen: &RefCell<RolloutState>) {
    let field = format!("metadata.name={name}");
    let deployment = selection::<Deployment>(client, namespace, None, Some(&field));
    let replica_sets = selection::<ReplicaSet>(client, namespace, Some(selector), None);
    let pods = selection::<Pod>(client, namespace, Some(selector), None);
    let deployment = deployment.follow(|update| {
        look(update, seen, |seen, found: Vec<Deployment>| seen.deployment = found.into_iter().next())
    });
    let replica_sets =
        replica_sets.follow(|update| look(update, seen, |seen, found| seen.replica_sets = found));
    let pods = pods.follow(|update| look(update, seen, |seen, found| seen.pods = Some(found)));
    futures::select! {
        () = deployment.fuse() => (),
        () = replica_sets.fuse() => (),
        () = pods.fuse() => (),
    }
}

fn look<K: Clone>(
    update: WatchUpdate<'_, K>,
    seen: &RefCell<RolloutState>,
    put: impl FnOnce(&mut RolloutState, Vec<K>),
) -> ControlFlow<()> {
    let mut seen = seen.borrow_mut();
    match update {
        WatchUpdate::Current(objects) => put(&mut seen, objects.values().cloned().collect()),
        WatchUpdate::Error(error) => seen.trouble = Some(error),
        WatchUpdate::Gap => {}
    }
    match seen.progress() {
        RolloutProgress::Underway(_) => ControlFlow::Continue(()),
        _ => ControlFlow::Break(()),
    }
}

fn selection<K>(
    client: &Client,
    namespace: &str,
    labels: Option<&str>,
    fields: Option<&str>,
) -> Selection<K, ()>
where
    K: Resource<DynamicType = (), Scope = k8s_openapi::NamespaceResourceScope>,
    K: Clone + std::fmt::Debug + DeserializeOwned,
{
    Selection {
        label: K::kind(&()).into_owned(),
        api: Api::namespaced(client.clone(), namespace),
        labels: labels.map(str::to_owned),
        fields: fields.map(str::to_owned),
        value: |_| None,
        snapshot: |_| None,
    }
}

fn selector_of(selector: &LabelSelector) -> SpecResult<String> {
    let selector = Selector::try_from(selector.clone())?;
    Ok(selector.to_string())
}

impl RolloutState {
    fn progress(&self) -> RolloutProgress {
        let Some(deployment) = &self.deployment else {
            return RolloutProgress::Underway("it is not there".into());
        };
        let wanted = deployment.spec.replicas.unwrap_or(1);
        let status = deployment.status.clone().unwrap_or_default();
        if status.observed_generation < deployment.metadata.generation {
            return RolloutProgress::Underway("its controller has not seen its newest spec yet".into());
        }
        if wanted == 0 {
            return match self.pods.as_ref().map(Vec::len) {
                Some(0) => RolloutProgress::Done,
                Some(left) => RolloutProgress::Underway(format!("{left} of its Pods are still there")),
                None => RolloutProgress::Underway("its Pods were not listed yet".into()),
            };
        }
        let count = |number: Option<i32>| number.unwrap_or(0);
        let (updated, available) = (count(status.updated_replicas), count(status.available_replicas));
        if updated == wanted && available == wanted && count(status.replicas) == wanted {
            return RolloutProgress::Done;
        }
        if let Some(found) = self.newest_pods().find_map(container_failure) {
            return RolloutProgress::ContainerFailure(found);
        }
        let conditions = status.conditions.unwrap_or_default();
        let condition = |type_: &str, status: &str| {
            let found = conditions.iter().find(|found| {
                found.type_.as_deref() == Some(type_) && found.status.as_deref() == Some(status)
            });
            found.map(|found| found.message.clone().unwrap_or_default())
        };
        if let Some(message) = condition("Progressing", "False") {
            return RolloutProgress::Failed(message);
        }
        let mut missing =
            format!("of {wanted} replicas {updated} are of its newest spec and {available} are available");
        let pods = self.newest_pods().filter_map(waits_for);
        for reason in condition("ReplicaFailure", "True").into_iter().chain(pods) {
            missing = format!("{missing}; {reason}");
        }
        RolloutProgress::Underway(missing)
    }

    /// The Pods of the Deployment's newest revision: older ones may be in any state.
    fn newest_pods(&self) -> impl Iterator<Item = &Pod> {
        let owner = self.deployment.as_ref().and_then(ResourceExt::uid);
        let revision = self.deployment.as_ref().and_then(|deployment| deployment.annotations().get(REVISION));
        let newest = self
            .replica_sets
            .iter()
            .find(|set| is_owned_by(*set, owner.as_ref()) && set.annotations().get(REVISION) == revision);
        let newest = newest.and_then(ResourceExt::uid);
        self.pods.iter().flatten().filter(move |pod| newest.is_some() && is_owned_by(*pod, newest.as_ref()))
    }
}

fn is_owned_by(object: &impl ResourceExt, owner: Option<&String>) -> bool {
    object.owner_references().iter().any(|reference| Some(&reference.uid) == owner)
}

/// Last log lines of the container; empty if it never ran or has no log.
async fn last_lines(client: &Client, namespace: &str, found: &ContainerFailure) -> String {
    if !found.ran {
        return String::new();
    }
    let pods: Api<Pod> = Api::namespaced(client.clone(), namespace);
    let parameters = LogParams {
        container: Some(found.container.clone()),
        previous: true,
        tail_lines: Some(LAST_LINES),
        ..LogParams::default()
    };
    match pods.logs(&found.pod, &parameters).await {
        Ok(lines) => format!("\nits last lines:\n{}", lines.trim_end()),
        Err(error) => format!("\nits last lines cannot be had: {}", crate::failure::sentence(&error)),
    }
}

#[cfg(test)]
mod tests {
    use kube::api::{Patch, PatchParams, PostParams};
    use seatrial_fakeclient::FakeCluster;
    use serde::Serialize;
    use serde_json::{Value, json};

    use super::*;

    const NAMESPACE: &str = "default";

    /// A cluster with a Deployment; the tests are its controllers.
    async fn cluster(replicas: i32) -> Client {
        let client = FakeCluster::builder().build().unwrap().client();
        let template = json!({
            "metadata": {"labels": {"app": "demo"}},
            "spec": {"containers": [{"name": "operator", "image": "demo:1"}]},
        });
        let deployment = json!({
            "metadata": {"name": "demo", "annotations": {REVISION: "1"}},
            "spec": {"replicas": replicas, "selector": {"matchLabels": {"app": "demo"}}, "template": template},
        });
        create::<Deployment>(&client, deployment).await;
        client
    }

    async fn create<K>(client: &Client, object: Value) -> K
    where
        K: Resource<DynamicType = (), Scope = k8s_openapi::NamespaceResourceScope>,
        K: Clone + std::fmt::Debug + Serialize + DeserializeOwned,
    {
        let api: Api<K> = Api::namespaced(client.clone(), NAMESPACE);
        api.create(&PostParams::default(), &serde_json::from_value(object).unwrap()).await.unwrap()
    }

    async fn set_status<K>(client: &Client, name: &str, status: Value)
    where
        K: Resource<DynamicType = (), Scope = k8s_openapi::NamespaceResourceScope>,
        K: Clone + std::fmt::Debug + DeserializeOwned,
    {
        let api: Api<K> = Api::namespaced(client.clone(), NAMESPACE);
        let patch = Patch::Merge(json!({"status": status}));
        api.patch_status(name, &PatchParams::default(), &patch).await.unwrap();
    }

    /// The Pod of a ReplicaSet of this revision, in this state.
    async fn pod(client: &Client, revision: &str, container: Value) {
        let deployment = Api::<Deployment>::namespaced(client.clone(), NAMESPACE).get("demo").await.unwrap();
        let owner = |kind: &str, uid: Option<String>, name: &str| json!([{"apiVersion": "apps/v1", "kind": kind, "name": name, "uid": uid, "controller": true}]);
        let set = create::<ReplicaSet>(
            client,
            json!({
                "metadata": {
                    "generateName": "demo-", "labels": {"app": "demo"}, "annotations": {REVISION: revision},
                    "ownerReferences": owner("Deployment", deployment.uid(), "demo"),
                },
                "spec": {
                    "replicas": 1, "selector": {"matchLabels": {"app": "demo"}}, "template": deployment.spec.template,
                },
            }),
        )
        .await;
        let pod = create::<Pod>(
            client,
            json!({
                "metadata": {
                    "generateName": "demo-", "labels": {"app": "demo"},
                    "ownerReferences": owner("ReplicaSet", set.uid(), &set.name_any()),
                },
                "spec": {"containers": [{"name": "operator", "image": "demo:1"}]},
            }),
        )
        .await;
        let mut status =
            json!({"name": "operator", "image": "demo:1", "imageID": "", "ready": false, "restartCount": 0});
        status["state"] = container;
        set_status::<Pod>(client, &pod.name_any(), json!({"containerStatuses": [status]})).await;
    }

    async fn outcome(client: &Client) -> Result<(), String> {
        let waited = rolled_out(client, NAMESPACE, "demo", Duration::from_secs(60)).await;
        waited.map_err(|failure| failure.message().to_owned())
    }

    fn counted(replicas: i32) -> Value {
        let counts = ["replicas", "updatedReplicas", "readyReplicas", "availableReplicas"];
        let mut status: Value = counts.iter().map(|count| ((*count).to_owned(), json!(replicas))).collect();
        status["observedGeneration"] = json!(1);
        status
    }

    #[tokio::test(start_paused = true)]
    async fn a_rollout_is_done_when_every_replica_is_of_the_newest_spec_and_available() {
        let client = cluster(2).await;
        let finish = async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            set_status::<Deployment>(&client, "demo", counted(2)).await;
        };
        let (outcome, ()) = futures::join!(outcome(&client), finish);
        assert_eq!(outcome, Ok(()));
    }

    #[tokio::test(start_paused = true)]
    async fn a_status_about_an_older_spec_does_not_count() {
        let client = cluster(1).await;
        set_status::<Deployment>(&client, "demo", counted(1)).await;
        let api: Api<Deployment> = Api::namespaced(client.clone(), NAMESPACE);
        let patch = Patch::Merge(json!({"spec": {"paused": true}}));
        api.patch("demo", &PatchParams::default(), &patch).await.unwrap();
        let error = outcome(&client).await.unwrap_err();
        assert!(error.ends_with("after 60 s: its controller has not seen its newest spec yet"), "{error}");
    }

    #[tokio::test(start_paused = true)]
    async fn an_image_that_cannot_be_pulled_ends_the_wait_at_once_with_the_reason() {
        let client = cluster(1).await;
        let waiting = json!({"waiting": {"reason": "ImagePullBackOff", "message": "Back-off pulling image \"demo:1\""}});
        set_status::<Deployment>(&client, "demo", json!({"observedGeneration": 1})).await;
        pod(&client, "1", waiting).await;
        let began = tokio::time::Instant::now();
        let error = outcome(&client).await.unwrap_err();
        assert!(error.starts_with("Deployment default/demo will not be rolled out: Pod demo-"), "{error}");
        assert!(
            error.ends_with("container operator: ImagePullBackOff: Back-off pulling image \"demo:1\""),
            "{error}"
        );
        assert!(began.elapsed() < Duration::from_secs(1), "it was waited for {:?}", began.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn an_older_revision_may_fail_while_the_newest_comes_up() {
        let client = cluster(1).await;
        set_status::<Deployment>(&client, "demo", json!({"observedGeneration": 1})).await;
        pod(&client, "0", json!({"waiting": {"reason": "CrashLoopBackOff"}})).await;
        pod(&client, "1", json!({"waiting": {"reason": "ContainerCreating"}})).await;
        let error = outcome(&client).await.unwrap_err();
        assert!(error.contains("is not rolled out after 60 s: of 1 replicas 0 are"), "{error}");
        assert!(error.ends_with("container operator: ContainerCreating"), "{error}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_deployment_that_gave_up_says_so_in_its_own_words() {
        let client = cluster(1).await;
        let gave_up = json!({
            "type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded", "message": "it has timed out",
        });
        let status = json!({"observedGeneration": 1, "conditions": [gave_up]});
        set_status::<Deployment>(&client, "demo", status).await;
        let error = outcome(&client).await.unwrap_err();
        assert_eq!(error, "Deployment default/demo will not be rolled out: it has timed out");
    }

    #[tokio::test(start_paused = true)]
    async fn scaled_to_zero_is_done_when_the_last_pod_is_gone() {
        let client = cluster(0).await;
        set_status::<Deployment>(&client, "demo", json!({"observedGeneration": 1})).await;
        pod(&client, "1", json!({"running": {}})).await;
        let error = outcome(&client).await.unwrap_err();
        assert!(error.ends_with("1 of its Pods are still there"), "{error}");
        let pods: Api<Pod> = Api::namespaced(client.clone(), NAMESPACE);
        let gone = async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            pods.delete_collection(
                &kube::api::DeleteParams::default().grace_period(0),
                &kube::api::ListParams::default(),
            )
            .await
            .unwrap();
        };
        let (outcome, ()) = futures::join!(outcome(&client), gone);
        assert_eq!(outcome, Ok(()));
    }
}
