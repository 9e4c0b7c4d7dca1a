//! `cargo xtask page`: the report of a spec that really fails, looked at in headless Chromium.
//!
//! What a reader would see is asked of the page itself, by the checks in this folder; this file brings the report, the
//! browser and the checks together.

mod checks;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use self::checks::{CHECKS, Check, DRAWN, INTO_THE_TIMELINE};
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
    /// Print the figures as test runners do, for whoever counts them.
    #[arg(long, hide = true)]
    counted: bool,
}

/// What pictures are called, and how the page is looked at for them.
const LOOKS: [(&str, (u32, u32), bool); 4] = [
    ("wide", (1440, 900), false),
    ("wide-dark", (1440, 900), true),
    ("phone", (390, 844), false),
    ("phone-dark", (390, 844), true),
];

/// Looks at the page; the last line printed are the figures.
pub(crate) async fn page(args: &Args) -> Result<()> {
    let counts = all(args.pictures.as_deref()).await?;
    let Counts { passed, failed, skipped } = counts;
    if args.counted {
        println!("test result: {passed} passed; {failed} failed; {skipped} ignored");
    } else {
        println!("{counts}");
    }
    ensure!(counts.failed == 0, "the report's page is not as it should be");
    Ok(())
}

/// All checks. Without a browser each of them is skipped, and says so.
async fn all(into: Option<&Path>) -> Result<Counts> {
    let Some(program) = browser::find() else {
        for check in &CHECKS {
            println!("test {} ... ignored, there is no Chromium (`apt-get install chromium`)", check.name);
        }
        return Ok(Counts { skipped: CHECKS.len() + 1, ..Counts::default() });
    };
    let folder = tempfile::tempdir().context("no folder for a report")?;
    failing(folder.path())?;
    let url = format!("file://{}/report.html", folder.path().display());
    let mut browser = Browser::start(&program).await?;
    let mut counts = Counts::default();
    for check in &CHECKS {
        let seen = look(&mut browser, &url, check).await;
        tell(check.name, seen, &mut counts);
    }
    tell("the browser complains of nothing and asks nobody for anything", quiet(&browser), &mut counts);
    if let Some(into) = into {
        pictures(&mut browser, &url, into, "failing").await?;
        crate::bench::report::write(folder.path())?;
        pictures(&mut browser, &url, into, "large").await?;
    }
    browser.close().await?;
    Ok(counts)
}

fn tell(name: &str, seen: Result<()>, counts: &mut Counts) {
    match seen {
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

/// Runs the operator's failing spec, which leaves its report in a folder.
fn failing(folder: &Path) -> Result<()> {
    let program = ["--package", "seatrial-operator", "--example", "failing"];
    // What it prints is read; how far cargo is, is shown.
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

/// A check is an expression that comes to `true`, or to what is wrong.
async fn look(browser: &mut Browser, url: &str, check: &Check) -> Result<()> {
    browser.look(check.size, check.dark).await?;
    browser.open(&format!("{url}{}", check.fragment)).await?;
    browser.evaluate(DRAWN).await?;
    let seen = browser.evaluate(&format!("(async () => {{ {} }})()", check.script)).await?;
    ensure!(seen == true, "the page says {seen}");
    Ok(())
}

fn quiet(browser: &Browser) -> Result<()> {
    ensure!(browser.complaints().is_empty(), "it complains: {:?}", browser.complaints());
    let elsewhere = browser.requests().iter().find(|url| !url.starts_with("file:") && *url != "about:blank");
    ensure!(elsewhere.is_none(), "it asked for {elsewhere:?}");
    Ok(())
}

async fn pictures(browser: &mut Browser, url: &str, folder: &Path, name: &str) -> Result<()> {
    std::fs::create_dir_all(folder).with_context(|| format!("failed to make {}", folder.display()))?;
    for (look, size, dark) in LOOKS {
        browser.look(size, dark).await?;
        browser.open(url).await?;
        browser.evaluate(DRAWN).await?;
        browser.picture(&folder.join(format!("{name}-{look}.png"))).await?;
        browser.evaluate(INTO_THE_TIMELINE).await?;
        browser.picture(&folder.join(format!("{name}-{look}-timeline.png"))).await?;
    }
    Ok(())
}
