//! The second round of mutating admission, after a webhook has changed the object (KEP-492).

use std::collections::BTreeSet;

use serde_json::Value;

/// Which webhooks are called again. One value for both rounds of a write.
#[derive(Debug, Default)]
pub(crate) struct Reinvocation {
    /// True in the second round.
    second: bool,
    changed: bool,
    /// Webhooks with `reinvocationPolicy: IfNeeded` that were called since the last change.
    called: BTreeSet<String>,
    again: BTreeSet<String>,
    last_output: Option<Value>,
}

impl Reinvocation {
    /// True if a second round is due.
    pub(crate) fn is_due(&self) -> bool {
        self.changed
    }

    /// Begins the second round.
    pub(crate) fn begin_second(&mut self) {
        self.second = true;
    }

    /// Begins the webhooks' turn: all are called again if other plugins have changed the object since.
    pub(crate) fn begin_webhooks(&mut self, object: &Value) {
        if self.second && self.last_output.as_ref().is_some_and(|last| last != object) {
            self.again.append(&mut self.called);
        }
    }

    /// Ends the webhooks' turn.
    pub(crate) fn end_webhooks(&mut self, object: &Value) {
        self.last_output = Some(object.clone());
    }

    /// True if the webhook is not called in this round.
    pub(crate) fn skips(&self, webhook: &str) -> bool {
        self.second && !self.again.contains(webhook)
    }

    /// Notes a call.
    pub(crate) fn called(&mut self, webhook: &str, changed: bool, if_needed: bool) {
        if changed {
            self.again.append(&mut self.called);
            self.changed = true;
        }
        if if_needed {
            self.called.insert(webhook.to_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn webhooks_called_before_a_change_are_called_again() {
        let mut rounds = Reinvocation::default();
        rounds.begin_webhooks(&json!({}));
        rounds.called("first", false, true);
        rounds.called("stubborn", false, false);
        rounds.called("changing", true, true);
        rounds.end_webhooks(&json!({"a": 1}));
        assert!(rounds.is_due());
        rounds.begin_second();
        rounds.begin_webhooks(&json!({"a": 1}));
        assert!(!rounds.skips("first"));
        assert!(rounds.skips("stubborn") && rounds.skips("changing"));
    }

    #[test]
    fn other_plugins_change_calls_every_willing_webhook_again() {
        let mut rounds = Reinvocation::default();
        rounds.called("changing", true, true);
        rounds.end_webhooks(&json!({"a": 1}));
        rounds.begin_second();
        rounds.begin_webhooks(&json!({"a": 1, "defaulted": true}));
        assert!(!rounds.skips("changing"));
    }
}
