//! The report of a large run: the size of its page, and the time until a browser shows it.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use jiff::{SignedDuration, Timestamp};
use seatrial_e2e::report::{
    Artefact, Attempt, Change, FailureReport, Moment, MomentKind, ObjectChange, Outcome, Report,
    SourceLocation, SpecReport, Transition, page,
};

use super::Row;
use super::stopwatch::median_of;
use crate::browser::{self, Browser};

/// The number of specs in the run.
const SPEC_COUNT: u32 = 500;

/// One in this many specs fails.
const FAILURE_INTERVAL: u32 = 20;

/// The number of times that the page is opened.
const OPEN_RUNS: usize = 7;

/// The maximum size of the page, in bytes.
const MAX_PAGE_SIZE: usize = 5_000_000;

/// A script that resolves two frames after the page has rendered.
const WAIT_FOR_FRAMES: &str = "new Promise((done) => { const look = () => document.documentElement.dataset.ready
    ? requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now()))) : setTimeout(look, 1); look(); })";

/// The row, or a message if there is no browser.
pub(super) async fn rows() -> Result<Vec<Row>> {
    let Some(program) = browser::find() else {
        eprintln!("skipped: the report in a browser (there is no Chromium; `apt-get install chromium`)");
        return Ok(Vec::new());
    };
    let folder = tempfile::tempdir().context("no folder for a report")?;
    let bytes = write(folder.path())?;
    ensure!(
        bytes < MAX_PAGE_SIZE,
        "the page of {SPEC_COUNT} specs has {bytes} bytes; {MAX_PAGE_SIZE} are too many"
    );
    let mut browser = Browser::start(&program).await?;
    let mut times = Vec::new();
    for _ in 0..=OPEN_RUNS {
        browser.open(&format!("file://{}/report.html", folder.path().display())).await?;
        let milliseconds =
            browser.evaluate(WAIT_FOR_FRAMES).await?.as_f64().context("the page tells its time")?;
        times.push(Duration::from_secs_f64(milliseconds / 1000.0));
    }
    ensure!(browser.errors().is_empty(), "the browser complains: {:?}", browser.errors());
    browser.close().await?;
    // The first time also pays for the browser's own start.
    let what = format!(
        "report of {SPEC_COUNT} specs, {:.1} of at most 5 MB, shown by Chromium",
        f64::from(u32::try_from(bytes)?) / 1e6
    );
    Ok(vec![Row::new(what, median_of(times.split_off(1))).under(1e6)])
}

/// Writes the page of a large run into a folder, with the artefacts that it shows; gives its size.
pub(crate) fn write(folder: &Path) -> Result<usize> {
    let mut report = Report::default();
    let specs: Result<Vec<_>> = (0..SPEC_COUNT).map(|n| spec(n, folder)).collect();
    report.merge(specs?);
    let page = page(&report, folder)?;
    std::fs::write(folder.join("report.html"), &page)?;
    Ok(page.len())
}

const GROUPS: [&str; 6] = ["Cluster", "Machine", "Operator", "Node pool", "Upgrade", "Webhook"];
const STATES: [&str; 5] = [
    "that is created",
    "whose instance is lost",
    "that is deleted",
    "with a bad spec",
    "on a node that stops answering",
];
const ENDS: [&str; 4] = [
    "becomes ready within the health check's timeout",
    "keeps what others wrote",
    "tells what happened as one event that is counted",
    "releases its instance before it goes",
];

fn spec(n: u32, folder: &Path) -> Result<SpecReport> {
    let of = |words: &[&str], n: u32| words[n as usize % words.len()].to_owned();
    let path = vec![of(&GROUPS, n), of(&STATES, n / 6), format!("{} ({n})", of(&ENDS, n / 30))];
    let seconds = 0.4 + f64::from(n * 7919 % 97) / 20.0;
    let fails = n % FAILURE_INTERVAL == 7;
    let outcome = match n {
        _ if fails => Outcome::Failed { story: failure(n).message },
        _ if n % 83 == 1 => Outcome::Flaky { story: failure(n).message },
        _ if n % 61 == 2 => Outcome::Skipped { reason: "needs kubelet, nodes:3".into() },
        _ => Outcome::Passed,
    };
    let attempts = match &outcome {
        Outcome::Skipped { .. } => Vec::new(),
        Outcome::Flaky { .. } => {
            vec![attempt(n, true, seconds, folder)?, attempt(n, false, seconds, folder)?]
        }
        _ => vec![attempt(n, fails, seconds, folder)?],
    };
    Ok(SpecReport {
        suite: "specs".into(),
        name: path.join(" / "),
        path,
        labels: if n.is_multiple_of(5) { vec!["recovery".into()] } else { Vec::new() },
        tier: "kind".into(),
        outcome,
        seconds,
        seed: Some(42),
        worker: Some(n as usize % 8),
        attempts,
    })
}

fn failure(n: u32) -> FailureReport {
    FailureReport {
        message: format!("Machine seatrial-machine-{n}/lone should have condition Ready True within 60s"),
        place: Some(SourceLocation {
            file: "operator-under-test/tests/specs/machine.rs".into(),
            line: 40 + n % 100,
            column: 9,
        }),
        expected: Some("Machine lone has condition Ready True".into()),
        last_value: Some(object(n, 9)),
        difference: Some(" type: Ready\n-status: \"True\"\n+status: \"False\"\n reason: Booting".into()),
        transitions: (0..12).map(|k| Transition { at: f64::from(k) * 0.3, text: change(k) }).collect(),
        last_api_error: Some(Transition {
            at: 1.2,
            text: "500 InternalError: etcdserver: leader changed".into(),
        }),
    }
}

fn change(k: u32) -> String {
    format!("status.conditions[Ready].message: \"try {k}\" → \"try {}\"", k + 1)
}

fn object(n: u32, k: u32) -> String {
    format!(
        "apiVersion: fleet.seatrial.dev/v1alpha1\nkind: Machine\nmetadata:\n  name: lone-{n}\n  generation: {k}\n  \
         resourceVersion: \"{}\"\nspec:\n  clusterName: nobodys\n  version: 1.36.3\nstatus:\n  conditions:\n  - type: \
         Ready\n    status: \"False\"\n    reason: Booting\n    message: try {k}\n",
        n * 100 + k
    )
}

fn attempt(n: u32, fails: bool, seconds: f64, folder: &Path) -> Result<Attempt> {
    let begin: Timestamp = "2026-11-22T20:00:00Z".parse()?;
    let started =
        begin.checked_add(SignedDuration::from_millis(i64::from(n / 8) * 3000 + i64::from(n % 8) * 40))?;
    let (failures, artefacts) =
        if fails { (vec![failure(n)], artefacts(n, folder)?) } else { Default::default() };
    Ok(Attempt {
        started: Some(started),
        cluster_started: Some(started),
        seconds,
        timeline: timeline(n, fails, seconds),
        failures,
        artefacts,
        uncollected: Vec::new(),
    })
}

fn timeline(n: u32, fails: bool, seconds: f64) -> Vec<Moment> {
    let count = if fails { 120 } else { 40 };
    let mut moments: Vec<_> = (0..count)
        .map(|k| Moment { at: seconds * f64::from(k) / f64::from(count), ..moment(n, k, fails) })
        .collect();
    if fails {
        moments.push(Moment {
            at: seconds,
            kind: MomentKind::Failure,
            text: failure(n).message,
            ..Moment::default()
        });
    }
    moments
}

fn moment(n: u32, k: u32, fails: bool) -> Moment {
    let told = |kind, text: String| Moment { kind, text, ..Moment::default() };
    match k % 8 {
        0 if k == 0 => Moment { took: Some(0.2), ..told(MomentKind::Hook, "before_each".into()) },
        0 => told(MomentKind::Step, format!("step {k}: the machine is asked for again")),
        1 | 5 => {
            let kind = "Machine.fleet.seatrial.dev".to_owned();
            let revision = (n * 100 + k).to_string();
            let object = ObjectChange { kind, name: format!("lone-{n}"), change: Change::Modified, revision };
            let detail = if fails {
                format!("-  message: try {k}\n+  message: try {}\n{}", k + 1, object_lines(n, k))
            } else {
                String::new()
            };
            Moment { object: Some(object), detail, ..told(MomentKind::Watch, change(k)) }
        }
        2 => told(MomentKind::Event, format!("Machine lone-{n}: Booting: instance-{n} comes up with 1.36.3")),
        3 if k == 35 => {
            Moment { took: Some(0.5), ..told(MomentKind::Fault, "node worker2 is paused".into()) }
        }
        3 => Moment {
            took: Some(0.1),
            ..told(MomentKind::Expectation, format!("Machine lone-{n} should be ready"))
        },
        _ => told(
            MomentKind::Log,
            format!(
                "operator-7d9f/manager: INFO reconciled object=Machine.lone-{n} try={k} in {}ms",
                n * k % 37
            ),
        ),
    }
}

fn object_lines(n: u32, k: u32) -> String {
    let lines: Vec<_> = object(n, k).lines().take(8).map(|line| format!(" {line}\n")).collect();
    lines.concat()
}

/// The artefacts of a failure: logs, objects and events.
fn artefacts(n: u32, folder: &Path) -> Result<Vec<Artefact>> {
    let log = lines(800, |k| {
        let (second, milli, took) = (k / 20 % 60, k * 50 % 1000, n * k % 997);
        format!(
            "2026-11-22T20:00:{second:02}.{milli:03}Z INFO reconciled object=Machine.lone-{n} try={k} in {took}ms\n"
        )
    });
    let objects = lines(40, |k| format!("---\n{}", object(n, k)));
    let events =
        lines(60, |k| format!("+{k}.000s  Normal  Booting  Machine lone-{n}  instance-{k} comes up\n"));
    let place = format!("artefacts/specs-kind/spec-{n}/attempt-1");
    let files = [
        ("Pod logs", "pods/operator/manager.log", log),
        ("objects", "objects/machines.yaml", objects),
        ("events", "events.txt", events),
    ];
    files
        .into_iter()
        .map(|(title, path, text)| {
            let path = format!("{place}/{path}");
            let file = folder.join(&path);
            std::fs::create_dir_all(file.parent().context("a file has a folder")?)?;
            std::fs::write(file, &text)?;
            Ok(Artefact { title: title.into(), path, bytes: text.len() as u64 })
        })
        .collect()
}

fn lines(count: u32, each: impl Fn(u32) -> String) -> String {
    let lines: Vec<_> = (0..count).map(each).collect();
    lines.concat()
}
