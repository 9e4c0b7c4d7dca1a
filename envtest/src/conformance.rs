//! The control planes that the conformance cases of `seatrial-fixtures` run on.

use seatrial_fixtures::conformance::sides::{self, Server};

use crate::{Environment, EnvironmentBuilder};

/// A control plane with the version, flags, admission plugins and controllers of `server`.
pub fn environment(server: Server) -> EnvironmentBuilder {
    Environment::builder()
        .version(sides::KUBERNETES)
        .apiserver_args(server.apiserver_args())
        .disable_admission_plugins(sides::DISABLED_ADMISSION_PLUGINS)
        .controllers(sides::CONTROLLERS)
        .controller_manager_args(sides::CONTROLLER_MANAGER_ARGS)
}
