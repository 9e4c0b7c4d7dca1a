//! Reads of earlier revisions of a resource, by undoing newer events.

use super::commit::Store;
use super::followers::Compacted;
use super::key::Revision;
use super::tree::Snapshot;

impl Store {
    /// A snapshot with `resource` as of `revision`; other resources are current. The cost is proportional to the number
    /// of newer writes to the resource.
    pub(crate) fn at(&self, resource: &str, revision: Revision) -> Result<Snapshot, Compacted> {
        let state = self.lock();
        if revision < state.log.compacted() {
            return Err(Compacted { seen: revision, compacted: state.log.compacted() });
        }
        let mut past = state.tree.clone();
        let since: Vec<_> = state.log.after(&resource.into(), revision).cloned().collect();
        drop(state);
        for event in since.iter().rev() {
            match &event.old {
                Some(old) => past.objects.insert_mut(event.key.clone(), old.clone()),
                None => {
                    past.objects.remove_mut(&event.key);
                }
            }
        }
        past.revision = revision;
        Ok(past)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Change, Expect, Key, Write};
    use super::*;
    use serde_json::json;

    fn write(store: &Store, name: &str, change: Change) -> Revision {
        let key = Key::new("pods", "a", name);
        let expect =
            store.snapshot().get(&key).map_or(Expect::Absent, |object| Expect::At(object.revision()));
        let write = Write { key, expect, change };
        store.commit(vec![write]).expect("nothing is expected")[0].revision()
    }

    #[test]
    fn past_snapshot_shows_the_objects_of_its_revision() {
        let store = Store::default();
        write(&store, "x", Change::Put(json!({"metadata": {}, "n": 1}).into()));
        let then = write(&store, "y", Change::Put(json!({"metadata": {}}).into()));
        write(&store, "x", Change::Put(json!({"metadata": {}, "n": 2}).into()));
        write(&store, "y", Change::Delete(json!({}).into()));
        write(&store, "z", Change::Put(json!({"metadata": {}}).into()));
        let past = store.at("pods", then).expect("nothing was compacted");
        let names: Vec<_> = past.range("pods", None, None).map(|(key, _)| key.name.to_string()).collect();
        assert_eq!(names, ["x", "y"]);
        assert_eq!(past.get(&Key::new("pods", "a", "x")).expect("x was there").value()["n"], 1);
    }

    #[test]
    fn compacted_revision_cannot_be_read() {
        let store = Store::default();
        let first = write(&store, "x", Change::Put(json!({"metadata": {}}).into()));
        let second = write(&store, "y", Change::Put(json!({"metadata": {}}).into()));
        store.compact(second);
        assert_eq!(
            store.at("pods", first).expect_err("compacted"),
            Compacted { seen: first, compacted: second }
        );
    }
}
