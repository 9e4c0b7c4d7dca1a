//! What a run leaves for people and other programs to read: [`Report`] is the content of `report.json`.

mod model;

mod reporter;
mod suite;
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
pub(crate) use reporter::{Beginning, RunHead};
pub(crate) use reporter::{Reporter, Reporters};
pub(crate) use suite::suite_name;
pub(crate) use timeline::{Ongoing, Timeline};
#[expect(unused_imports, reason = "the console tells by it")]
pub(crate) use tree::Tree;
