//! Decoding of Kubernetes' protobuf encoding.

mod reader;

mod message;
mod special;
mod wire;

pub(crate) use message::{Message, Messages};
#[cfg(test)]
pub(crate) use reader::is_special;
pub(crate) use reader::object;
pub(crate) use wire::ProtobufError;
