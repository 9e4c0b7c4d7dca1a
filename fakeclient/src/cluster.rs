//! `FakeCluster` and its builder.

use std::sync::Arc;

use futures::FutureExt;
use kube::Client;

use crate::controllers::{self, BuildError, Controllers};
use crate::endpoint::service::FakeService;
#[cfg(feature = "serve")]
use crate::endpoint::socket::{self, ServeError, ServerHandle};
use crate::endpoint::webhooks::{WebhookService, Webhooks};
use crate::instruments::clock::Clock;
use crate::instruments::faults::Faults;
use crate::instruments::request_log::RequestRecord;
use crate::registry::webhook::WebhookCaller;
use crate::state::ClusterState;

/// An in-memory Kubernetes cluster: an API server and the controllers of a control plane without nodes.
///
/// ```
/// use k8s_openapi::api::core::v1::ConfigMap;
/// use kube::api::{Api, PostParams};
/// use seatrial_fakeclient::FakeCluster;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let cluster = FakeCluster::new();
/// let maps: Api<ConfigMap> = Api::default_namespaced(cluster.client());
/// let map = serde_json::from_value(serde_json::json!({"metadata": {"name": "greeting"}, "data": {"hello": "sea"}}))?;
/// maps.create(&PostParams::default(), &map).await?;
/// assert_eq!(maps.get("greeting").await?.data, map.data);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct FakeCluster {
    controllers: Arc<Controllers>,
    webhooks: Arc<Webhooks>,
}

impl Default for FakeCluster {
    fn default() -> Self {
        Self::new()
    }
}

impl FakeCluster {
    /// A cluster with the default namespaces, seed 0 and the system clock.
    pub fn new() -> Self {
        Self::builder().build().expect("an empty cluster has no object that could be refused")
    }

    /// A builder for a cluster with another seed, clock or initial objects.
    pub fn builder() -> FakeClusterBuilder {
        FakeClusterBuilder { seed: 0, clock: Clock::system(), documents: Vec::new() }
    }

    /// A client with administrator rights.
    ///
    /// # Panics
    /// Outside a tokio runtime: kube's client buffers requests in a task of the current runtime.
    pub fn client(&self) -> Client {
        self.client_as("admin")
    }

    /// A client with a user name, which the request records show. RBAC is not modelled: every user has all rights.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub fn client_as(&self, user: &str) -> Client {
        Client::new(FakeService::new(Arc::clone(&self.controllers), user), "default")
    }

    /// The API server as a tower service, for other clients than kube's.
    pub fn service(&self) -> FakeService {
        FakeService::new(Arc::clone(&self.controllers), "admin")
    }

    /// Serves the API on a TLS socket of the loopback interface, for kubectl and clients in any language. Port 0
    /// selects a free port. HTTP/2 and HTTP/1.1 are supported. The kubeconfig of the returned handle contains the CA, a
    /// client certificate and a token of an administrator.
    #[cfg(feature = "serve")]
    pub async fn serve(&self, port: u16) -> Result<ServerHandle, ServeError> {
        socket::serve(Arc::clone(&self.controllers), port).await
    }

    /// Answers webhooks of a Service by a tower service of this process, such as an `axum::Router`, or by
    /// [`admission_webhook`](crate::admission_webhook) and [`conversion_webhook`](crate::conversion_webhook). Webhook
    /// configurations and CRDs refer to the Service, which must exist; certificates do not matter. A configuration with
    /// a URL is called over TLS instead.
    ///
    /// The handler may send requests to this cluster. Its time limit is that of tokio's clock.
    pub fn serve_webhooks(&self, namespace: &str, service_name: &str, service: impl WebhookService) {
        self.webhooks.register(namespace, service_name, service);
    }

    /// The injected faults of requests.
    pub fn faults(&self) -> Faults {
        self.controllers.state.faults.clone()
    }

    /// The requests answered so far, oldest first; at most the newest 100,000.
    pub fn requests(&self) -> Vec<RequestRecord> {
        self.controllers.state.request_log.records()
    }

    /// Compacts the history: watches and list pages from an older revision answer 410.
    pub fn compact(&self) {
        let now = self.controllers.state.store.snapshot().revision();
        self.controllers.state.store.compact(now);
    }

    /// The cluster's clock.
    pub fn clock(&self) -> Clock {
        self.controllers.state.clock.clone()
    }
}

/// Builder of a [`FakeCluster`].
#[derive(Debug)]
pub struct FakeClusterBuilder {
    seed: u64,
    clock: Clock,
    documents: Vec<String>,
}

impl FakeClusterBuilder {
    /// Seed of UIDs, generated names and allocated addresses. The same seed and the same requests give the same values.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Source of timestamps.
    #[must_use]
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Initial objects as multi-document YAML, created in order by an administrator.
    #[must_use]
    pub fn objects(mut self, yaml: &str) -> Self {
        self.documents.push(yaml.to_owned());
        self
    }

    /// Builds the cluster.
    ///
    /// # Errors
    /// If a document is not valid YAML, or the API rejects an object.
    pub fn build(self) -> Result<FakeCluster, BuildError> {
        let webhooks = Arc::new(Webhooks::default());
        let state = ClusterState::new(self.seed, self.clock, Arc::clone(&webhooks) as Arc<dyn WebhookCaller>);
        let controllers = Controllers::new(Arc::new(state));
        let built = async {
            controllers::bootstrap(&controllers).await;
            for document in &self.documents {
                controllers::load(&controllers, document).await?;
            }
            Ok(())
        };
        built.now_or_never().expect("nothing outside this process is asked while a cluster is built")?;
        webhooks.open();
        Ok(FakeCluster { controllers, webhooks })
    }
}
