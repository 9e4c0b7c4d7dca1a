//! The audit policy of kube-apiserver: metadata of requests by service accounts outside `kube-system`.

/// The policy's content (`audit.k8s.io/v1`).
///
/// The control plane's own accounts ask all the time and are of no interest. Only metadata is kept: neither Secrets
/// nor tokens get into the log.
pub(crate) const POLICY: &str = "\
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
  - level: None
    userGroups: [\"system:serviceaccounts:kube-system\"]
  - level: Metadata
    userGroups: [\"system:serviceaccounts\"]
  - level: None
";

/// The flags of kube-apiserver that go with it. A request is in the log before it is answered.
pub(crate) fn flags(policy: &str, log: &str) -> [(&'static str, String); 3] {
    [
        ("audit-policy-file", policy.to_owned()),
        ("audit-log-path", log.to_owned()),
        ("audit-log-mode", "blocking-strict".to_owned()),
    ]
}
