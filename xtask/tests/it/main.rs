//! The commands as people run them, as processes of their own.

mod ended;
mod hang_up;
mod serve;
