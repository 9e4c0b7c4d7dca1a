//! The report of a comparison: a table by area, each difference in full, and a last line with the sums.

use std::collections::BTreeMap;
use std::fmt::Write;

use seatrial_fixtures::conformance::compare::{Comparison, Verdict};
use serde_json::{Value, json};

/// The numbers of verdicts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) identical: usize,
    pub(crate) in_the_ledger: usize,
    /// Differences without a line of the ledger, and lines of the ledger without a difference.
    pub(crate) different: usize,
}

impl Tally {
    /// Counts verdicts.
    pub(crate) fn of<'a>(comparisons: impl IntoIterator<Item = &'a Comparison>) -> Self {
        let mut tally = Self::default();
        for comparison in comparisons {
            match comparison.verdict {
                Verdict::Identical => tally.identical += 1,
                Verdict::InTheLedger(_) => tally.in_the_ledger += 1,
                Verdict::Different | Verdict::Stale(_) => tally.different += 1,
            }
        }
        tally
    }
}

fn by_area(comparisons: &[Comparison]) -> BTreeMap<&'static str, Vec<&Comparison>> {
    let mut areas: BTreeMap<&'static str, Vec<&Comparison>> = BTreeMap::new();
    for comparison in comparisons {
        areas.entry(comparison.area).or_default().push(comparison);
    }
    areas
}

/// The report for people.
pub(crate) fn text(comparisons: &[Comparison]) -> String {
    let mut out = String::new();
    for comparison in comparisons {
        let title = format!("{}: {}", comparison.area, comparison.name);
        match comparison.verdict {
            Verdict::Different => {
                out += &["DIFFERENT ", &title, "\n", &comparison.diff, "\n"].concat();
            }
            Verdict::Stale(line) => {
                out += &[
                    "STALE ",
                    &title,
                    "
no longer differs; take out of the ledger: ",
                    line.what,
                    "

",
                ]
                .concat();
            }
            Verdict::Identical | Verdict::InTheLedger(_) => {}
        }
        if let Some(note) = &comparison.note {
            let _ = writeln!(out, "NOTE {title}: {note}");
        }
    }
    let row = |out: &mut String, name: &str, tally: Tally| {
        let Tally { identical, in_the_ledger, different } = tally;
        let _ = writeln!(out, "{name:<24}{identical:>11}{in_the_ledger:>15}{different:>11}");
    };
    let _ = writeln!(out, "{:<24}{:>11}{:>15}{:>11}", "area", "identical", "in the ledger", "different");
    for (area, comparisons) in by_area(comparisons) {
        row(&mut out, area, Tally::of(comparisons));
    }
    let Tally { identical, in_the_ledger, different } = Tally::of(comparisons);
    let _ = writeln!(
        out,
        "fidelity: {identical} identical, {in_the_ledger} in the ledger, {different} different"
    );
    out
}

/// The report for programs.
pub(crate) fn json(comparisons: &[Comparison]) -> Value {
    let counted = |tally: Tally| json!({"identical": tally.identical, "inTheLedger": tally.in_the_ledger, "different": tally.different});
    let areas: BTreeMap<&str, Value> =
        by_area(comparisons).into_iter().map(|(area, all)| (area, counted(Tally::of(all)))).collect();
    let cases: Vec<Value> = comparisons.iter().map(case).collect();
    json!({"total": counted(Tally::of(comparisons)), "areas": areas, "cases": cases})
}

fn case(comparison: &Comparison) -> Value {
    let (verdict, line) = match comparison.verdict {
        Verdict::Identical => ("identical", None),
        Verdict::InTheLedger(line) => ("in the ledger", Some(line)),
        Verdict::Different => ("different", None),
        Verdict::Stale(line) => ("stale", Some(line)),
    };
    let mut case = json!({"area": comparison.area, "name": comparison.name, "verdict": verdict});
    if let Some(line) = line {
        case["ledger"] = json!({"what": line.what, "why": line.why});
    }
    if let Some(note) = &comparison.note {
        case["note"] = note.as_str().into();
    }
    if !comparison.diff.is_empty() {
        case["diff"] = comparison.diff.as_str().into();
    }
    case
}

#[cfg(test)]
mod tests {
    use super::*;

    fn comparison(area: &'static str, verdict: Verdict) -> Comparison {
        Comparison { area, name: "a case".into(), verdict, diff: "-a\n+b\n".into(), note: None }
    }

    #[test]
    fn the_last_line_sums_up() {
        let all = [comparison("read", Verdict::Identical), comparison("list", Verdict::Different)];
        let text = text(&all);
        assert_eq!(text.lines().last(), Some("fidelity: 1 identical, 0 in the ledger, 1 different"));
        assert!(text.contains("DIFFERENT list: a case\n-a\n+b\n"), "{text}");
    }

    #[test]
    fn a_case_without_known_seconds_has_a_note() {
        let noted = Comparison { note: Some("why".into()), ..comparison("read", Verdict::Identical) };
        assert_eq!(json(std::slice::from_ref(&noted))["cases"][0]["note"], "why");
        assert!(text(&[noted]).starts_with("NOTE read: a case: why\n"));
    }

    #[test]
    fn json_has_the_same_numbers() {
        let all = [comparison("read", Verdict::Identical), comparison("read", Verdict::Different)];
        let json = json(&all);
        assert_eq!(json["areas"]["read"], json!({"identical": 1, "inTheLedger": 0, "different": 1}));
        assert_eq!(json["cases"][1]["verdict"], "different");
    }
}
