//! A context as a tar archive, to be carried to another machine: `meta.json` and `tls/<endpoint>/<file>`.

use super::store::FILE_MAX;
use super::{Certificates, ContextError, Meta};
use engine::archive::{Entry, Kind, Limits, ReadError, TarReader, TarWriter, WriteError};
use std::io::Read;

/// What a context may consist of at the most.
const LIMITS: Limits = Limits {
    entries: 1000,
    content_bytes: 64 << 20,
    file_bytes: FILE_MAX,
    extension_bytes: 64 << 10,
    path_bytes: 4095,
    depth: 8,
    sparse_extents: 0,
    xattrs: 16,
    trailing_bytes: 1 << 20,
};

/// The archive of a context.
pub(crate) fn pack(meta: &Meta, certificates: &Certificates) -> Result<Vec<u8>, WriteError> {
    let json = serde_json::to_vec(meta).unwrap_or_default();
    let mut tar = TarWriter::new(Vec::new());
    tar.append_bytes(&Entry::new("meta.json", Kind::File, 0o644), &json)?;
    tar.append(&Entry::new("tls", Kind::Directory, 0o700), std::io::empty())?;
    for (endpoint, files) in certificates {
        tar.append(&Entry::new(format!("tls/{endpoint}"), Kind::Directory, 0o700), std::io::empty())?;
        for (file, bytes) in files {
            tar.append_bytes(&Entry::new(format!("tls/{endpoint}/{file}"), Kind::File, 0o600), bytes)?;
        }
    }
    tar.finish()
}

/// What an archive holds.
pub(crate) fn unpack(from: impl Read) -> Result<(Meta, Certificates), ContextError> {
    let wrong = |text: String| ContextError::Archive(text);
    let read = |error: ReadError| ContextError::Archive(crate::failure::chain(&error));
    let mut tar = TarReader::new(from, LIMITS);
    let (mut meta, mut certificates) = (None, Certificates::new());
    while let Some(entry) = tar.next_entry().map_err(read)? {
        let path = String::from_utf8(entry.path).map_err(|_| wrong("a path is not UTF-8".into()))?;
        let path = path.trim_start_matches("./").trim_end_matches('/');
        if entry.kind == Kind::Directory {
            continue;
        }
        let parts: Vec<&str> = path.split('/').collect();
        let mut bytes = Vec::new();
        let is_file = entry.kind == Kind::File;
        match parts[..] {
            ["meta.json"] if is_file => {
                tar.content().read_to_end(&mut bytes).map_err(|error| wrong(error.to_string()))?;
                let parsed = serde_json::from_slice(&bytes);
                meta = Some(parsed.map_err(|error| wrong(format!("meta.json: {error}")))?);
            }
            ["tls", endpoint, file] if is_file && is_plain(endpoint) && is_plain(file) => {
                tar.content().read_to_end(&mut bytes).map_err(|error| wrong(error.to_string()))?;
                certificates.entry(endpoint.to_owned()).or_default().insert(file.to_owned(), bytes);
            }
            _ => return Err(wrong(format!("unexpected file {path:?} in the archive"))),
        }
    }
    let meta: Meta = meta.ok_or_else(|| wrong("no metadata found".into()))?;
    Ok((meta, certificates))
}

/// A file name that leads nowhere else.
fn is_plain(name: &str) -> bool {
    !name.is_empty() && !name.starts_with('.') && !name.contains(['/', '\0'])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn archive(entries: &[(&str, Kind, &str)]) -> Vec<u8> {
        let mut tar = TarWriter::new(Vec::new());
        for (path, kind, text) in entries {
            tar.append_bytes(&Entry::new(*path, kind.clone(), 0o600), text.as_bytes()).unwrap();
        }
        tar.finish().unwrap()
    }

    #[test]
    fn what_is_packed_is_unpacked() {
        let mut meta = Meta { name: "far".into(), ..Meta::default() };
        meta.set_description("a machine");
        let files = [("ca.pem".to_owned(), b"-----BEGIN X".to_vec())].into();
        let certificates = Certificates::from([("docker".to_owned(), files)]);
        let bytes = pack(&meta, &certificates).unwrap();
        let (again, with) = unpack(&bytes[..]).unwrap();
        assert_eq!((again, with), (meta, certificates));
    }

    #[test]
    fn nothing_leads_out_of_the_store() {
        let meta = ("meta.json", Kind::File, "{}");
        for (entry, told) in [
            (("tls/docker/../../../x", Kind::File, "x"), "unexpected file"),
            (("tls/../x", Kind::File, "x"), "unexpected file"),
            (("/etc/passwd", Kind::File, "x"), "unexpected file"),
            (("tls/docker/ca.pem", Kind::Symlink(b"/etc/shadow".to_vec()), ""), "unexpected file"),
        ] {
            let error = unpack(&archive(&[meta.clone(), entry])[..]).unwrap_err().to_string();
            assert!(error.contains(told), "{error}");
        }
        assert!(unpack(&archive(&[])[..]).unwrap_err().to_string().contains("no metadata found"));
        assert!(unpack(&b"not a tar"[..]).is_err());
    }
}
