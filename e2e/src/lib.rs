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
//! Tiers with real binaries are features: `envtest`, and `kind`, which also brings the modules `docker`, `kind`,
//! `node_image` and part of [`deploy`]. Without them specs run on tiers `fake` and `existing`.
//!
//! A spec is listed, filtered and reported by its whole way, `ConfigMap / is there once it was created` here; two
//! specs of one name are refused. Under nextest every spec is a process of its own, which costs a control plane each
//! on tier `envtest`; on the other tiers it makes no difference.
//!
//! The way of a spec: written as a tree and run by a libtest-compatible harness (`spec`), it looks at its
//! cluster by watch (`expect`), which one of several things answers for (`tier`, one of them a cluster that `kind` makes), and its outcome is
//! written down for people and other programs (`report`), with what a failure leaves behind (`artefacts`) and who wrote
//! the fields that it is about (`managed_fields`).
//!
//! Nodes of tier `kind` are containers (`docker`) of an image that is pulled or made here (`node_image`).

/// The README's examples, so that they compile.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;

mod extensions;
mod span;

mod managed_fields;
mod redaction;

mod display;

mod failure;

mod interrupt;
mod labels;
mod need;
mod options;

mod attempt_log;
mod watch;

mod context;

mod spec;

mod expect;

mod tier;

#[cfg(feature = "kind")]
pub mod docker;

pub mod audit;
pub mod deploy;
#[cfg(feature = "kind")]
pub mod kind;
#[cfg(feature = "kind")]
pub mod node_image;

mod artefacts;

pub mod report;

pub mod signal;

pub use context::{Apply, ApplyTarget, Cx, Kind, RequestError, ScopedApi, Task, TaskOutput};
pub use expect::{
    Collection, Consistently, Eventually, Expect, Matcher, MatcherList, Mismatch, Object, Observable, Probe,
    Target, matchers, stop,
};
pub use failure::{Failure, SpecResult};
pub use managed_fields::{FieldOwner, managers};
pub use need::Need;
pub use seatrial_fakeclient::stable;
pub use span::{mins, secs};
pub use spec::{Row, Scope, SpecHandle, Suite, run};
