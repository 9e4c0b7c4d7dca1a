//! Values by their type: capabilities of a spec's cluster, and values that a spec keeps.

use std::any::{Any, TypeId};
use std::collections::BTreeMap;
use std::rc::Rc;

/// A map with at most one value of each type. A clone shares the values.
#[derive(Clone, Default)]
pub(crate) struct TypeMap(BTreeMap<TypeId, Rc<dyn Any>>);

impl TypeMap {
    /// Inserts a value in place of the one of its type.
    pub(crate) fn insert<T: 'static>(&mut self, value: T) -> Rc<T> {
        let value = Rc::new(value);
        self.0.insert(TypeId::of::<T>(), value.clone());
        value
    }

    pub(crate) fn get<T: 'static>(&self) -> Option<Rc<T>> {
        self.0.get(&TypeId::of::<T>()).and_then(|value| Rc::clone(value).downcast().ok())
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn newest_value_of_a_type_replaces_the_older_one() {
        let mut extensions = TypeMap::default();
        extensions.insert(1_u8);
        let earlier = extensions.clone();
        extensions.insert(2_u8);
        assert_eq!((earlier.get::<u8>().as_deref(), extensions.get::<u8>().as_deref()), (Some(&1), Some(&2)));
        assert_eq!(extensions.get::<u16>(), None);
    }
}
