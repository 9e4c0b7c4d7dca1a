//! Deployment of an operator as a Pod: program, image, bundle, rollout and logs.
//!
//! The way of a deployment: `program` has `cargo` link a program that needs nothing around it, `image` puts it into an
//! archive that nodes can load, `apply` brings objects to the cluster and `rights` waits until those among them that
//! grant something do, `rollout` waits for a Deployment and says early why it will not come, `logs` follows what its
//! containers say. Which operator it is, nobody here knows.

mod cargo;
#[cfg(feature = "kind")]
mod program;

#[cfg(feature = "kind")]
mod elf;

#[cfg(feature = "kind")]
mod image;

mod apply;
mod rights;

mod containers;
mod rollout;

mod logs;

mod spec;

pub use apply::apply;
pub(crate) use apply::established;
pub use cargo::cargo;
#[cfg(feature = "kind")]
pub use image::{Archive, Image, ImageError};
#[cfg(feature = "kind")]
pub use program::{Program, ProgramError};
pub use rollout::rolled_out;
pub use spec::FollowedLogs;
