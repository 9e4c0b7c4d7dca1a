//! The control planes that the conformance cases of `seatrial-fixtures` run on.

use seatrial_fixtures::conformance::server_config::{self, ServerKind};

use crate::{Environment, EnvironmentBuilder};

/// A control plane with the version, flags, admission plugins and controllers of `server`.
pub fn environment(server: ServerKind) -> EnvironmentBuilder {
    Environment::builder()
        .version(server_config::KUBERNETES)
        .apiserver_args(server.apiserver_args())
        .disable_admission_plugins(server_config::DISABLED_ADMISSION_PLUGINS)
        .controllers(server_config::CONTROLLERS)
        .controller_manager_args(server_config::CONTROLLER_MANAGER_ARGS)
}
