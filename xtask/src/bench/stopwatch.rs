//! Medians: the machine is noisy, a mean would say more about it than about us.

use std::time::{Duration, Instant};

/// Median of `runs` timings in microseconds; a few more go before and are not counted.
pub(super) async fn median<F>(runs: usize, mut each: impl FnMut(usize) -> F) -> f64
where
    F: Future<Output = ()>,
{
    let mut times = Vec::with_capacity(runs);
    let warm_up = runs.div_ceil(10);
    for run in 0..runs + warm_up {
        let start = Instant::now();
        each(run).await;
        if run >= warm_up {
            times.push(start.elapsed());
        }
    }
    middle(times)
}

fn middle(mut times: Vec<Duration>) -> f64 {
    times.sort_unstable();
    times[times.len() / 2].as_secs_f64() * 1e6
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_slow_run_does_not_move_the_median() {
        let times = [1, 900, 2].map(Duration::from_micros);
        assert!((middle(times.to_vec()) - 2.0).abs() < 1e-9);
    }
}
