//! An in-memory Kubernetes API server behind kube::Client.
