//! Known causes of failure in the logs of etcd 3.7 and Kubernetes 1.34 to 1.37.

use std::{fmt, fs, path::Path};

/// The number of last lines in a failure.
const TAIL_LINES: usize = 12;

/// The maximum length of a line, in characters. Some of Kubernetes' lines have whole objects.
const MAX_LINE_LENGTH: usize = 300;

/// A known cause of failure, found in a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownCause {
    /// A short description.
    pub reason: &'static str,
    /// The advice for the user.
    pub next_step: &'static str,
    /// The line of the log.
    pub quote: String,
}

impl KnownCause {
    /// True if a retry with another port may succeed.
    pub(crate) fn is_port_in_use(&self) -> bool {
        self.reason == PORT_IN_USE
    }
}

impl fmt::Display for KnownCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.reason, self.quote)
    }
}

const PORT_IN_USE: &str = "its port is taken";

/// (text in the log, reason, next step), the most specific first.
const KNOWN_CAUSES: &[(&str, &str, &str)] = &[
    ("address already in use", PORT_IN_USE, "start again: another port is chosen"),
    (
        "unknown flag",
        "it does not know a flag",
        "check the flags given to the builder against this version's --help",
    ),
    (
        "flag provided but not defined",
        "it does not know a flag",
        "check the flags given to the builder against this version's --help",
    ),
    ("invalid argument", "a flag's value is refused", "check the values given to the builder"),
    (
        "unrecognized feature gate",
        "it does not know a feature gate",
        "check the feature gates of this version",
    ),
    (
        "is not in the list of known controllers",
        "it does not know a name",
        "check the controllers' names against this version's --help (--controllers)",
    ),
    ("unknown plugin", "it does not know an admission plugin", "check the plugin's name for this version"),
    ("is unknown", "it does not know a name", "check the names given to the builder for this version"),
    ("no space left on device", "the disk is full", "free some space, or point TMPDIR at a larger disk"),
    ("too many open files", "the limit of open files is reached", "raise it: `ulimit -n 65536`"),
    ("inotify instances", "the limit of inotify instances is reached", "raise fs.inotify.max_user_instances"),
    (
        "unable to find suitable network address",
        "it finds no address to advertise",
        "give one: .apiserver_arg(\"advertise-address\", …)",
    ),
    (
        "permission denied",
        "a file or address is refused to it",
        "check the owner and mode of the path it names",
    ),
    (
        "etcd grpc connection not ready",
        "it cannot reach etcd",
        "look at etcd's log; a flag given with .etcd_arg or .apiserver_arg may have moved it",
    ),
    (
        "error creating storage factory",
        "it cannot reach etcd",
        "look at etcd's log; a flag given with .etcd_arg or .apiserver_arg may have moved it",
    ),
    ("panic:", "it crashed", "look at its log; a bug of this version?"),
];

/// The last lines of a log, and the known cause if there is one.
pub(crate) fn read(log: &Path) -> (Vec<String>, Option<KnownCause>) {
    let text = fs::read(log).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    // All lines are searched, since 400 lines of usage follow the error of an unknown flag.
    let cause = KNOWN_CAUSES.iter().find_map(|(words, reason, next_step)| {
        let line = lines.iter().rev().find(|line| line.contains(words) && may_be_error(line))?;
        Some(KnownCause { reason, next_step, quote: truncate(line) })
    });
    let tail = lines.iter().skip(lines.len().saturating_sub(TAIL_LINES)).map(|line| truncate(line)).collect();
    (tail, cause)
}

/// False for lines of klog and zap with level info or warning.
fn may_be_error(line: &str) -> bool {
    let klog_info = (line.starts_with('I') || line.starts_with('W'))
        && line.as_bytes().get(1..5).is_some_and(|date| date.iter().all(u8::is_ascii_digit));
    !klog_info && !line.contains("\"level\":\"info\"") && !line.contains("\"level\":\"warn\"")
}

fn truncate(line: &str) -> String {
    match line.char_indices().nth(MAX_LINE_LENGTH) {
        Some((at, _)) => format!("{}…", &line[..at]),
        None => line.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn cause_of(text: &str) -> Option<KnownCause> {
        let dir = tempfile::tempdir().unwrap();
        let log = dir.path().join("log");
        fs::write(&log, text).unwrap();
        read(&log).1
    }

    #[rstest]
    #[case("Error: unknown flag: --no-such\n\nUsage: …", "it does not know a flag")]
    #[case(
        "E1122 17:41:58.895941   22611 run.go:72] \"command failed\" err=\"failed to create listener: failed to listen \
         on 127.0.0.1:6443: listen tcp 127.0.0.1:6443: bind: address already in use\"",
        PORT_IN_USE
    )]
    #[case(
        "E1122 17:44:07.897184   23077 run.go:72] \"command failed\" err=\"error creating storage factory: etcd grpc \
         connection not ready: context deadline exceeded\"",
        "it cannot reach etcd"
    )]
    #[case(
        "{\"level\":\"fatal\",\"msg\":\"discovery failed\",\"error\":\"listen tcp: bind: address already in use\"}",
        PORT_IN_USE
    )]
    fn a_known_error_has_a_reason(#[case] text: &str, #[case] reason: &str) {
        assert_eq!(cause_of(text).unwrap().reason, reason);
    }

    #[rstest]
    #[case("I1122 17:43:47.794250   23077 options.go:261] the name is unknown, using another")]
    #[case("{\"level\":\"warn\",\"msg\":\"address already in use by nobody\"}")]
    #[case("")]
    fn a_line_of_level_info_is_no_cause(#[case] text: &str) {
        assert_eq!(cause_of(text), None);
    }

    #[test]
    fn the_last_lines_are_kept_and_truncated() {
        let dir = tempfile::tempdir().unwrap();
        let log = dir.path().join("log");
        let text: Vec<String> = (0..100).map(|n| format!("{n} {}", "ü".repeat(400))).collect();
        fs::write(&log, text.join("\n")).unwrap();
        let (tail, _) = read(&log);
        assert_eq!(tail.len(), TAIL_LINES);
        assert!(tail.last().unwrap().starts_with("99 ") && tail.last().unwrap().ends_with('…'));
    }
}
