//! What a stack of layers shows at a path, without mounting it (kernel documentation, overlayfs.rst).

use crate::node::Node;
use rustix::fs::{FileType, Mode, OFlags};
use rustix::io::Errno;
use std::os::fd::BorrowedFd;
use std::path::{Component, Path};

/// Finds what the layers, the nearest first, show at `path`: whiteouts hide what is below them, opaque directories
/// and files end the search. Links on the way are not followed.
pub(crate) fn find(layers: &[BorrowedFd<'_>], path: &Path) -> rustix::io::Result<Option<Node>> {
    let mut here = Vec::with_capacity(layers.len());
    for layer in layers {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        here.push(Node::from_fd(rustix::fs::openat(layer, ".", flags, Mode::empty())?)?);
    }
    for component in path.components() {
        let Component::Normal(name) = component else { return Ok(None) };
        let mut found: Vec<Node> = Vec::new();
        for directory in here.iter().filter(|node| node.kind() == FileType::Directory) {
            match Node::open(directory.fd(), name) {
                Err(Errno::NOENT) => {}
                Err(other) => return Err(other),
                Ok(node) if node.is_whiteout() => break,
                Ok(node) if node.kind() != FileType::Directory => {
                    if found.is_empty() {
                        found.push(node);
                    }
                    break;
                }
                Ok(node) => {
                    let last = node.is_opaque()?;
                    found.push(node);
                    if last {
                        break;
                    }
                }
            }
        }
        here = found;
    }
    Ok(here.into_iter().next())
}
