//! The operator as people run it: a Pod of its own image, deployed from its bundle, under its own account.

use std::time::Duration;

use seatrial_e2e::{Cx, SpecResult};

/// An operator in a Pod.
pub(crate) struct Operator;

pub(crate) async fn start(_cx: &Cx) -> SpecResult<Operator> {
    Ok(Operator)
}
pub(crate) async fn live(_cx: &Cx, _life: Duration) -> SpecResult {
    Ok(())
}
impl Operator {
    pub(crate) async fn kill(self, _cx: &Cx) -> SpecResult {
        Ok(())
    }
    pub(crate) async fn stop(self, _cx: &Cx) -> SpecResult {
        Ok(())
    }
}
