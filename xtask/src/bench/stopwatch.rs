//! Medians of durations, which single slow runs do not move.

use std::time::{Duration, Instant};

/// The duration of a future until its output, without the drop of the output.
pub(super) async fn timed(work: impl Future) -> Duration {
    let start = Instant::now();
    let output = work.await;
    let elapsed = start.elapsed();
    drop(std::hint::black_box(output));
    elapsed
}

/// The medians of `runs` durations of each subject, in microseconds. The subjects alternate, so that other load affects
/// all of them alike. A tenth of the runs is added as a warm-up that is not counted.
pub(super) async fn medians<S>(
    runs: usize,
    subjects: &mut [S],
    mut each: impl AsyncFnMut(&mut S, usize) -> Duration,
) -> Vec<f64> {
    let mut times = vec![Vec::with_capacity(runs); subjects.len()];
    let warm_up = runs.div_ceil(10);
    for run in 0..runs + warm_up {
        for (subject, times) in subjects.iter_mut().zip(&mut times) {
            let time = each(subject, run).await;
            if run >= warm_up {
                times.push(time);
            }
        }
    }
    times.into_iter().map(median_of).collect()
}

/// The median of one subject.
pub(super) async fn median(runs: usize, mut each: impl AsyncFnMut() -> Duration) -> f64 {
    medians(runs, &mut [()], async |(), _| each().await).await[0]
}

/// The median in microseconds.
pub(super) fn median_of(mut times: Vec<Duration>) -> f64 {
    times.sort_unstable();
    times[times.len() / 2].as_secs_f64() * 1e6
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_slow_run_does_not_move_the_median() {
        let times = [1, 900, 2].map(Duration::from_micros);
        assert!((median_of(times.to_vec()) - 2.0).abs() < 1e-9);
    }

    #[tokio::test]
    async fn subjects_alternate_and_the_warm_up_is_not_counted() {
        let mut turns = Vec::new();
        let mut subjects = ["a", "b"];
        let medians = medians(3, &mut subjects, async |subject, run| {
            turns.push(format!("{subject}{run}"));
            Duration::from_micros(if run == 0 {
                1_000_000
            } else if *subject == "a" {
                1
            } else {
                2
            })
        });
        let medians = medians.await;
        assert_eq!(turns, ["a0", "b0", "a1", "b1", "a2", "b2", "a3", "b3"]);
        assert!((medians[0] - 1.0).abs() < 1e-9 && (medians[1] - 2.0).abs() < 1e-9);
    }
}
