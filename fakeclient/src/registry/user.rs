//! Who a user is beyond a name. There is no directory of users: all are authenticated, and two names are administrators.

/// Who clients without a name of their own are, in this process and on the socket.
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
    fn administrators_are_in_the_group_of_masters() {
        assert_eq!(groups("admin"), ["system:masters", "system:authenticated"]);
        assert_eq!(groups("somebody"), ["system:authenticated"]);
    }
}
