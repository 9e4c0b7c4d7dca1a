//! Matchers of values and objects.

mod combined;
mod condition;
mod counted;
mod events;
mod field_owner;
mod kube_condition;
mod partial;
mod presence;
mod rejected;
mod replicas;
mod value;

pub use combined::{All, Any, Not, all, any, not};
pub use condition::{HaveCondition, have_condition};
pub use counted::{Each, HaveLen, each, have_len};
pub use events::{HaveEvent, have_event};
pub use field_owner::{HaveFieldOwner, have_field_owner};
pub use kube_condition::{Meet, meet};
pub use partial::{MatchJson, match_json, match_yaml};
pub use presence::{BeGone, Exist, be_gone, exist};
pub use rejected::{BeRejected, StatusError, be_rejected};
pub use replicas::{HaveReadyReplicas, have_ready_replicas};
pub use value::{Check, Equal, Satisfy, check, equal, satisfy};
