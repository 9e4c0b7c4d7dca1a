//! The call for evidence at a failure, before anything is cleaned up.
//!
//! What is collected is the collectors' business; here it is decided who is asked, and where it goes.

use jiff::Timestamp;

use crate::artefacts::{Bag, Scene};
use crate::report::{Artefact, suite_name};
use crate::spec::Cx;
use crate::spec::life::Ending;
use crate::spec::order::seed_of;
use crate::spec::plan::Spec;
use crate::spec::run::Run;

/// Asks all collectors, if there is a folder for what they find.
pub(crate) async fn collect(
    run: &Run,
    spec: &Spec,
    attempt: u32,
    cx: Option<&Cx>,
    ending: &Ending,
) -> (Vec<Artefact>, Vec<String>) {
    let Some(folder) = &run.report else { return Default::default() };
    let scene = Scene {
        client: cx.map(Cx::client),
        namespace: cx.map(|cx| cx.namespace().to_owned()),
        since: ending.cluster_started.unwrap_or_else(|| cx.map_or_else(Timestamp::now, Cx::now)),
    };
    let bag = Bag::new(folder, &place(spec, run.tier.name(), attempt));
    for collector in run.tier.collectors() {
        match tokio::time::timeout(collector.limit(), collector.collect(&scene, &bag)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => bag.lacks(collector.what(), &error),
            Err(_) => bag.lacks(collector.what(), "it did not finish in time"),
        }
    }
    bag.emptied()
}

/// A folder for each suite, tier, spec and attempt.
fn place(spec: &Spec, tier: &str, attempt: u32) -> String {
    let slug: String =
        spec.name.chars().filter(|c| c.is_ascii_alphanumeric() || *c == ' ').take(60).collect();
    let slug = slug.split_whitespace().collect::<Vec<_>>().join("-");
    // Two names may have one slug.
    let unique = seed_of(&spec.name, 0) & 0xffff_ffff;
    format!("artefacts/{}-{tier}/{slug}-{unique:08x}/attempt-{attempt}", suite_name())
}
