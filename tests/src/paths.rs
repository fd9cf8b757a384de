//! Where the harness finds things.

use std::path::{Path, PathBuf};

/// The root of the repository.
#[must_use]
pub fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// Cargo's target directory: `CARGO_TARGET_DIR`, else `target`.
#[must_use]
pub fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| repository().join("target"), |path| repository().join(path))
}

/// The program under test.
///
/// # Panics
/// When it has not been built.
#[must_use]
pub fn program() -> PathBuf {
    let path = std::env::var_os("SAMPAN_BIN").map_or_else(|| target().join("dist/sampan"), PathBuf::from);
    assert!(path.is_file(), "no {}: build it with `cargo xtask dist`, or set SAMPAN_BIN", path.display());
    path.canonicalize().unwrap()
}

/// `sampan-runtime`, which lies beside [`program`].
#[must_use]
pub fn runtime() -> PathBuf {
    program().with_file_name("sampan-runtime")
}

/// Where images to test with are kept between runs: `SAMPAN_FIXTURES`, else `target/fixtures`.
#[must_use]
pub fn fixtures() -> PathBuf {
    std::env::var_os("SAMPAN_FIXTURES").map_or_else(|| target().join("fixtures"), PathBuf::from)
}
