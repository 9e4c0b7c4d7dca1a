//! Leases of clusters: a file for each, under a lock that the kernel releases when its holder dies.
//!
//! Users share the lock; who wants to remove the cluster must have it alone. Under a runner that starts a process for
//! each spec nobody holds it between two specs: such a lease names the runner too, and counts as held while that
//! lives.
//! It knows no containers.

use std::fs::{self, File, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use rustix::io::Errno;
use rustix::process::{Pid, test_kill_process};
use serde::{Deserialize, Serialize};

use super::error::KindError;
use super::home::Home;

/// A process, told apart from a later one with the same number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ProcessId {
    pub(super) pid: u32,
    /// The machine's ticks at its start, as `/proc` has it.
    ticks: u64,
}

impl ProcessId {
    /// This process.
    pub(super) fn this() -> Self {
        Self::from_pid(std::process::id())
    }

    /// The process that started this one.
    pub(super) fn parent() -> Self {
        Self::from_pid(std::os::unix::process::parent_id())
    }

    fn from_pid(pid: u32) -> Self {
        Self { pid, ticks: start_ticks(pid).unwrap_or_default() }
    }

    fn lives(&self) -> bool {
        start_ticks(self.pid) == Some(self.ticks)
    }
}

/// When a process started; nothing for one that is gone. Where there is no `/proc`, all of a number are taken for one
/// process: a number that is given again keeps a cluster longer than it need be kept, and never one too short.
fn start_ticks(pid: u32) -> Option<u64> {
    if !cfg!(target_os = "linux") {
        return is_there(pid).then_some(0);
    }
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name stands in parentheses and may hold anything; field 22 is the 20th behind it. A zombie does not live.
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    if fields.next()? == "Z" {
        return None;
    }
    fields.nth(18)?.parse().ok()
}

/// True if there is a process with this number, of any user.
fn is_there(pid: u32) -> bool {
    let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) else { return false };
    !matches!(test_kill_process(pid), Err(Errno::SRCH))
}

/// Content of a lease.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct LeaseClaim {
    /// The cluster.
    pub(super) cluster: String,
    /// The run that made it.
    pub(super) run: String,
    /// The process that made it.
    pub(super) process: ProcessId,
    /// When.
    pub(super) started: Timestamp,
    /// A runner that uses the cluster for as long as it lives.
    pub(super) runner: Option<ProcessId>,
    /// Reason for keeping it without a user.
    pub(super) kept: Option<String>,
}

impl LeaseClaim {
    pub(super) fn new(cluster: &str, run: &str) -> Self {
        Self {
            cluster: cluster.to_owned(),
            run: run.to_owned(),
            process: ProcessId::this(),
            started: Timestamp::now(),
            runner: None,
            kept: None,
        }
    }
}

/// A lease that this process holds, with others or alone.
#[derive(Debug)]
pub(crate) struct Lease {
    path: PathBuf,
    file: File,
}

/// Result of seizing a lease.
#[derive(Debug)]
pub(super) enum SeizedLease {
    /// Nobody uses the cluster.
    Free(Lease),
    /// Somebody does.
    Held,
    /// Nobody does, and it was to be kept for this reason.
    Kept(Lease, String),
    /// There is no lease.
    Missing,
}

impl Lease {
    /// Makes the lease of a cluster to be. It has its name only when it is held, so nobody finds it free.
    pub(super) fn take(home: &Home, claim: &LeaseClaim) -> Result<Self, KindError> {
        home.create()?;
        let path = home.lease(&claim.cluster);
        let draft = home.path().join(format!(".{}-{}.draft", claim.cluster, std::process::id()));
        let written = KindError::file(&draft, "written");
        let made = File::options().create(true).truncate(true).read(true).write(true).open(&draft).and_then(
            |file| {
                file.lock_shared()?;
                let lease = Self { path: path.clone(), file };
                lease.write(claim)?;
                Ok(lease)
            },
        );
        let linked = made.map_err(written).and_then(|lease| match fs::hard_link(&draft, &path) {
            Ok(()) => Ok(lease),
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Err(KindError::NameTaken {
                name: claim.cluster.clone(),
                found: format!("its lease is {}", path.display()),
            }),
            Err(error) => Err(KindError::file(&path, "written")(error)),
        });
        let _under_its_real_name_or_failed = fs::remove_file(&draft);
        linked
    }

    /// Joins those who use a cluster; nothing if it has no lease, or lost it meanwhile.
    pub(super) fn join(home: &Home, cluster: &str) -> Result<Option<Self>, KindError> {
        let path = home.lease(cluster);
        let Ok(file) = File::options().read(true).write(true).open(&path) else { return Ok(None) };
        // Waits while somebody removes the cluster.
        file.lock_shared().map_err(KindError::file(&path, "locked"))?;
        let lease = Self { path, file };
        Ok(lease.is_current().then_some(lease))
    }

    /// Tries to have a cluster's lease alone, in order to remove the cluster.
    pub(super) fn seize(path: &Path) -> Result<SeizedLease, KindError> {
        let file = match File::options().read(true).write(true).open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(SeizedLease::Missing),
            // Another user's: whether they still use the cluster is not ours to ask.
            Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => {
                return Ok(SeizedLease::Held);
            }
            Err(error) => return Err(KindError::file(path, "read")(error)),
        };
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(SeizedLease::Held),
            Err(TryLockError::Error(error)) => return Err(KindError::file(path, "locked")(error)),
        }
        let lease = Self { path: path.to_owned(), file };
        if !lease.is_current() {
            return Ok(SeizedLease::Missing);
        }
        // A lease that cannot be read was cut short with its process: nobody uses it.
        Ok(match lease.claim() {
            Some(claim) if claim.runner.as_ref().is_some_and(ProcessId::lives) => SeizedLease::Held,
            Some(LeaseClaim { kept: Some(why), .. }) => SeizedLease::Kept(lease, why),
            _ => SeizedLease::Free(lease),
        })
    }

    /// Gives up a shared lease, and seizes it if it has no other holder.
    pub(super) fn release(self) -> Result<SeizedLease, KindError> {
        let path = self.path.clone();
        drop(self);
        Self::seize(&path)
    }

    /// Lets others use the cluster, too.
    pub(super) fn shared(self) -> Result<Self, KindError> {
        self.file.lock_shared().map_err(KindError::file(&self.path, "locked"))?;
        Ok(self)
    }

    /// Content of the lease.
    pub(super) fn claim(&self) -> Option<LeaseClaim> {
        let (mut file, mut text) = (&self.file, String::new());
        file.rewind().ok()?;
        file.read_to_string(&mut text).ok()?;
        serde_json::from_str(&text).ok()
    }

    /// Changes what the lease says.
    pub(super) fn change(&self, change: impl FnOnce(&mut LeaseClaim)) -> Result<(), KindError> {
        if let Some(mut claim) = self.claim() {
            change(&mut claim);
            self.write(&claim).map_err(KindError::file(&self.path, "written"))?;
        }
        Ok(())
    }

    /// Removes the lease: the last thing that goes of a cluster.
    pub(super) fn remove(self) {
        // A file that is gone already is what was wanted.
        let _ = fs::remove_file(&self.path);
    }

    fn write(&self, claim: &LeaseClaim) -> std::io::Result<()> {
        let text = serde_json::to_vec_pretty(claim)?;
        let mut file = &self.file;
        file.rewind()?;
        file.set_len(0)?;
        file.write_all(&text)?;
        file.sync_data()
    }

    /// True if the file still has its name: it may have been removed while its lock was waited for.
    fn is_current(&self) -> bool {
        let identity = |meta: fs::Metadata| (meta.dev(), meta.ino());
        match (self.file.metadata(), fs::metadata(&self.path)) {
            (Ok(ours), Ok(named)) => identity(ours) == identity(named),
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn home() -> (tempfile::TempDir, Home) {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::at(folder.path());
        (folder, home)
    }

    #[test]
    fn process_exists_until_it_is_reaped() {
        let mut child = std::process::Command::new("sleep").arg("1000").spawn().unwrap();
        let number = child.id();
        assert!(is_there(number) && is_there(1), "a child of ours, and somebody else's process");
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(!is_there(number));
    }

    #[test]
    fn a_lease_says_who_made_the_cluster_and_when() {
        let (_folder, home) = home();
        let lease = Lease::take(&home, &LeaseClaim::new("seatrial-a", "r1")).unwrap();
        let claim = lease.claim().unwrap();
        assert_eq!((claim.run.as_str(), claim.process.pid), ("r1", std::process::id()));
        assert!(claim.process.lives() && claim.started <= Timestamp::now());
    }

    #[test]
    fn a_second_lease_of_one_name_is_refused_and_leaves_no_draft() {
        let (folder, home) = home();
        let _lease = Lease::take(&home, &LeaseClaim::new("seatrial-a", "r1")).unwrap();
        let error = Lease::take(&home, &LeaseClaim::new("seatrial-a", "r2")).unwrap_err();
        assert!(matches!(error, KindError::NameTaken { .. }), "{error}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn lease_in_use_cannot_be_seized() {
        let (_folder, home) = home();
        let lease = Lease::take(&home, &LeaseClaim::new("seatrial-a", "r1")).unwrap();
        let user = Lease::join(&home, "seatrial-a").unwrap().unwrap();
        assert!(matches!(Lease::seize(&home.lease("seatrial-a")).unwrap(), SeizedLease::Held));
        // One of two users gives it up: the other one still uses it.
        assert!(matches!(lease.release().unwrap(), SeizedLease::Held));
        assert!(matches!(user.release().unwrap(), SeizedLease::Free(_)));
    }

    #[test]
    fn a_lease_that_was_removed_is_missing_for_who_comes_later() {
        let (_folder, home) = home();
        let lease = Lease::take(&home, &LeaseClaim::new("seatrial-a", "r1")).unwrap();
        lease.remove();
        assert!(Lease::join(&home, "seatrial-a").unwrap().is_none());
        assert!(matches!(Lease::seize(&home.lease("seatrial-a")).unwrap(), SeizedLease::Missing));
    }

    #[test]
    fn a_runner_that_lives_holds_a_lease_and_one_that_is_gone_does_not() {
        let (_folder, home) = home();
        let lease = Lease::take(&home, &LeaseClaim::new("seatrial-a", "r1")).unwrap();
        lease.change(|claim| claim.runner = Some(ProcessId::this())).unwrap();
        assert!(matches!(lease.release().unwrap(), SeizedLease::Held));
        let lease = Lease::join(&home, "seatrial-a").unwrap().unwrap();
        // The same number with another start is another process.
        lease.change(|claim| claim.runner = Some(ProcessId { ticks: 1, ..ProcessId::this() })).unwrap();
        assert!(matches!(lease.release().unwrap(), SeizedLease::Free(_)));
    }

    #[test]
    fn kept_cluster_is_distinguished_from_a_left_one() {
        let (_folder, home) = home();
        let lease = Lease::take(&home, &LeaseClaim::new("seatrial-a", "r1")).unwrap();
        lease.change(|claim| claim.kept = Some("--keep".into())).unwrap();
        assert!(matches!(lease.release().unwrap(), SeizedLease::Kept(_, why) if why == "--keep"));
    }

    #[test]
    fn a_lease_that_was_cut_short_is_free() {
        let (_folder, home) = home();
        fs::write(home.lease("seatrial-a"), "{\"clu").unwrap();
        assert!(matches!(Lease::seize(&home.lease("seatrial-a")).unwrap(), SeizedLease::Free(_)));
    }
}
