//! Protobuf wire format: numbered fields with a varint, a fixed-size number or bytes.

use serde_json::Value;

/// Failure to decode protobuf.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ProtobufError {
    #[error("provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]")]
    Magic,
    #[error("unexpected EOF")]
    End,
    #[error("proto: illegal wireType {0}")]
    Wire(u8),
    /// The message of a kind is malformed, or the kind is unknown.
    #[error("{why}")]
    Within { api_version: String, kind: String, why: String },
    #[error("proto: wrong wireType = {wire} for field {field}")]
    Type { wire: u8, field: String },
    #[error("{0} is not written as its type says")]
    Content(String),
}

pub(super) type Result<T> = std::result::Result<T, ProtobufError>;

/// The value of a field on the wire.
#[derive(Clone, Copy, Debug)]
pub(super) enum WireValue<'a> {
    Varint(u64),
    Fixed(u64),
    Bytes(&'a [u8]),
}

impl WireValue<'_> {
    pub(super) fn wire(self) -> u8 {
        match self {
            Self::Varint(_) => 0,
            Self::Fixed(_) => 1,
            Self::Bytes(_) => 2,
        }
    }
}

/// The fields of a message in wire order.
pub(super) struct MessageFields<'a>(pub(super) Vec<(u32, WireValue<'a>)>);

pub(super) fn parts(mut bytes: &[u8]) -> Result<MessageFields<'_>> {
    let mut parts = Vec::new();
    while !bytes.is_empty() {
        let tag = varint(&mut bytes)?;
        let number = u32::try_from(tag >> 3).map_err(|_| ProtobufError::End)?;
        let part = match tag & 7 {
            0 => WireValue::Varint(varint(&mut bytes)?),
            1 => WireValue::Fixed(u64::from_le_bytes(fixed(&mut bytes)?)),
            2 => {
                let length = usize::try_from(varint(&mut bytes)?).map_err(|_| ProtobufError::End)?;
                WireValue::Bytes(take(&mut bytes, length)?)
            }
            5 => WireValue::Fixed(u32::from_le_bytes(fixed(&mut bytes)?).into()),
            #[expect(clippy::cast_possible_truncation, reason = "three bits were left")]
            wire => return Err(ProtobufError::Wire(wire as u8)),
        };
        parts.push((number, part));
    }
    Ok(MessageFields(parts))
}

fn take<'a>(bytes: &mut &'a [u8], length: usize) -> Result<&'a [u8]> {
    let (taken, rest) = bytes.split_at_checked(length).ok_or(ProtobufError::End)?;
    *bytes = rest;
    Ok(taken)
}

fn fixed<const N: usize>(bytes: &mut &[u8]) -> Result<[u8; N]> {
    Ok(take(bytes, N)?.try_into().expect("as many bytes were taken"))
}

fn varint(bytes: &mut &[u8]) -> Result<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let [byte] = fixed(bytes)?;
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Ok(value);
        }
    }
    Err(ProtobufError::End)
}

impl<'a> MessageFields<'a> {
    /// The last value of a field, which has precedence over earlier ones.
    pub(super) fn last(&self, number: u32) -> Option<WireValue<'a>> {
        self.0.iter().rev().find(|(found, _)| *found == number).map(|(_, part)| *part)
    }

    pub(super) fn bytes(&self, number: u32) -> &'a [u8] {
        match self.last(number) {
            Some(WireValue::Bytes(bytes)) => bytes,
            _ => &[],
        }
    }

    pub(super) fn text(&self, number: u32) -> String {
        text(self.bytes(number))
    }

    /// All values of a repeated field.
    pub(super) fn all(&self, number: u32) -> impl Iterator<Item = &'a [u8]> {
        self.0.iter().filter_map(move |(found, part)| match part {
            WireValue::Bytes(bytes) if *found == number => Some(*bytes),
            _ => None,
        })
    }

    pub(super) fn texts(&self, number: u32) -> Value {
        Value::Array(self.all(number).map(|bytes| text(bytes).into()).collect())
    }

    pub(super) fn int(&self, number: u32) -> i64 {
        match self.last(number) {
            Some(WireValue::Varint(value)) => value.cast_signed(),
            _ => 0,
        }
    }
}

/// A string. As in Go, invalid UTF-8 becomes U+FFFD.
pub(super) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
