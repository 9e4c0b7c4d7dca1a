//! Needs of specs, which tiers have or lack.
//!
//! A need is decided when specs are listed, so it is a plain value that is compared without asking a
//! cluster anything.

use std::fmt;
use std::str::FromStr;

/// Something that a spec needs and not every tier has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Need {
    /// The controllers of a control plane: namespaces really go away, garbage is collected, a namespace
    /// gets its service account and its root certificate.
    Controllers,
    /// The API server can call a webhook that the test process serves.
    Webhooks,
    /// Pods are started.
    Kubelet,
    /// At least this number of nodes.
    Nodes(u32),
    /// The API server keeps an audit log of what service accounts do, and a spec can read it.
    Audit,
}

impl Need {
    /// True if someone who has `self` can serve someone who needs `other`.
    pub(crate) fn covers(self, other: Self) -> bool {
        match (self, other) {
            (Self::Nodes(has), Self::Nodes(wanted)) => has >= wanted,
            (has, wanted) => has == wanted,
        }
    }
}

impl fmt::Display for Need {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Controllers => f.write_str("controllers"),
            Self::Webhooks => f.write_str("webhooks"),
            Self::Kubelet => f.write_str("kubelet"),
            Self::Nodes(count) => write!(f, "nodes:{count}"),
            Self::Audit => f.write_str("audit"),
        }
    }
}

impl FromStr for Need {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "controllers" => Ok(Self::Controllers),
            "webhooks" => Ok(Self::Webhooks),
            "kubelet" => Ok(Self::Kubelet),
            "audit" => Ok(Self::Audit),
            _ => text
                .strip_prefix("nodes:")
                .and_then(|count| count.parse().ok())
                .map(Self::Nodes)
                .ok_or_else(|| "the needs are controllers, webhooks, kubelet, audit and nodes:N".into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_nodes_serve_a_spec_that_needs_fewer() {
        assert!(Need::Nodes(3).covers(Need::Nodes(2)));
        assert!(!Need::Nodes(1).covers(Need::Nodes(2)));
        assert!(!Need::Kubelet.covers(Need::Nodes(1)));
    }

    #[test]
    fn a_need_is_read_as_it_is_written() {
        for need in [Need::Controllers, Need::Webhooks, Need::Kubelet, Need::Audit, Need::Nodes(3)] {
            assert_eq!(need.to_string().parse(), Ok(need));
        }
        assert!("nodes:many".parse::<Need>().is_err());
    }
}
