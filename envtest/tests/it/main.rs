//! Tests that need no Kubernetes binaries.

mod server;

mod examples;

mod downloads;

mod building;

mod progress;

mod ending;

mod survivors;
