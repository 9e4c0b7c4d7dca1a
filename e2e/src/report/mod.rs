//! Reports of a run for people and programs; [`Report`] is the content of `report.json`.

mod model;

mod reporter;
mod suite;
mod timeline;

mod files;
mod folder;
mod html;
mod junit;

mod github;
mod rerun;
mod tree;

mod stderr;

pub(crate) use files::FileReporter;
pub(crate) use github::Github;
pub use html::page;
pub use model::{
    Artefact, Attempt, Change, FailureReport, Moment, MomentKind, ObjectChange, Outcome, Report,
    SourceLocation, SpecReport, Transition,
};
pub(crate) use reporter::{AttemptStart, RunInfo};
pub(crate) use reporter::{Reporter, Reporters};
pub(crate) use stderr::print_to_stderr;
pub(crate) use suite::suite_name;
pub(crate) use timeline::{OngoingMoment, Timeline};
pub(crate) use tree::TreeFormatter;
