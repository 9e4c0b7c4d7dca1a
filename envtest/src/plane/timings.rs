//! How long each part of a start took.

use std::time::Duration;

/// Durations of a start. Finding or building the binaries is not part of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timings {
    /// From the start until etcd's socket took a connection; certificates are made in the same time.
    pub etcd: Duration,
    /// From kube-apiserver's start until its `/readyz` said ok.
    pub apiserver: Duration,
    /// From kube-controller-manager's start until its `/healthz` said ok, if controllers were asked for.
    pub controller_manager: Option<Duration>,
    /// All of it.
    pub total: Duration,
}
