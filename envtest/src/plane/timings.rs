//! Durations of a start.

use std::time::Duration;

/// The durations of a start, without the resolution of binaries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timings {
    /// From the start until etcd accepts connections, the creation of certificates included.
    pub etcd: Duration,
    /// From the start of kube-apiserver until `/readyz` succeeds.
    pub apiserver: Duration,
    /// From the start of kube-controller-manager, if it runs, until `/healthz` succeeds.
    pub controller_manager: Option<Duration>,
    /// The whole start.
    pub total: Duration,
}
