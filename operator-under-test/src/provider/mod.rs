//! Providers of instances: the trait [`Provider`] and its simulated implementation.

mod contract;
mod instance;
mod simulated;

pub use contract::{
    ChangeStream, Instance, InstancePhase, InstanceRequest, MachineRef, Provider, ProviderError,
    ReleaseStatus,
};
pub use instance::{InstanceMachine, SimulatedInstance, SimulatedInstanceSpec};
pub use simulated::SimulatedProvider;
