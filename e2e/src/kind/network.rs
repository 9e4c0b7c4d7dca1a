//! A Docker network for each cluster, with a subnet of its own.
//!
//! kind's shared network is made by whoever comes first, which races, and a node on a network without a subnet of its
//! own may come back with another address. The network carries the path of the cluster's lease, so that whoever reaps
//! can ask whether somebody still uses it. It knows no nodes.

use std::collections::HashMap;
use std::net::Ipv4Addr;
use std::path::Path;

use bollard::Docker;
use bollard::models::{Ipam, IpamConfig, Network, NetworkCreateRequest};
use bollard::query_parameters::ListNetworksOptions;

use super::error::{KindError, status};

/// Our label on a network: where its cluster's lease is.
pub(super) const LEASE_LABEL: &str = "dev.seatrial.kind.lease";

/// Number of subnets that are tried: another process may take one between the list and the create.
const ATTEMPTS: usize = 16;

/// A subnet as an address and a number of bits.
pub(super) fn parse(text: &str) -> Option<(Ipv4Addr, u8)> {
    let (address, bits) = text.split_once('/')?;
    let (address, bits): (Ipv4Addr, u8) = (address.parse().ok()?, bits.parse().ok()?);
    (bits <= 32 && address.to_bits() & !mask(bits) == 0).then_some((address, bits))
}

fn mask(bits: u8) -> u32 {
    u32::MAX.checked_shl(32 - u32::from(bits)).unwrap_or(0)
}

/// Makes a cluster's network. One of that name must not be there.
pub(super) async fn create(
    docker: &Docker,
    name: &str,
    subnet: Option<&str>,
    lease: &Path,
) -> Result<(), KindError> {
    // Docker makes a second network of one name without a word, and then neither can be used by name.
    if !named(docker, name).await?.is_empty() {
        return Err(KindError::NameTaken {
            name: name.to_owned(),
            found: "a Docker network has the name".into(),
        });
    }
    if let Some(subnet) = subnet {
        return try_create(docker, name, subnet, lease)
            .await
            .map_err(KindError::docker(format!("creating network {name} with subnet {subnet}")));
    }
    let mut taken = subnets(docker).await?;
    for _ in 0..ATTEMPTS {
        let Some(subnet) = free(&taken, start()) else { break };
        let text = format!("{}/24", subnet.0);
        match try_create(docker, name, &text, lease).await {
            Ok(()) => return Ok(()),
            Err(error) if overlaps(&error) => taken.push(subnet),
            Err(error) => return Err(KindError::docker(format!("creating network {name}"))(error)),
        }
    }
    Err(KindError::Config {
        reason: format!("no subnet is free among 10.200.0.0/24 to 10.219.255.0/24 for network {name}"),
        next: "remove networks that nobody uses (`docker network prune`), or name a subnet".into(),
    })
}

async fn try_create(
    docker: &Docker,
    name: &str,
    subnet: &str,
    lease: &Path,
) -> Result<(), bollard::errors::Error> {
    let ipam = IpamConfig { subnet: Some(subnet.to_owned()), ..IpamConfig::default() };
    let masquerade = ("com.docker.network.bridge.enable_ip_masquerade".to_owned(), "true".to_owned());
    let request = NetworkCreateRequest {
        name: name.to_owned(),
        driver: Some("bridge".to_owned()),
        ipam: Some(Ipam { config: Some(vec![ipam]), ..Ipam::default() }),
        options: Some(HashMap::from([masquerade])),
        labels: Some(HashMap::from([(LEASE_LABEL.to_owned(), lease.display().to_string())])),
        ..NetworkCreateRequest::default()
    };
    docker.create_network(request).await.map(drop)
}

fn overlaps(error: &bollard::errors::Error) -> bool {
    crate::docker::reason(error).to_ascii_lowercase().contains("overlap")
}

/// Start of the search, different for each process, so that two rarely want the same.
fn start() -> u32 {
    let draw = super::name::random(3);
    draw.bytes().fold(0_u32, |sum, byte| sum.wrapping_mul(31).wrapping_add(u32::from(byte)))
}

/// A subnet of 256 addresses in 10.200.0.0 to 10.219.255.0 that overlaps none of these.
fn free(taken: &[(Ipv4Addr, u8)], start: u32) -> Option<(Ipv4Addr, u8)> {
    const COUNT: u32 = 20 * 256;
    let first = Ipv4Addr::new(10, 200, 0, 0).to_bits();
    (0..COUNT).map(|step| (Ipv4Addr::from_bits(first + (start.wrapping_add(step) % COUNT) * 256), 24)).find(
        |subnet| {
            !taken.iter().any(|other| {
                let shared = mask(other.1.min(subnet.1));
                other.0.to_bits() & shared == subnet.0.to_bits() & shared
            })
        },
    )
}

async fn subnets(docker: &Docker) -> Result<Vec<(Ipv4Addr, u8)>, KindError> {
    let networks = list(docker, None).await?;
    let configs = networks.into_iter().filter_map(|network| network.ipam?.config).flatten();
    Ok(configs.filter_map(|config| parse(&config.subnet?)).collect())
}

async fn list(docker: &Docker, filter: Option<(&str, &str)>) -> Result<Vec<Network>, KindError> {
    let filters = filter.map(|(key, value)| HashMap::from([(key.to_owned(), vec![value.to_owned()])]));
    let options = ListNetworksOptions { filters };
    docker.list_networks(Some(options)).await.map_err(KindError::docker("listing Docker's networks"))
}

/// The networks of exactly this name.
pub(super) async fn named(docker: &Docker, name: &str) -> Result<Vec<Network>, KindError> {
    let mut networks = list(docker, Some(("name", name))).await?;
    networks.retain(|network| network.name.as_deref() == Some(name));
    Ok(networks)
}

/// All of our networks, with the leases that they name.
pub(super) async fn list_leased(docker: &Docker) -> Result<Vec<(String, String)>, KindError> {
    let networks = list(docker, Some(("label", LEASE_LABEL))).await?;
    let pair = |network: Network| Some((network.name?, network.labels?.get(LEASE_LABEL)?.clone()));
    Ok(networks.into_iter().filter_map(pair).collect())
}

/// Removes a cluster's network, if it is there and ours.
pub(super) async fn remove(docker: &Docker, name: &str) -> Result<bool, KindError> {
    let networks = named(docker, name).await?;
    let ours = networks
        .into_iter()
        .filter(|network| network.labels.as_ref().is_some_and(|labels| labels.contains_key(LEASE_LABEL)));
    let mut removed = false;
    for id in ours.filter_map(|network| network.id) {
        match docker.remove_network(&id).await {
            Ok(()) => removed = true,
            Err(error) if status(&error) == Some(404) => {}
            Err(error) => return Err(KindError::docker(format!("removing network {name}"))(error)),
        }
    }
    Ok(removed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subnet_is_an_address_with_nothing_behind_its_mask() {
        assert_eq!(parse("10.200.7.0/24"), Some((Ipv4Addr::new(10, 200, 7, 0), 24)));
        assert_eq!(parse("0.0.0.0/0"), Some((Ipv4Addr::UNSPECIFIED, 0)));
        for wrong in ["10.200.7.1/24", "10.200.7.0", "10.200.7.0/33", "fc00::/8", ""] {
            assert_eq!(parse(wrong), None, "{wrong:?} was taken for a subnet");
        }
    }

    #[test]
    fn a_free_subnet_overlaps_neither_a_larger_nor_a_smaller_one() {
        let taken = ["10.200.0.0/16", "10.201.0.128/25", "10.201.1.0/24"].map(|text| parse(text).unwrap());
        assert_eq!(free(&taken, 0), parse("10.201.2.0/24"));
    }

    #[test]
    fn when_everything_is_taken_nothing_is_free() {
        assert_eq!(free(&[parse("10.0.0.0/8").unwrap()], 77), None);
    }
}
