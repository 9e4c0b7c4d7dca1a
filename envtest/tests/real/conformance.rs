//! The conformance cases on a real control plane: what they assert is what Kubernetes does.

use std::sync::Arc;

use seatrial_envtest::Environment;
use seatrial_fixtures::conformance::{cases, run_all, sides};
use seatrial_fixtures::wire::{Wire, plain_http};

#[tokio::test(flavor = "multi_thread")]
async fn every_conformance_case_holds_on_a_real_server() {
    let mut builder = Environment::builder().version(sides::KUBERNETES).controllers(sides::CONTROLLERS);
    for (name, value) in sides::APISERVER_ARGS {
        builder = builder.apiserver_arg(name, value);
    }
    for (name, value) in sides::CONTROLLER_MANAGER_ARGS {
        builder = builder.controller_manager_arg(name, value);
    }
    for plugin in sides::DISABLED_ADMISSION_PLUGINS {
        builder = builder.disable_admission(plugin);
    }
    let environment = builder.start().await.expect("a control plane starts");
    let wire: Arc<dyn Wire> =
        Arc::new(plain_http(&environment.config()).expect("its configuration is usable"));
    let cases = cases();
    let outcomes = run_all(&cases, "a00", 16, || Arc::clone(&wire), |_, _| ()).await;
    environment.stop().await;
    let failures: Vec<String> = cases
        .iter()
        .zip(&outcomes)
        .filter_map(|(case, outcome)| Some(format!("{}: {}", case.title(), outcome.failure.as_ref()?)))
        .collect();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
