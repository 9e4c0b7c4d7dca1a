//! One control plane: what its processes are told, and how they are reached.
//!
//! In the order of a start: a folder to work in, flags, held ports, certificates, etcd, kube-apiserver,
//! kube-controller-manager, `run` that puts them together, then users and their kubeconfigs.

pub(crate) mod folder;

pub(crate) mod flags;

pub(crate) mod ports;

pub(crate) mod client_certificate;

pub(crate) mod certs;

pub(crate) mod service_account;

pub(crate) mod etcd;

pub(crate) mod apiserver;

pub(crate) mod controller_manager;

pub(crate) mod timings;

pub(crate) mod run;

pub(crate) mod users;

pub(crate) mod kubeconfig;
