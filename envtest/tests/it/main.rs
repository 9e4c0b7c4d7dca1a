//! Tests that need no Kubernetes binaries.

mod server;

mod examples;

mod downloads;

mod ending;

mod survivors;
