//! BDD-style specs for Kubernetes operators, one text on every tier.
//!
//! A spec file is a test target with `harness = false`:
//!
//! ```no_run
//! use k8s_openapi::api::core::v1::ConfigMap;
//! use seatrial_e2e::Cx;
//! use seatrial_e2e::matchers::exist;
//!
//! fn main() -> std::process::ExitCode {
//!     seatrial_e2e::run(|suite| {
//!         suite.describe("ConfigMap", |s| {
//!             s.it("is there once it was created", async |cx: &mut Cx| {
//!                 let mut map = ConfigMap::default();
//!                 map.metadata.name = Some("settings".into());
//!                 let map = cx.create(&map).await?;
//!                 cx.eventually(&map).should(exist()).await?;
//!                 Ok(())
//!             });
//!         });
//!     })
//! }
//! ```
//!
//! `cargo test` runs it in memory, in virtual time; `SEATRIAL_TIER=envtest cargo test` runs the same file
//! against a real etcd and kube-apiserver, in real time. [`run`] lists the other variables.
//!
//! `examples/` has a spec with a small operator, and a matcher of one's own.
//!
//! Tiers with real binaries are features: `envtest`, and `kind`, which also brings the modules `docker`, `kind`,
//! `node_image` and part of [`deploy`]. Without them specs run on tiers `fake` and `existing`.
//!
//! A spec is listed, filtered and reported by its whole way, `ConfigMap / is there once it was created` here; two
//! specs of one name are refused. Under nextest every spec is a process of its own, which costs a control plane each
//! on tier `envtest`; on the other tiers it makes no difference.
//!
//! # The way of a spec
//!
//! ```text
//! spec ──────────► tier ──────────► kind, seatrial-envtest, seatrial-fakeclient
//!  │ context (Cx)   one of four      (docker, node_image)
//!  ▼
//! expect, deploy, audit ──► watch ──► the API server
//!  │ failure
//!  ▼
//! artefacts ──► redaction ──► report
//! ```
//!
//! A suite is a tree that a libtest-compatible harness runs (`spec`). A tier connects each spec to an API server
//! (`tier`), and the spec gets a context with a client and a namespace (`context`). It waits by watch until objects
//! match (`expect`, `watch`), deploys an operator ([`deploy`]) and checks its rights ([`audit`]). The outcome is a
//! report ([`report`]), with evidence of failures (`artefacts`) in which values of Secrets are redacted (`redaction`).
//! Modules are declared from the top to the bottom: each depends on modules below it alone, which a test checks.

/// The README's examples, so that they compile and run.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;

mod spec;

mod tier;

#[cfg(feature = "kind")]
pub mod kind;
#[cfg(feature = "kind")]
pub mod node_image;

#[cfg(feature = "kind")]
pub mod docker;

pub mod audit;
pub mod deploy;
mod webhooks;

mod expect;

mod context;

mod artefacts;

mod attempt_log;
mod watch;

mod labels;
mod need;
mod options;

mod interrupt;

mod failure;

pub mod report;

mod display;
mod redaction;

mod managed_fields;

pub mod signal;

mod span;
mod type_map;

pub use context::{Apply, ApplyTarget, Cx, Kind, RequestError, ScopedApi, Task, TaskOutput};
pub use expect::{
    Collection, Consistently, Eventually, Expect, Matcher, MatcherList, Mismatch, Object, Observable, Probe,
    Target, matchers, stop,
};
pub use failure::{Failure, SpecResult};
pub use managed_fields::{FieldOwner, managers};
pub use need::Need;
pub use seatrial_fakeclient::{
    WebhookHandler, WebhookService, admission_webhook, conversion_webhook, stable,
};
pub use span::{mins, secs};
pub use spec::{Row, Scope, SpecHandle, Suite, run};
