//! A control plane: flags, ports, certificates, processes and users.
//!
//! The modules are in the order of a start: working folder, flags, ports, certificates, etcd, kube-apiserver,
//! kube-controller-manager, `run`, which starts them, then users and kubeconfigs.

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
