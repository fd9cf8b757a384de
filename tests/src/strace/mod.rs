//! Killing a chosen process at a chosen system call, with strace(1).
//!
//! Used by the kill sweep. An operation has up to three processes of ours ([`Role`]); each is recorded once, which gives
//! the [`Point`]s, and the operation is then repeated with a kill at one point at a time:
//! - the command is started under strace, which lets go of its children when they execute something;
//! - a monitor that the command starts is met through an [`Installation`] whose `sampan-runtime` is a script, one that
//!   runs already is attached to; strace stays beside it (`-D`), so that it is the command's own child still;
//! - the runtime's child shares strace with its monitor and counts its calls for itself, so a kill would meet both:
//!   instead both are stopped at their call, the child is killed and the monitor goes on.
//!
//! A kill is sent when the call is entered, and the kernel then does not carry it out; a stopped child has carried its
//! call out.

mod installation;
mod trace;

pub use installation::Installation;
pub use trace::{Point, points, stopped};

/// strace(1), by absolute path: monitors have no environment.
pub const STRACE: &str = "/usr/bin/strace";

/// System calls that change something outside of the process, or that another process sees.
pub const MUTATING: &str = "?mkdir,mkdirat,?open,openat,?creat,?rename,renameat,renameat2,?unlink,unlinkat,?rmdir,write,\
writev,pwrite64,ftruncate,fallocate,?link,linkat,?symlink,symlinkat,?mknod,mknodat,fsync,fdatasync,fchmod,?chmod,\
fchmodat,fchown,?chown,fchownat,utimensat,setxattr,fsetxattr,mount,umount2,move_mount,open_tree,fsmount,fsconfig,\
mount_setattr,pivot_root,unshare,setns,?fork,?vfork,clone,clone3,sendmsg,sendto,sendmmsg,bind,listen,fcntl,flock,kill,\
pidfd_send_signal,copy_file_range,sendfile,splice";

/// Which process of an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// The command itself.
    Program,
    /// The container's monitor.
    Monitor,
    /// A process on its way into the container, before it executes the user's program.
    Child,
}

impl Role {
    /// For reports.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Program => "sampan",
            Self::Monitor => "monitor",
            Self::Child => "runtime child",
        }
    }
}

/// strace's own arguments: all but its log, and whom it traces.
#[must_use]
pub fn arguments(role: Role, point: Option<&Point>) -> Vec<String> {
    // Interruptible (-I 2), so that it lets go when it is told to.
    let mut words: Vec<String> = vec!["-q".into(), "-I".into(), "2".into()];
    words.extend(match role {
        Role::Program => vec!["-f".into(), "-b".into(), "execve".into()],
        // Its children are no business of strace's.
        Role::Monitor => Vec::new(),
        // It executes itself anew to begin with (from a sealed copy), so an execution does not end the interest.
        Role::Child => vec!["-f".into()],
    });
    match point {
        None => words.extend(["-s".into(), "60".into(), "-e".into(), format!("trace=execve,{MUTATING}")]),
        Some(Point { call, number }) => {
            let signal = if role == Role::Child { "STOP" } else { "KILL" };
            // Only what happens at the point is of interest.
            words.extend(["-e".into(), format!("trace={call}")]);
            words.extend(["-e".into(), format!("inject={call}:signal={signal}:when={number}")]);
        }
    }
    words
}
