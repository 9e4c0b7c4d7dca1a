//! Evidence of a failed attempt: collected before clean-up, into the attempt's folder.

use std::sync::Arc;

use jiff::Timestamp;

use crate::artefacts::{ArtefactWriter, EvidenceSources, FailureScene};
use crate::attempt_log::AttemptLog;
use crate::context::Cx;
use crate::report::{Artefact, suite_name};
use crate::spec::order::seed_of;
use crate::spec::plan::Spec;
use crate::spec::run::Run;

/// Has everything collected, if there is a folder for it. In any case Secrets are known afterwards.
pub(crate) async fn collect(
    run: &Run,
    spec: &Spec,
    attempt: u32,
    cx: Option<&Cx>,
    sources: &EvidenceSources,
    attempt_log: &AttemptLog,
) -> (Vec<Artefact>, Vec<String>) {
    let now = cx.map_or_else(Timestamp::now, Cx::now);
    let scene = FailureScene {
        client: sources.observer.clone().or_else(|| cx.map(Cx::client)),
        namespaces: cx.map(namespaces).unwrap_or_default(),
        since: now.saturating_sub(attempt_log.elapsed()).unwrap_or(now),
        timeline: Arc::clone(attempt_log.timeline()),
        redactor: Arc::clone(attempt_log.redactor()),
    };
    let Some(folder) = &run.report else {
        // What is told on a terminal is told without Secrets, too. Who cannot list them has told what is known by now.
        // It has a limit of its own, and an interrupted run that left it out would tell what it must not.
        drop(crate::artefacts::add_secrets(&scene).await);
        return Default::default();
    };
    let writer = ArtefactWriter::new(
        folder,
        &place(spec, run.tier.name(), attempt),
        Arc::clone(attempt_log.redactor()),
    );
    let own = cx.map(|cx| cx.collectors.borrow().clone()).unwrap_or_default();
    let of_the_tier = sources.collectors.iter().map(|collector| &**collector);
    let others: Vec<_> = of_the_tier.chain(own.iter().map(|collector| &**collector)).collect();
    let collecting = crate::artefacts::collect(&scene, &writer, &others);
    match run.interrupt.run_until(collecting).await {
        Ok(collected) => collected,
        Err(called) => {
            // It may have been ended before it knew the Secrets, and what the spec said is still told.
            drop(crate::artefacts::add_secrets(&scene).await);
            writer.note_missing("the rest", &format!("the run was ended by {}", called.by));
            writer.finish()
        }
    }
}

fn namespaces(cx: &Cx) -> Vec<String> {
    let own = std::iter::once(cx.namespace().to_owned());
    own.chain(cx.collect_from.borrow().iter().cloned()).collect()
}

/// A folder for each suite, tier, spec and attempt.
fn place(spec: &Spec, tier: &str, attempt: u32) -> String {
    let plain = |c: &char| c.is_ascii_alphanumeric() || *c == ' ';
    let slug: String = spec.name.chars().filter(plain).take(60).collect();
    let slug = slug.split_whitespace().collect::<Vec<_>>().join("-");
    // Two names may have one slug.
    let unique = seed_of(&spec.name, 0) & 0xffff_ffff;
    format!("artefacts/{}-{tier}/{slug}-{unique:08x}/attempt-{attempt}", suite_name())
}
