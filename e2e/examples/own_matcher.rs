//! A matcher of one's own, with a mismatch that names the difference.
//!
//! `cargo run -p seatrial-e2e --example own_matcher` runs it in memory, in virtual time.

use std::process::ExitCode;

use k8s_openapi::api::core::v1::Service;
use seatrial_e2e::matchers::{all, exist, not};
use seatrial_e2e::{Cx, Failure, Matcher, Mismatch, Suite, secs};
use serde_json::json;

/// A Service that exposes a port.
fn expose(port: i32) -> Expose {
    Expose { port }
}

/// The matcher of [`expose`].
#[derive(Clone)]
struct Expose {
    port: i32,
}

impl Matcher<Service> for Expose {
    fn expected(&self) -> String {
        format!("expose port {}", self.port)
    }

    fn check(&self, actual: Option<&Service>) -> Result<(), Mismatch> {
        let service = actual.ok_or_else(Mismatch::absent)?;
        let ports = service.spec.as_ref().and_then(|spec| spec.ports.as_deref()).unwrap_or_default();
        let ports: Vec<i32> = ports.iter().map(|port| port.port).collect();
        if ports.contains(&self.port) {
            return Ok(());
        }
        Err(Mismatch::new(format!("port {} is not exposed", self.port)).with_difference(&[self.port], &ports))
    }
}

fn suite(suite: &mut Suite) {
    suite.describe("Service", |s| {
        s.it("exposes the ports of its spec", async |cx: &mut Cx| {
            let web = cx.create(&web(&[80, 443])?).await?;
            // A matcher is combined with others, waited for and checked at once.
            cx.eventually(&web).should(all((exist(), expose(80), not(expose(8080))))).await?;
            cx.expect(web).to(expose(443))
        });
        s.it("loses a port that is removed", async |cx: &mut Cx| {
            let before = cx.create(&web(&[80, 443])?).await?;
            let one = json!({"spec": {"ports": [{"name": "port-443", "port": 443}]}});
            cx.patch_merge::<Service>("web", one).await?;
            cx.eventually(&before).should(not(expose(80))).within(secs(5)).await?;
            Ok(())
        });
    });
}

fn web(ports: &[i32]) -> Result<Service, Failure> {
    let ports: Vec<_> =
        ports.iter().map(|port| json!({"name": format!("port-{port}"), "port": port})).collect();
    Ok(serde_json::from_value(json!({"metadata": {"name": "web"}, "spec": {"ports": ports}}))?)
}

fn main() -> ExitCode {
    seatrial_e2e::run(suite)
}
