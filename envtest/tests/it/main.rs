//! Tests that need no Kubernetes binaries.

mod server;

mod examples;

mod downloads;

mod source;

mod progress;

mod process_end;

mod orphans;
