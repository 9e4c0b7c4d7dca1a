//! The conformance cases on a real control plane.

use std::sync::Arc;

use seatrial_envtest::conformance;
use seatrial_fixtures::conformance::{cases, run_all, server_config};
use seatrial_fixtures::wire::{Wire, plain_http};

#[tokio::test(flavor = "multi_thread")]
async fn conformance_cases_pass_on_a_real_server() {
    let mut failures = Vec::new();
    for (server, cases) in server_config::by_server_kind(cases()) {
        let environment = conformance::environment(server).start().await.expect("a control plane starts");
        let wire: Arc<dyn Wire> =
            Arc::new(plain_http(&environment.config()).expect("its configuration is usable"));
        let outcomes = run_all(&cases, "a00", 16, || Arc::clone(&wire), |_, _| ()).await;
        environment.stop().await;
        let messages = cases
            .iter()
            .zip(&outcomes)
            .filter_map(|(case, outcome)| Some(format!("{}: {}", case.title(), outcome.failure.as_ref()?)));
        failures.extend(messages);
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
