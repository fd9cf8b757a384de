//! The kernel's resource controllers and sets of them.

use serde::{Deserialize, Serialize};

/// One resource controller (cgroups(7), "Cgroups version 1 controllers" and "Cgroups version 2 controllers").
///
/// Where versions differ in the name, this is the newer one: [`Controller::Io`] is v1's `blkio`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[repr(u8)]
pub enum Controller {
    /// CPU time: weights, quotas.
    Cpu,
    /// CPU usage counters, v1 only (v2 counts in every group).
    Cpuacct,
    /// Which CPUs and memory nodes.
    Cpuset,
    /// Memory and swap.
    Memory,
    /// Count of tasks.
    Pids,
    /// Access to device nodes, v1 only (v2 attaches a BPF program).
    Devices,
    /// Pausing, v1 only (v2 can pause every group).
    Freezer,
    /// Block I/O.
    Io,
    /// Huge pages.
    Hugetlb,
    /// Traffic class, v1 only.
    NetCls,
    /// Traffic priority, v1 only.
    NetPrio,
    /// RDMA handles and objects.
    Rdma,
}

impl Controller {
    /// Every controller that this crate can use.
    pub const ALL: [Self; 12] = [
        Self::Cpu,
        Self::Cpuacct,
        Self::Cpuset,
        Self::Memory,
        Self::Pids,
        Self::Devices,
        Self::Freezer,
        Self::Io,
        Self::Hugetlb,
        Self::NetCls,
        Self::NetPrio,
        Self::Rdma,
    ];

    /// The name that the kernel uses in v2 files, and in v1 for controllers that v2 does not have.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Cpu => "cpu",
            Self::Cpuacct => "cpuacct",
            Self::Cpuset => "cpuset",
            Self::Memory => "memory",
            Self::Pids => "pids",
            Self::Devices => "devices",
            Self::Freezer => "freezer",
            Self::Io => "io",
            Self::Hugetlb => "hugetlb",
            Self::NetCls => "net_cls",
            Self::NetPrio => "net_prio",
            Self::Rdma => "rdma",
        }
    }

    /// The controller that the kernel calls so in either version; `None` for one that this crate does not use.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        if name == "blkio" {
            return Some(Self::Io);
        }
        Self::ALL.into_iter().find(|controller| controller.name() == name)
    }
}

impl std::fmt::Display for Controller {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// A set of controllers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ControllerSet(u16);

impl ControllerSet {
    /// The set without members.
    pub const EMPTY: Self = Self(0);

    /// A set of exactly these.
    #[must_use]
    pub const fn of(controllers: &[Controller]) -> Self {
        let mut set = Self::EMPTY;
        let mut index = 0;
        while index < controllers.len() {
            set.0 |= 1 << controllers[index] as u16;
            index += 1;
        }
        set
    }

    /// The known ones in a list separated by white space, such as `cgroup.controllers`.
    #[must_use]
    pub fn from_names(list: &str) -> Self {
        let mut set = Self::EMPTY;
        list.split_ascii_whitespace().filter_map(Controller::from_name).for_each(|one| set.insert(one));
        set
    }

    /// Adds one.
    pub fn insert(&mut self, controller: Controller) {
        self.0 |= 1 << controller as u16;
    }

    /// Whether it is a member.
    #[must_use]
    pub const fn contains(self, controller: Controller) -> bool {
        self.0 & (1 << controller as u16) != 0
    }

    /// Whether there are no members.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Members of both.
    #[must_use]
    pub const fn intersection(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Members of either.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Members that `other` lacks.
    #[must_use]
    pub const fn difference(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// The members, in the order of [`Controller::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Controller> {
        Controller::ALL.into_iter().filter(move |controller| self.contains(*controller))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_back_to_their_controller() {
        for controller in Controller::ALL {
            assert_eq!(Controller::from_name(controller.name()), Some(controller));
        }
        assert_eq!(Controller::from_name("blkio"), Some(Controller::Io));
        assert_eq!(Controller::from_name("name=systemd"), None);
    }

    #[test]
    fn sets_follow_the_usual_laws() {
        let some = ControllerSet::of(&[Controller::Cpu, Controller::Rdma]);
        let other = ControllerSet::of(&[Controller::Cpu, Controller::Memory]);
        assert_eq!(some.intersection(other).iter().collect::<Vec<_>>(), [Controller::Cpu]);
        assert_eq!(some.difference(other).iter().collect::<Vec<_>>(), [Controller::Rdma]);
        assert_eq!(some.union(other).iter().count(), 3);
        assert!(some.difference(some).is_empty());
    }
}
