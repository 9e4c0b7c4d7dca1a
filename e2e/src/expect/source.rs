//! Sources of expected values: a watched selection of objects, or a probe that is called again and again.
//!
//! Whoever waits sees values alone: of which kind the objects are, or that there are none, it does not know.

use std::fmt::Debug;
use std::ops::ControlFlow;
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::LocalBoxFuture;
use kube::Resource;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::context::Cx;
use crate::display::to_json;
use crate::expect::{Collection, Object, Observable};
use crate::failure::SpecResult;
use crate::watch::WatchUpdate;
use crate::watch::{Objects, Selection};

/// Target of [`Cx::eventually`] and [`Cx::consistently`].
pub struct Target<V> {
    pub(crate) label: String,
    pub(crate) source: Box<dyn Source<V>>,
}

/// A value and the JSON for its history.
pub(crate) struct ObservedState<V> {
    /// Nothing while the object is absent.
    pub(crate) value: Option<V>,
    pub(crate) snapshot: Option<Value>,
}

/// An update of the value that an expectation is about.
pub(crate) enum SourceUpdate<V> {
    /// As it is now.
    Current(ObservedState<V>),
    /// Changes between the last update and the next one cannot be known.
    Gap,
    /// It could not be asked.
    Error(String),
}

/// Called with each update until it breaks.
pub(crate) type UpdateHandler<'a, V> = &'a mut dyn FnMut(SourceUpdate<V>) -> ControlFlow<()>;

/// Something that a value can be read from.
pub(crate) trait Source<V> {
    /// Tells `see` each state there is, until it breaks; never ends otherwise. Where no watch tells, it looks `every`
    /// so often.
    fn follow<'a>(&'a self, every: Duration, see: UpdateHandler<'a, V>) -> LocalBoxFuture<'a, ()>;

    /// Looks once, afresh.
    fn look(&self) -> LocalBoxFuture<'_, Result<ObservedState<V>, String>>;
}

impl<K, V> Selection<K, V> {
    fn state(&self, objects: &Objects<K>) -> ObservedState<V> {
        ObservedState { value: (self.value)(objects), snapshot: (self.snapshot)(objects) }
    }
}

impl<K, V> Source<V> for Selection<K, V>
where
    K: Resource + Clone + Debug + DeserializeOwned,
{
    fn follow<'a>(&'a self, every: Duration, see: UpdateHandler<'a, V>) -> LocalBoxFuture<'a, ()> {
        let told = move |update: WatchUpdate<'_, K>| match update {
            WatchUpdate::Current(objects) => see(SourceUpdate::Current(self.state(objects))),
            WatchUpdate::Gap => see(SourceUpdate::Gap),
            WatchUpdate::Error(error) => see(SourceUpdate::Error(error)),
        };
        self.follow_every(every, told).boxed_local()
    }

    fn look(&self) -> LocalBoxFuture<'_, Result<ObservedState<V>, String>> {
        async { Selection::look(self).await.map(|(objects, _)| self.state(&objects)) }.boxed_local()
    }
}

impl<K, V: 'static> From<Selection<K, V>> for Target<V>
where
    K: Resource + Clone + Debug + DeserializeOwned + 'static,
{
    fn from(subject: Selection<K, V>) -> Self {
        Self { label: subject.label.clone(), source: Box::new(subject) }
    }
}

impl<K> From<Object<K>> for Target<K>
where
    K: Resource + Clone + Debug + Serialize + DeserializeOwned + 'static,
{
    fn from(object: Object<K>) -> Self {
        object.selection().into()
    }
}

impl<K> From<Collection<K>> for Target<Vec<K>>
where
    K: Resource + Clone + Debug + Serialize + DeserializeOwned + 'static,
{
    fn from(collection: Collection<K>) -> Self {
        collection.selection().into()
    }
}

/// A value without a watch: a metric, an answer over HTTP, a provider's account. Made by [`Cx::probe`].
pub struct Probe<F> {
    name: String,
    ask: F,
}

impl<F> Probe<F> {
    pub(crate) fn new(name: &str, ask: F) -> Self {
        Self { name: name.to_owned(), ask }
    }
}

impl<F, V> Observable for Probe<F>
where
    F: AsyncFn() -> SpecResult<V> + 'static,
    V: Serialize + 'static,
{
    type Value = V;

    fn observe(self, _cx: &Cx) -> Target<V> {
        Target { label: self.name.clone(), source: Box::new(self) }
    }
}

impl<F, V> Source<V> for Probe<F>
where
    F: AsyncFn() -> SpecResult<V>,
    V: Serialize,
{
    fn follow<'a>(&'a self, every: Duration, see: UpdateHandler<'a, V>) -> LocalBoxFuture<'a, ()> {
        async move {
            loop {
                let view = self.look().await.map_or_else(SourceUpdate::Error, SourceUpdate::Current);
                if see(view).is_break() {
                    return;
                }
                tokio::time::sleep(every).await;
            }
        }
        .boxed_local()
    }

    fn look(&self) -> LocalBoxFuture<'_, Result<ObservedState<V>, String>> {
        async {
            let value = (self.ask)().await.map_err(|failure| failure.message().to_owned())?;
            let snapshot = Some(to_json(&value));
            Ok(ObservedState { value: Some(value), snapshot })
        }
        .boxed_local()
    }
}
