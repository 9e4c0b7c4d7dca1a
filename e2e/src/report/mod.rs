//! What a run leaves for people and other programs to read: [`Report`] is the content of `report.json`.

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

mod aside;

pub(crate) use aside::aside;
pub(crate) use files::Files;
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
pub(crate) use tree::Tree;
