//! Where machines come from: the contract every provider keeps, and the simulated one.

mod contract;
mod instance;
mod simulated;

pub use contract::{
    Changes, Instance, InstanceRequest, MachineRef, Progress, Provider, ProviderError, Release,
};
pub use instance::{InstanceMachine, SimulatedInstance, SimulatedInstanceSpec};
pub use simulated::Simulated;
