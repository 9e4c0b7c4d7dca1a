//! The child process: built once, run with a suite and arguments, its output by parts.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{LazyLock, OnceLock};

use seatrial_e2e::signal::outlives_its_terminal;
use tokio::signal::unix::{SignalKind, signal};

/// One run to be.
pub(crate) struct Program {
    command: Command,
}

/// What a run printed, and how it ended.
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// The program with a suite chosen, on the tests' tier, with nothing else in its environment that is ours.
pub(crate) fn suite(name: &str) -> Program {
    let mut command = Command::new(executable());
    for (variable, _) in std::env::vars().filter(|(variable, _)| variable.starts_with("SEATRIAL_")) {
        command.env_remove(variable);
    }
    // A service that runs these tests is no reason to refuse a focus.
    command.env_remove("CI").env_remove("GITHUB_ACTIONS").env_remove("ARTIFACTS");
    command.env("SUITE", name).env("SEATRIAL_TIER", tier()).env("RUST_BACKTRACE", "0");
    Program { command }
}

/// The same on tier `fake`, for what is not a matter of tiers.
pub(crate) fn in_memory(name: &str) -> Program {
    suite(name).env("SEATRIAL_TIER", "fake")
}

/// The tier that the tests use.
pub(crate) fn tier() -> String {
    std::env::var("SEATRIAL_TIER").unwrap_or_else(|_| "fake".into())
}

impl Program {
    pub(crate) fn arg(mut self, argument: &str) -> Self {
        self.command.arg(argument);
        self
    }

    pub(crate) fn env(mut self, variable: &str, value: impl AsRef<std::ffi::OsStr>) -> Self {
        self.command.env(variable, value);
        self
    }

    /// The same program as nohup would start it.
    pub(crate) fn ignoring_hang_up(self) -> Self {
        let mut command = Command::new("sh");
        command.args(["-c", "trap '' HUP; exec \"$0\" \"$@\""]).arg(self.command.get_program());
        command.args(self.command.get_args());
        for (variable, value) in self.command.get_envs() {
            match value {
                Some(value) => command.env(variable, value),
                None => command.env_remove(variable),
            };
        }
        Self { command }
    }

    /// Starts it without waiting for its end; what it says on stderr can be read.
    pub(crate) fn start(mut self) -> Child {
        catch_hang_up();
        self.command.stdout(Stdio::null()).stderr(Stdio::piped());
        self.command.spawn().expect("the program was built a moment ago")
    }

    /// Runs it; what it prints is libtest's lines, where it was not told otherwise.
    pub(crate) fn run(mut self) -> Ran {
        if !self.command.get_args().any(|argument| argument == "--list" || is_format(argument)) {
            self.command.arg("--format=pretty");
        }
        self.run_as_it_is()
    }

    /// Runs it without a word about the form of what it prints.
    pub(crate) fn run_as_it_is(mut self) -> Ran {
        let output = self.command.output().expect("the program was built a moment ago");
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("a suite prints text");
        Ran { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }
}

/// Tests that were started by nohup ignore SIGHUP, and so would their children. A handler stays with the process that has
/// it: where there is one, a child begins with the default.
fn catch_hang_up() {
    // On a thread of its own: the caller may be on a runtime, which cannot hold another one.
    static CAUGHT: LazyLock<()> = LazyLock::new(|| std::thread::spawn(catch).join().expect("it is caught"));
    if outlives_its_terminal() {
        LazyLock::force(&CAUGHT);
    }
}

fn catch() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().expect("a runtime");
    let _context = runtime.enter();
    drop(signal(SignalKind::hangup()).expect("a handler"));
}

impl Ran {
    /// The names of specs that ended like this in the harness's list: `ok`, `FAILED`, `ignored`.
    pub(crate) fn ended(&self, how: &str) -> Vec<&str> {
        let lines = self
            .stdout
            .lines()
            .filter_map(|line| line.strip_prefix("test ")?.strip_suffix(&format!("... {how}")));
        let mut names: Vec<_> = lines.map(str::trim).collect();
        names.sort_unstable();
        names
    }

    /// What was told about a failed spec.
    #[track_caller]
    pub(crate) fn story(&self, spec: &str) -> &str {
        let Some((_, rest)) = self.stdout.split_once(&format!("---- {spec} ----\n")) else {
            panic!("nothing is told about {spec:?} in\n{}\n{}", self.stdout, self.stderr);
        };
        rest.split("\n---- ")
            .next()
            .and_then(|story| story.split("\n\nfailures:\n").next())
            .unwrap_or(rest)
            .trim_end()
    }

    /// Fails unless these parts stand, in this order, in what was told about a failed spec.
    #[track_caller]
    pub(crate) fn check_story(&self, spec: &str, parts: &[&str]) {
        let story = self.story(spec);
        let mut rest = story;
        for part in parts {
            let Some((_, behind)) = rest.split_once(part) else {
                panic!("{part:?} is not, or not in this order, in\n{story}");
            };
            rest = behind;
        }
    }

    /// The parts of its life that a spec of suite `endings` told, in their order.
    pub(crate) fn told(&self, spec: &str) -> Vec<&str> {
        let begin = format!("told {spec}: ");
        self.stderr.lines().filter_map(|line| line.strip_prefix(&begin)).collect()
    }
}

/// `cargo test` and nextest build examples beside the tests; `cargo test --test it` alone does not, and then cargo is
/// asked for it (and what was built before is taken as it is).
fn executable() -> &'static PathBuf {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        let test = std::env::current_exe().expect("a running program has a path");
        let profile = test.ancestors().nth(2).expect("cargo puts tests into a folder of the profile's");
        let program = profile.join("examples").join(format!("suites{}", std::env::consts::EXE_SUFFIX));
        if !program.exists() {
            build();
        }
        program
    })
}

fn is_format(argument: &std::ffi::OsStr) -> bool {
    argument == "--quiet" || argument == "-q" || argument.to_string_lossy().starts_with("--format")
}

fn build() {
    let mut cargo = seatrial_e2e::deploy::cargo();
    cargo.args(["build", "--quiet", "--package", "seatrial-e2e", "--example", "suites"]);
    cargo.current_dir(env!("CARGO_MANIFEST_DIR"));
    let output = cargo.output().expect("cargo runs this test, so it can be run");
    assert!(output.status.success(), "the suites do not build: {}", String::from_utf8_lossy(&output.stderr));
}
