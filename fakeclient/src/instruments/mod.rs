//! Time, identity and faults: the only places where the fake is not a function of its input.

pub(crate) mod clock;
pub(crate) mod faults;
pub(crate) mod ids;
pub(crate) mod journal;
