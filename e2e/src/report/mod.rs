//! What a run leaves for people and other programs to read: [`Report`] is the content of `report.json`.

mod model;

#[expect(dead_code, reason = "the run loop tells of its begin and of each attempt's")]
mod reporter;
mod suite;
#[expect(dead_code, reason = "the run loop tells of a spec's life here")]
mod timeline;

mod files;
mod json;

pub(crate) use files::Files;
pub use model::{
    Artefact, Attempt, Change, FailureReport, Moment, MomentKind, ObjectChange, Outcome, Place, Report,
    SpecReport, Transition,
};
#[expect(unused_imports, reason = "the run loop tells of its begin and of each attempt's")]
pub(crate) use reporter::{Beginning, RunHead};
pub(crate) use reporter::{Reporter, Reporters};
pub(crate) use suite::suite_name;
#[expect(unused_imports, reason = "the run loop tells of a spec's life here")]
pub(crate) use timeline::{Ongoing, Timeline};
