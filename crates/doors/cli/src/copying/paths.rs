//! The arithmetic: pure.
//!
//! The rules are those of docker-cp(1): a trailing `/` or `/.` counts, a directory goes into a directory that is there
//! and takes the name of one that is not, and a file never takes the place of a directory.

/// `CONTAINER:PATH` or a local path. An absolute path, and one that begins with a dot, is local in spite of a colon.
pub(crate) fn split_argument(argument: &str) -> (Option<&str>, &str) {
    match argument.split_once(':') {
        Some((container, path)) if !argument.starts_with('/') && !container.starts_with('.') => {
            (Some(container).filter(|name| !name.is_empty()), path)
        }
        _ => (None, argument),
    }
}

/// Without `.`, `..` and doubled slashes, lexically; `.` for nothing (Go's `filepath.Clean`).
pub(crate) fn clean(path: &str) -> String {
    let absolute = path.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => drop(parts.pop()),
            ".." if absolute => {}
            other => parts.push(other),
        }
    }
    match (absolute, parts.join("/")) {
        (true, rest) => format!("/{rest}"),
        (false, rest) if rest.is_empty() => ".".to_owned(),
        (false, rest) => rest,
    }
}

/// The last component, slashes at the end aside (Go's `filepath.Base`).
fn base(path: &str) -> &str {
    if path.is_empty() {
        return ".";
    }
    match path.trim_end_matches('/') {
        "" => "/",
        rest => rest.rsplit('/').next().unwrap_or(rest),
    }
}

/// Whether it ends in `/.`, or is `.`: what is meant is what is in the directory.
pub(crate) fn means_content(path: &str) -> bool {
    base(path) == "."
}

/// Whether what is there must be a directory.
fn means_directory(path: &str) -> bool {
    path.ends_with('/') || means_content(path)
}

/// The directory and the entry in it; the entry of `dir/.` is `.`.
pub(crate) fn split_entry(path: &str) -> (String, String) {
    let cleaned = clean(path);
    if means_content(path) {
        return (cleaned, ".".to_owned());
    }
    match cleaned.rsplit_once('/') {
        Some(("", "")) => ("/".to_owned(), "/".to_owned()),
        Some(("", name)) => ("/".to_owned(), name.to_owned()),
        Some((directory, name)) => (directory.to_owned(), name.to_owned()),
        None => (".".to_owned(), cleaned),
    }
}

/// An absolute path below `here`, cleaned, with the trailing `/` or `/.` that was typed.
pub(crate) fn absolute(here: &str, typed: &str) -> String {
    let joined = if typed.starts_with('/') { typed.to_owned() } else { format!("{here}/{typed}") };
    let mut cleaned = clean(&joined);
    if means_content(typed) && !means_content(&cleaned) {
        cleaned.push_str(if cleaned.ends_with('/') { "." } else { "/." });
    } else if typed.ends_with('/') && !cleaned.ends_with('/') {
        cleaned.push('/');
    }
    cleaned
}

/// A path after its links were followed, with the ending that was typed; and the name that it was asked for by, where
/// that differs from the one that it has.
pub(crate) fn rebased(typed: &str, resolved: &str) -> (String, Option<String>) {
    let mut resolved = resolved.to_owned();
    if means_content(typed) && !means_content(&resolved) {
        resolved.push_str("/.");
    }
    if typed.ends_with('/') && !resolved.ends_with('/') {
        resolved.push('/');
    }
    let name = (base(typed) != base(&resolved)).then(|| base(typed).to_owned());
    (resolved, name)
}

/// What is copied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Source {
    /// Where it is.
    pub(crate) path: String,
    /// Whether it is a directory.
    pub(crate) is_directory: bool,
    /// The name that it was asked for by, if it has another.
    pub(crate) name: Option<String>,
}

/// Where to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Destination {
    /// The path, links followed.
    pub(crate) path: String,
    /// Whether something is there.
    pub(crate) exists: bool,
    /// Whether that is a directory.
    pub(crate) is_directory: bool,
}

/// Why a copy makes no sense. The words are Docker's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Impossible {
    /// A directory onto a file.
    #[error("cannot copy directory")]
    DirectoryOntoFile,
    /// A file into a directory that is not there.
    #[error("no such directory")]
    NoSuchDirectory,
}

/// The directory to extract in, and what the entries of the archive are called.
pub(crate) fn place(source: &Source, destination: &Destination) -> Result<(String, String), Impossible> {
    let own_name = source.name.clone().unwrap_or_else(|| split_entry(&source.path).1);
    let (directory, name) = split_entry(&destination.path);
    match destination {
        Destination { exists: true, is_directory: true, .. } => Ok((destination.path.clone(), own_name)),
        Destination { exists: true, .. } if source.is_directory => Err(Impossible::DirectoryOntoFile),
        Destination { exists: true, .. } => Ok((directory, name)),
        _ if source.is_directory => Ok((directory, name)),
        _ if means_directory(&destination.path) => Err(Impossible::NoSuchDirectory),
        _ => Ok((directory, name)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments() {
        for (argument, container, path) in [
            ("web:/etc", Some("web"), "/etc"),
            ("web:", Some("web"), ""),
            ("/a:b", None, "/a:b"),
            ("./a:b", None, "./a:b"),
            ("../a:b", None, "../a:b"),
            ("a", None, "a"),
            ("-", None, "-"),
            (":/etc", None, "/etc"),
            ("web:/a:b", Some("web"), "/a:b"),
        ] {
            assert_eq!(split_argument(argument), (container, path), "{argument}");
        }
    }

    #[test]
    fn paths_as_go_has_them() {
        for (path, cleaned, directory, entry) in [
            ("/a/b", "/a/b", "/a", "b"),
            ("/a/b/", "/a/b", "/a", "b"),
            ("/a/b/.", "/a/b", "/a/b", "."),
            ("/a/../..", "/", "/", "/"),
            ("a", "a", ".", "a"),
            (".", ".", ".", "."),
            ("../x/", "../x", "..", "x"),
            ("/", "/", "/", "/"),
            ("/.", "/", "/", "."),
        ] {
            assert_eq!(clean(path), cleaned, "{path}");
            assert_eq!(split_entry(path), (directory.to_owned(), entry.to_owned()), "{path}");
        }
        for (typed, expected) in [
            ("x", "/here/x"),
            ("x/", "/here/x/"),
            (".", "/here/."),
            ("x/.", "/here/x/."),
            ("/y/../z", "/z"),
            ("/", "/"),
        ] {
            assert_eq!(absolute("/here", typed), expected, "{typed}");
        }
        assert_eq!(rebased("/l", "/t/x"), ("/t/x".into(), Some("l".into())));
        assert_eq!(rebased("/l/.", "/t/x"), ("/t/x/.".into(), None));
        assert_eq!(rebased("/x/", "/t/x"), ("/t/x/".into(), None));
    }

    /// The table of docker-cp(1): what is at the destination, and what becomes of the source there.
    #[test]
    fn where_it_goes() {
        let source = |path: &str, is_directory| Source { path: path.into(), is_directory, name: None };
        let to = |path: &str, exists, is_directory| Destination { path: path.into(), exists, is_directory };
        let goes = |directory: &str, name: &str| Ok((directory.to_owned(), name.to_owned()));
        let (file, directory) = (source("/s/f", false), source("/s/d", true));
        assert_eq!(place(&file, &to("/t", true, true)), goes("/t", "f"));
        assert_eq!(place(&file, &to("/t/g", true, false)), goes("/t", "g"));
        assert_eq!(place(&file, &to("/t/g", false, false)), goes("/t", "g"));
        assert_eq!(place(&file, &to("/t/g/", false, false)), Err(Impossible::NoSuchDirectory));
        assert_eq!(place(&directory, &to("/t", true, true)), goes("/t", "d"));
        assert_eq!(place(&source("/s/d/.", true), &to("/t", true, true)), goes("/t", "."));
        assert_eq!(place(&directory, &to("/t/e", false, false)), goes("/t", "e"));
        assert_eq!(place(&source("/s/d/.", true), &to("/t/e", false, false)), goes("/t", "e"));
        assert_eq!(place(&directory, &to("/t/g", true, false)), Err(Impossible::DirectoryOntoFile));
        let renamed = Source { name: Some("link".into()), ..file };
        assert_eq!(place(&renamed, &to("/t", true, true)), goes("/t", "link"));
    }
}
