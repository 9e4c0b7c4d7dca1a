//! The built-in admission plugins, in kube-apiserver's order.

pub(crate) mod certificates;
pub(crate) mod classes;
#[cfg(test)]
pub(crate) mod fixture;
pub(crate) mod lifecycle;
pub(crate) mod limit_range;
pub(crate) mod node_taint;
pub(crate) mod pod_security;
pub(crate) mod policies;
pub(crate) mod priority;
pub(crate) mod protection;
pub(crate) mod quota;
pub(crate) mod resize;
pub(crate) mod runtime_class;
pub(crate) mod tolerations;
pub(crate) mod webhooks;
