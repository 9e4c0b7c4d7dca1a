//! Groups of users. There is no user directory: all users are authenticated, and two names are administrators.

/// Names of administrators: the default users of in-process clients and of the socket.
const ADMINISTRATORS: [&str; 2] = ["admin", "kubernetes-admin"];

/// The groups of a user.
pub(crate) fn groups(user: &str) -> Vec<&'static str> {
    let all = "system:authenticated";
    if ADMINISTRATORS.contains(&user) { vec!["system:masters", all] } else { vec![all] }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn administrators_are_in_system_masters() {
        assert_eq!(groups("admin"), ["system:masters", "system:authenticated"]);
        assert_eq!(groups("somebody"), ["system:authenticated"]);
    }
}
