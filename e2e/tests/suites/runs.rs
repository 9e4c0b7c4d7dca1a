//! Specs that tell how they were run: at once, alone, again, in which order, for how long.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex};
use std::task::Poll;
use std::time::Duration;

use k8s_openapi::api::core::v1::ConfigMap;
use seatrial_e2e::matchers::{equal, exist, match_json};
use seatrial_e2e::{Cx, Failure, Scope, SpecResult, Suite, mins};
use serde_json::json;

use crate::endings::tell;
use crate::passing::config;

pub(crate) fn crowd(suite: &mut Suite) {
    suite.describe("Crowd", |s| {
        for name in ["one", "two"] {
            s.it(name, async |cx: &mut Cx| meets_another(cx));
        }
        s.it("alone", async |cx: &mut Cx| {
            cx.expect(*HERE.lock().map_err(|_| Failure::new("a spec panicked"))?).to(equal(0))
        })
        .serial();
    });
}

/// How many of the crowd are here, and who waits for more to come.
static HERE: Mutex<usize> = Mutex::new(0);
static COMES: Condvar = Condvar::new();

fn meets_another(cx: &Cx) -> SpecResult {
    let gone = |_| Failure::new("a spec panicked");
    let mut here = HERE.lock().map_err(gone)?;
    *here += 1;
    COMES.notify_all();
    let (mut here, waited) = COMES
        .wait_timeout_while(here, Duration::from_secs(20), |here| *here < 2)
        .map_err(|_| Failure::new("a spec panicked"))?;
    // Two are gone when both have seen each other: the count is back at nothing then.
    *here = if *here == 2 { 100 } else { 0 };
    COMES.notify_all();
    cx.expect(waited.timed_out()).to(equal(false))
}

pub(crate) fn flaky(suite: &mut Suite) {
    static TRIED: AtomicUsize = AtomicUsize::new(0);
    static STORY: AtomicUsize = AtomicUsize::new(0);
    suite.describe("Engine", |s| {
        s.it("starts at the third attempt", async |cx: &mut Cx| {
            let before = TRIED.fetch_add(1, Ordering::SeqCst);
            cx.step(format!("attempt {}, seed {}", before + 1, cx.seed()));
            cx.expect(before >= 2).to(equal(true))
        });
        s.it("never starts", async |cx: &mut Cx| cx.expect("no fuel").to(equal("fuel")));
        s.it("has one attempt", async |cx: &mut Cx| cx.expect("no fuel").to(equal("fuel"))).retries(0);
        s.context("in a story", |s| {
            s.ordered();
            s.it("is filled", async |cx: &mut Cx| {
                cx.create(&config("fuel", "0")).await?;
                tell(cx, "body")?;
                cx.expect(1).to(equal(1))
            });
            s.it("starts", async |cx: &mut Cx| {
                tell(cx, "body")?;
                cx.expect(STORY.fetch_add(1, Ordering::SeqCst)).to(equal(1))
            });
        });
    });
}

pub(crate) fn order(suite: &mut Suite) {
    for group in ["A", "B", "C"] {
        suite.describe(group, |s| {
            for spec in ["1", "2", "3", "4", "5"] {
                s.it(spec, async |cx: &mut Cx| {
                    eprintln!("told order: {}", cx.spec());
                    cx.expect(1).to(equal(1))
                });
            }
        });
    }
}

/// Fails in the third repetition, whatever the seed.
pub(crate) fn third_time(suite: &mut Suite) {
    static TIMES: AtomicUsize = AtomicUsize::new(0);
    suite.describe("Luck", |s| {
        s.it("lasts", async |cx: &mut Cx| {
            tell(cx, &format!("seed {}", cx.seed()))?;
            cx.expect(TIMES.fetch_add(1, Ordering::SeqCst) < 2).to(equal(true))
        });
    });
}

pub(crate) fn focused(suite: &mut Suite) {
    suite.describe("Lens", |s| {
        s.it("is sharp", async |cx: &mut Cx| cx.expect(1).to(equal(1))).focus();
        s.it("is clean", async |cx: &mut Cx| cx.expect(1).to(equal(1)));
        s.context("in its frame", |s| {
            s.focus();
            s.it("is held", async |cx: &mut Cx| cx.expect(1).to(equal(1)));
        });
    });
}

/// Waits for good, in the machine's time, until somebody asks how it goes and ends it.
pub(crate) fn stuck(suite: &mut Suite) {
    suite.describe("Anchor", |s: &mut Scope| {
        s.it("comes up", async |cx: &mut Cx| {
            let map = cx.create(&config("anchor", "0")).await?;
            cx.step("heaving");
            cx.spawn(
                "winch",
                std::future::poll_fn(|context| {
                    // A timer that is never due keeps a paused clock from moving on: a task that is always ready.
                    context.waker().wake_by_ref();
                    Poll::<()>::Pending
                }),
            );
            eprintln!("told comes up: heaving");
            cx.eventually(&map).should(match_json(json!({"data": {"key": "up"}}))).within(mins(60)).await?;
            cx.eventually(cx.object::<ConfigMap>("never")).should(exist()).await?;
            Ok(())
        });
    });
}
