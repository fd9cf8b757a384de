//! Is everything accounted for: the report, and the repair.

use crate::Engine;
use crate::containers::{LookupError, RemoveError};
use crate::documents::FileError;
use image::StoreError;
use snapshot::SnapshotError;
use state::StateError;
use std::collections::HashSet;
use std::time::Duration;
use volume::VolumeError;

/// What kind of thing is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ProblemKind {
    /// A container whose making or removal was cut short.
    IncompleteContainer,
    /// A container whose monitor died, or whose end nobody recorded.
    LostMonitor,
    /// A change of a container that its monitor has not carried out.
    Unacknowledged,
    /// A container that was to be removed once it had ended.
    Unreaped,
    /// A container's directory without a record.
    OrphanDirectory,
    /// A container's file system without a record.
    OrphanSnapshot,
    /// A control group without a running container.
    OrphanCgroup,
    /// A network interface without a running container.
    OrphanLink,
    /// A published port without a running container.
    OrphanPort,
    /// Connections to a container that has ended, which nobody has ended yet.
    StaleConnections,
    /// An address held for no container.
    OrphanLease,
    /// A name on a network without a running container.
    OrphanName,
    /// A volume's directory without a record.
    OrphanVolume,
    /// A volume without its directory.
    MissingVolume,
    /// A blob or layer that nothing points at.
    OrphanImageData,
    /// Something an image needs and is not there.
    DamagedImage,
    /// What a killed process left unfinished, or on its way out.
    Leftover,
}

impl ProblemKind {
    /// A few words for people.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::IncompleteContainer => "incomplete container",
            Self::LostMonitor => "lost monitor",
            Self::Unacknowledged => "change that was not carried out",
            Self::Unreaped => "container not removed after its end",
            Self::OrphanDirectory => "directory without a container",
            Self::OrphanSnapshot => "file system without a container",
            Self::OrphanCgroup => "control group without a container",
            Self::OrphanLink => "network interface without a container",
            Self::OrphanPort => "published port without a container",
            Self::StaleConnections => "connections to a container that has ended",
            Self::OrphanLease => "address without a container",
            Self::OrphanName => "name without a container",
            Self::OrphanVolume => "directory without a volume",
            Self::MissingVolume => "volume without its directory",
            Self::OrphanImageData => "image data that nothing needs",
            Self::DamagedImage => "damaged image",
            Self::Leftover => "leftover",
        }
    }
}

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// What kind.
    pub kind: ProblemKind,
    /// Which: an id, a path, a name.
    pub subject: String,
    /// What more there is to know; may be empty.
    pub detail: String,
    /// How the repair went; absent when none was tried.
    pub repair: Option<Result<(), String>>,
}

/// The findings.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CheckReport {
    /// In the order in which they were found.
    pub problems: Vec<Problem>,
}

impl CheckReport {
    /// Whether nothing is wrong, or nothing is any more.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.problems.iter().all(|problem| problem.repair == Some(Ok(())))
    }
}

/// Why the instance could not be checked.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// Containers.
    #[error(transparent)]
    Lookup(#[from] LookupError),
    /// Removal of what is left of one.
    #[error(transparent)]
    Remove(#[from] RemoveError),
    /// Images.
    #[error(transparent)]
    Images(#[from] StoreError),
    /// File systems of containers.
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
    /// Volumes.
    #[error(transparent)]
    Volume(#[from] VolumeError),
    /// The record of a volume.
    #[error(transparent)]
    Volumes(#[from] crate::volumes::VolumesError),
    /// The index.
    #[error(transparent)]
    State(#[from] StateError),
    /// Control groups.
    #[error(transparent)]
    Cgroup(#[from] cgroup::CgroupError),
    /// The network.
    #[error("cannot look at the host's network")]
    Network(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// Another file.
    #[error(transparent)]
    File(#[from] FileError),
}

/// An error and its causes in one line.
pub(super) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.ends_with(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    text
}

/// Collects findings, and repairs them where that is wanted.
pub(super) struct Findings {
    repair: bool,
    pub(super) report: CheckReport,
}

impl Findings {
    /// One more finding; `mend` is called when it is to be repaired.
    pub(super) fn add<E: Into<CheckError>>(
        &mut self,
        kind: ProblemKind,
        subject: impl Into<String>,
        detail: impl Into<String>,
        mend: impl FnOnce() -> Result<(), E>,
    ) {
        let outcome = || mend().map_err(|error| chain(&error.into()));
        let repair = self.repair.then(outcome);
        self.report.problems.push(Problem { kind, subject: subject.into(), detail: detail.into(), repair });
    }

    /// One that nothing here can mend.
    pub(super) fn add_hopeless(
        &mut self,
        kind: ProblemKind,
        subject: impl Into<String>,
        detail: impl Into<String>,
    ) {
        self.report.problems.push(Problem {
            kind,
            subject: subject.into(),
            detail: detail.into(),
            repair: None,
        });
    }
}

/// Between the two looks that a finding must stand.
const CONFIRMATION: Duration = Duration::from_millis(150);

impl Engine {
    /// Looks at everything of the instance; with `repair`, puts right what is wrong. With `deep`, every blob is read
    /// and hashed.
    ///
    /// Others may be at work meanwhile: a finding counts only if a second look confirms it, and each repair looks
    /// once more under the locks of what it mends.
    ///
    /// # Errors
    /// When something cannot be looked at. A failed repair is in the report.
    pub fn check(&self, repair: bool, deep: bool) -> Result<CheckReport, CheckError> {
        let first = self.look(false, deep)?;
        if first.problems.is_empty() {
            return Ok(first);
        }
        std::thread::sleep(CONFIRMATION);
        let mut second = self.look(repair, false)?;
        if !repair {
            let seen: HashSet<(ProblemKind, &str)> =
                first.problems.iter().map(|problem| (problem.kind, problem.subject.as_str())).collect();
            second.problems.retain(|problem| seen.contains(&(problem.kind, problem.subject.as_str())));
        }
        if deep {
            // Reading everything a second time finds nothing else.
            let damaged = first.problems.iter().filter(|problem| problem.kind == ProblemKind::DamagedImage);
            let known: HashSet<String> =
                second.problems.iter().map(|problem| problem.detail.clone()).collect();
            second.problems.extend(damaged.filter(|problem| !known.contains(&problem.detail)).cloned());
        }
        Ok(second)
    }

    /// One look, in this order, since mending one finding makes orphans of others.
    fn look(&self, repair: bool, deep: bool) -> Result<CheckReport, CheckError> {
        let mut findings = Findings { repair, report: CheckReport::default() };
        self.check_containers(&mut findings)?;
        self.check_directories(&mut findings)?;
        self.check_snapshots(&mut findings)?;
        self.check_kernel_objects(&mut findings)?;
        self.check_names(&mut findings)?;
        self.check_leases(&mut findings)?;
        self.check_volumes(&mut findings)?;
        self.check_leftovers(&mut findings)?;
        self.check_images(&mut findings, deep)?;
        Ok(findings.report)
    }
}
