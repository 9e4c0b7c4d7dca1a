//! Statically linked programs of the workspace, built by cargo without an extra target.
//!
//! What goes into an image is somebody else's business; here a program comes out, or the reason why not.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

use crate::deploy::cargo::cargo;
use crate::deploy::elf::dynamic_loader;

/// A binary of a package of the workspace that cargo is called in.
#[derive(Clone, Debug)]
pub struct Program {
    package: String,
    binary: String,
    profile: String,
}

/// Error of building a program.
#[derive(Debug, thiserror::Error)]
pub enum ProgramError {
    /// A tool could not be started.
    #[error("failed to start {tool} ({source}); install Rust's toolchain, or set CARGO to its cargo")]
    Start {
        /// The tool.
        tool: String,
        /// Why.
        source: io::Error,
    },
    /// A tool failed.
    #[error("failed to build {binary} as a static program: {tool} ended with {status}:\n{output}")]
    Failed {
        /// The program.
        binary: String,
        /// The tool that failed.
        tool: String,
        /// How.
        status: String,
        /// Its last output.
        output: String,
    },
    /// Cargo built something else.
    #[error(
        "failed to build {binary} as a static program: cargo built no program of this name in {package}; check the names"
    )]
    Missing {
        /// The program.
        binary: String,
        /// The expected path.
        package: String,
    },
    /// The program cannot be read, or needs what an image does not have.
    #[error("failed to use {path} as a static program: {reason}")]
    Unfit {
        /// The program.
        path: PathBuf,
        /// Why.
        reason: String,
    },
}

impl Program {
    /// The binary `binary` of the package `package`, in cargo's profile `dev`.
    pub fn new(package: impl Into<String>, binary: impl Into<String>) -> Self {
        Self { package: package.into(), binary: binary.into(), profile: "dev".into() }
    }

    /// Another profile of cargo's.
    #[must_use]
    pub fn profile(mut self, profile: impl Into<String>) -> Self {
        self.profile = profile.into();
        self
    }

    /// Builds it, which does nothing if it is up to date, and says where it is.
    ///
    /// Blocks for as long as cargo takes. Only what is wrong goes to standard error.
    pub fn build(&self) -> Result<PathBuf, ProgramError> {
        let mut command = self.command()?;
        command.args(["--quiet", "--message-format=json-render-diagnostics"]);
        let messages = self.run("cargo", command.stderr(Stdio::inherit()))?;
        let path = self.executable(&messages)?;
        check(path)
    }

    /// The command that builds it, for who wants to see how far cargo is; [`Program::build`] then finds nothing to do.
    pub fn command(&self) -> Result<Command, ProgramError> {
        let target = self.host()?;
        let mut command = cargo();
        // With a target named, the flags are for the program alone: build scripts and macros are libraries that rustc
        // loads, and cannot be static.
        command.args(["build", "--target", &target, "--package", &self.package, "--bin", &self.binary]);
        command.args(["--profile", &self.profile]);
        command.env_remove("RUSTFLAGS").env("CARGO_ENCODED_RUSTFLAGS", flags());
        Ok(command)
    }

    /// The target that the toolchain at hand builds for by itself.
    fn host(&self) -> Result<String, ProgramError> {
        let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
        let said = self.run("rustc", Command::new(rustc).arg("-vV"))?;
        let host = said.lines().find_map(|line| line.strip_prefix("host: ")).map(str::to_owned);
        host.ok_or_else(|| self.failed("rustc", "no line `host: …`".into(), &said))
    }

    fn run(&self, tool: &str, command: &mut Command) -> Result<String, ProgramError> {
        let started = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn();
        let ended = started.and_then(std::process::Child::wait_with_output);
        let Output { status, stdout, .. } =
            ended.map_err(|source| ProgramError::Start { tool: tool.into(), source })?;
        let said = String::from_utf8_lossy(&stdout).into_owned();
        if status.success() { Ok(said) } else { Err(self.failed(tool, status.to_string(), &said)) }
    }

    fn failed(&self, tool: &str, status: String, said: &str) -> ProgramError {
        let lines: Vec<_> = said.lines().filter(|line| !line.starts_with('{')).collect();
        let output = lines[lines.len().saturating_sub(20)..].join("\n");
        ProgramError::Failed { binary: self.binary.clone(), tool: tool.into(), status, output }
    }

    /// The program among cargo's messages.
    fn executable(&self, messages: &str) -> Result<PathBuf, ProgramError> {
        let built = messages.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let mut built = built.filter(|message| message["target"]["name"] == self.binary.as_str());
        let path = built.find_map(|message| message["executable"].as_str().map(PathBuf::from));
        path.ok_or_else(|| ProgramError::Missing {
            binary: self.binary.clone(),
            package: self.package.clone(),
        })
    }
}

/// Gives the program back if it can run where there is nothing else.
fn check(path: PathBuf) -> Result<PathBuf, ProgramError> {
    let unfit = |reason: String| ProgramError::Unfit { path: path.clone(), reason };
    let program = fs::read(&path).map_err(|error| unfit(error.to_string()))?;
    match dynamic_loader(&program) {
        Ok(None) => Ok(path),
        Ok(Some(loader)) => Err(unfit(format!(
            "it needs the dynamic loader {loader}, so this toolchain did not link it statically; \
             install the C library's static archives (Debian: libc6-dev)"
        ))),
        Err(reason) => Err(unfit(reason.into())),
    }
}

/// The caller's flags and the one that links the C library in.
fn flags() -> OsString {
    let mut flags = env::var_os("CARGO_ENCODED_RUSTFLAGS").unwrap_or_else(|| {
        let plain = env::var("RUSTFLAGS").unwrap_or_default();
        plain.split_whitespace().collect::<Vec<_>>().join("\u{1f}").into()
    });
    if !flags.is_empty() {
        flags.push("\u{1f}");
    }
    flags.push("-Ctarget-feature=+crt-static");
    flags
}

#[cfg(test)]
mod tests {
    use super::*;

    fn program() -> Program {
        Program::new("seatrial-operator", "seatrial-operator")
    }

    #[test]
    fn the_program_is_found_among_what_cargo_built() {
        let messages = concat!(
            r#"{"reason":"compiler-artifact","target":{"name":"serde"},"executable":null}"#,
            "\n",
            r#"{"reason":"compiler-artifact","target":{"name":"seatrial-operator"},"executable":"/t/o"}"#,
            "\n",
            r#"{"reason":"build-finished","success":true}"#,
        );
        assert_eq!(program().executable(messages).unwrap(), PathBuf::from("/t/o"));
    }

    #[test]
    fn a_library_of_the_same_name_is_no_program() {
        let messages = r#"{"target":{"name":"seatrial-operator"},"executable":null}"#;
        let error = program().executable(messages).unwrap_err().to_string();
        assert!(error.contains("cargo built no program of this name"), "{error}");
    }

    #[test]
    fn a_program_that_is_linked_dynamically_is_refused_with_the_next_step() {
        let error = check(env::current_exe().unwrap()).unwrap_err().to_string();
        assert!(error.contains("needs the dynamic loader") && error.contains("libc6-dev"), "{error}");
    }

    #[test]
    fn failed_tool_is_reported_with_its_last_output() {
        let said = format!("{{\"reason\":\"x\"}}\n{}", "line\n".repeat(30));
        let error = program().failed("cargo", "exit status: 101".into(), &said).to_string();
        assert_eq!(error.matches("line").count(), 20, "{error}");
        assert!(!error.contains("reason"), "{error}");
    }
}
