//! Methods of a spec's context for rights: a client as a service account, and the audit log.

use std::rc::Rc;

use futures::future::LocalBoxFuture;
use k8s_openapi::api::authentication::v1::{TokenRequest, TokenRequestSpec};
use k8s_openapi::api::core::v1::ServiceAccount;
use kube::api::PostParams;
use kube::{Api, Client, Config};
use serde_json::json;

use crate::audit::Trail;
use crate::context::Cx;
use crate::failure::{Failure, SpecResult};

/// Lifetime of a service account's token: longer than any spec, and the shortest that a server grants.
const TOKEN_SECONDS: i64 = 3600;

/// An audit log that can be read while the API server writes it.
pub(crate) trait AuditLog {
    /// The entries written so far, one a line; entries without these words may be left out.
    fn read<'a>(&'a self, words: &'a str) -> LocalBoxFuture<'a, SpecResult<String>>;
}

/// The audit log of a spec's cluster, as an extension of the spec's context.
pub(crate) struct AuditSource(pub(crate) Rc<dyn AuditLog>);

/// The configuration of an administrator's client, for a control plane that this process runs.
pub(crate) struct AdminConfig(pub(crate) Config);

/// Rights.
impl Cx {
    /// A client that acts as a service account of the spec's namespace, with that account's rights and no others. It
    /// needs [`Need::Audit`](crate::Need::Audit)'s tier `envtest`: elsewhere a Pod is who acts as an account, or nobody
    /// has rights to lack.
    pub async fn client_as(&self, account: &str) -> SpecResult<Client> {
        let admin = self.extensions.get::<AdminConfig>().ok_or_else(|| {
            Failure::nowhere(format!(
                "acting as service account {account}: tier {} has no control plane of this process; \
                 use cx.client(), or a Pod that runs under the account",
                self.tier
            ))
        })?;
        let accounts: Api<ServiceAccount> = Api::namespaced(self.client.clone(), &self.namespace);
        let spec =
            TokenRequestSpec { expiration_seconds: Some(TOKEN_SECONDS), ..TokenRequestSpec::default() };
        let request = TokenRequest { spec: Some(spec), ..TokenRequest::default() };
        let answer = accounts.create_token_request(account, &PostParams::default(), &request).await;
        let answer = answer.map_err(|error| {
            Failure::from(error).during(&format!("asking for a token of service account {account}"))
        })?;
        let token = answer.status.map(|status| status.token).unwrap_or_default();
        let mut config = Config::new(admin.0.cluster_url.clone());
        config.root_cert.clone_from(&admin.0.root_cert);
        config.auth_info = serde_json::from_value(json!({"token": token}))?;
        Ok(Client::try_from(config)?)
    }

    /// Requests so far by service accounts of the spec's namespace, from the API server's audit log. It needs
    /// [`Need::Audit`](crate::Need::Audit).
    pub async fn audit(&self) -> SpecResult<Trail> {
        let accounts = format!("system:serviceaccount:{}:", self.namespace);
        let source = self.extensions.get::<AuditSource>().ok_or_else(|| {
            Failure::nowhere(format!(
                "tier {} keeps no audit log; a spec that reads it says so with .needs(Need::Audit)",
                self.tier
            ))
        })?;
        let log = source.0.read(&accounts).await?;
        Ok(Trail::parse(&log)?.that(|request| request.user.starts_with(&accounts)))
    }
}
