//! Matcher of Events about an object.

use k8s_openapi::api::core::v1::Event;

use crate::expect::{Matcher, Mismatch};

/// Made by [`have_event`].
pub struct HaveEvent {
    reason: String,
    kind: Option<String>,
    saying: Vec<String>,
    times: i32,
}

/// There is an Event with this reason: `cx.eventually(cx.events_of(&machine)).should(have_event("Created"))`.
pub fn have_event(reason: &str) -> HaveEvent {
    HaveEvent { reason: reason.to_owned(), kind: None, saying: Vec::new(), times: 1 }
}

impl HaveEvent {
    /// The Event also has this type: `Normal` or `Warning`.
    #[must_use]
    pub fn of_type(mut self, kind: &str) -> Self {
        self.kind = Some(kind.to_owned());
        self
    }

    /// The Event's message also has this in it.
    #[must_use]
    pub fn saying(mut self, part: &str) -> Self {
        self.saying.push(part.to_owned());
        self
    }

    /// It happened so often, or more often; Events that are counted together count as often as they say.
    #[must_use]
    pub fn at_least(mut self, times: i32) -> Self {
        self.times = times;
        self
    }

    fn is(&self, event: &Event) -> bool {
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        text(&event.reason) == self.reason
            && self.kind.as_ref().is_none_or(|kind| text(&event.type_) == *kind)
            && self.saying.iter().all(|part| text(&event.message).contains(part))
    }
}

/// Number of occurrences that an Event stands for.
fn times(event: &Event) -> i32 {
    let series = event.series.as_ref().and_then(|series| series.count);
    series.or(event.count).filter(|count| *count > 0).unwrap_or(1)
}

fn describe(event: &Event) -> String {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let count = times(event);
    let count = if count == 1 { String::new() } else { format!(" ({count} times)") };
    format!("{} {}: {}{count}", text(&event.type_), text(&event.reason), text(&event.message))
}

impl Matcher<Vec<Event>> for HaveEvent {
    fn expected(&self) -> String {
        let kind = self.kind.as_ref().map(|kind| format!("{kind} ")).unwrap_or_default();
        let saying: Vec<_> = self.saying.iter().map(|part| format!(" saying {part:?}")).collect();
        let times = if self.times == 1 { String::new() } else { format!(" at least {} times", self.times) };
        format!("have a {kind}{} Event{}{times}", self.reason, saying.join(" and"))
    }

    fn check(&self, actual: Option<&Vec<Event>>) -> Result<(), Mismatch> {
        let events = actual.map_or(&[][..], Vec::as_slice);
        let found: i32 = events.iter().filter(|event| self.is(event)).map(times).sum();
        if found >= self.times {
            return Ok(());
        }
        if found > 0 {
            return Err(Mismatch::new(format!("it happened {found} times")));
        }
        let others: Vec<_> = events.iter().map(describe).collect();
        let others = if others.is_empty() { "there are no Events".into() } else { others.join("; ") };
        Err(Mismatch::new(format!("there is none: {others}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(kind: &str, reason: &str, message: &str, count: i32) -> Event {
        Event {
            type_: Some(kind.into()),
            reason: Some(reason.into()),
            message: Some(message.into()),
            count: Some(count),
            ..Event::default()
        }
    }

    #[test]
    fn an_event_is_found_by_reason_type_and_message() {
        let events = vec![event("Normal", "Created", "created instance a", 1)];
        let matches = |matcher: HaveEvent| matcher.check(Some(&events)).is_ok();
        assert!(matches(have_event("Created")));
        assert!(matches(have_event("Created").of_type("Normal").saying("instance a")));
        assert!(!matches(have_event("Created").of_type("Warning")));
        assert!(!matches(have_event("Created").saying("instance b")));
        assert!(!matches(have_event("Create")));
    }

    #[test]
    fn events_that_are_counted_together_count_as_often_as_they_say() {
        let events = vec![event("Warning", "Failed", "no", 3), event("Warning", "Failed", "still no", 0)];
        assert_eq!(have_event("Failed").at_least(4).check(Some(&events)), Ok(()));
        let mismatch = have_event("Failed").at_least(5).check(Some(&events)).unwrap_err();
        assert_eq!(mismatch.why(), "it happened 4 times");
    }

    #[test]
    fn missing_field_owner_lists_the_others() {
        let events = vec![event("Warning", "Failed", "no capacity", 2)];
        let mismatch = have_event("Created").check(Some(&events)).unwrap_err();
        assert_eq!(mismatch.why(), "there is none: Warning Failed: no capacity (2 times)");
        assert_eq!(
            have_event("Created").check(None).unwrap_err().why(),
            "there is none: there are no Events"
        );
    }
}
