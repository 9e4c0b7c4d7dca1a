//! The last step: builds from released Go modules.
//!
//! `k8s.io/kubernetes` cannot be built directly, since it requires its staging modules (`k8s.io/api`, …) at a version that
//! does not exist. A scratch module replaces each of them with the release of the same number.

use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use sha2::{Digest as _, Sha256};

use super::{
    binary::{Binary, Project},
    cache::{Cache, Origin, publish},
    hash,
    host_environment::HostEnvironment,
    pins,
    progress::{Progress, print_line},
    report::Step,
    resolve::{Resolution, names},
    version::{RequestedVersion, Version},
};
use crate::process::child::{Child, ProcessSpec};

/// The flags of all builds.
const BUILD_FLAGS: [&str; 2] = ["-trimpath", "-buildvcs=false"];

/// Linker flags: no symbol table, no debug information.
const LINKER_FLAGS: &str = "-s -w";

/// The package whose variables have Kubernetes' version; without them a server reports v0.0.0.
const VERSION_PACKAGE: &str = "k8s.io/component-base/version";

/// The hash of the build flags, which is part of the path in the cache.
pub(crate) fn recipe_hash() -> String {
    let recipe = format!("CGO_ENABLED=0 {BUILD_FLAGS:?} {LINKER_FLAGS} {VERSION_PACKAGE}");
    hash::hex(&Sha256::digest(recipe)[..4])
}

/// The error of a build, reported as the reason of the step.
#[derive(Debug, thiserror::Error)]
enum BuildError {
    #[error("cannot {what}: {source}")]
    Io { what: String, source: std::io::Error },
    #[error("`go {command}` failed:\n      {}\n    next: {}", tail.join("\n      "), advice(tail))]
    Go { command: String, tail: Vec<String> },
    #[error("the Go module proxy has no release of Kubernetes {0}")]
    NoRelease(RequestedVersion),
}

impl BuildError {
    fn io(what: impl Into<String>) -> impl FnOnce(std::io::Error) -> Self {
        let what = what.into();
        move |source| Self::Io { what, source }
    }
}

fn advice(tail: &[String]) -> &'static str {
    let says = |words: &str| tail.iter().any(|line| line.contains(words));
    if says("no space left") {
        "free some space (a build takes about 3 GB)"
    } else if says("requires go") || says("toolchain not available") {
        "install the Go release that it names, or set GOTOOLCHAIN=auto"
    } else if says("dial tcp") || says("proxyconnect") || says("lookup ") || says("i/o timeout") {
        "let this machine reach a Go module proxy (GOPROXY)"
    } else if says("unknown revision") || says("not found") {
        "check that this version was released"
    } else {
        "run it by hand to see more"
    }
}

/// Builds the missing binaries. Blocks for minutes.
pub(crate) fn build(resolution: &mut Resolution) {
    let missing = resolution.missing();
    let Some(go) = find_go(&resolution.request.host_environment) else {
        resolution.not_found(Step::Source, "no Go toolchain: `go` is neither in GOROOT nor on PATH");
        return;
    };
    if resolution.request.is_installed_only() {
        let reason =
            format!("only installed binaries may be used; {} could build {}", go.display(), names(&missing));
        resolution.not_found(Step::Source, reason);
        return;
    }
    let builder = Builder {
        go,
        cache: Cache::of(&resolution.request.host_environment),
        host_environment: resolution.request.host_environment.clone(),
    };
    for binary in missing {
        match builder
            .version(binary, &resolution.kubernetes)
            .and_then(|version| builder.build(binary, version))
        {
            Ok((version, path)) => resolution.found(Step::Source, binary, Some(version), path),
            Err(error) => {
                return resolution.not_found(Step::Source, format!("cannot build {binary}: {error}"));
            }
        }
    }
}

fn find_go(host_environment: &HostEnvironment) -> Option<PathBuf> {
    let root = host_environment.variable("GOROOT").map(|root| Path::new(root).join("bin"));
    let path = host_environment.variable("PATH").cloned().unwrap_or_default();
    let folders = root.into_iter().chain(std::env::split_paths(&path));
    which::which_in("go", Some(std::env::join_paths(folders).ok()?), "/").ok()
}

struct Builder {
    go: PathBuf,
    cache: Cache,
    host_environment: HostEnvironment,
}

impl Builder {
    /// The release to build: the pinned one, or else the newest of the module proxy.
    fn version(&self, binary: Binary, kubernetes: &RequestedVersion) -> Result<Version, BuildError> {
        if let Some(version) = pinned(binary, kubernetes) {
            return Ok(version);
        }
        let scratch = self.cache.staging().map_err(BuildError::io("make a folder in the cache"))?;
        let listed =
            self.run_json(scratch.path(), &["list", "-m", "-json", "-versions", "k8s.io/kubernetes"])?;
        let versions = listed["Versions"].as_array().map(Vec::as_slice).unwrap_or_default();
        let versions =
            versions.iter().filter_map(|version| version.as_str()?.strip_prefix('v')?.parse().ok());
        let version = kubernetes.choose(versions).ok_or_else(|| BuildError::NoRelease(kubernetes.clone()))?;
        Ok(if binary == Binary::Coredns { pins::coredns(&version) } else { version })
    }

    /// Builds a binary into the cache, or waits for another process that does.
    fn build(&self, binary: Binary, version: Version) -> Result<(Version, PathBuf), BuildError> {
        let path = self.cache.path(binary, &version, Origin::Built(&recipe_hash()));
        let waiting = || print_line(&format!("waiting for another process that builds {binary} {version} …"));
        let lock = format!("build-{binary}-{version}");
        let _lock = self.cache.lock(&lock, waiting).map_err(BuildError::io("take a lock in the cache"))?;
        if path.is_file() {
            return Ok((version, path));
        }
        let staging = self.cache.staging().map_err(BuildError::io("make a folder in the cache"))?;
        let mut progress =
            Progress::spinner(format!("building {binary} {version} from source"), duration_hint(binary));
        self.write_module(staging.path(), binary, &version, &mut progress)?;
        let result = staging.path().join("result");
        let mut arguments: Vec<OsString> = vec!["build".into()];
        arguments.extend(BUILD_FLAGS.map(OsString::from));
        arguments.extend([
            "-ldflags".into(),
            linker_flags(binary, &version).into(),
            "-o".into(),
            result.clone().into(),
        ]);
        arguments.push(package(binary).into());
        self.run(staging.path(), arguments, &mut progress)?;
        publish(&result, &path).map_err(BuildError::io(format!("keep {}", path.display())))?;
        progress.finish();
        Ok((version, path))
    }

    /// Writes the `go.mod` of the scratch module.
    fn write_module(
        &self,
        dir: &Path,
        binary: Binary,
        version: &Version,
        progress: &mut Progress,
    ) -> Result<(), BuildError> {
        progress.tick(String::new);
        let module = module(binary);
        let write = |text: &str| {
            fs::write(dir.join("go.mod"), text)
                .map_err(BuildError::io(format!("write {}", dir.join("go.mod").display())))
        };
        write("module seatrial.invalid/scratch\n\ngo 1.22\n")?;
        let downloaded =
            self.run_json(dir, &["mod", "download", "-json", &format!("{module}@v{version}")])?;
        let go_mod = downloaded["GoMod"].as_str().unwrap_or_default();
        let go_mod = fs::read_to_string(go_mod).map_err(BuildError::io(format!("read {module}'s go.mod")))?;
        write(&scratch_module(module, version, &go_mod))
    }

    /// Runs a Go command and parses its output as JSON.
    fn run_json(&self, dir: &Path, arguments: &[&str]) -> Result<serde_json::Value, BuildError> {
        let mut command = Command::new(&self.go);
        command.args(arguments).current_dir(dir).env_clear().envs(self.variables());
        let output = command.output().map_err(BuildError::io(format!("run {}", self.go.display())))?;
        let json: Option<serde_json::Value> = serde_json::from_slice(&output.stdout).ok();
        match json {
            Some(json) if output.status.success() => Ok(json),
            json => {
                // `go mod download -json` prints the error as JSON.
                let error = json.and_then(|json| json["Error"].as_str().map(str::to_owned));
                let error = error.unwrap_or_else(|| String::from_utf8_lossy(&output.stderr).into_owned());
                Err(BuildError::Go { command: arguments.join(" "), tail: last_lines(&error) })
            }
        }
    }

    /// Runs a Go command as a child that is killed with this process.
    fn run(&self, dir: &Path, args: Vec<OsString>, progress: &mut Progress) -> Result<(), BuildError> {
        let log = dir.join("go.log");
        let env = self.variables().collect();
        let command = args.join(std::ffi::OsStr::new(" ")).to_string_lossy().into_owned();
        let spec = ProcessSpec {
            name: "go",
            program: self.go.clone(),
            args,
            env,
            dir: dir.to_owned(),
            log: log.clone(),
        };
        let mut child = Child::start(&spec).map_err(|error| BuildError::Io {
            what: "run go".to_owned(),
            source: std::io::Error::other(error),
        })?;
        loop {
            if let Some(status) = child.wait_timeout(Duration::from_millis(100)) {
                let text = fs::read_to_string(&log).unwrap_or_default();
                return if status.success() {
                    Ok(())
                } else {
                    Err(BuildError::Go { command, tail: last_lines(&text) })
                };
            }
            progress.tick(String::new);
        }
    }

    /// The environment variables of this process, with those of the build in place of the caller's.
    fn variables(&self) -> impl Iterator<Item = (OsString, OsString)> {
        let fixed = [
            ("CGO_ENABLED", "0"),
            ("GOFLAGS", "-mod=mod"),
            ("GOWORK", "off"),
            ("GO111MODULE", "on"),
            ("GOOS", self.host_environment.os()),
            ("GOARCH", self.host_environment.arch()),
        ];
        let caller = self.host_environment.variables().map(|(name, value)| (name.clone(), value.clone()));
        caller.chain(fixed.map(|(name, value)| (name.into(), value.into())))
    }
}

/// The usual duration of a build on two cores, for the progress line.
const fn duration_hint(binary: Binary) -> &'static str {
    match binary {
        Binary::KubeApiserver | Binary::KubeControllerManager | Binary::Coredns => {
            "takes 2-5 minutes, once per machine"
        }
        _ => "takes up to a minute or two, once per machine",
    }
}

/// The pinned release of a binary, if there is one.
pub(crate) fn pinned(binary: Binary, kubernetes: &RequestedVersion) -> Option<Version> {
    match binary.project() {
        Project::Kubernetes => kubernetes.preferred(),
        Project::Etcd => Some(pins::ETCD),
        Project::Coredns => kubernetes.preferred().as_ref().map(pins::coredns),
        Project::Kind => Some(pins::KIND),
    }
}

const fn module(binary: Binary) -> &'static str {
    match binary.project() {
        Project::Kubernetes => "k8s.io/kubernetes",
        Project::Etcd => "go.etcd.io/etcd/server/v3",
        Project::Coredns => "github.com/coredns/coredns",
        Project::Kind => "sigs.k8s.io/kind",
    }
}

/// The path of the main package.
fn package(binary: Binary) -> String {
    let module = module(binary);
    if binary.is_kubernetes() { format!("{module}/cmd/{binary}") } else { module.to_owned() }
}

fn linker_flags(binary: Binary, version: &Version) -> String {
    if !binary.is_kubernetes() {
        return LINKER_FLAGS.to_owned();
    }
    let Version { major, minor, .. } = version;
    format!(
        "{LINKER_FLAGS} -X {VERSION_PACKAGE}.gitVersion=v{version} -X {VERSION_PACKAGE}.gitMajor={major} -X \
         {VERSION_PACKAGE}.gitMinor={minor}"
    )
}

/// The `go.mod` of a scratch module for `module` with the given `go.mod`.
fn scratch_module(module: &str, version: &Version, go_mod: &str) -> String {
    let go = go_mod.lines().find_map(|line| line.strip_prefix("go ")).unwrap_or("1.22").trim();
    let mut staging: Vec<&str> = go_mod
        .lines()
        .filter_map(|line| {
            let line = line.trim().trim_start_matches("require ");
            let (name, version) = line.split_once(' ')?;
            (name.starts_with("k8s.io/") && version.split_whitespace().next() == Some("v0.0.0"))
                .then_some(name)
        })
        .collect();
    staging.sort_unstable();
    staging.dedup();
    let staged = version.staging();
    let head = format!("module seatrial.invalid/scratch\n\ngo {go}\n\nrequire {module} v{version}\n\n");
    let replaced = staging.iter().map(|name| format!("replace {name} => {name} v{staged}\n"));
    replaced.fold(head, |text, line| text + &line)
}

fn last_lines(text: &str) -> Vec<String> {
    let lines: Vec<&str> =
        text.lines().filter(|line| !line.trim().is_empty() && !line.starts_with("go: downloading")).collect();
    lines.iter().skip(lines.len().saturating_sub(6)).map(|line| (*line).to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_staging_modules_are_replaced() {
        let go_mod = "module k8s.io/kubernetes\n\ngo 1.26.0\n\nrequire (\n\tk8s.io/klog/v2 v2.140.0\n\tk8s.io/api v0.0.0\n\t\
                       k8s.io/kms v0.0.0 // indirect\n)\n\nreplace (\n\tk8s.io/api => ./staging/src/k8s.io/api\n)\n";
        let text = scratch_module("k8s.io/kubernetes", &Version::new(1, 37, 2), go_mod);
        let expected = "module seatrial.invalid/scratch\n\ngo 1.26.0\n\nrequire k8s.io/kubernetes v1.37.2\n\n\
                        replace k8s.io/api => k8s.io/api v0.37.2\nreplace k8s.io/kms => k8s.io/kms v0.37.2\n";
        assert_eq!(text, expected);
    }

    #[test]
    fn a_pre_release_keeps_its_name_in_the_staging_modules() {
        let version: Version = "1.38.0-beta.1".parse().unwrap();
        let text = scratch_module("k8s.io/kubernetes", &version, "go 1.26\nrequire k8s.io/api v0.0.0\n");
        assert!(text.contains("k8s.io/api v0.38.0-beta.1"), "{text}");
    }

    #[test]
    fn the_version_is_linked_in() {
        let flags = linker_flags(Binary::KubeApiserver, &Version::new(1, 37, 2));
        assert!(flags.contains(".gitVersion=v1.37.2 ") && flags.ends_with(".gitMinor=37"), "{flags}");
    }

    #[test]
    fn each_binary_is_built_from_the_module_of_its_project() {
        let kubernetes: RequestedVersion = "1.36".parse().unwrap();
        let check = |binary, what: &str, version: &str| {
            assert_eq!(package(binary), what);
            assert_eq!(pinned(binary, &kubernetes).unwrap().to_string(), version);
        };
        check(Binary::Kubelet, "k8s.io/kubernetes/cmd/kubelet", "1.36.3");
        check(Binary::Etcd, "go.etcd.io/etcd/server/v3", "3.7.3");
        check(Binary::Coredns, "github.com/coredns/coredns", "1.14.2");
        check(Binary::Kind, "sigs.k8s.io/kind", "0.33.0");
        assert_eq!(linker_flags(Binary::Kind, &Version::new(0, 33, 0)), LINKER_FLAGS);
    }

    #[test]
    fn the_advice_depends_on_the_last_lines() {
        let advice = |line: &str| super::advice(&[line.to_owned()]);
        assert!(advice("dial tcp: lookup proxy.golang.org: no such host").contains("GOPROXY"));
        assert!(advice("go: go.mod requires go >= 1.27 (running go 1.26)").contains("Go release"));
    }
}
