//! `--tmpfs`: `/path[:options]`.

use super::bytes;

/// Not a tmpfs.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum InvalidTmpfs {
    /// A relative path, or the root.
    #[error("invalid tmpfs path '{0}': it must be absolute and not '/'")]
    Path(String),
    /// An option that is none. The words are Docker's.
    #[error("invalid tmpfs option {0:?}")]
    Option(String),
}

/// Options of a tmpfs, with those that have a field of their own taken out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct TmpfsText {
    /// Bytes.
    pub(crate) size: Option<u64>,
    /// Permission bits.
    pub(crate) mode: Option<u32>,
    /// Read-only.
    pub(crate) read_only: bool,
    /// The others.
    pub(crate) options: Vec<String>,
}

/// Path and options of a `--tmpfs`, checked.
pub(crate) fn tmpfs(text: &str) -> Result<(String, String), InvalidTmpfs> {
    let (path, options) = text.split_once(':').unwrap_or((text, ""));
    if !path.starts_with('/') || path.trim_matches('/').is_empty() {
        return Err(InvalidTmpfs::Path(path.to_owned()));
    }
    TmpfsText::parse(options)?;
    Ok((path.to_owned(), options.to_owned()))
}

/// mount(8), "FILESYSTEM-INDEPENDENT MOUNT OPTIONS", those that Docker takes for a tmpfs.
const FLAGS: [&str; 18] = [
    "async",
    "atime",
    "dev",
    "diratime",
    "dirsync",
    "exec",
    "noatime",
    "nodev",
    "nodiratime",
    "noexec",
    "norelatime",
    "nostrictatime",
    "nosuid",
    "relatime",
    "rw",
    "strictatime",
    "suid",
    "sync",
];

impl TmpfsText {
    /// Parses what follows the colon.
    pub(crate) fn parse(options: &str) -> Result<Self, InvalidTmpfs> {
        let mut parsed = Self::default();
        for option in options.split(',').filter(|option| !option.is_empty()) {
            let invalid = || InvalidTmpfs::Option(option.to_owned());
            match option.split_once('=') {
                // A percentage is the kernel's to compute.
                Some(("size", value)) if value.ends_with('%') => parsed.options.push(option.to_owned()),
                Some(("size", value)) => {
                    let size = bytes::size(value).map_err(|_| invalid())?;
                    parsed.size = Some(u64::try_from(size).map_err(|_| invalid())?);
                }
                Some(("mode", value)) => {
                    parsed.mode = Some(
                        u32::from_str_radix(value, 8)
                            .ok()
                            .filter(|mode| *mode <= 0o7777)
                            .ok_or_else(invalid)?,
                    );
                }
                Some(("uid" | "gid" | "nr_inodes" | "nr_blocks" | "mpol", _)) => {
                    parsed.options.push(option.to_owned());
                }
                None if option == "ro" => parsed.read_only = true,
                None if FLAGS.contains(&option) => parsed.options.push(option.to_owned()),
                _ => return Err(invalid()),
            }
        }
        Ok(parsed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options() {
        assert_eq!(tmpfs("/run"), Ok(("/run".into(), String::new())));
        let parsed = TmpfsText::parse("rw,size=64k,mode=1770,noexec,uid=5").unwrap();
        assert_eq!((parsed.size, parsed.mode, parsed.read_only), (Some(65_536), Some(0o1770), false));
        assert_eq!(parsed.options, ["rw", "noexec", "uid=5"]);
        for text in ["run", "/", "", "/run:size=x", "/run:mode=9", "/run:frobnicate"] {
            assert!(tmpfs(text).is_err(), "{text}");
        }
    }
}
