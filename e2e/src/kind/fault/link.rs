//! Bandwidth limits, delays and packet loss on a node's link.
//!
//! A token bucket is in every kernel that Docker runs on; delay and loss need netem, which some kernels lack: then the
//! fault is refused with that reason, and nothing else is done instead.

use std::fmt;
use std::time::Duration;

use super::super::error::KindError;
use super::super::node::Node;

/// Bandwidth of a node's outgoing traffic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bandwidth {
    kilobits: u32,
}

impl Bandwidth {
    /// Kilobits per second.
    pub const fn kilobits(count: u32) -> Self {
        Self { kilobits: count }
    }

    /// Megabits per second.
    pub const fn megabits(count: u32) -> Self {
        Self { kilobits: count * 1000 }
    }

    /// The bucket must hold at least the largest packet, and at high rates what goes out in one of the kernel's ticks.
    fn burst_bytes(self) -> u32 {
        (self.kilobits / 2).clamp(3_000, 250_000)
    }
}

/// Share of a node's outgoing packets that is lost.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PacketLoss {
    percent: f32,
}

impl PacketLoss {
    /// Percentage of packets, from 0 to 100.
    pub const fn percent(percent: f32) -> Self {
        Self { percent }
    }
}

impl fmt::Display for PacketLoss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}%", self.percent)
    }
}

/// Lets the node send at this pace at most.
pub(super) async fn slow(node: &Node, pace: Bandwidth) -> Result<(), KindError> {
    let (rate, burst) = (format!("{}kbit", pace.kilobits), format!("{}b", pace.burst_bytes()));
    set_qdisc(node, "a slow network", &["tbf", "rate", &rate, "burst", &burst, "latency", "400ms"]).await
}

/// Delays everything that the node sends.
pub(super) async fn delay(node: &Node, by: Duration) -> Result<(), KindError> {
    let by = format!("{}us", by.as_micros());
    set_qdisc(node, "a delay", &["netem", "delay", &by]).await
}

/// Loses a share of what the node sends.
pub(super) async fn lose(node: &Node, loss: PacketLoss) -> Result<(), KindError> {
    set_qdisc(node, "a loss of packets", &["netem", "loss", &loss.to_string()]).await
}

/// Gives the interface its ordinary queue back.
pub(super) async fn reset(node: &Node) -> Result<(), KindError> {
    let shown = node.exec_well(&["tc", "qdisc", "show", "dev", "eth0", "root"]).await?;
    if shown.stdout.contains("qdisc tbf") || shown.stdout.contains("qdisc netem") {
        node.exec_well(&["tc", "qdisc", "del", "dev", "eth0", "root"]).await?;
    }
    Ok(())
}

async fn set_qdisc(node: &Node, fault: &'static str, rule: &[&str]) -> Result<(), KindError> {
    let mut command = vec!["tc", "qdisc", "replace", "dev", "eth0", "root"];
    command.extend(rule);
    let output = node.exec(&command).await?;
    if is_missing(&output.words()) {
        return Err(refusal(fault, node.name(), rule[0]));
    }
    super::super::node::well(node.name(), &command, output).map(drop)
}

/// True if tc says that the kernel does not know the queueing discipline.
fn is_missing(words: &str) -> bool {
    words.contains("Specified qdisc kind is unknown") || words.contains("qdisc not found")
}

fn refusal(fault: &'static str, node: &str, discipline: &str) -> KindError {
    KindError::Fault {
        fault,
        node: node.to_owned(),
        reason: format!(
            "this machine's kernel has no {discipline} (CONFIG_NET_SCH_{})",
            discipline.to_ascii_uppercase()
        ),
        next: "load the module (`modprobe sch_netem`), use a kernel that has it, or let the spec make the network slow \
               with a token bucket (`slow`) or cut the node off (`cut_off`)",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kernel_without_netem_is_named_with_its_option() {
        assert!(is_missing("Error: Specified qdisc kind is unknown."));
        assert!(!is_missing("Error: Cannot find device \"eth0\"."));
        let text = refusal("a delay", "seatrial-a-worker", "netem").to_string();
        assert!(text.starts_with("a delay is not possible on seatrial-a-worker: this machine's kernel has no netem (CONFIG_NET_SCH_NETEM)"), "{text}");
    }

    #[test]
    fn a_bucket_holds_a_packet_at_least() {
        assert_eq!(Bandwidth::kilobits(64).burst_bytes(), 3_000);
        assert_eq!(Bandwidth::megabits(1).burst_bytes(), 3_000);
        assert_eq!(Bandwidth::megabits(100).burst_bytes(), 50_000);
    }
}
