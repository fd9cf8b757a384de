//! The demo image that travels inside the program: made in memory, the same bytes each time.

use crate::error::StoreError;
use crate::get::GetError;
use crate::images::Images;
use crate::import::ImportError;
use crate::model::Image;
use crate::platform::host_platform;
use crate::progress::Silent;
use content::{Change, Digester};
use ids::{Digest, Reference, ReferenceError};
use spec::image::{ExecutionConfig, History, ImageConfig, LayerList};

/// The name of the demo image.
pub const EMBEDDED_REFERENCE: &str = "localhost/sampan-demo:latest";
/// The label with the digest of the program, by which an image of another version is told.
const PROGRAM_LABEL: &str = "io.sampan.demo.program";
const TAR_BLOCK: usize = 512;

/// The demo image could not be made.
#[derive(Debug, thiserror::Error)]
pub enum EmbeddedError {
    /// Its name, which is a constant, does not parse.
    #[error(transparent)]
    Reference(#[from] ReferenceError),
    /// It could not be looked up.
    #[error(transparent)]
    Get(#[from] GetError),
    /// It could not be stored.
    #[error(transparent)]
    Store(#[from] ImportError),
}

impl From<StoreError> for EmbeddedError {
    fn from(error: StoreError) -> Self {
        Self::Store(error.into())
    }
}

impl Images {
    /// The demo image: `program` under each of `names` in `/bin`, the first being what runs. It is made if it is not
    /// there, or was made of another program; a person's own image of that name is left alone.
    ///
    /// # Errors
    /// When the store fails.
    pub fn install_embedded(&self, program: &[u8], names: &[&str]) -> Result<Image, EmbeddedError> {
        let reference = Reference::parse(EMBEDDED_REFERENCE)?;
        let digest = Digester::of(program);
        match self.get(EMBEDDED_REFERENCE) {
            Ok(image) => match image.config.config.labels.get(PROGRAM_LABEL) {
                Some(of) if of != digest.as_str() => {}
                _ => return Ok(image),
            },
            Err(GetError::NotFound { .. }) => {}
            Err(error) => return Err(error.into()),
        }
        let installed = self.ingesting(|ingest| -> Result<_, EmbeddedError> {
            let packed = ingest.put(&layer(program, names)).map_err(StoreError::from)?;
            let (pending, meta) = self.unpack_single(&packed, &Silent).map_err(ImportError::from)?;
            let document = configuration(&digest, &meta.diff_id, names);
            let image = self.store_single_layer(ingest, &document, &packed, (pending, meta))?;
            Ok((self.register(&image, std::slice::from_ref(&reference))?, image))
        });
        let (replaced, image) = installed?;
        for (_, old) in replaced {
            self.forget_nameless(&old)?;
        }
        Ok(image)
    }

    /// The image of an earlier version of ourselves is of no use to anybody without its name.
    fn forget_nameless(&self, id: &Digest) -> Result<(), StoreError> {
        if !self.names.names_of(&self.namespace, id)?.is_empty() {
            return Ok(());
        }
        let _lease = self.begin()?;
        self.names.apply(&[Change::RemoveImage { namespace: self.namespace.clone(), id: id.clone() }])?;
        self.sweep()?;
        Ok(())
    }
}

fn configuration(program: &Digest, diff_id: &Digest, names: &[&str]) -> ImageConfig {
    let platform = host_platform();
    ImageConfig {
        architecture: platform.architecture,
        os: platform.os,
        config: ExecutionConfig {
            env: vec!["PATH=/bin".into()],
            cmd: names.first().map(|name| format!("/bin/{name}")).into_iter().collect(),
            working_dir: "/".into(),
            labels: [(PROGRAM_LABEL.to_owned(), program.as_str().to_owned())].into(),
            ..ExecutionConfig::default()
        },
        rootfs: LayerList { kind: "layers".into(), diff_ids: vec![diff_id.clone()] },
        history: vec![History { comment: Some("Embedded in sampan".into()), ..History::default() }],
        ..ImageConfig::default()
    }
}

/// The layer: the program once, with hard links, and the directories and files that people expect.
fn layer(program: &[u8], names: &[&str]) -> Vec<u8> {
    let mut tar = Vec::new();
    for (path, mode) in
        [("./", 0o755), ("bin/", 0o755), ("dev/", 0o755), ("etc/", 0o755), ("home/", 0o755), ("proc/", 0o755)]
    {
        entry(&mut tar, path, mode, Member::Directory);
    }
    for (path, mode) in
        [("root/", 0o700), ("run/", 0o755), ("sys/", 0o755), ("tmp/", 0o1777), ("var/", 0o755)]
    {
        entry(&mut tar, path, mode, Member::Directory);
    }
    let passwd = b"root:x:0:0:root:/root:/bin/hello\nnobody:x:65534:65534:nobody:/home:/bin/false\n";
    entry(&mut tar, "etc/passwd", 0o644, Member::File(passwd));
    entry(&mut tar, "etc/group", 0o644, Member::File(b"root:x:0:\nnogroup:x:65534:\n"));
    for (at, name) in names.iter().enumerate() {
        let member = if at == 0 { Member::File(program) } else { Member::Link(names[0]) };
        entry(&mut tar, &format!("bin/{name}"), 0o755, member);
    }
    tar.resize(tar.len() + 2 * TAR_BLOCK, 0);
    tar
}

#[derive(Clone, Copy)]
enum Member<'a> {
    Directory,
    File(&'a [u8]),
    /// To a name in `bin`.
    Link(&'a str),
}

/// One entry of a ustar archive (pax(1)), owned by root, at the epoch.
fn entry(tar: &mut Vec<u8>, path: &str, mode: u32, member: Member<'_>) {
    let mut header = [0u8; TAR_BLOCK];
    let mut put = |at: usize, bytes: &[u8]| header[at..at + bytes.len()].copy_from_slice(bytes);
    let (kind, content, target) = match member {
        Member::Directory => (b'5', &[][..], String::new()),
        Member::File(content) => (b'0', content, String::new()),
        Member::Link(name) => (b'1', &[][..], format!("bin/{name}")),
    };
    put(0, path.as_bytes());
    put(100, format!("{mode:07o}\0{:07o}\0{:07o}\0{:011o}\0{:011o}\0", 0, 0, content.len(), 0).as_bytes());
    put(148, b"        ");
    put(156, &[kind]);
    put(157, target.as_bytes());
    put(257, b"ustar\x0000");
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    tar.extend_from_slice(&header);
    tar.extend_from_slice(content);
    tar.resize(tar.len().next_multiple_of(TAR_BLOCK), 0);
}
