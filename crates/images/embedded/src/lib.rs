//! Programs that travel inside `sampan` as bytes: today one, `sampan-init`.
//!
//! The engine writes it into the embedded demo image under the names in [`PROGRAMS`], and mounts it as pid 1 of a
//! container that asked for `--init`. The build script compiles it, so `cargo build` needs no step before it;
//! `SAMPAN_INIT_BIN=path` embeds a ready-made program instead (which must be static: it runs in any image).

/// The `sampan-init` program: a static ELF executable for the architecture of this build.
pub static INIT: &[u8] = include_bytes!(env!("SAMPAN_INIT_PATH"));

/// The names by which the demo image's `/bin` offers [`INIT`]; the program chooses its part by the name it is called
/// by. The first is the image's default command.
pub const PROGRAMS: [&str; 9] = ["hello", "true", "false", "exit", "sleep", "echo", "cat", "env", "pwd"];

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;
    use std::os::unix::process::CommandExt;
    use std::process::Command;

    /// Offset of `e_type`, and the program header type that names a dynamic loader (elf(5)).
    const PT_INTERP: u32 = 3;

    fn field(at: usize, width: usize) -> usize {
        INIT[at..at + width].iter().rev().fold(0, |value, byte| value << 8 | usize::from(*byte))
    }

    #[test]
    fn the_program_is_a_static_executable() {
        assert_eq!(&INIT[..4], b"\x7fELF");
        // e_phoff, e_phentsize and e_phnum of a 64-bit header.
        let (offset, size, count) = (field(32, 8), field(54, 2), field(56, 2));
        for header in 0..count {
            assert_ne!(field(offset + header * size, 4), PT_INTERP as usize, "names a dynamic loader");
        }
    }

    #[test]
    fn every_listed_name_is_a_program() {
        let path = std::env::temp_dir().join(format!("embedded-init-{}", std::process::id()));
        std::fs::write(&path, INIT).unwrap();
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).unwrap();
        for name in PROGRAMS {
            let argument = (name == "sleep").then_some("0");
            let output = Command::new(&path).arg0(format!("/bin/{name}")).args(argument).output().unwrap();
            let expected = i32::from(name == "false");
            assert_eq!(output.status.code(), Some(expected), "{name}: {output:?}");
        }
        assert_eq!(Command::new(&path).arg0("nothing").output().unwrap().status.code(), Some(127));
        std::fs::remove_file(path).unwrap();
    }
}
