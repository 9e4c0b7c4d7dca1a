//! The start of a control plane, compared with the time that kube-apiserver itself needs.

use std::time::Instant;

use anyhow::Result;
use seatrial_envtest::Environment;

use super::Row;

const RUNS: usize = 5;

/// From `start()` to a working client, and how much of that is kube-apiserver's own.
pub(super) async fn rows() -> Result<Vec<Row>> {
    let (mut whole, mut server) = (Vec::new(), Vec::new());
    for _ in 0..RUNS {
        eprintln!("starting a control plane");
        let start = Instant::now();
        let env = Environment::builder().start().await?;
        env.client()?.apiserver_version().await?;
        whole.push(start.elapsed().as_secs_f64() * 1e6);
        server.push(env.timings().apiserver.as_secs_f64() * 1e6);
        env.stop().await;
    }
    let median_of = |mut times: Vec<f64>| {
        times.sort_by(f64::total_cmp);
        times[RUNS / 2]
    };
    let (whole, server) = (median_of(whole), median_of(server));
    let name = "kube-apiserver from its start to /readyz";
    Ok(vec![
        Row::new(name, server),
        Row::new("envtest from start() to a working client", whole).against(name, server, Some(1.2)),
    ])
}
