//! Port numbers, named ports and protocols.

use serde_json::Value;

use crate::error::field::{FieldError, invalid_each};

use super::names::port_name;
use crate::error::path::Path;

/// Transport protocols of ports.
pub(crate) const PROTOCOLS: [&str; 3] = ["SCTP", "TCP", "UDP"];

/// The error of a port number outside 1–65535.
pub(crate) fn number(path: &Path, port: i64) -> Option<FieldError> {
    let wrong = !(1..=65535).contains(&port);
    wrong.then(|| FieldError::invalid(path, port.into(), "must be between 1 and 65535, inclusive"))
}

/// Errors of a port number, or of a container port's name.
pub(crate) fn number_or_name(path: &Path, port: &Value) -> Vec<FieldError> {
    match port {
        Value::String(name) => invalid_each(path, name, port_name(name)),
        other => number(path, other.as_i64().unwrap_or_default()).into_iter().collect(),
    }
}

/// The error of a protocol that is absent or not TCP, UDP or SCTP.
pub(crate) fn protocol(path: &Path, protocol: &str) -> Option<FieldError> {
    if protocol.is_empty() {
        Some(FieldError::required(path, ""))
    } else if PROTOCOLS.contains(&protocol) {
        None
    } else {
        Some(FieldError::not_supported(path, protocol.into(), &PROTOCOLS))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn port_is_a_number_in_range_or_a_service_name() {
        let path = Path::new("p");
        assert!(
            number_or_name(&path, &json!(80)).is_empty() && number_or_name(&path, &json!("http")).is_empty()
        );
        assert_eq!(
            number_or_name(&path, &json!(70000))[0].to_string(),
            "p: Invalid value: 70000: must be between 1 and 65535, inclusive"
        );
        assert_eq!(
            protocol(&path, "ICMP").map(|e| e.to_string()).as_deref(),
            Some("p: Unsupported value: \"ICMP\": supported values: \"SCTP\", \"TCP\", \"UDP\"")
        );
    }
}
