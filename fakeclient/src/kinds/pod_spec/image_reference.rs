//! References of container images, as `distribution/reference` parses and normalises them.

use std::sync::LazyLock;

use regex::Regex;

/// Host and port.
static DOMAIN: LazyLock<Regex> = LazyLock::new(|| {
    let label = "(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])";
    Regex::new(&format!(r"^{label}(?:\.{label})*(?::[0-9]+)?$")).expect("a valid expression")
});

/// Path, tag and digest.
static REMAINDER: LazyLock<Regex> = LazyLock::new(|| {
    let part = "[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*";
    let digest = "[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}";
    let whole = format!(
        r"^{part}(?:/{part})*(?::(?<tag>[0-9A-Za-z_][0-9A-Za-z_.-]{{0,127}}))?(?<digest>@{digest})?$"
    );
    Regex::new(&whole).expect("a valid expression")
});

/// The tag of a reference; `latest` without tag and digest, `None` with a digest only or if it is malformed.
pub(super) fn tag(image: &str) -> Option<String> {
    // 64 hexadecimal digits are the identifier of an image, not its name.
    if image.len() == 64 && image.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)) {
        return None;
    }
    let host = image.split_once('/').filter(|(host, _)| {
        host.contains(['.', ':']) || *host == "localhost" || host.bytes().any(|b| b.is_ascii_uppercase())
    });
    let remainder = match host {
        Some((host, remainder)) if DOMAIN.is_match(host) => remainder,
        Some(_) => return None,
        None => image,
    };
    let parts = REMAINDER.captures(remainder)?;
    match parts.name("tag") {
        Some(tag) => Some(tag.as_str().to_owned()),
        None if parts.name("digest").is_some() => None,
        None => Some("latest".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tag_is_latest_without_tag_and_digest() {
        let digest = format!("a@sha256:{}", "0".repeat(64));
        for (image, expected) in [
            ("nginx", Some("latest")),
            ("nginx:1.29", Some("1.29")),
            ("localhost:5000/nginx", Some("latest")),
            ("HOST.example.com/a:1", Some("1")),
            (digest.as_str(), None),
            ("ko://example.com/x", None),
            ("example.com:port/a", None),
            ("a___b", None),
            ("UPPER", None),
            ("", None),
        ] {
            assert_eq!(tag(image).as_deref(), expected, "{image}");
        }
    }
}
