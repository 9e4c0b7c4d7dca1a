//! Network partition of a node: no packet passes in or out, its Pods' traffic included.
//!
//! The rules stand in the node's own network namespace, in a chain of their own, so that healing finds them again
//! whoever put them there. The node keeps its address, and its own loopback.

use super::super::error::KindError;
use super::super::node::Node;

/// Both directions of the node's one interface, before routing and after it: what the node forwards for its Pods too.
const CUT: &str = r"set -eu
table='iptables -w -t mangle'
$table -N SEATRIAL-CUT 2>/dev/null || $table -F SEATRIAL-CUT
$table -A SEATRIAL-CUT -j DROP
$table -C PREROUTING -i eth0 -j SEATRIAL-CUT 2>/dev/null || $table -I PREROUTING -i eth0 -j SEATRIAL-CUT
$table -C POSTROUTING -o eth0 -j SEATRIAL-CUT 2>/dev/null || $table -I POSTROUTING -o eth0 -j SEATRIAL-CUT
";

const HEAL: &str = r"set -u
table='iptables -w -t mangle'
$table -n -L SEATRIAL-CUT >/dev/null 2>&1 || exit 0
while $table -D PREROUTING -i eth0 -j SEATRIAL-CUT 2>/dev/null; do :; done
while $table -D POSTROUTING -o eth0 -j SEATRIAL-CUT 2>/dev/null; do :; done
$table -F SEATRIAL-CUT && $table -X SEATRIAL-CUT
";

/// Cuts the node off.
pub(super) async fn cut_off(node: &Node) -> Result<(), KindError> {
    node.exec_well(&["sh", "-c", CUT]).await.map(drop)
}

/// Heals the node's network; nothing happens to one that is not cut off.
pub(super) async fn heal(node: &Node) -> Result<(), KindError> {
    node.exec_well(&["sh", "-c", HEAL]).await.map(drop)
}
