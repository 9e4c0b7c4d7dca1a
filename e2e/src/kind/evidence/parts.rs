//! Commands for a node's evidence, with their limits, and the parsing of their output.
//!
//! kind 0.33's layout: a folder for each node with `journal.log`, `kubelet.log`, `containerd.log`, `images.log`,
//! `kubernetes-version.txt`, `serial.log`, `inspect.json`, and of its `/var/log` the folders `pods` and `containers`.
//! It knows texts and commands only.

use std::path::{Component, Path};

use bollard::models::ContainerInspectResponse;
use jiff::Timestamp;
use serde_json::{Value, json};

/// The last part of a journal, a log or a console that is kept.
pub(super) const OF_ONE: usize = 4 << 20;

/// The last part of a container's log that is kept, and of how many containers: those that wrote last.
const OF_A_CONTAINER: usize = 128 << 10;
const CONTAINERS: usize = 60;

/// One file and the command whose output it is.
pub(super) struct NodeFile {
    pub(super) file: &'static str,
    pub(super) command: Vec<String>,
}

/// The files that a running node is asked for. What happened before `since` is another spec's.
pub(super) fn parts(since: Timestamp) -> Vec<NodeFile> {
    let part = |file, script: &str| NodeFile { file, command: shell(script, &[]) };
    let journal = |unit: &str| {
        let since = since.as_second();
        format!(
            "journalctl --no-pager --output=short-iso-precise --since=@{since} {unit} 2>&1 | tail --bytes={OF_ONE}"
        )
    };
    vec![
        part("kubernetes-version.txt", "cat /kind/version"),
        part("journal.log", &journal("")),
        part("kubelet.log", &journal("--unit=kubelet.service")),
        part("containerd.log", &journal("--unit=containerd.service")),
        // Not every node image has crictl, which kind's own has.
        part("images.log", "crictl images 2>/dev/null || ctr --namespace=k8s.io images ls"),
    ]
}

/// Prints what stands in `pods`, each file behind a line with a mark, and what the links in `containers` lead to.
const SCRIPT: &str = r#"cd /var/log || exit 0
find containers -type l -printf "\n$1 link %f %l\n" 2>/dev/null
find pods -type f ! -name "*.gz" -printf "%T@ %p\n" 2>/dev/null | sort -rn | head -n "$2" |
while read -r _ path; do printf '\n%s file %s\n' "$1" "$path"; tail --bytes="$3" "$path"; done"#;

/// The command that prints what containers logged, also before the spec began: the control plane's say little. No
/// line of theirs begins with the mark, which nobody can guess.
pub(super) fn logs(mark: &str) -> Vec<String> {
    shell(SCRIPT, &[mark, &CONTAINERS.to_string(), &OF_A_CONTAINER.to_string()])
}

fn shell(script: &str, arguments: &[&str]) -> Vec<String> {
    // A node that is busy with itself answers late; nobody waits for a command that was given up.
    let words = ["timeout", "--signal=KILL", "20", "sh", "-c", script, "evidence"];
    words.iter().chain(arguments).map(|word| (*word).to_owned()).collect()
}

/// Container logs: files by path, and links to some of them.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct CommandLog {
    /// `pods/NAMESPACE_POD_UID/CONTAINER/0.log`, and what it holds.
    pub(super) files: Vec<(String, String)>,
    /// `POD_NAMESPACE_CONTAINER-ID.log`, and the file that it stands for.
    pub(super) names: Vec<(String, String)>,
}

/// Reads what [`logs`] printed. What would lie outside of the node's folder is left out.
pub(super) fn read_logs(mark: &str, printed: &str) -> CommandLog {
    let mut logged = CommandLog::default();
    for piece in printed.split(&format!("\n{mark} ")).skip(1) {
        let (head, content) = piece.split_once('\n').unwrap_or((piece, ""));
        match head.split_once(' ') {
            Some(("file", path)) if is_below(path) => {
                logged.files.push((path.to_owned(), whole_lines(content, OF_A_CONTAINER)));
            }
            Some(("link", name)) => {
                let target = name
                    .split_once(' ')
                    .and_then(|(name, path)| Some((name, path.strip_prefix("/var/log/")?)));
                if let Some((name, path)) = target.filter(|(name, path)| is_below(name) && is_below(path)) {
                    logged.names.push((name.to_owned(), path.to_owned()));
                }
            }
            _ => {}
        }
    }
    logged.names.retain(|(_, path)| logged.files.iter().any(|(file, _)| file == path));
    logged
}

fn is_below(path: &str) -> bool {
    !path.is_empty() && Path::new(path).components().all(|part| matches!(part, Component::Normal(_)))
}

/// A text of which the last so many bytes were asked for: if that cut it, it begins with a whole line and says so.
pub(super) fn whole_lines(text: &str, asked: usize) -> String {
    if text.len() < asked {
        return text.to_owned();
    }
    // A byte more or less: what is no text stands as a sign of three bytes.
    let rest = text.split_once('\n').map_or(text, |(_, rest)| rest);
    format!("(the last {} kB; older lines were left out)\n{rest}", asked >> 10)
}

/// Output of `docker inspect` without the values of the environment and of the log driver's options:
/// passwords of proxies stand there, and tokens.
pub(super) fn inspected(container: &ContainerInspectResponse) -> String {
    let mut json = serde_json::to_value(container).expect("what came as JSON can be written as JSON");
    if let Some(variables) = json.pointer_mut("/Config/Env").and_then(Value::as_array_mut) {
        for variable in variables {
            let name = variable.as_str().and_then(|text| text.split_once('=')).map_or("", |(name, _)| name);
            *variable = format!("{name}=(masked)").into();
        }
    }
    if let Some(options) = json.pointer_mut("/HostConfig/LogConfig/Config").and_then(Value::as_object_mut) {
        options.values_mut().for_each(|value| *value = "(masked)".into());
    }
    serde_json::to_string_pretty(&json!([json])).expect("a JSON value can be written")
}

#[cfg(test)]
mod tests {
    use bollard::models::{ContainerConfig, HostConfig, HostConfigLogConfig};

    use super::*;

    #[test]
    fn a_node_is_asked_for_the_files_of_kind_s_layout_since_the_spec_s_start_and_within_bounds() {
        let since = "2026-01-01T00:00:00.7Z".parse().unwrap();
        let parts = parts(since);
        let files: Vec<_> = parts.iter().map(|part| part.file).collect();
        let layout = ["kubernetes-version.txt", "journal.log", "kubelet.log", "containerd.log", "images.log"];
        assert_eq!(files, layout);
        for part in &parts[1..4] {
            let script = &part.command[5];
            assert!(script.contains("--since=@1767225600 "), "{script}");
            assert!(script.ends_with("| tail --bytes=4194304"), "{script}");
            assert_eq!(part.command[..3], ["timeout", "--signal=KILL", "20"]);
        }
        assert!(parts[2].command[5].contains("--unit=kubelet.service"));
    }

    /// The script is run for real, in a folder that stands for the node's `/var/log`.
    fn printed(folder: &Path) -> String {
        let mut command = logs("mark-7");
        command[5] = command[5].replace("/var/log", &folder.display().to_string());
        let output = std::process::Command::new(&command[0]).args(&command[1..]).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    #[test]
    fn containers_logs_are_read_by_file_with_their_second_names_and_cut_to_their_end() {
        let folder = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| {
            let path = folder.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        write("pods/demo_web_1/app/0.log", "one\nmark-8 file x\ntwo\n");
        write("pods/demo_web_1/app/0.log.gz", "packed");
        write("pods/demo_db_2/main/0.log", &"0123456789\n".repeat(20_000));
        std::fs::create_dir_all(folder.path().join("containers")).unwrap();
        let link = |name: &str, target: &str| {
            std::os::unix::fs::symlink(target, folder.path().join("containers").join(name)).unwrap();
        };
        link("web_demo_app-aa.log", "/var/log/pods/demo_web_1/app/0.log");
        link("gone_demo_app-bb.log", "/var/log/pods/demo_gone_3/app/0.log");
        link("out.log", "/etc/passwd");
        let mut logged = read_logs("mark-7", &printed(folder.path()));
        logged.files.sort();
        assert_eq!(logged.files.len(), 2, "{:?}", logged.names);
        assert_eq!(logged.files[1], ("pods/demo_web_1/app/0.log".into(), "one\nmark-8 file x\ntwo\n".into()));
        let (long, text) = &logged.files[0];
        assert_eq!(long, "pods/demo_db_2/main/0.log");
        assert!(
            text.starts_with("(the last 128 kB; older lines were left out)\n0123456789\n"),
            "{}",
            &text[..80]
        );
        assert!(text.len() < OF_A_CONTAINER + 100);
        assert_eq!(logged.names, [("web_demo_app-aa.log".into(), "pods/demo_web_1/app/0.log".into())]);
    }

    #[test]
    fn a_path_that_leads_out_of_the_node_s_folder_is_left_out() {
        let printed = "\nm file ../../etc/x\nroot\n\nm file /etc/x\nroot\n\nm link ../y /var/log/pods/a\n";
        assert_eq!(read_logs("m", printed), CommandLog::default());
    }

    #[test]
    fn inspect_output_has_no_environment_values() {
        let config = ContainerConfig {
            env: Some(vec!["HTTP_PROXY=http://me:hunter2@proxy".into()]),
            ..Default::default()
        };
        let options = [("splunk-token".to_owned(), "hunter2".to_owned())].into();
        let log_config = HostConfigLogConfig { typ: Some("splunk".into()), config: Some(options) };
        let host_config = HostConfig { log_config: Some(log_config), ..Default::default() };
        let container = ContainerInspectResponse {
            name: Some("/x-worker".into()),
            config: Some(config),
            host_config: Some(host_config),
            ..Default::default()
        };
        let text = inspected(&container);
        assert!(text.starts_with('[') && text.contains("\"/x-worker\""), "{text}");
        assert!(text.contains("HTTP_PROXY=(masked)") && text.contains("splunk-token"), "{text}");
        assert!(!text.contains("hunter2"), "{text}");
    }
}
