//! Selection of the iptables variant (nftables or legacy) that works on this kernel.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

/// The folders of root's programs, which a PATH may lack.
const FOLDERS: [&str; 2] = ["/usr/sbin", "/sbin"];

/// This process's PATH, with root's folders.
pub(crate) fn path() -> OsString {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain(FOLDERS.map(PathBuf::from));
    std::env::join_paths(folders).unwrap_or(path)
}

/// A PATH on which `iptables` is one that works. `folder` takes the links that this may need.
pub(super) fn path_that_works(folder: &Path) -> Result<OsString> {
    let path = path();
    let Err(usual) = works("iptables", &path) else { return Ok(path) };
    if let Err(legacy) = works("iptables-legacy", &path) {
        bail!(
            "iptables does not work here: {usual}; and neither does iptables-legacy: {legacy}\n  next: apt-get install \
             iptables; if it is there, the kernel lacks netfilter's nat table, and no Docker network can work"
        );
    }
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    for name in
        ["iptables", "iptables-save", "iptables-restore", "ip6tables", "ip6tables-save", "ip6tables-restore"]
    {
        let legacy = name.replacen("tables", "tables-legacy", 1);
        let Ok(program) = which::which_in(&legacy, Some(&path), "/") else { continue };
        let link = folder.join(name);
        if !link.exists() {
            std::os::unix::fs::symlink(program, &link)
                .with_context(|| format!("cannot make {}", link.display()))?;
        }
    }
    let folders = std::iter::once(folder.to_owned()).chain(std::env::split_paths(&path));
    Ok(std::env::join_paths(folders)?)
}

/// Fails with the reason if the program does not work.
fn works(program: &str, path: &OsString) -> Result<(), String> {
    let found = which::which_in(program, Some(path), "/").map_err(|_| "it is not installed".to_owned())?;
    let output = Command::new(found).args(["-t", "nat", "-S"]).output().map_err(|error| error.to_string())?;
    if output.status.success() {
        return Ok(());
    }
    let words = String::from_utf8_lossy(&output.stderr);
    Err(words.lines().next().unwrap_or("it said nothing").to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_program_is_distinguished_from_a_failing_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().as_os_str().to_owned();
        assert_eq!(works("iptables", &path), Err("it is not installed".to_owned()));
        let program = folder.path().join("iptables");
        fs::write(&program, "#!/bin/sh\necho 'iptables: Table does not exist' >&2\nexit 3\n").unwrap();
        fs::set_permissions(&program, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        assert_eq!(works("iptables", &path), Err("iptables: Table does not exist".to_owned()));
    }
}
