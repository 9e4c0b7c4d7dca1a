//! The matchers: what a value can be expected to be.

mod combined;
mod condition;
mod counted;
mod partial;
mod presence;
mod rejected;
mod value;

pub use combined::{All, Any, Not, all, any, not};
pub use condition::{HaveCondition, have_condition};
pub use counted::{Each, HaveLen, each, have_len};
pub use partial::{MatchJson, match_json};
pub use presence::{BeGone, Exist, be_gone, exist};
pub use rejected::{Answer, BeRejected, be_rejected};
pub use value::{Equal, Satisfy, equal, satisfy};
