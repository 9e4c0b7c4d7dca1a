//! Sets of field paths, as a tree.
//!
//! A path is a member, or a prefix of members, or both. The operations are those of structured-merge-diff's
//! `fieldpath.Set`: except in [`FieldSet::recursive_difference`], membership of a path does not include the paths
//! below.

use std::cmp::Ordering;

use super::path_element::PathElement;
use super::value_type::ValueType;

/// A set of field paths.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct FieldSet {
    /// Sorted by element; each is a member or has children.
    nodes: Vec<FieldSetNode>,
}

/// A path element below a prefix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FieldSetNode {
    pub(super) element: PathElement,
    /// True if the path that ends here is a member.
    pub(super) member: bool,
    pub(super) children: FieldSet,
}

impl FieldSet {
    /// The empty set.
    pub(super) const EMPTY: Self = Self { nodes: Vec::new() };

    /// The set of these paths, each a list of field names.
    pub(crate) fn of_fields(paths: &[&[&str]]) -> Self {
        let mut set = Self::default();
        for path in paths {
            let path: Vec<PathElement> = path.iter().map(|name| PathElement::field(name)).collect();
            set.insert(&path);
        }
        set
    }

    /// Adds a path. The empty path, which means the whole object, is ignored.
    pub(crate) fn insert(&mut self, path: &[PathElement]) {
        let Some((element, rest)) = path.split_first() else { return };
        let node = self.node_mut(element);
        if rest.is_empty() {
            node.member = true;
        } else {
            node.children.insert(rest);
        }
    }

    fn node_mut(&mut self, element: &PathElement) -> &mut FieldSetNode {
        let at = match self.position(element) {
            Ok(at) => at,
            Err(at) => {
                let node =
                    FieldSetNode { element: element.clone(), member: false, children: Self::default() };
                self.nodes.insert(at, node);
                at
            }
        };
        &mut self.nodes[at]
    }

    /// Adds an element of a traversal. An element that is neither a member nor a prefix of one is ignored.
    pub(super) fn add(&mut self, element: PathElement, member: bool, children: Self) {
        if !member && children.is_empty() {
            return;
        }
        // Maps are traversed in order, so nearly every element is appended.
        if self.nodes.last().is_none_or(|last| last.element < element) {
            self.nodes.push(FieldSetNode { element, member, children });
            return;
        }
        match self.position(&element) {
            Ok(at) => {
                let node = &mut self.nodes[at];
                node.member |= member;
                node.children = node.children.union(&children);
            }
            Err(at) => self.nodes.insert(at, FieldSetNode { element, member, children }),
        }
    }

    fn position(&self, element: &PathElement) -> Result<usize, usize> {
        self.nodes.binary_search_by(|node| node.element.cmp(element))
    }

    pub(super) fn nodes(&self) -> &[FieldSetNode] {
        &self.nodes
    }

    fn node(&self, element: &PathElement) -> Option<&FieldSetNode> {
        self.position(element).ok().map(|at| &self.nodes[at])
    }

    /// True if the set contains no path.
    pub(crate) fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// True if the path is a member.
    pub(crate) fn has(&self, path: &[PathElement]) -> bool {
        match path.split_first() {
            None => false,
            Some((element, [])) => self.has_member(element),
            Some((element, rest)) => self.node(element).is_some_and(|node| node.children.has(rest)),
        }
    }

    /// True if the path of one element is a member.
    pub(super) fn has_member(&self, element: &PathElement) -> bool {
        self.node(element).is_some_and(|node| node.member)
    }

    /// The paths below an element; `None` if there are none.
    pub(super) fn below(&self, element: &PathElement) -> Option<&Self> {
        self.node(element).map(|node| &node.children).filter(|children| !children.is_empty())
    }

    /// The union of both sets.
    pub(crate) fn union(&self, other: &Self) -> Self {
        let both = |one: &FieldSetNode, other: &FieldSetNode| FieldSetNode {
            element: one.element.clone(),
            member: one.member || other.member,
            children: one.children.union(&other.children),
        };
        self.zip(other, |one, other| match (one, other) {
            (Some(one), Some(other)) => Some(both(one, other)),
            (one, other) => one.or(other).cloned(),
        })
    }

    /// The union of both sets; copies nothing if one of them is empty.
    pub(super) fn into_union(self, other: Self) -> Self {
        if other.is_empty() {
            return self;
        }
        if self.is_empty() { other } else { self.union(&other) }
    }

    /// True if the other set is a subset.
    pub(super) fn contains(&self, other: &Self) -> bool {
        other.nodes.iter().all(|wanted| {
            self.node(&wanted.element).is_some_and(|node| {
                (node.member || !wanted.member) && node.children.contains(&wanted.children)
            })
        })
    }

    /// Removes the members of the other set.
    pub(super) fn remove_all(&mut self, other: &Self) {
        for unwanted in &other.nodes {
            let Ok(at) = self.position(&unwanted.element) else { continue };
            let node = &mut self.nodes[at];
            node.member &= !unwanted.member;
            node.children.remove_all(&unwanted.children);
            if !node.member && node.children.is_empty() {
                self.nodes.remove(at);
            }
        }
    }

    /// Removes the members of the other set and the paths below them.
    pub(super) fn remove_recursively(&mut self, other: &Self) {
        for unwanted in &other.nodes {
            let Ok(at) = self.position(&unwanted.element) else { continue };
            let node = &mut self.nodes[at];
            node.children.remove_recursively(&unwanted.children);
            if unwanted.member || (!node.member && node.children.is_empty()) {
                self.nodes.remove(at);
            }
        }
    }

    /// The intersection of both sets.
    pub(crate) fn intersection(&self, other: &Self) -> Self {
        self.zip(other, |one, other| {
            let (one, other) = (one?, other?);
            let children = one.children.intersection(&other.children);
            Some(FieldSetNode { element: one.element.clone(), member: one.member && other.member, children })
        })
    }

    /// The members that are not in the other set.
    pub(crate) fn difference(&self, other: &Self) -> Self {
        self.zip(other, |one, other| {
            let one = one?;
            let Some(other) = other else { return Some(one.clone()) };
            let children = one.children.difference(&other.children);
            Some(FieldSetNode { element: one.element.clone(), member: one.member && !other.member, children })
        })
    }

    /// The members that are neither in the other set nor below its members.
    pub(crate) fn recursive_difference(&self, other: &Self) -> Self {
        self.zip(other, |one, other| {
            let one = one?;
            match other {
                None => Some(one.clone()),
                Some(other) if other.member => None,
                Some(other) => {
                    let children = one.children.recursive_difference(&other.children);
                    Some(FieldSetNode { element: one.element.clone(), member: one.member, children })
                }
            }
        })
    }

    /// Iterates over both sets in order; `keep` returns the node of each element.
    fn zip(
        &self,
        other: &Self,
        keep: impl Fn(Option<&FieldSetNode>, Option<&FieldSetNode>) -> Option<FieldSetNode>,
    ) -> Self {
        let (mut left, mut right) = (self.nodes.iter().peekable(), other.nodes.iter().peekable());
        let mut nodes = Vec::with_capacity(self.nodes.len().max(other.nodes.len()));
        loop {
            let order = match (left.peek(), right.peek()) {
                (None, None) => break,
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (Some(one), Some(other)) => one.element.cmp(&other.element),
            };
            let one = if order.is_le() { left.next() } else { None };
            let other = if order.is_ge() { right.next() } else { None };
            let kept = keep(one, other).filter(|node| node.member || !node.children.is_empty());
            nodes.extend(kept);
        }
        Self { nodes }
    }

    /// The set with all struct fields that are prefixes of members added as members: those to remove together with the
    /// last of their fields.
    pub(super) fn with_named_fields(&self, value_type: ValueType<'_>) -> Self {
        let atom = value_type.resolve();
        let nodes = self.nodes.iter().map(|node| {
            let mut named = false;
            let mut below = None;
            match &node.element {
                PathElement::Field(name) => {
                    if let Some(map) = &atom.map {
                        named = map.field(name).is_some();
                        below = map.field(name).or(map.element);
                    }
                }
                PathElement::Key(_) => below = atom.list.as_ref().map(|list| list.element),
                PathElement::Value(_) | PathElement::Index(_) => {}
            }
            let children = match below {
                Some(below) if !node.children.is_empty() => node.children.with_named_fields(below),
                _ => node.children.clone(),
            };
            let member = node.member || (named && !node.children.is_empty());
            FieldSetNode { element: node.element.clone(), member, children }
        });
        Self { nodes: nodes.collect() }
    }

    /// All members: those of a level first, then those below, each in order.
    pub(crate) fn paths(&self) -> Vec<Vec<PathElement>> {
        let mut paths = Vec::new();
        self.collect(&mut Vec::new(), &mut paths);
        paths
    }

    fn collect(&self, prefix: &mut Vec<PathElement>, paths: &mut Vec<Vec<PathElement>>) {
        for node in self.nodes.iter().filter(|node| node.member) {
            paths.push(prefix.iter().cloned().chain([node.element.clone()]).collect());
        }
        for node in &self.nodes {
            prefix.push(node.element.clone());
            node.children.collect(prefix, paths);
            prefix.pop();
        }
    }
}

/// A path in conflict messages, such as `.spec.ports[port=80,protocol="TCP"].name`.
pub(crate) fn shown(path: &[PathElement]) -> String {
    path.iter().map(ToString::to_string).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn set(paths: &[&str]) -> FieldSet {
        let paths: Vec<Vec<&str>> = paths.iter().map(|path| path.split('.').collect()).collect();
        FieldSet::of_fields(&paths.iter().map(Vec::as_slice).collect::<Vec<_>>())
    }

    fn shown_of(set: &FieldSet) -> Vec<String> {
        set.paths().iter().map(|path| shown(path)).collect()
    }

    #[test]
    fn membership_does_not_include_paths_below() {
        let all = set(&["a", "a.b", "a.b.c", "d"]);
        assert_eq!(all.difference(&set(&["a"])), set(&["a.b", "a.b.c", "d"]));
        assert_eq!(all.intersection(&set(&["a", "a.b.c", "e"])), set(&["a", "a.b.c"]));
        assert_eq!(all.recursive_difference(&set(&["a.b"])), set(&["a", "d"]));
        assert_eq!(all.recursive_difference(&set(&["a"])), set(&["d"]));
    }

    #[test]
    fn paths_are_ordered_by_level() {
        assert_eq!(shown_of(&set(&["a.b", "a", "c", "a.b.d"])), [".a", ".c", ".a.b", ".a.b.d"]);
    }

    #[test]
    fn empty_prefix_is_ignored() {
        let nothing = set(&["a.b"]).difference(&set(&["a.b"]));
        assert!(nothing.is_empty());
        assert_eq!(nothing, FieldSet::default());
    }

    fn any_set() -> impl Strategy<Value = FieldSet> {
        let path = prop::collection::vec(prop::sample::select(vec!["a", "b", "c"]), 1..4);
        prop::collection::vec(path, 0..8)
            .prop_map(|paths| FieldSet::of_fields(&paths.iter().map(Vec::as_slice).collect::<Vec<_>>()))
    }

    proptest! {
        #[test]
        fn set_algebra_holds(a in any_set(), b in any_set()) {
            prop_assert_eq!(a.union(&b), b.union(&a));
            prop_assert_eq!(a.clone().into_union(b.clone()), a.union(&b));
            let mut left = a.clone();
            left.remove_all(&b);
            prop_assert_eq!(&left, &a.difference(&b));
            let mut left = a.clone();
            left.remove_recursively(&b);
            prop_assert_eq!(&left, &a.recursive_difference(&b));
            prop_assert_eq!(a.contains(&b), a.union(&b) == a);
            prop_assert_eq!(a.intersection(&b), b.intersection(&a));
            prop_assert_eq!(a.difference(&b).union(&a.intersection(&b)), a.clone());
            prop_assert!(a.difference(&b).intersection(&b).is_empty());
            prop_assert_eq!(a.union(&b).difference(&b), a.difference(&b));
            prop_assert_eq!(&a.recursive_difference(&b).difference(&a), &FieldSet::default());
        }
    }
}
