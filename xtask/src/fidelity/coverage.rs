//! Coverage: abilities that both servers offer, against those that the cases use and those in `uncovered.txt`.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use seatrial_fixtures::conformance::OutcomePair;
use seatrial_fixtures::conformance::coverage::{self as fixtures_coverage, Ability, Gaps};
use seatrial_fixtures::wire::Wire;
use serde_json::{Value, json};

/// The abilities that both servers offer, read before a case installs CRDs.
pub(crate) async fn offered(real: &dyn Wire, fake: &dyn Wire) -> Result<BTreeSet<Ability>> {
    let real = fixtures_coverage::discovery(real).await.context("read the real server's discovery")?;
    let fake = fixtures_coverage::discovery(fake).await.context("read the fake's discovery")?;
    let (real, fake) = (fixtures_coverage::offered(&real), fixtures_coverage::offered(&fake));
    Ok(real.intersection(&fake).cloned().collect())
}

/// The coverage of a run of all cases.
pub(crate) struct Coverage {
    offered: usize,
    listed: usize,
    gaps: Gaps,
}

impl Coverage {
    /// Compares the requests of the cases with the offered and the listed abilities.
    pub(crate) fn of(offered: &BTreeSet<Ability>, pairs: &[OutcomePair]) -> Self {
        let asked = pairs.iter().flat_map(|pair| fixtures_coverage::asked(&pair.real.transcript)).collect();
        let listed = fixtures_coverage::uncovered();
        Self { offered: offered.len(), listed: listed.len(), gaps: Gaps::between(offered, &asked, &listed) }
    }

    /// The number of gaps and stale lines.
    pub(crate) fn problems(&self) -> usize {
        self.gaps.count()
    }

    /// The number of offered abilities that are neither used nor listed.
    pub(crate) fn unasked(&self) -> usize {
        self.gaps.unasked.len()
    }

    /// The report as text: each gap with its fix, and a line with the sums.
    pub(crate) fn text(&self) -> String {
        let mut out = String::new();
        let Gaps { unasked, asked, not_offered } = &self.gaps;
        list(&mut out, unasked, "UNCOVERED: offered, but no case asks for it; write one in areas/");
        let shrink = "take its line out of uncovered.txt with `cargo xtask fidelity --shrink-uncovered`";
        list(&mut out, asked, &format!("STALE: a case asks for it now; {shrink}"));
        list(&mut out, not_offered, &format!("STALE: not offered by both servers; {shrink}"));
        let _ = writeln!(
            out,
            "coverage: {} offered by both servers, {} not asked and listed, {} to mend",
            self.offered,
            self.listed,
            self.problems()
        );
        out
    }

    /// The report as JSON.
    pub(crate) fn json(&self) -> Value {
        let Gaps { unasked, asked, not_offered } = &self.gaps;
        json!({
            "offered": self.offered, "listed": self.listed,
            "unasked": unasked, "asked": asked, "notOffered": not_offered,
        })
    }

    /// Removes stale lines from `uncovered.txt` and returns their number.
    pub(crate) fn shrink(&self) -> Result<usize> {
        let path = file();
        let text = std::fs::read_to_string(&path).with_context(|| format!("read {}", path.display()))?;
        std::fs::write(&path, self.gaps.shrunk(&text))
            .with_context(|| format!("write {}", path.display()))?;
        Ok(self.gaps.asked.union(&self.gaps.not_offered).count())
    }
}

fn file() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/src/conformance/uncovered.txt")
}

fn list(out: &mut String, abilities: &BTreeSet<Ability>, title: &str) {
    if abilities.is_empty() {
        return;
    }
    let _ = writeln!(out, "{title}:");
    for ability in abilities {
        let _ = writeln!(out, "  {ability}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_is_reported_with_its_fix() {
        let set = |line: &str| BTreeSet::from([line.to_owned()]);
        let gaps = Gaps { unasked: set("v1 pods get"), asked: set("v1 nodes list"), ..Gaps::default() };
        let coverage = Coverage { offered: 9, listed: 1, gaps };
        let text = coverage.text();
        assert!(text.contains("no case asks for it; write one in areas/:\n  v1 pods get\n"), "{text}");
        assert!(text.contains("--shrink-uncovered`:\n  v1 nodes list\n"), "{text}");
        let last = "coverage: 9 offered by both servers, 1 not asked and listed, 2 to mend";
        assert_eq!(text.lines().last(), Some(last));
    }
}
