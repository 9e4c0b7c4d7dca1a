//! The namespace of a spec: name, creation and deletion.

use std::collections::BTreeMap;
use std::time::Duration;

use k8s_openapi::api::core::v1::Namespace;
use kube::api::{DeleteParams, ObjectMeta, PostParams};
use kube::{Api, Client};

use crate::context::Cx;
use crate::failure::{Failure, SpecResult};
use crate::matchers::be_gone;
use crate::span::mins;
use crate::spec::order::splitmix;

/// Longest time that a namespace may take to go, with everything in it: Pods that end, on nodes that are busy with
/// other specs.
pub(crate) const GONE_WITHIN: Duration = mins(3);

/// Number of names that are tried: a run with a seed that was used before on the same cluster
/// meets the names of that run.
const ATTEMPTS: u64 = 8;

/// The longest name a namespace can have.
const NAME_LIMIT: usize = 63;

/// Letters that make no words and cannot be mistaken for each other, as in Kubernetes' own generated names.
const LETTERS: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";

/// Creates a namespace with a name that is not in use.
pub(crate) async fn create(client: Client, prefix: &str, spec: &str, seed: u64) -> SpecResult<String> {
    let api: Api<Namespace> = Api::all(client);
    for attempt in 0..ATTEMPTS {
        let name = name(prefix, spec, splitmix(seed.wrapping_add(attempt)));
        match api.create(&PostParams::default(), &namespace(&name, spec)).await {
            Ok(_) => return Ok(name),
            Err(kube::Error::Api(status)) if status.reason == "AlreadyExists" => {}
            Err(error) => return Err(Failure::from(error).during(&format!("creating namespace {name}"))),
        }
    }
    Err(Failure::nowhere(format!(
        "creating a namespace: {ATTEMPTS} names made from this seed are all taken; use another SEATRIAL_SEED"
    )))
}

/// Deletes the spec's namespace and, where something makes it go, waits until it is gone.
pub(crate) async fn remove(cx: &Cx, wait: bool) -> SpecResult {
    let name = cx.namespace();
    let api: Api<Namespace> = Api::all(cx.client());
    match api.delete(name, &DeleteParams::background()).await {
        Ok(_) => {}
        Err(kube::Error::Api(status)) if status.reason == "NotFound" => return Ok(()),
        Err(error) => return Err(Failure::from(error).during(&format!("deleting namespace {name}"))),
    }
    if wait {
        cx.eventually(cx.object::<Namespace>(name)).should(be_gone()).within(GONE_WITHIN).await?;
    }
    Ok(())
}

fn namespace(name: &str, spec: &str) -> Namespace {
    let managed_by = ("app.kubernetes.io/managed-by".to_owned(), "seatrial".to_owned());
    Namespace {
        metadata: ObjectMeta {
            name: Some(name.to_owned()),
            labels: Some(BTreeMap::from([managed_by])),
            annotations: Some(BTreeMap::from([("seatrial.dev/spec".to_owned(), spec.to_owned())])),
            ..ObjectMeta::default()
        },
        ..Namespace::default()
    }
}

fn name(prefix: &str, spec: &str, mut random: u64) -> String {
    let mut suffix = String::new();
    for _ in 0..6 {
        let letters = LETTERS.len() as u64;
        let index = usize::try_from(random % letters).expect("a remainder below 27 is a usize");
        suffix.push(char::from(LETTERS[index]));
        random /= letters;
    }
    let room = NAME_LIMIT - prefix.len() - suffix.len() - 2;
    format!("{prefix}-{}-{suffix}", slug(spec, room))
}

/// The spec's name with what a namespace's name cannot have replaced, and cut to the room there is.
fn slug(spec: &str, room: usize) -> String {
    let mut slug = String::new();
    for c in spec.chars() {
        if slug.len() == room {
            break;
        }
        if c.is_ascii_alphanumeric() {
            slug.push(c.to_ascii_lowercase());
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    let slug = slug.trim_end_matches('-');
    if slug.is_empty() { "spec".into() } else { slug.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_tells_the_spec_and_fits() {
        let name = name("seatrial", "Machine / whose node stops answering / is replaced within a minute", 7);
        assert!(name.starts_with("seatrial-machine-whose-node-stops-answering-is-"), "{name}");
        assert!(name.len() <= NAME_LIMIT, "{name} has {} characters", name.len());
    }

    #[test]
    fn a_name_in_another_script_still_makes_a_namespace() {
        assert!(name("seatrial", "機械", 7).starts_with("seatrial-spec-"));
    }

    #[test]
    fn the_suffix_follows_the_seed() {
        assert_eq!(name("a", "b", 1), name("a", "b", 1));
        assert_ne!(name("a", "b", 1), name("a", "b", 2));
    }

    #[test]
    fn the_longest_prefix_and_name_stay_within_the_limit_and_end_in_a_letter_before_the_suffix() {
        let name = name(&"p".repeat(20), &"x / ".repeat(40), u64::MAX);
        assert!(name.len() <= NAME_LIMIT);
        assert!(!name.contains("--"), "{name}");
    }
}
