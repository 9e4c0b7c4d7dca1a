//! What a run leaves for people and other programs to read: [`Report`] is the content of `report.json`.

mod model;

#[expect(dead_code, reason = "the run loop tells of its begin and of each attempt's")]
mod reporter;
mod suite;
#[expect(dead_code, reason = "the run loop tells of a spec's life here")]
mod timeline;

mod files;
mod folder;
mod html;
mod junit;

#[expect(dead_code, reason = "the run loop adds it to its reporters")]
mod github;
#[cfg_attr(not(test), expect(dead_code, reason = "the console tells by it"))]
mod tree;

mod rerun;

pub(crate) use files::Files;
#[expect(unused_imports, reason = "the run loop adds it to its reporters")]
pub(crate) use github::Github;
pub use html::page;
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
#[expect(unused_imports, reason = "the console tells by it")]
pub(crate) use tree::Tree;
