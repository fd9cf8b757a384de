//! Kernel interfaces as types: the only crate that may contain `unsafe`.
//!
//! Each module wraps one interface that neither `std` nor `rustix` offers safely: borrowed descriptors in, owned
//! descriptors out, errno turned into [`rustix::io::Errno`] or a named variant once, the C name quoted at each
//! constant. There is no policy here: what to lock, mount or filter is decided by the floors above.

pub mod bpf;
pub mod file;
pub mod lock;
pub mod mount;
pub mod namespace;
pub mod netlink;
pub mod nft;
pub mod overlay;
pub mod path;
pub mod process;
pub mod pty;
pub mod seccomp;
pub mod seqpacket;
pub mod settings;
pub mod signal;
pub mod spawn;
pub mod switches;
