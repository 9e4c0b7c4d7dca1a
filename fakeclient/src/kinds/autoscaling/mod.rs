//! Kinds of `autoscaling`.

pub(crate) mod horizontal_pod_autoscaler;
mod version_one;
