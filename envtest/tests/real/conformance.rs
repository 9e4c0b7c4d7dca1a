//! The conformance cases on a real control plane: what they assert is what Kubernetes does.

use std::sync::Arc;

use seatrial_envtest::Environment;
use seatrial_fixtures::conformance::{cases, run_all, sides};
use seatrial_fixtures::wire::{Wire, plain_http};

#[tokio::test(flavor = "multi_thread")]
async fn every_conformance_case_holds_on_a_real_server() {
    let mut failures = Vec::new();
    for (server, cases) in sides::servers(cases()) {
        let builder = Environment::builder()
            .version(sides::KUBERNETES)
            .apiserver_args(server.apiserver_args())
            .disable_admission_plugins(sides::DISABLED_ADMISSION_PLUGINS)
            .controllers(sides::CONTROLLERS)
            .controller_manager_args(sides::CONTROLLER_MANAGER_ARGS);
        let environment = builder.start().await.expect("a control plane starts");
        let wire: Arc<dyn Wire> =
            Arc::new(plain_http(&environment.config()).expect("its configuration is usable"));
        let outcomes = run_all(&cases, "a00", 16, || Arc::clone(&wire), |_, _| ()).await;
        environment.stop().await;
        let told = cases
            .iter()
            .zip(&outcomes)
            .filter_map(|(case, outcome)| Some(format!("{}: {}", case.title(), outcome.failure.as_ref()?)));
        failures.extend(told);
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
