//! Normalization of kubectl's output: uids, times, addresses, revisions and runs of spaces.

/// A text without what is different from run to run.
pub(super) fn normalise(text: &str) -> String {
    let lines = text.lines().map(|line| {
        // kubectl diff compares files in temporary folders.
        if ["diff -u", "--- /", "+++ /"].iter().any(|head| line.starts_with(head)) {
            return "DIFF".to_owned();
        }
        let mut words: Vec<String> = Vec::new();
        let mut wide = line.starts_with(' ');
        for word in line.split(' ') {
            if word.is_empty() {
                wide = true;
                continue;
            }
            words.push(if wide && !words.is_empty() { format!(" {}", token(word)) } else { token(word) });
            wide = false;
        }
        let line = words.join(" ");
        after(&line, "resourceVersion: ").or_else(|| after(&line, "Resource Version:")).unwrap_or(line)
    });
    lines.map(|line| day(&line)).collect::<Vec<_>>().join("\n")
}

/// The line up to the label, if it is there.
fn after(line: &str, label: &str) -> Option<String> {
    let at = line.find(label)?;
    Some(format!("{}REVISION", &line[..at + label.len()]))
}

/// A line with a date such as `Mon, 02 Jan 2026 15:04:05 +0000` behind its label.
fn day(line: &str) -> String {
    let days = ["Mon, ", "Tue, ", "Wed, ", "Thu, ", "Fri, ", "Sat, ", "Sun, "];
    match days.iter().find_map(|day| line.find(day)) {
        Some(at) => format!("{}DATE", &line[..at]),
        None => line.to_owned(),
    }
}

fn token(word: &str) -> String {
    let inner = word.trim_matches(['"', ',', '\'', '(', ')']);
    let replaced = if is_uid(inner) {
        "UID"
    } else if is_time(inner) {
        "TIME"
    } else if is_age(inner) {
        "AGE"
    } else if inner.parse::<std::net::Ipv4Addr>().is_ok() {
        "ADDRESS"
    } else {
        return host(word);
    };
    word.replace(inner, replaced)
}

fn is_uid(word: &str) -> bool {
    let lengths: Vec<usize> = word.split('-').map(str::len).collect();
    lengths == [8, 4, 4, 4, 12] && word.chars().all(|c| c.is_ascii_hexdigit() || c == '-')
}

fn is_time(word: &str) -> bool {
    word.len() == 20 && word.ends_with('Z') && word.as_bytes()[10] == b'T'
}

/// `5s`, `2m10s`, `3d`.
fn is_age(word: &str) -> bool {
    word.starts_with(|c: char| c.is_ascii_digit())
        && word.ends_with(['s', 'm', 'h', 'd'])
        && word.chars().all(|c| c.is_ascii_digit() || "smhd".contains(c))
}

/// `127.0.0.1:6443` anywhere in a word.
fn host(word: &str) -> String {
    let Some(at) = word.find("127.0.0.1:") else { return word.to_owned() };
    let rest = word[at + "127.0.0.1:".len()..].trim_start_matches(|c: char| c.is_ascii_digit());
    format!("{}HOST{rest}", &word[..at])
}

#[cfg(test)]
mod tests {
    use super::normalise;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        assert_eq!(normalise(text), expected);
    }

    #[test]
    fn only_values_that_differ_between_runs_are_replaced() {
        check("  uid: 0c5fb2d9-b420-42a5-be92-2cd5d4ad6c0d", "uid: UID");
        check("creationTimestamp: \"2026-11-22T19:17:58Z\"", "creationTimestamp: \"TIME\"");
        check("  resourceVersion: \"17\"", "resourceVersion: REVISION");
        check("web   0/2   2    0    2m10s", "web  0/2  2  0  AGE");
        check("front ClusterIP 10.0.0.7 80/TCP", "front ClusterIP ADDRESS 80/TCP");
        check("at https://127.0.0.1:4711/api", "at https://HOST/api");
        check("Start: Mon, 02 Jan 2026 15:04:05 +0000", "Start: DATE");
        check("data: 3", "data: 3");
    }
}
