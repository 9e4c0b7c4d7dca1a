//! The defaults that the server applies, recorded from dry runs: component → field → value.
//!
//! The defaults in `OpenAPI` are incomplete and partly wrong. A second round sends each field as the zero of its type, since
//! in Go a zero plain field is the same as an absent one, while a pointer to zero is a value.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, bail};
use serde_json::{Map, Value, json};

use super::exclusions::{EXCLUSIONS, UNOBSERVED};
use super::manifests::{self, Manifest};
use super::observe::{Observation, Observations, Observer};
use super::openapi::Documents;
use super::resources::Resource;
use super::server::Server;
use super::text;

/// The defaults of a component.
#[derive(Default)]
struct Defaults {
    set: Map<String, Value>,
    over_zero: BTreeSet<String>,
}

/// Components that no create can have, with the component whose defaulting code they share.
const ALIKE: [(&str, &str); 1] = [("io.k8s.api.core.v1.EphemeralContainer", "io.k8s.api.core.v1.Container")];

/// The text of `defaults.json`.
pub(crate) async fn read(server: &Server, resources: &[Resource], documents: &Documents) -> Result<String> {
    let mut manifests = manifests::all()?;
    let created = manifests.len();
    manifests.extend(manifests::with_status()?);
    require_all(resources, &manifests)?;
    let mut observer = Observer::new(documents);
    for (number, manifest) in manifests.iter().enumerate() {
        let resource = resource_of(resources, manifest)?;
        if number >= created {
            let got = server
                .status_dry_run(&resource.collection(), &manifest.object)
                .await
                .with_context(|| format!("{} is refused", manifest.origin))?;
            observer.see_field(number, resource.component(), "status", &manifest.object, &got);
            continue;
        }
        let got = server
            .dry_run(&resource.collection(), "Strict", &manifest.object)
            .await
            .with_context(|| format!("{} is refused", manifest.origin))?;
        observer.see(number, resource.component(), &manifest.object, &got);
    }
    let agreed = agree(observer.finish(), &manifests)?;
    let mut defaults: BTreeMap<String, Defaults> = BTreeMap::new();
    for ((component, field), witness) in agreed {
        let value = witness.value.clone().expect("what is agreed on has a value");
        let entry = defaults.entry(component).or_default();
        let manifest = &manifests[witness.manifest];
        // Nobody defaults a status: what it prints by itself is the zero of a plain field already.
        let probed = witness.manifest < created;
        if probed
            && replaces_zero(server, resource_of(resources, manifest)?, manifest, &witness, &field, &value)
                .await?
        {
            entry.over_zero.insert(field.clone());
        }
        entry.set.insert(field, value);
    }
    for (component, like) in ALIKE {
        if let Some(known) = defaults.get(like) {
            let copy = Defaults { set: known.set.clone(), over_zero: known.over_zero.clone() };
            defaults.insert(component.to_owned(), copy);
        }
    }
    file(&defaults)
}

fn file(defaults: &BTreeMap<String, Defaults>) -> Result<String> {
    let lines = defaults.iter().map(|(component, known)| {
        let mut entry = json!({"set": known.set});
        if !known.over_zero.is_empty() {
            entry["overZero"] = json!(known.over_zero);
        }
        (component.clone(), entry)
    });
    text::object_lines(&lines.collect())
}

/// Every kind that can be created and listed must have been looked at, or stand in the table of those that were not.
fn require_all(resources: &[Resource], manifests: &[Manifest]) -> Result<()> {
    let made: BTreeSet<&str> = manifests
        .iter()
        .map(|manifest| resource_of(resources, manifest).map(|resource| resource.id.as_str()))
        .collect::<Result<_>>()?;
    for resource in resources.iter().filter(|resource| resource.listable && resource.can("create")) {
        let listed = UNOBSERVED.iter().any(|(name, _)| resource.id.starts_with(&format!("{name}/")));
        match (made.contains(resource.id.as_str()), listed) {
            (false, false) => bail!("no manifest makes {}; write one", resource.id),
            (true, true) => bail!("{} has a manifest; take it off the unobserved", resource.id),
            _ => {}
        }
    }
    Ok(())
}

fn resource_of<'r>(resources: &'r [Resource], manifest: &Manifest) -> Result<&'r Resource> {
    let text = |key: &str| manifest.object[key].as_str().unwrap_or_default();
    resources
        .iter()
        .find(|resource| resource.is(text("apiVersion"), text("kind")))
        .with_context(|| format!("{}: no such kind is served", manifest.origin))
}

/// The fields whose observations agree on a value, with one place each; an error where they do not agree and no line of
/// the table says why.
fn agree(
    observations: Observations,
    manifests: &[Manifest],
) -> Result<BTreeMap<(String, String), Observation>> {
    let mut used = BTreeSet::new();
    let mut agreed = BTreeMap::new();
    for ((component, field), seen) in observations {
        let mut kept: Vec<Observation> = Vec::new();
        for observation in seen {
            let line = EXCLUSIONS.iter().position(|e| e.is_about(&component, &field, &observation.root));
            match line {
                Some(line) if observation.value.is_some() => _ = used.insert(line),
                Some(_) => {}
                None => kept.push(observation),
            }
        }
        let Some(first) = kept.iter().position(|observation| observation.value.is_some()) else { continue };
        if let Some(other) = kept.iter().find(|observation| observation.value != kept[first].value) {
            bail!(
                "{component}.{field} is {:?} in {} and {:?} in {}: not a default; exclude it with its reason",
                kept[first].value,
                manifests[kept[first].manifest].origin,
                other.value,
                manifests[other.manifest].origin
            );
        }
        agreed.insert((component, field), kept.swap_remove(first));
    }
    for (number, line) in EXCLUSIONS.iter().enumerate() {
        if !used.contains(&number) {
            bail!("nothing shows the exclusion of {} ({}); remove the line", line.subject(), line.reason);
        }
    }
    Ok(agreed)
}

/// True if the server replaces the zero of the field by the default.
async fn replaces_zero(
    server: &Server,
    resource: &Resource,
    manifest: &Manifest,
    witness: &Observation,
    field: &str,
    value: &Value,
) -> Result<bool> {
    let Some(zero) = zero_of(value) else { return Ok(false) };
    if zero == *value {
        return Ok(false);
    }
    let mut object = manifest.object.clone();
    let place = object.pointer_mut(&witness.pointer).and_then(Value::as_object_mut);
    place.context("the witness stands in its manifest")?.insert(field.to_owned(), zero);
    let Ok(got) = server.dry_run(&resource.collection(), "Ignore", &object).await else {
        // A zero that is refused has been taken for a value.
        return Ok(false);
    };
    let found = got.pointer(&witness.pointer).and_then(|place| place.get(field));
    Ok(found == Some(value))
}

fn zero_of(value: &Value) -> Option<Value> {
    match value {
        Value::String(_) => Some(json!("")),
        Value::Number(_) => Some(json!(0)),
        Value::Bool(_) => Some(json!(false)),
        Value::Array(_) => Some(json!([])),
        Value::Object(_) | Value::Null => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn observation(value: Option<Value>, root: &str) -> Observation {
        Observation { value, manifest: 0, root: root.to_owned(), pointer: String::new() }
    }

    /// One observation for each line of the table, so that none counts as unused.
    fn excluded() -> Observations {
        EXCLUSIONS
            .iter()
            .map(|line| {
                let subject = line.subject();
                let (component, field) = subject.rsplit_once('.').unwrap();
                let component = if component.starts_with("io.") {
                    component.into()
                } else {
                    format!("io.k8s.api.{component}")
                };
                (
                    (component, field.to_owned()),
                    vec![observation(Some(json!(1)), line.under.unwrap_or("Pod"))],
                )
            })
            .collect()
    }

    fn manifests() -> Vec<Manifest> {
        vec![Manifest { origin: "x.yaml: Pod a".to_owned(), object: json!({}) }]
    }

    #[test]
    fn an_agreed_value_is_a_default_unless_excluded() {
        let mut seen = excluded();
        let key = ("io.k8s.api.core.v1.Probe".to_owned(), "periodSeconds".to_owned());
        seen.insert(
            key.clone(),
            vec![observation(Some(json!(10)), "Pod"), observation(Some(json!(10)), "Deployment")],
        );
        let agreed = agree(seen, &manifests()).unwrap();
        assert_eq!(agreed.keys().collect::<Vec<_>>(), [&key]);
        assert_eq!(agreed[&key].value, Some(json!(10)));
    }

    #[test]
    fn disagreeing_observations_are_an_error_that_names_the_field() {
        let mut seen = excluded();
        let key = ("io.k8s.api.core.v1.Probe".to_owned(), "periodSeconds".to_owned());
        seen.insert(key, vec![observation(Some(json!(10)), "Pod"), observation(None, "Deployment")]);
        let error = agree(seen, &manifests()).err().unwrap().to_string();
        assert!(error.contains("Probe.periodSeconds"), "{error}");
    }

    #[test]
    fn an_entry_that_excludes_nothing_is_an_error() {
        let error = agree(Observations::new(), &manifests()).err().unwrap().to_string();
        assert!(error.contains("remove the line"), "{error}");
    }
}
