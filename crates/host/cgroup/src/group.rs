//! A group: making, opening and limiting it.

use crate::devices::Rules;
use crate::directory::{Directory, make};
use crate::hierarchy::{Hierarchies, Hierarchy, Version};
use crate::settings::{Place, Plan, Setting, Step, plan};
use crate::{CgroupError, Controller, ControllerSet, GroupPath, processes, remove};
use rustix::io::Errno;
use rustix::process::Pid;
use spec::runtime::Resources;

/// What every container is accounted and limited by, whether or not a limit was asked for: a later `update`, `stats`
/// and the detection of running out of memory need them.
const ALWAYS: ControllerSet = ControllerSet::of(&[
    Controller::Memory,
    Controller::Cpu,
    Controller::Pids,
    Controller::Devices,
    Controller::Io,
]);
/// What cgroup2 does without a controller and v1 needs one for.
const WITHOUT_V2: ControllerSet = ControllerSet::of(&[Controller::Freezer, Controller::Cpuacct]);

/// One name in every hierarchy that it needs. Dropping it closes descriptors and removes nothing.
#[derive(Debug)]
pub struct Group {
    pub(crate) path: GroupPath,
    pub(crate) hierarchies: Hierarchies,
    /// One for each hierarchy that the group is in.
    pub(crate) directories: Vec<Directory>,
}

impl Group {
    /// Makes a group and sets its limits. Groups above it are made where they are missing and stay. An empty
    /// leftover of the same name is removed first, so that no old limit stays in force.
    ///
    /// # Errors
    /// [`CgroupError::MissingController`] for a limit that this machine cannot set, [`CgroupError::InUse`] when
    /// there are processes in a group of that name; whatever was made by then is removed again.
    pub fn create(
        hierarchies: &Hierarchies,
        path: &GroupPath,
        resources: &Resources,
    ) -> Result<Self, CgroupError> {
        let rules = Rules::parse(&resources.devices)?;
        let plan = plan(resources, |controller| version_of(hierarchies, controller))?;
        check_available(hierarchies, &plan)?;
        let wanted = ALWAYS.union(plan.required());
        let mut group =
            Self { path: path.clone(), hierarchies: hierarchies.clone(), directories: Vec::new() };
        match group.establish(wanted, &rules, &plan) {
            Ok(()) => Ok(group),
            Err(error) => {
                // Nobody is in it yet, and the first error is the one to tell.
                let _ = remove::directories(&group.directories);
                Err(error)
            }
        }
    }

    /// Opens a group in every hierarchy where it exists.
    ///
    /// # Errors
    /// [`CgroupError::NotFound`] when that is none.
    pub fn open(hierarchies: &Hierarchies, path: &GroupPath) -> Result<Self, CgroupError> {
        let mut directories = Vec::new();
        for hierarchy in hierarchies.all() {
            if let Some(mut directory) = Directory::open(hierarchy, path.as_str())? {
                if directory.version == Version::V2 {
                    let controllers = directory.read("cgroup.controllers")?;
                    directory.controllers = ControllerSet::from_names(&controllers);
                }
                directories.push(directory);
            }
        }
        if directories.is_empty() {
            return Err(CgroupError::NotFound { path: path.to_string() });
        }
        Ok(Self { path: path.clone(), hierarchies: hierarchies.clone(), directories })
    }

    /// Its name.
    #[must_use]
    pub fn path(&self) -> &GroupPath {
        &self.path
    }

    /// Moves a whole running process in. In v1 and v2 the kernel may wait here for an RCU grace period, 10 ms and
    /// more: a process that enters by itself through [`Group::entry`] does not.
    ///
    /// # Errors
    /// [`CgroupError::Attach`].
    pub fn add_process(&self, pid: Pid) -> Result<(), CgroupError> {
        self.directories.iter().try_for_each(|directory| attach(directory, pid))
    }

    /// Sets limits on a group that may have processes; what `resources` does not speak of stays as it is. When the
    /// kernel refuses one, those set before it are set back as far as they have one value (per-device limits are
    /// not).
    ///
    /// # Errors
    /// As [`Group::create`].
    pub fn apply(&mut self, resources: &Resources) -> Result<(), CgroupError> {
        let rules = Rules::parse(&resources.devices)?;
        let plan = plan(resources, |controller| version_of(&self.hierarchies, controller))?;
        check_available(&self.hierarchies, &plan)?;
        let before = self.directories.len();
        self.add_directories(plan.required())?;
        let mut done = Vec::new();
        let outcome = self
            .take_steps(&plan, &mut |directory, file| {
                if let Ok(Some(old)) = directory.read_if_there(file) {
                    done.push((directory.path.join(file), old));
                }
            })
            .and_then(|()| self.set_device_rules(&rules))
            .and_then(|()| self.fill(before));
        if outcome.is_err() {
            for (file, old) in done.iter().rev().filter(|(_, old)| old.trim().lines().count() == 1) {
                // Best effort on the way out of an error that is told.
                let _ = std::fs::write(file, old.trim());
            }
        }
        outcome
    }

    /// The directory where a controller's files are.
    pub(crate) fn directory(&self, controller: Controller) -> Option<&Directory> {
        self.directories.iter().find(|directory| directory.controllers.contains(controller))
    }

    /// The directory in cgroup2.
    pub(crate) fn unified(&self) -> Option<&Directory> {
        self.directories.iter().find(|directory| directory.version == Version::V2)
    }

    fn establish(&mut self, wanted: ControllerSet, rules: &Rules, plan: &Plan) -> Result<(), CgroupError> {
        self.add_directories(wanted)?;
        self.set_device_rules(rules)?;
        self.take_steps(plan, &mut |_, _| {})
    }

    /// Makes the directories that the wanted controllers need and the group does not have.
    fn add_directories(&mut self, wanted: ControllerSet) -> Result<(), CgroupError> {
        let has_v2 = self.hierarchies.unified().is_some();
        let v1_wanted = if has_v2 { wanted } else { wanted.union(WITHOUT_V2) };
        for hierarchy in self.hierarchies.all() {
            let mine = self.directories.iter_mut().find(|directory| directory.is_of(hierarchy));
            match (hierarchy.version, mine) {
                (Version::V1, None) if !hierarchy.controllers.intersection(v1_wanted).is_empty() => {
                    let directory = fresh(hierarchy, &self.path)?;
                    self.directories.push(directory);
                    if hierarchy.controllers.contains(Controller::Cpuset) {
                        inherit_cpuset(hierarchy, &self.path)?;
                    }
                }
                (Version::V2, None) => {
                    let mut directory = fresh(hierarchy, &self.path)?;
                    directory.controllers = ControllerSet::EMPTY;
                    self.directories.push(directory);
                    let enabled = enable(hierarchy, &self.path, wanted)?;
                    if let Some(last) = self.directories.last_mut() {
                        last.controllers = enabled;
                    }
                }
                (Version::V2, Some(directory)) => {
                    let wanted = directory.controllers.union(wanted);
                    directory.controllers = enable(hierarchy, &self.path, wanted)?;
                }
                (Version::V1, _) => {}
            }
        }
        Ok(())
    }

    /// Moves the group's processes into directories that it did not have before.
    fn fill(&self, before: usize) -> Result<(), CgroupError> {
        let (old, new) = self.directories.split_at(before);
        let Some(source) = processes::counted_in(old) else { return Ok(()) };
        for directory in new {
            // A process may fork while this runs; its child is then still outside.
            for _ in 0..100 {
                let inside = processes::in_tree(directory)?;
                let outside: Vec<Pid> =
                    processes::in_tree(source)?.into_iter().filter(|pid| !inside.contains(pid)).collect();
                if outside.is_empty() {
                    break;
                }
                outside.into_iter().try_for_each(|pid| attach(directory, pid))?;
            }
        }
        Ok(())
    }

    fn set_device_rules(&self, rules: &Rules) -> Result<(), CgroupError> {
        if rules.is_empty() {
            return Ok(());
        }
        let directory = self.directory(Controller::Devices).or_else(|| self.unified());
        let missing = || CgroupError::MissingController {
            controller: Controller::Devices,
            setting: "devices".to_owned(),
        };
        rules.establish(directory.ok_or_else(missing)?)
    }

    /// Takes the steps in order; `before` is told of each file that is about to be written.
    fn take_steps(&self, plan: &Plan, before: &mut dyn FnMut(&Directory, &str)) -> Result<(), CgroupError> {
        for step in &plan.0 {
            match step {
                Step::Write(one) => self.write(one, before)?,
                Step::EitherOrder(one, two) => match self.write(one, before) {
                    Err(CgroupError::Write { source: Errno::INVAL | Errno::BUSY, .. }) => {
                        self.write(two, before)?;
                        self.write(one, before)?;
                    }
                    first => {
                        first?;
                        self.write(two, before)?;
                    }
                },
                Step::RefuseBelowUsage { limit } => self.refuse_below_usage(*limit)?,
            }
        }
        Ok(())
    }

    fn write(&self, setting: &Setting, before: &mut dyn FnMut(&Directory, &str)) -> Result<(), CgroupError> {
        let directory = match setting.place {
            Place::Controller(controller) => self.directory(controller),
            Place::Unified(_) => self.unified(),
        };
        let Some(directory) = directory else {
            return if setting.optional { Ok(()) } else { Err(missing(setting)) };
        };
        let first = (&*setting.file, &*setting.value);
        let second = setting.otherwise.as_ref().map(|(file, value)| (*file, &**value));
        for (file, value) in std::iter::once(first).chain(second) {
            before(directory, file);
            match directory.write(file, value) {
                Ok(()) => return Ok(()),
                Err(Errno::NOENT) => {}
                Err(source) => {
                    return Err(CgroupError::Write {
                        setting: setting.name.to_string(),
                        value: value.to_owned(),
                        path: directory.file(file),
                        source,
                    });
                }
            }
        }
        match setting.place.controller() {
            _ if setting.optional => Ok(()),
            Some(controller) if !directory.controllers.contains(controller) => Err(missing(setting)),
            _ => Err(CgroupError::MissingFile {
                setting: setting.name.to_string(),
                file: directory.file(&setting.file),
            }),
        }
    }

    fn refuse_below_usage(&self, limit: u64) -> Result<(), CgroupError> {
        let Some(directory) = self.directory(Controller::Memory) else { return Ok(()) };
        match directory.number_if_there("memory.current")? {
            Some(usage) if usage > limit => Err(CgroupError::InvalidSetting {
                setting: "memory.limit",
                value: limit.to_string(),
                rule: "less than what is in use",
            }),
            _ => Ok(()),
        }
    }
}

/// A setting's controller is not here.
fn missing(setting: &Setting) -> CgroupError {
    match setting.place.controller() {
        Some(controller) => CgroupError::MissingController { controller, setting: setting.name.to_string() },
        None => {
            CgroupError::MissingFile { setting: setting.name.to_string(), file: setting.file.as_ref().into() }
        }
    }
}

/// The interface through which a controller is used here; of an absent one, that of the machine.
fn version_of(hierarchies: &Hierarchies, controller: Controller) -> Version {
    if hierarchies.v1(controller).is_none() && hierarchies.unified().is_some() {
        Version::V2
    } else {
        Version::V1
    }
}

/// First pass: refuses a plan that needs what is not there, before anything is made.
fn check_available(hierarchies: &Hierarchies, plan: &Plan) -> Result<(), CgroupError> {
    let settings = plan.0.iter().filter_map(|step| match step {
        Step::Write(one) | Step::EitherOrder(one, _) => Some(one),
        Step::RefuseBelowUsage { .. } => None,
    });
    let offered_by_v2 = hierarchies.unified().map(|unified| unified.controllers);
    for setting in settings.filter(|setting| !setting.optional) {
        let available = match setting.place {
            Place::Controller(controller) => {
                hierarchies.all().iter().any(|hierarchy| hierarchy.controllers.contains(controller))
            }
            Place::Unified(Some(controller)) => {
                offered_by_v2.is_some_and(|offered| offered.contains(controller))
            }
            Place::Unified(None) => offered_by_v2.is_some(),
        };
        if !available {
            return Err(missing(setting));
        }
    }
    Ok(())
}

/// Makes a directory that did not exist. A leftover is removed and made anew: there is no other way to be rid of all
/// its settings.
fn fresh(hierarchy: &Hierarchy, path: &GroupPath) -> Result<Directory, CgroupError> {
    let full = hierarchy.mount_point.join(path.as_str());
    for _ in 0..8 {
        match make(&hierarchy.mount_point, path.as_str()) {
            Ok(()) => {}
            Err(Errno::EXIST) => {
                remove::leftover(hierarchy, path)?;
                continue;
            }
            Err(source) => return Err(CgroupError::Create { path: full, source }),
        }
        match Directory::open(hierarchy, path.as_str()) {
            Ok(Some(directory)) => return Ok(directory),
            Ok(None) => {}
            Err(error) => {
                let _ = rustix::fs::rmdir(&full);
                return Err(error);
            }
        }
    }
    Err(CgroupError::Create { path: full, source: Errno::EXIST })
}

/// A new v1 cpuset has no CPUs and no memory nodes, and takes no process until it has.
fn inherit_cpuset(hierarchy: &Hierarchy, path: &GroupPath) -> Result<(), CgroupError> {
    let top = Directory::open(hierarchy, "")?;
    let mut above = top;
    for level in path.ancestors().chain(std::iter::once(path.as_str())) {
        let (Some(parent), Some(child)) = (above, Directory::open(hierarchy, level)?) else { break };
        for file in ["cpuset.cpus", "cpuset.mems"] {
            if child.read(file)?.trim().is_empty() {
                child.write_control(file, parent.read(file)?.trim())?;
            }
        }
        above = Some(child);
    }
    Ok(())
}

/// Enables controllers for a v2 group in all the groups above it: those that it has afterwards. One that cannot be
/// enabled is left out, and whoever needs it says so.
fn enable(
    hierarchy: &Hierarchy,
    path: &GroupPath,
    wanted: ControllerSet,
) -> Result<ControllerSet, CgroupError> {
    const ENABLED: &str = "cgroup.subtree_control";
    let wanted = wanted.intersection(hierarchy.controllers);
    if wanted.is_empty() {
        return Ok(ControllerSet::EMPTY);
    }
    let parent = path.ancestors().last().unwrap_or("");
    let open = |level: &str| {
        let gone = || CgroupError::NotFound { path: level.to_owned() };
        Directory::open(hierarchy, level)?.ok_or_else(gone)
    };
    let enabled_in = |directory: &Directory| Ok(ControllerSet::from_names(&directory.read(ENABLED)?));
    let enabled = enabled_in(&open(parent)?)?;
    if wanted.difference(enabled).is_empty() {
        return Ok(enabled);
    }
    for level in std::iter::once("").chain(path.ancestors()) {
        let directory = open(level)?;
        let missing = wanted.difference(enabled_in(&directory)?);
        if missing.is_empty() {
            continue;
        }
        let all: Vec<String> = missing.iter().map(|controller| format!("+{controller}")).collect();
        if directory.write(ENABLED, &all.join(" ")).is_err() {
            // One that is refused (cpu while there are real-time processes) must not take the others with it.
            for one in &all {
                let _ = directory.write(ENABLED, one);
            }
        }
    }
    enabled_in(&open(parent)?)
}

/// Moves a process into one directory.
fn attach(directory: &Directory, pid: Pid) -> Result<(), CgroupError> {
    let number = pid.as_raw_nonzero().get();
    directory.write("cgroup.procs", &number.to_string()).map_err(|source| CgroupError::Attach {
        pid: number,
        path: directory.path.clone(),
        source,
    })
}
