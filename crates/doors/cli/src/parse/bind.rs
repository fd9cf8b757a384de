//! `--volume`: `[source:]target[:options]`.

/// Not a volume. The words are Docker's where it has them.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum InvalidBind {
    /// Too many parts, or an empty one.
    #[error("invalid volume specification: '{0}'")]
    Format(String),
    /// The path inside is relative.
    #[error(
        "invalid volume specification: '{text}': invalid mount config: invalid mount path: '{path}' mount path must be absolute"
    )]
    Relative {
        /// As typed.
        text: String,
        /// The path.
        path: String,
    },
    /// The path inside is the root.
    #[error(
        "invalid volume specification: '{0}': invalid mount config: invalid specification: destination can't be '/'"
    )]
    Root(String),
    /// An option that is none, or that contradicts another.
    #[error("invalid mode: {0}")]
    Mode(String),
    /// Neither an absolute path nor a name.
    #[error(
        "{0:?} includes invalid characters for a local volume name, only \"[a-zA-Z0-9][a-zA-Z0-9_.-]\" are allowed. If you intended to pass a host directory, use absolute path"
    )]
    Name(String),
}

/// A parsed `--volume`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Bind {
    /// Absolute host path or name of a volume; empty for a new anonymous one.
    pub(crate) source: String,
    /// Path inside.
    pub(crate) target: String,
    /// Read-only.
    pub(crate) read_only: bool,
    /// `rprivate` and so on.
    pub(crate) propagation: Option<String>,
    /// Do not copy the image's content into an empty volume.
    pub(crate) no_copy: bool,
}

/// Whether a source is a path of the host, and not the name of a volume.
pub(crate) fn is_path(source: &str) -> bool {
    source.starts_with(['/', '.', '~'])
}

/// Parses a `--volume` whose relative host path was already made absolute.
pub(crate) fn bind(text: &str) -> Result<Bind, InvalidBind> {
    let format = || InvalidBind::Format(text.to_owned());
    let parts: Vec<&str> = text.split(':').collect();
    let (source, target, options) = match parts[..] {
        [target] => ("", target, ""),
        // Docker: a second part that is no path must be an option of an anonymous volume.
        [target, options] if target.starts_with('/') && is_option_list(options) => ("", target, options),
        [source, target] if !source.is_empty() => (source, target, ""),
        [source, target, options] if !source.is_empty() && !options.is_empty() => (source, target, options),
        _ => return Err(format()),
    };
    if target.is_empty() {
        return Err(format());
    }
    if !target.starts_with('/') {
        return Err(InvalidBind::Relative { text: text.to_owned(), path: target.to_owned() });
    }
    if target.trim_matches('/').is_empty() {
        return Err(InvalidBind::Root(text.to_owned()));
    }
    if !source.is_empty() && !source.starts_with('/') && ids::VolumeName::parse(source).is_err() {
        return Err(InvalidBind::Name(source.to_owned()));
    }
    let mut bind = Bind { source: source.to_owned(), target: target.to_owned(), ..Bind::default() };
    apply_options(&mut bind, options).ok_or_else(|| InvalidBind::Mode(options.to_owned()))?;
    Ok(bind)
}

fn is_option_list(text: &str) -> bool {
    !text.is_empty() && apply_options(&mut Bind::default(), text).is_some()
}

/// Each kind of option once; `None` for anything else.
fn apply_options(bind: &mut Bind, options: &str) -> Option<()> {
    let (mut mode, mut label, mut consistency) = (false, false, false);
    let once = |seen: &mut bool| if std::mem::replace(seen, true) { None } else { Some(()) };
    for option in options.split(',').filter(|_| !options.is_empty()) {
        match option {
            "ro" | "rw" => {
                once(&mut mode)?;
                bind.read_only = option == "ro";
            }
            // Without SELinux there is nothing to label, as in Docker.
            "z" | "Z" => once(&mut label)?,
            "consistent" | "cached" | "delegated" | "default" => once(&mut consistency)?,
            "private" | "rprivate" | "shared" | "rshared" | "slave" | "rslave"
                if bind.propagation.is_none() =>
            {
                bind.propagation = Some(option.to_owned());
            }
            "nocopy" if !bind.no_copy => bind.no_copy = true,
            _ => return None,
        }
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dockers_grammar() {
        let one = |source: &str, target: &str| Bind {
            source: source.into(),
            target: target.into(),
            ..Bind::default()
        };
        assert_eq!(bind("/data"), Ok(one("", "/data")));
        assert_eq!(bind("vol:/data"), Ok(one("vol", "/data")));
        assert_eq!(
            bind("/a:/b:ro,rslave"),
            Ok(Bind { read_only: true, propagation: Some("rslave".into()), ..one("/a", "/b") })
        );
        assert_eq!(bind("vol:/data:nocopy"), Ok(Bind { no_copy: true, ..one("vol", "/data") }));
        assert_eq!(bind("/a:/b:z,cached"), Ok(one("/a", "/b")));
        for (text, message) in [
            (":", "invalid volume specification: ':'"),
            ("", "invalid volume specification: ''"),
            ("/a:/b:/c:ro", "invalid volume specification: '/a:/b:/c:ro'"),
            ("/a:/b:xx", "invalid mode: xx"),
            ("/a:/b:ro,rw", "invalid mode: ro,rw"),
        ] {
            assert_eq!(bind(text).unwrap_err().to_string(), message);
        }
        assert!(matches!(bind("vol:data"), Err(InvalidBind::Relative { .. })));
        assert!(matches!(bind("/a:/"), Err(InvalidBind::Root(_))));
        assert!(matches!(bind("foo/bar:/b"), Err(InvalidBind::Name(_))));
    }
}
