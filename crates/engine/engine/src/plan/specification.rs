//! The runtime's document (runtime-spec `config.json`), with Docker's defaults.

use super::{
    Account, HostDevice, PlanError, PlannedMount, Security, capability_set, devices, environment, mounts,
    paths, resources, rlimits, sysctls,
};
use crate::model::{
    CgroupNamespace, ContainerConfig, EffectiveConfig, IpcChoice, NetworkChoice, PidChoice, Ulimit,
};
use spec::runtime::{Capabilities, Linux, Namespace, Process, Root, Spec, User, VERSION};
use std::path::{Path, PathBuf};

/// What the plan must know of the host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Facts {
    /// `/sys/fs/cgroup` is cgroup v2.
    pub unified_cgroup: bool,
    /// Processors.
    pub cpus: u32,
    /// Memory and swap can be limited together.
    pub swap_limit: bool,
    /// Processors with a `thermal_throttle` directory in sysfs.
    pub thermal_cpus: usize,
}

/// Files of the container that are bound over the image's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuntimeFiles {
    /// `/etc/resolv.conf`.
    pub resolv_conf: PathBuf,
    /// `/etc/hostname`.
    pub hostname: PathBuf,
    /// `/etc/hosts`.
    pub hosts: PathBuf,
}

/// Everything that the document depends on.
#[derive(Debug, Clone, Copy)]
pub struct SpecificationInput<'a> {
    /// The request.
    pub config: &'a ContainerConfig,
    /// Its merge with the image.
    pub effective: &'a EffectiveConfig,
    /// Who the process runs as.
    pub account: &'a Account,
    /// Mounts, their sources in place.
    pub mounts: &'a [PlannedMount],
    /// Files bound over the image's.
    pub files: &'a RuntimeFiles,
    /// Devices of `--device`, or all of the host's for a privileged container.
    pub devices: &'a [HostDevice],
    /// Security options.
    pub security: &'a Security,
    /// The init program, when one is wanted.
    pub init: Option<&'a Path>,
    /// Limits of the host file.
    pub default_ulimits: &'a [Ulimit],
    /// Bytes of `/dev/shm` when the request says nothing.
    pub default_shm_size: u64,
    /// Where its `/dev/shm` is on the host, when it is not its own alone.
    pub shared_shm: Option<&'a Path>,
    /// The host.
    pub facts: &'a Facts,
}

/// Where the init program is inside.
pub(crate) const INIT_INSIDE: &str = "/sbin/docker-init";

/// The document, and warnings.
///
/// # Errors
/// When a value is out of its range or contradicts another.
pub fn specification(input: &SpecificationInput<'_>) -> Result<(Spec, Vec<String>), PlanError> {
    let config = input.config;
    check_conflicts(config)?;
    let capabilities = capability_set(config.privileged, &config.cap_add, &config.cap_drop)?;
    let (resources, mut warnings) =
        resources::resources(&config.resources, config, input.devices, input.facts)?;
    warnings.extend(input.security.warnings.iter().cloned());
    let confined = !config.privileged && !input.security.unconfined_paths;
    let linux = Linux {
        sysctl: sysctls::planned(config)?,
        resources: Some(resources),
        namespaces: namespaces(config, input.facts),
        devices: devices::nodes(input.devices),
        masked_paths: if confined { paths::masked(input.facts.thermal_cpus) } else { Vec::new() },
        readonly_paths: if confined { paths::readonly() } else { Vec::new() },
        ..Linux::default()
    };
    let spec = Spec {
        oci_version: VERSION.to_owned(),
        process: Some(process(input, &capabilities)?),
        root: Some(Root { path: "rootfs".into(), readonly: config.read_only }),
        // What is the host's must not be set.
        hostname: if config.host_uts { String::new() } else { input.effective.hostname.clone() },
        domainname: config.domainname.clone().unwrap_or_default(),
        mounts: all_mounts(input),
        linux: Some(linux),
        annotations: config.annotations.clone(),
        ..Spec::default()
    };
    Ok((spec, warnings))
}

fn check_conflicts(config: &ContainerConfig) -> Result<(), PlanError> {
    use monitor::desired::RestartPolicy;
    if config.auto_remove && config.restart != RestartPolicy::No {
        return Err(PlanError::AutoRemoveRestart);
    }
    let shared = matches!(config.network, NetworkChoice::Host | NetworkChoice::Container(_));
    let container = matches!(config.network, NetworkChoice::Container(_));
    let conflict = |yes: bool, text| if yes { Err(PlanError::Conflict(text)) } else { Ok(()) };
    conflict(container && config.hostname.is_some(), "hostname and the network mode")?;
    let host = matches!(config.network, NetworkChoice::Host);
    let linked = !config.links.is_empty();
    // Docker's whole sentences.
    conflict(
        container && linked,
        "container type network can't be used with links. This would result in undefined behavior",
    )?;
    conflict(
        host && linked,
        "host type networking can't be used with links. This would result in undefined behavior",
    )?;
    conflict(container && !config.dns.is_empty(), "dns and the network mode")?;
    conflict(container && !config.extra_hosts.is_empty(), "custom host-to-IP mapping and the network mode")?;
    conflict(container && !config.publish.is_empty(), "port publishing and the container type network mode")?;
    conflict(shared && config.attachment.mac_address.is_some(), "mac-address and the network mode")?;
    conflict(shared && config.attachment.ip.is_some(), "ip and the network mode")?;
    let named = config.hostname.is_some() || config.domainname.is_some();
    conflict(config.host_uts && named, "hostname and the UTS mode")
}

fn process(input: &SpecificationInput<'_>, capabilities: &[String]) -> Result<Process, PlanError> {
    let (config, effective, account) = (input.config, input.effective, input.account);
    let mut args = Vec::new();
    if input.init.is_some() {
        args.extend([INIT_INSIDE.to_owned(), "--".to_owned()]);
    }
    args.extend(effective.entrypoint.iter().chain(&effective.command).cloned());
    let cwd = if effective.working_dir.is_empty() { "/" } else { &effective.working_dir };
    Ok(Process {
        terminal: config.tty,
        cwd: cwd.into(),
        env: environment::of_process(&effective.env, &effective.hostname, config.tty, &account.home),
        args,
        rlimits: rlimits::limits(&config.ulimits, input.default_ulimits)?,
        apparmor_profile: input.security.apparmor.clone().unwrap_or_default(),
        capabilities: Some(sets(capabilities, account.uid)),
        no_new_privileges: input.security.no_new_privileges,
        oom_score_adj: config.resources.oom_score_adj,
        user: User {
            uid: account.uid,
            gid: account.gid,
            additional_gids: account.additional_gids.clone(),
            ..User::default()
        },
        ..Process::default()
    })
}

/// A user other than root gets a bounding set alone, as execve(2) would leave it.
fn sets(capabilities: &[String], uid: u32) -> Capabilities {
    let mut all = Capabilities { bounding: capabilities.to_vec(), ..Capabilities::default() };
    if uid == 0 {
        all.effective = capabilities.to_vec();
        all.permitted = capabilities.to_vec();
    }
    all
}

/// The sets of an additional process with all capabilities, for `exec --privileged`.
#[must_use]
pub fn privileged_capabilities(uid: u32) -> Capabilities {
    let all: Vec<String> = super::capabilities::ALL.iter().map(|name| (*name).to_owned()).collect();
    sets(&all, uid)
}

fn namespaces(config: &ContainerConfig, facts: &Facts) -> Vec<Namespace> {
    // On v1 Docker shares the host's: programs there expect the whole path.
    let by_default = facts.unified_cgroup && !config.privileged;
    let own_cgroups = config.cgroup_namespace.map_or(by_default, |choice| choice == CgroupNamespace::Private);
    let kinds = [
        ("mount", true),
        ("uts", !config.host_uts),
        ("ipc", config.ipc != IpcChoice::Host),
        ("pid", config.pid != PidChoice::Host),
        ("network", config.network != NetworkChoice::Host),
        ("cgroup", own_cgroups),
    ];
    kinds
        .into_iter()
        .filter(|(_, own)| *own)
        .map(|(kind, _)| kind)
        .map(|kind| Namespace { kind: kind.to_owned(), path: None })
        .collect()
}

fn all_mounts(input: &SpecificationInput<'_>) -> Vec<spec::runtime::Mount> {
    let files = input.files;
    let bound: [(&str, &Path); 3] = [
        ("/etc/resolv.conf", &files.resolv_conf),
        ("/etc/hostname", &files.hostname),
        ("/etc/hosts", &files.hosts),
    ];
    let config = input.config;
    let shm_size = config.shm_size.unwrap_or(input.default_shm_size);
    let mut all = mounts::all(input.mounts, &bound, config.privileged, config.read_only, shm_size);
    mounts::share_ipc(&mut all, &config.ipc, input.shared_shm);
    if let Some(init) = input.init {
        all.push(spec::runtime::Mount {
            destination: INIT_INSIDE.into(),
            kind: "bind".into(),
            source: Some(init.to_owned()),
            options: ["bind", "rprivate", "ro"].map(str::to_owned).to_vec(),
            ..spec::runtime::Mount::default()
        });
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    const FACTS: Facts = Facts { unified_cgroup: true, cpus: 2, swap_limit: true, thermal_cpus: 0 };

    fn planned(config: &ContainerConfig, uid: u32) -> Result<Spec, PlanError> {
        let account = Account { uid, gid: 0, additional_gids: vec![5], home: "/root".into() };
        let effective = EffectiveConfig {
            entrypoint: vec!["/bin/app".into()],
            command: vec!["-x".into()],
            hostname: "host".into(),
            ..EffectiveConfig::default()
        };
        let files = RuntimeFiles { resolv_conf: "/r".into(), hostname: "/n".into(), hosts: "/h".into() };
        let security = Security::parse(&config.security_opt, config.privileged, &[]).unwrap();
        specification(&SpecificationInput {
            config,
            effective: &effective,
            account: &account,
            mounts: &[],
            files: &files,
            devices: &[],
            security: &security,
            init: config.init.then_some(Path::new("/libexec/init")),
            default_ulimits: &[],
            default_shm_size: 1 << 20,
            shared_shm: (config.ipc == IpcChoice::Host).then_some(Path::new("/dev/shm")),
            facts: &FACTS,
        })
        .map(|(spec, _)| spec)
    }

    #[test]
    fn defaults_of_docker() {
        let spec = planned(&ContainerConfig::default(), 0).unwrap();
        let process = spec.process.unwrap();
        assert_eq!(process.args, ["/bin/app", "-x"]);
        assert_eq!(process.capabilities.unwrap().effective.len(), 14);
        assert_eq!(process.cwd, Path::new("/"));
        let linux = spec.linux.unwrap();
        assert_eq!((linux.masked_paths.len(), linux.readonly_paths.len()), (12, 5));
        assert_eq!(linux.namespaces.len(), 6);
        assert_eq!(spec.mounts.len(), 10);
    }

    #[test]
    fn a_user_has_only_a_bounding_set() {
        let capabilities =
            planned(&ContainerConfig::default(), 1000).unwrap().process.unwrap().capabilities.unwrap();
        assert_eq!(
            (capabilities.bounding.len(), capabilities.effective.len(), capabilities.permitted.len()),
            (14, 0, 0)
        );
    }

    #[test]
    fn privileged_hides_nothing() {
        let spec = planned(&ContainerConfig { privileged: true, ..ContainerConfig::default() }, 0).unwrap();
        let linux = spec.linux.unwrap();
        assert!(linux.masked_paths.is_empty() && linux.readonly_paths.is_empty());
        assert_eq!(linux.resources.unwrap().devices.len(), 1);
        assert_eq!(spec.process.unwrap().capabilities.unwrap().permitted.len(), 41);
    }

    #[test]
    fn init_goes_in_front() {
        let spec = planned(&ContainerConfig { init: true, ..ContainerConfig::default() }, 0).unwrap();
        assert_eq!(spec.process.unwrap().args, ["/sbin/docker-init", "--", "/bin/app", "-x"]);
        assert_eq!(spec.mounts.last().unwrap().source.as_deref(), Some(Path::new("/libexec/init")));
    }

    #[test]
    fn the_hosts_network_is_no_namespace() {
        let spec =
            planned(&ContainerConfig { network: NetworkChoice::Host, ..ContainerConfig::default() }, 0)
                .unwrap();
        let linux = spec.linux.unwrap();
        assert!(linux.namespaces.iter().all(|namespace| namespace.kind != "network"));
        assert!(linux.sysctl.is_empty());
    }

    #[test]
    fn what_is_shared_is_no_namespace() {
        let shared = ContainerConfig {
            ipc: IpcChoice::Host,
            pid: PidChoice::Host,
            host_uts: true,
            cgroup_namespace: Some(CgroupNamespace::Host),
            ..ContainerConfig::default()
        };
        let spec = planned(&shared, 0).unwrap();
        let kinds: Vec<String> =
            spec.linux.unwrap().namespaces.into_iter().map(|namespace| namespace.kind).collect();
        assert_eq!((kinds, spec.hostname.as_str()), (vec!["mount".to_owned(), "network".to_owned()], ""));
        let shm = |spec: &Spec| {
            spec.mounts.iter().find(|mount| mount.destination == Path::new("/dev/shm")).cloned()
        };
        let bound = planned(&shared, 0).map(|spec| shm(&spec)).unwrap().unwrap();
        assert_eq!((bound.kind.as_str(), bound.source.as_deref()), ("bind", Some(Path::new("/dev/shm"))));
        let without = ContainerConfig { ipc: IpcChoice::None, ..ContainerConfig::default() };
        assert!(shm(&planned(&without, 0).unwrap()).is_none());
        let named = ContainerConfig { hostname: Some("h".into()), ..shared };
        assert_eq!(
            planned(&named, 0).unwrap_err().to_string(),
            "conflicting options: hostname and the UTS mode"
        );
    }

    #[test]
    fn conflicts() {
        let restart = monitor::desired::RestartPolicy::Always;
        let config = ContainerConfig { auto_remove: true, restart, ..ContainerConfig::default() };
        assert_eq!(planned(&config, 0), Err(PlanError::AutoRemoveRestart));
        let config = ContainerConfig {
            network: NetworkChoice::Container("x".into()),
            hostname: Some("h".into()),
            ..ContainerConfig::default()
        };
        assert_eq!(
            planned(&config, 0).unwrap_err().to_string(),
            "conflicting options: hostname and the network mode"
        );
        let links = vec!["db".to_owned()];
        let config = ContainerConfig { network: NetworkChoice::Host, links, ..ContainerConfig::default() };
        let told = planned(&config, 0).unwrap_err().to_string();
        assert!(
            told.starts_with("conflicting options: host type networking can't be used with links"),
            "{told}"
        );
    }
}
