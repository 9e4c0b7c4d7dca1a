//! Resolution of paths and methods (apiserver's `RequestInfo` resolver). It does not check that the resource exists.

use http::Method;

/// The target of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum RequestTarget {
    /// A path below `/api/v1/…` or `/apis/GROUP/VERSION/…`.
    Resource(ResourcePath),
    /// Any other path: discovery, `/openapi/v3`, `/version`, `/healthz` …
    Path(String),
}

/// The parts of a resource path.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ResourcePath {
    pub(crate) group: String,
    pub(crate) version: String,
    /// Empty for cluster-scoped paths and for lists over all namespaces.
    pub(crate) namespace: String,
    pub(crate) plural: String,
    pub(crate) name: String,
    pub(crate) subresource: String,
    /// Segments after the subresource (proxy paths); never served.
    pub(crate) rest: Vec<String>,
    /// True if the path has `namespaces/`, also without a name after it.
    pub(crate) in_namespace: bool,
    /// True for the deprecated `/watch/` prefix.
    pub(crate) watch_prefix: bool,
}

/// A verb of the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verb {
    Get,
    List,
    Watch,
    Create,
    Update,
    Patch,
    Delete,
    DeleteCollection,
}

impl Verb {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::List => "list",
            Self::Watch => "watch",
            Self::Create => "create",
            Self::Update => "update",
            Self::Patch => "patch",
            Self::Delete => "delete",
            Self::DeleteCollection => "deletecollection",
        }
    }
}

/// Parses a path. It is decoded before it is split: an encoded slash separates segments, as in Go's `URL.Path`.
pub(crate) fn parse(path: &str) -> RequestTarget {
    if path.starts_with("//") {
        return RequestTarget::Path(path.to_owned());
    }
    let decoded = percent_decode(path).unwrap_or_else(|| path.to_owned());
    let parts: Vec<&str> = decoded.trim_matches('/').split('/').collect();
    let (group, version, rest) = match parts.as_slice() {
        ["api", version, rest @ ..] if !rest.is_empty() => ("", *version, rest),
        ["apis", group, version, rest @ ..] if !rest.is_empty() => (*group, *version, rest),
        _ => return RequestTarget::Path(path.to_owned()),
    };
    let (watch_prefix, rest) = match rest {
        ["watch", rest @ ..] if !rest.is_empty() => (true, rest),
        rest => (false, rest),
    };
    let mut found = ResourcePath {
        group: group.into(),
        version: version.into(),
        watch_prefix,
        ..ResourcePath::default()
    };
    let rest = match rest {
        ["namespaces", namespace, rest @ ..] => {
            found.namespace = (*namespace).into();
            found.in_namespace = true;
            match rest {
                [] | ["status" | "finalize", ..] => {
                    found.plural = "namespaces".into();
                    found.name = (*namespace).into();
                    if let [subresource, more @ ..] = rest {
                        found.subresource = (*subresource).into();
                        found.rest = more.iter().map(|s| (*s).to_owned()).collect();
                    }
                    return RequestTarget::Resource(found);
                }
                rest => rest,
            }
        }
        rest => rest,
    };
    let mut rest = rest.iter().map(|s| (*s).to_owned());
    found.plural = rest.next().unwrap_or_default();
    found.name = rest.next().unwrap_or_default();
    found.subresource = rest.next().unwrap_or_default();
    found.rest = rest.collect();
    RequestTarget::Resource(found)
}

impl ResourcePath {
    /// The verb of a method on this path; `None` if the method is not allowed.
    pub(crate) fn verb(&self, method: &Method, watch: bool) -> Option<Verb> {
        let named = !self.name.is_empty();
        Some(match (method.as_str(), named) {
            ("GET" | "HEAD", _) if self.watch_prefix => Verb::Watch,
            ("GET" | "HEAD", true) => Verb::Get,
            ("GET" | "HEAD", false) if watch => Verb::Watch,
            ("GET" | "HEAD", false) => Verb::List,
            ("POST", false) => Verb::Create,
            ("POST", true) if !self.subresource.is_empty() => Verb::Create,
            ("PUT", true) => Verb::Update,
            ("PATCH", true) => Verb::Patch,
            ("DELETE", true) => Verb::Delete,
            ("DELETE", false) => Verb::DeleteCollection,
            _ => return None,
        })
    }
}

/// Decodes `%2F` and other escapes; `None` for a malformed escape or for bytes that are not UTF-8.
pub(crate) fn percent_decode(text: &str) -> Option<String> {
    String::from_utf8(percent_decoded_bytes(text)?).ok()
}

/// The same, with replacement characters for bytes that are not UTF-8.
pub(crate) fn percent_decode_lossy(text: &str) -> Option<String> {
    percent_decoded_bytes(text).map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}

fn percent_decoded_bytes(text: &str) -> Option<Vec<u8>> {
    if !text.contains('%') {
        return Some(text.as_bytes().to_vec());
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        if *first == b'%' {
            let [high, low, tail @ ..] = tail else { return None };
            let digit = |b: u8| char::from(b).to_digit(16).and_then(|d| u8::try_from(d).ok());
            bytes.push(digit(*high)? * 16 + digit(*low)?);
            rest = tail;
        } else {
            bytes.push(*first);
            rest = tail;
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resource(path: &str) -> ResourcePath {
        match parse(path) {
            RequestTarget::Resource(found) => found,
            RequestTarget::Path(path) => panic!("{path} is a resource path"),
        }
    }

    #[test]
    fn namespaced_path_has_namespace_resource_name_and_subresource() {
        let found = resource("/apis/apps/v1/namespaces/prod/deployments/web/status");
        let expected = ResourcePath {
            group: "apps".into(),
            version: "v1".into(),
            namespace: "prod".into(),
            plural: "deployments".into(),
            name: "web".into(),
            subresource: "status".into(),
            in_namespace: true,
            ..ResourcePath::default()
        };
        assert_eq!(found, expected);
    }

    #[test]
    fn namespace_is_in_its_own_namespace() {
        for (path, subresource) in [
            ("/api/v1/namespaces/prod", ""),
            ("/api/v1/namespaces/prod/status", "status"),
            ("/api/v1/namespaces/prod/finalize", "finalize"),
        ] {
            let found = resource(path);
            assert_eq!((found.plural.as_str(), found.name.as_str()), ("namespaces", "prod"));
            assert_eq!(found.subresource, subresource);
        }
    }

    #[test]
    fn list_over_all_namespaces_has_no_namespace_and_name() {
        let found = resource("/api/v1/pods");
        assert_eq!((found.plural.as_str(), found.namespace.as_str(), found.name.as_str()), ("pods", "", ""));
    }

    #[test]
    fn discovery_path_is_not_a_resource() {
        for path in ["/api", "/api/v1", "/apis", "/apis/apps", "/apis/apps/v1", "/version", "/"] {
            assert_eq!(parse(path), RequestTarget::Path(path.to_owned()));
        }
    }

    #[test]
    fn malformed_escape_is_not_decoded() {
        assert_eq!(resource("/api/v1/namespaces/a/pods/%zz").name, "%zz");
        assert_eq!(resource("/api/v1/namespaces/a/pods/a%20b").name, "a b");
    }

    #[test]
    fn encoded_slash_separates_segments() {
        let found = resource("/api/v1/namespaces/a/pods/a%2Fb");
        assert_eq!((found.name.as_str(), found.subresource.as_str()), ("a", "b"));
    }
}
