//! The default filter on the kernel. A filter is a thread's own, so each test gives it to one that ends.

use super::*;
use rustix::io::Errno;
use std::process::Command;

/// Runs `body` in a thread under a filter.
fn under<T: Send + 'static>(program: Program, body: impl FnOnce() -> T + Send + 'static) -> T {
    let thread = std::thread::spawn(move || {
        rustix::thread::set_no_new_privs(true).unwrap();
        assert!(program.install().unwrap().is_none());
        body()
    });
    thread.join().unwrap()
}

fn docker() -> Program {
    Program::default_for(CapabilitySet::from_names(&DOCKER)).unwrap()
}

#[test]
fn the_kernel_takes_the_default_filter_and_says_so() {
    let status = under(docker(), || std::fs::read_to_string("/proc/thread-self/status").unwrap());
    assert!(status.lines().any(|line| line == "Seccomp:\t2"), "{status}");
}

#[test]
fn installing_is_quick() {
    let program = std::sync::Arc::new(docker());
    let mut times: Vec<_> = (0..20)
        .map(|_| {
            let program = program.clone();
            let one = std::thread::spawn(move || {
                rustix::thread::set_no_new_privs(true).unwrap();
                let start = std::time::Instant::now();
                program.install().unwrap();
                start.elapsed()
            });
            one.join().unwrap()
        })
        .collect();
    times.sort_unstable();
    println!("{:?} to install", times[times.len() / 2]);
}

#[test]
fn refused_calls_fail_and_ordinary_work_goes_on() {
    under(docker(), || {
        let nothing = rustix::mount::MountFlags::empty();
        assert_eq!(rustix::mount::mount("none", "/nowhere", "tmpfs", nothing, None), Err(Errno::PERM));
        assert_eq!(
            rustix::mount::fsopen("tmpfs", rustix::mount::FsOpenFlags::empty()).unwrap_err(),
            Errno::PERM
        );
        assert_eq!(kernel::settings::new_session_keyring(), Err(Errno::PERM));
        assert_eq!(kernel::bpf::load_device_program(&[]).unwrap_err(), Errno::PERM);
        assert_eq!(rustix::thread::sched_yield(), ());
        // Threads, processes and files: clone3 looks absent, so the C library clones in the old way.
        assert_eq!(std::thread::spawn(|| 7).join().unwrap(), 7);
        let output = Command::new("sh").args(["-c", "echo $((6 * 7)); ls / > /dev/null"]).output().unwrap();
        assert_eq!((output.status.success(), &*output.stdout), (true, &b"42\n"[..]));
        std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    });
}

#[test]
fn a_child_cannot_make_a_user_namespace() {
    let output = under(docker(), || Command::new("unshare").args(["--user", "true"]).output().unwrap());
    let message = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && message.contains("not permitted"), "{message}");
}

#[test]
fn an_action_of_a_profile_reaches_the_caller() {
    let rule = spec::runtime::SyscallRule {
        names: vec!["getpriority".to_owned(), "mkdirat".to_owned(), "mkdir".to_owned()],
        action: "SCMP_ACT_ERRNO".to_owned(),
        errno_ret: Some(33),
        args: Vec::new(),
    };
    let seccomp = spec::runtime::Seccomp {
        default_action: "SCMP_ACT_ALLOW".to_owned(),
        flags: vec!["SECCOMP_FILTER_FLAG_LOG".to_owned()],
        syscalls: vec![rule],
        ..spec::runtime::Seccomp::default()
    };
    let (program, _) = Program::compile(&seccomp).unwrap();
    let refused = under(program, || std::fs::create_dir("/tmp/never").unwrap_err());
    assert_eq!(refused.raw_os_error(), Some(33));
}
