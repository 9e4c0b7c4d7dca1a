//! The default network bridge of the daemon.

use std::process::Command;

use anyhow::{Context as _, Result, bail, ensure};

/// Networks to choose from: 10.213.N.0/24.
const NETWORKS: std::ops::RangeInclusive<u8> = 0..=255;

/// Makes the bridge anew, with the first network that nothing here has an address or a route in.
pub(super) fn make(name: &str) -> Result<()> {
    remove(name)?;
    let taken = ip(&["-4", "-oneline", "address", "show"])? + &ip(&["-4", "route", "show", "table", "all"])?;
    let Some(network) = free(&taken) else {
        bail!(
            "no network is free for the bridge {name}: all of 10.213.0.0/16 is taken\n  next: remove what holds it (`ip -4 route`)"
        );
    };
    ip(&["link", "add", name, "type", "bridge"])?;
    ip(&["address", "add", &format!("{network}.1/24"), "dev", name])?;
    ip(&["link", "set", name, "up"])?;
    Ok(())
}

/// Removes the bridge, if it is there.
pub(super) fn remove(name: &str) -> Result<()> {
    if !std::path::Path::new("/sys/class/net").join(name).exists() {
        return Ok(());
    }
    ip(&["link", "delete", name]).map(drop)
}

/// `10.213.N` such that nothing in the text has an address in it.
fn free(taken: &str) -> Option<String> {
    let is_taken = |network: &str| {
        taken
            .split_whitespace()
            .any(|word| word.starts_with(&format!("{network}.")) || word == "10.213.0.0/16")
    };
    NETWORKS.map(|number| format!("10.213.{number}")).find(|network| !is_taken(network))
}

fn ip(arguments: &[&str]) -> Result<String> {
    let output = Command::new("ip").args(arguments).output();
    let output = output.context("cannot run `ip`\n  next: apt-get install iproute2")?;
    let words = String::from_utf8_lossy(&output.stderr);
    ensure!(
        output.status.success(),
        "`ip {}` failed: {}\n  next: this needs root, and a kernel that has bridges",
        arguments.join(" "),
        words.trim()
    );
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_network_without_addresses_is_free() {
        assert_eq!(free("1: lo inet 127.0.0.1/8").as_deref(), Some("10.213.0"));
        let taken = "2: eth0 inet 10.213.0.7/24 brd 10.213.0.255\n10.213.1.0/24 dev x\n10.213.20.0/24 dev y";
        assert_eq!(free(taken).as_deref(), Some("10.213.2"));
        assert_eq!(free("10.213.0.0/16 dev vpn"), None);
    }
}
