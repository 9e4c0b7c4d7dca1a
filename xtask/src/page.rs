//! `cargo xtask page`: checks of the report of a failing spec in headless Chromium.

mod checks;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use self::checks::{CHECKS, Check, SCROLL_TO_TIMELINE, WAIT_FOR_RENDER};
use crate::browser::{self, Browser};
use crate::cargo::{Counts, cargo};

/// Open the report of a failing spec in headless Chromium and check what a reader would see.
#[derive(Debug, Default, clap::Args)]
#[command(
    after_help = "Examples:\n  cargo xtask page\n  cargo xtask page --pictures out     also leaves screenshots: wide, dark, and as on a phone\n  CHROMIUM=/opt/chromium/chrome cargo xtask page"
)]
pub(crate) struct Args {
    /// A folder for screenshots.
    #[arg(long, value_name = "DIR")]
    pictures: Option<PathBuf>,
    /// Print the counts in the format of a test runner.
    #[arg(long, hide = true)]
    counted: bool,
}

/// The names, sizes and dark modes of screenshots.
const SCREENSHOTS: [(&str, (u32, u32), bool); 4] = [
    ("wide", (1440, 900), false),
    ("wide-dark", (1440, 900), true),
    ("phone", (390, 844), false),
    ("phone-dark", (390, 844), true),
];

/// Checks the page and prints the counts as the last line.
pub(crate) async fn page(args: &Args) -> Result<()> {
    let counts = run_checks(args.pictures.as_deref()).await?;
    let Counts { passed, failed, skipped } = counts;
    if args.counted {
        println!("test result: {passed} passed; {failed} failed; {skipped} ignored");
    } else {
        println!("{counts}");
    }
    ensure!(counts.failed == 0, "the report's page is not as it should be");
    Ok(())
}

/// Runs all checks, or skips them if there is no browser.
async fn run_checks(into: Option<&Path>) -> Result<Counts> {
    let Some(program) = browser::find() else {
        for check in &CHECKS {
            println!("test {} ... ignored, there is no Chromium (`apt-get install chromium`)", check.name);
        }
        return Ok(Counts { skipped: CHECKS.len() + 1, ..Counts::default() });
    };
    let folder = tempfile::tempdir().context("no folder for a report")?;
    run_failing_spec(folder.path())?;
    let url = format!("file://{}/report.html", folder.path().display());
    let mut browser = Browser::start(&program).await?;
    let mut counts = Counts::default();
    for check in &CHECKS {
        let result = run_check(&mut browser, &url, check).await;
        print_result(check.name, result, &mut counts);
    }
    print_result(
        "the browser complains of nothing and asks nobody for anything",
        check_no_errors(&browser),
        &mut counts,
    );
    if let Some(into) = into {
        take_screenshots(&mut browser, &url, into, "failing").await?;
        crate::bench::report::write(folder.path())?;
        take_screenshots(&mut browser, &url, into, "large").await?;
    }
    browser.close().await?;
    Ok(counts)
}

fn print_result(name: &str, result: Result<()>, counts: &mut Counts) {
    match result {
        Ok(()) => {
            println!("test {name} ... ok");
            counts.passed += 1;
        }
        Err(error) => {
            println!("test {name} ... FAILED\n  {error:#}");
            counts.failed += 1;
        }
    }
}

/// Runs the operator's failing spec with a report in `folder`.
fn run_failing_spec(folder: &Path) -> Result<()> {
    let program = ["--package", "seatrial-operator", "--example", "failing"];
    // Built first, so that cargo's progress is shown.
    let built = cargo().arg("build").args(program).status().context("failed to start cargo")?;
    ensure!(built.success(), "the spec that fails on purpose does not build");
    let mut command = cargo();
    command.args(["run", "--quiet"]).args(program);
    command.env("SEATRIAL_REPORT", folder).env("SEATRIAL_TIER", "fake").env("SEATRIAL_SEED", "7");
    let output = command.output().context("failed to start cargo")?;
    let page = folder.join("report.html").exists();
    ensure!(
        !output.status.success() && page,
        "the spec that fails on purpose left no report; it said:\n{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    Ok(())
}

/// Runs the script of a check, which returns `true` or a description of the error.
async fn run_check(browser: &mut Browser, url: &str, check: &Check) -> Result<()> {
    browser.set_viewport(check.size, check.dark).await?;
    browser.open(&format!("{url}{}", check.fragment)).await?;
    browser.evaluate(WAIT_FOR_RENDER).await?;
    let result = browser.evaluate(&format!("(async () => {{ {} }})()", check.script)).await?;
    ensure!(result == true, "the page says {result}");
    Ok(())
}

fn check_no_errors(browser: &Browser) -> Result<()> {
    ensure!(browser.errors().is_empty(), "it complains: {:?}", browser.errors());
    let elsewhere = browser.requests().iter().find(|url| !url.starts_with("file:") && *url != "about:blank");
    ensure!(elsewhere.is_none(), "it asked for {elsewhere:?}");
    Ok(())
}

async fn take_screenshots(browser: &mut Browser, url: &str, folder: &Path, name: &str) -> Result<()> {
    std::fs::create_dir_all(folder).with_context(|| format!("failed to make {}", folder.display()))?;
    for (look, size, dark) in SCREENSHOTS {
        browser.set_viewport(size, dark).await?;
        browser.open(url).await?;
        browser.evaluate(WAIT_FOR_RENDER).await?;
        browser.screenshot(&folder.join(format!("{name}-{look}.png"))).await?;
        browser.evaluate(SCROLL_TO_TIMELINE).await?;
        browser.screenshot(&folder.join(format!("{name}-{look}-timeline.png"))).await?;
    }
    Ok(())
}
