//! One command in a container: its input, its output, how it ended.
//!
//! Writing the input and reading the output run at the same time: a command that does both would wait for ever
//! otherwise. It knows no clusters.

use bollard::Docker;
use bollard::container::LogOutput;
use bollard::exec::{CreateExecOptions, StartExecResults};
use bytes::Bytes;
use futures::{Stream, StreamExt as _, TryStreamExt as _};
use tokio::io::AsyncWriteExt as _;

use super::error::KindError;

/// How a command in a node ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Output {
    /// Its exit status: 126 and 127 also where it could not be started.
    pub code: i64,
    /// What it wrote to standard output.
    pub stdout: String,
    /// What it wrote to standard error.
    pub stderr: String,
}

impl Output {
    /// Its complaint: what it wrote to standard error, or else to standard output.
    pub(super) fn words(&self) -> String {
        let words = if self.stderr.trim().is_empty() { &self.stdout } else { &self.stderr };
        words.trim().to_owned()
    }
}

/// Runs a command and waits for its end.
pub(super) async fn exec(docker: &Docker, container: &str, command: &[&str]) -> Result<Output, KindError> {
    exec_with(docker, container, command, futures::stream::empty()).await
}

/// The same for a command that must succeed.
pub(super) async fn exec_well(
    docker: &Docker,
    container: &str,
    command: &[&str],
) -> Result<Output, KindError> {
    well(container, command, exec(docker, container, command).await?)
}

/// Turns a status other than 0 into an error.
pub(super) fn well(container: &str, command: &[&str], output: Output) -> Result<Output, KindError> {
    if output.code == 0 {
        return Ok(output);
    }
    let reason = output.words();
    if super::error::is_disk_full(&reason) {
        return Err(KindError::DiskFull { doing: format!("a command in {container}"), reason });
    }
    Err(KindError::Command {
        node: container.to_owned(),
        command: command.join(" "),
        code: output.code,
        reason,
    })
}

/// Runs a command with an input, and waits for its end.
pub(super) async fn exec_with(
    docker: &Docker,
    container: &str,
    command: &[&str],
    mut input: impl Stream<Item = Bytes> + Unpin,
) -> Result<Output, KindError> {
    let doing = || format!("running `{}` in {container}", command.join(" "));
    let options = CreateExecOptions {
        attach_stdin: Some(true),
        attach_stdout: Some(true),
        attach_stderr: Some(true),
        cmd: Some(command.to_vec()),
        ..CreateExecOptions::default()
    };
    let exec = docker.create_exec(container, options).await.map_err(KindError::docker(doing()))?;
    let started = docker.start_exec(&exec.id, None).await.map_err(KindError::docker(doing()))?;
    let StartExecResults::Attached { mut output, input: mut pipe } = started else {
        unreachable!("a command is only detached on request");
    };
    let write = async {
        while let Some(bytes) = input.next().await {
            // A command that ends before its input does says why with its status.
            if pipe.write_all(&bytes).await.is_err() {
                break;
            }
        }
        let _ended_already = pipe.shutdown().await;
    };
    let read = async {
        let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
        while let Some(part) = output.try_next().await? {
            match part {
                LogOutput::StdErr { message } => stderr.extend_from_slice(&message),
                LogOutput::StdOut { message } | LogOutput::Console { message } => {
                    stdout.extend_from_slice(&message);
                }
                LogOutput::StdIn { .. } => {}
            }
        }
        Ok((stdout, stderr))
    };
    let ((), read) = futures::join!(write, read);
    let (stdout, stderr) = read.map_err(KindError::docker(doing()))?;
    let ended = docker.inspect_exec(&exec.id).await.map_err(KindError::docker(doing()))?;
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    Ok(Output { code: ended.exit_code.unwrap_or(-1), stdout: text(stdout), stderr: text(stderr) })
}
