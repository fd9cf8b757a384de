//! OCI documents as plain data: [`runtime`] (runtime-spec 1.3 `config.json`), [`image`] (image-spec 1.1 with Docker's
//! additions), and [`rootfs`], our plan of a container's root file system.
//!
//! Pure: parses and serialises, decides nothing. Lists that the specifications leave open (capabilities, seccomp
//! actions, flags) are text here and are judged where they are used, so that an unknown value can be warned about.
//! Maps are ordered, so what is built serialises the same way each time.

pub mod image;
pub mod rootfs;
pub mod runtime;
