//! A node that is cut off the network, or whose network is slow, late or lossy.

use std::time::{Duration, Instant};

use k8s_openapi::api::core::v1::Node;
use seatrial_e2e::kind::{Bandwidth, FaultyNode, KindError, PacketLoss};
use seatrial_e2e::matchers::{equal, have_condition, satisfy};
use seatrial_e2e::{Cx, Failure, Scope, SpecResult, mins};

use crate::probe::{is_reached, pair, reaches, told_address};

/// What is sent to see how fast a node is.
const BYTES: u64 = 500_000;

pub(crate) fn specs(s: &mut Scope) {
    s.time_out(mins(5));
    s.it(
        "is cut off with its address kept, and is reached again once that is healed",
        async |cx: &mut Cx| {
            let (control_plane, worker) = pair(cx).await?;
            let address = told_address(cx, &worker).await?;
            worker.cut_off().await?;
            cx.expect(reaches(&control_plane, &worker).await?).to(equal(false))?;
            cx.expect(reaches(&worker, &control_plane).await?).to(equal(false))?;
            let node = cx.object::<Node>(worker.name());
            cx.eventually(node.clone()).should(have_condition("Ready", "Unknown")).within(mins(2)).await?;
            worker.heal().await?;
            is_reached(cx, &control_plane, &worker).await?;
            cx.eventually(node).should(have_condition("Ready", "True")).within(mins(2)).await?;
            cx.expect(told_address(cx, &worker).await?).to(equal(address))
        },
    );
    s.it("sends no faster than it is let", async |cx: &mut Cx| {
        let (control_plane, worker) = pair(cx).await?;
        worker.slow(Bandwidth::megabits(1)).await?;
        let slow = send(&worker, &control_plane).await?;
        // 4 Mbit at 1 Mbit/s are four seconds, less what the bucket holds at the start.
        cx.expect(slow).to(satisfy("take three seconds or more", |took| *took >= Duration::from_secs(3)))?;
        worker.mend_link().await?;
        let well = send(&worker, &control_plane).await?;
        cx.expect(well).to(satisfy("be faster than before", move |took| *took < slow))
    });
    s.it("is late by a delay, or the kernel that cannot do that is named", async |cx: &mut Cx| {
        let (control_plane, worker) = pair(cx).await?;
        let delayed = worker.delay(Duration::from_millis(600)).await;
        if refused_for_the_kernel(cx, delayed)? {
            return Ok(());
        }
        let start = Instant::now();
        is_reached(cx, &control_plane, &worker).await?;
        cx.expect(start.elapsed())
            .to(satisfy("take as long as the delay", |took| *took >= Duration::from_millis(600)))
    });
    s.it(
        "loses everything at a loss of 100 percent, or the kernel that cannot do that is named",
        async |cx: &mut Cx| {
            let (control_plane, worker) = pair(cx).await?;
            let lossy = worker.lose(PacketLoss::percent(100.0)).await;
            if refused_for_the_kernel(cx, lossy)? {
                return Ok(());
            }
            cx.expect(reaches(&control_plane, &worker).await?).to(equal(false))?;
            worker.mend_link().await?;
            is_reached(cx, &control_plane, &worker).await
        },
    );
}

/// Whether a fault was refused because the kernel lacks netem; then the refusal is looked at.
fn refused_for_the_kernel(cx: &Cx, done: Result<(), KindError>) -> SpecResult<bool> {
    match done {
        Ok(()) => Ok(false),
        Err(error @ KindError::Fault { .. }) => {
            let told = "name netem and what to do";
            let names = |text: &String| text.contains("kernel has no netem") && text.contains("next: ");
            cx.expect(error.to_string()).to(satisfy(told, names))?;
            Ok(true)
        }
        Err(error) => Err(error.into()),
    }
}

/// How long it takes from the first of the bytes that arrive to the last one.
async fn send(from: &FaultyNode<'_>, to: &FaultyNode<'_>) -> SpecResult<Duration> {
    const PORT: u16 = 7_070;
    let address = to.address().ok_or_else(|| Failure::new(format!("{} has no address", to.name())))?;
    // The receiver looks at the clock: how long programs take to start on a busy machine is no matter.
    let clock =
        "{ head -c 1 >/dev/null; first=$EPOCHREALTIME; wc -c; echo ${first/./} ${EPOCHREALTIME/./}; }";
    let listen = format!("socat -u TCP-LISTEN:{PORT},reuseaddr STDOUT | {clock}");
    let open =
        format!("head -c {BYTES} /dev/zero | socat -u STDIN TCP:{address}:{PORT},retry=500,interval=0.1");
    let receive = ["timeout", "120", "bash", "-c", &listen];
    let emit = ["timeout", "120", "sh", "-c", &open];
    let (received, sent) = futures::join!(to.exec(&receive), from.exec(&emit));
    let (received, sent) = (received?, sent?);
    let numbers: Vec<u64> = received.stdout.split_whitespace().flat_map(str::parse).collect();
    match numbers.as_slice() {
        [rest, first, last] if *rest == BYTES - 1 => Ok(Duration::from_micros(last - first)),
        _ => {
            Err(Failure::new(format!("{received:?} instead of {BYTES} bytes arrived; the sender: {sent:?}")))
        }
    }
}
