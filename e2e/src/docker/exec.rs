//! Commands in containers: input, output and exit code.
//!
//! Writing the input and reading the output run at the same time: a command that does both would wait for ever
//! otherwise. It does not know what containers are for.

use bollard::Docker;
use bollard::container::LogOutput;
use bollard::exec::{CreateExecOptions, StartExecResults};
use bytes::Bytes;
use futures::{Stream, StreamExt as _, TryStreamExt as _};
use tokio::io::AsyncWriteExt as _;

use super::errors::reason;

/// Result of a command in a container.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Output {
    /// Its exit status: 126 and 127 also where it could not be started.
    pub code: i64,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

/// A command whose end is not known: Docker refused it, or what it was to read broke off.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{doing} failed: {reason}")]
pub(crate) struct ExecError {
    /// The operation that failed.
    pub(crate) doing: String,
    /// The cause.
    pub(crate) reason: String,
}

impl Output {
    /// Its complaint: what it wrote to standard error, or else to standard output.
    pub(crate) fn words(&self) -> String {
        let words = if self.stderr.trim().is_empty() { &self.stdout } else { &self.stderr };
        words.trim().to_owned()
    }
}

/// Runs a command with an input, and waits for its end.
pub(crate) async fn exec(
    docker: &Docker,
    container: &str,
    command: &[&str],
    mut input: impl Stream<Item = std::io::Result<Bytes>> + Unpin,
) -> Result<Output, ExecError> {
    let broken =
        |reason| ExecError { doing: format!("running `{}` in {container}", command.join(" ")), reason };
    let docker_s = |error: bollard::errors::Error| broken(reason(&error));
    let options = CreateExecOptions {
        attach_stdin: Some(true),
        attach_stdout: Some(true),
        attach_stderr: Some(true),
        cmd: Some(command.to_vec()),
        ..CreateExecOptions::default()
    };
    let exec = docker.create_exec(container, options).await.map_err(docker_s)?;
    let started = docker.start_exec(&exec.id, None).await.map_err(docker_s)?;
    let StartExecResults::Attached { mut output, input: mut pipe } = started else {
        unreachable!("a command is only detached on request");
    };
    let write = async {
        let mut broke_off = Ok(());
        while let Some(bytes) = input.next().await {
            match bytes {
                // A command that ends before its input does says why by its status.
                Ok(bytes) if pipe.write_all(&bytes).await.is_ok() => {}
                Ok(_) => break,
                Err(error) => {
                    broke_off = Err(broken(format!("its input broke off: {error}")));
                    break;
                }
            }
        }
        let _ended_already = pipe.shutdown().await;
        broke_off
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
    let (written, read) = futures::join!(write, read);
    let (stdout, stderr) = read.map_err(docker_s)?;
    written?;
    let ended = docker.inspect_exec(&exec.id).await.map_err(docker_s)?;
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    Ok(Output { code: ended.exit_code.unwrap_or(-1), stdout: text(stdout), stderr: text(stderr) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_s_complaint_is_on_standard_error_or_else_on_standard_output() {
        let output =
            |stdout: &str, stderr: &str| Output { code: 1, stdout: stdout.into(), stderr: stderr.into() };
        assert_eq!(output("a table", "no such table\n").words(), "no such table");
        assert_eq!(output("no such table\n", " \n").words(), "no such table");
    }
}
