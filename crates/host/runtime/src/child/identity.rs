//! Users, groups and capabilities, in the order in which each still has the right to the next.

use super::Fault;
use crate::capability;
use crate::guard;
use crate::plan::{CapabilitySets, Identity};
use rustix::fs::{FileType, Gid, Mode, Uid};
use rustix::io::Errno;
use rustix::thread::{CapabilitySet, CapabilitySets as KernelSets};

/// `CAP_SYS_ADMIN` of linux/capability.h, as a mask.
const SYS_ADMIN: u64 = 1 << 21;

/// Takes the identity on; returns warnings.
pub(super) fn assume(identity: &Identity) -> Result<Vec<String>, Fault> {
    let mut warnings = Vec::new();
    let sets = obtainable(identity.capabilities, &mut warnings)?;
    own_streams(identity.uid)?;
    drop_bounding(sets.bounding)?;
    set_groups(&identity.groups)?;
    kernel::settings::set_group(identity.gid)?;
    if identity.uid != 0 {
        // Without it a change away from user 0 clears the permitted set (capabilities(7), "Effect of user ID
        // changes on capabilities"). execve(2) resets it.
        rustix::thread::set_keep_capabilities(true)?;
    }
    kernel::settings::set_user(identity.uid)?;
    set_capabilities(sets, if identity.may_filter { SYS_ADMIN } else { 0 })?;
    // A change of users sets it to `fs.suid_dumpable`, which may have been made 1 for debugging.
    guard::hide_process()?;
    rustix::process::umask(Mode::from_raw_mode(identity.umask));
    Ok(warnings)
}

/// Becomes root of the user namespace that the process is in, so that what it makes belongs to that root. Where the
/// mappings have no root it stays who it is.
pub(super) fn become_root() -> Result<(), Fault> {
    // Without the right to set groups there are none but the mapped one.
    match kernel::settings::set_groups(&[]) {
        Ok(()) | Err(Errno::PERM) => {}
        Err(other) => return Err(other.into()),
    }
    for outcome in [kernel::settings::set_group(0), kernel::settings::set_user(0)] {
        match outcome {
            Ok(()) | Err(Errno::INVAL) => {}
            Err(other) => return Err(other.into()),
        }
    }
    guard::hide_process()?;
    Ok(())
}

/// Sets the supplementary groups; where nobody may (user_namespaces(7), `setgroups`) none is all there is.
fn set_groups(groups: &[u32]) -> Result<(), Fault> {
    match kernel::settings::set_groups(groups) {
        Err(Errno::PERM) if groups.is_empty() => Ok(()),
        other => Ok(other?),
    }
}

/// What of the sets the caller can give at all; the rest is warned about.
fn obtainable(wanted: CapabilitySets, warnings: &mut Vec<String>) -> Result<CapabilitySets, Fault> {
    let held = rustix::thread::capabilities(None)?.permitted.bits();
    let missing =
        (wanted.bounding | wanted.permitted | wanted.effective | wanted.inheritable | wanted.ambient) & !held;
    for number in (0..64).filter(|number| missing & (1 << number) != 0) {
        let name = capability::name(number).unwrap_or("?");
        warnings.push(format!("process.capabilities: {name} is not ours to give"));
    }
    let permitted = wanted.permitted & held;
    let inheritable = guard::inheritable(&wanted) & held;
    Ok(CapabilitySets {
        bounding: wanted.bounding & held,
        permitted,
        effective: wanted.effective & permitted,
        inheritable,
        // An ambient capability has to be permitted and inheritable.
        ambient: wanted.ambient & permitted & inheritable,
    })
}

/// Drops every capability of the bounding set that is not wanted. The kernel's last one is found by asking.
fn drop_bounding(wanted: u64) -> Result<(), Fault> {
    for number in 0..64 {
        if wanted & (1 << number) != 0 {
            continue;
        }
        match kernel::settings::drop_bounding_capability(number) {
            Ok(()) => {}
            // The kernel has no capability of this number, nor any above.
            Err(Errno::INVAL) => break,
            Err(other) => return Err(other.into()),
        }
    }
    Ok(())
}

/// `kept` stays permitted and effective besides, until execve(2).
fn set_capabilities(sets: CapabilitySets, kept: u64) -> Result<(), Fault> {
    let kept = kept & rustix::thread::capabilities(None)?.permitted.bits();
    rustix::thread::set_capabilities(
        None,
        KernelSets {
            effective: CapabilitySet::from_bits_retain(sets.effective | kept),
            permitted: CapabilitySet::from_bits_retain(sets.permitted | kept),
            inheritable: CapabilitySet::from_bits_retain(sets.inheritable),
        },
    )?;
    rustix::thread::clear_ambient_capability_set()?;
    for number in (0..64).filter(|number| sets.ambient & (1 << number) != 0) {
        rustix::thread::configure_capability_in_ambient_set(
            CapabilitySet::from_bits_retain(1 << number),
            true,
        )?;
    }
    Ok(())
}

/// Lets a user other than root reopen its standard streams by `/dev/stdout`. Devices other than terminals are not
/// given away: they may be the host's.
fn own_streams(uid: u32) -> Result<(), Fault> {
    if uid == 0 {
        return Ok(());
    }
    for stream in [rustix::stdio::stdin(), rustix::stdio::stdout(), rustix::stdio::stderr()] {
        let Ok(stat) = rustix::fs::fstat(stream) else { continue };
        let kind = FileType::from_raw_mode(stat.st_mode);
        let is_terminal = kind == FileType::CharacterDevice && rustix::termios::isatty(stream);
        if stat.st_uid == uid || !guard::may_give_away(kind, is_terminal) {
            continue;
        }
        match rustix::fs::fchown(stream, Some(Uid::from_raw(uid)), None::<Gid>) {
            // A stream of a file system that knows no owners works as it is.
            Ok(()) | Err(Errno::ROFS | Errno::PERM | Errno::INVAL) => {}
            Err(other) => return Err(other.into()),
        }
    }
    Ok(())
}
