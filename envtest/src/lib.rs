//! Real Kubernetes control planes for tests, from real binaries.
