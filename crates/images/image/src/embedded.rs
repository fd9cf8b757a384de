//! The demo image that travels inside the program: made in memory, the same bytes each time.

use crate::error::StoreError;
use crate::get::GetError;
use crate::images::Images;
use crate::import::ImportError;
use crate::model::Image;
use crate::platform::host_platform;
use crate::progress::Silent;
use archive::{Entry, Kind, TarWriter, WriteError};
use content::{Change, Digester};
use ids::{Digest, Reference, ReferenceError};
use spec::image::{ExecutionConfig, History, ImageConfig, LayerList};

/// The name of the demo image.
pub const EMBEDDED_REFERENCE: &str = "localhost/sampan-demo:latest";
/// The label with the digest of the program, by which an image of another version is told.
const PROGRAM_LABEL: &str = "io.sampan.demo.program";
/// The directories of the image, and their modes.
const DIRECTORIES: [(&str, u32); 11] = [
    ("./", 0o755),
    ("bin/", 0o755),
    ("dev/", 0o755),
    ("etc/", 0o755),
    ("home/", 0o755),
    ("proc/", 0o755),
    ("root/", 0o700),
    ("run/", 0o755),
    ("sys/", 0o755),
    ("tmp/", 0o1777),
    ("var/", 0o755),
];
/// Its files besides the programs.
const FILES: [(&str, &str); 2] = [
    ("etc/passwd", "root:x:0:0:root:/root:/bin/hello\nnobody:x:65534:65534:nobody:/home:/bin/false\n"),
    ("etc/group", "root:x:0:\nnogroup:x:65534:\n"),
];

/// The demo image could not be made.
#[derive(Debug, thiserror::Error)]
pub enum EmbeddedError {
    /// Its name, which is a constant, does not parse.
    #[error(transparent)]
    Reference(#[from] ReferenceError),
    /// It could not be looked up.
    #[error(transparent)]
    Get(#[from] GetError),
    /// Its layer could not be written.
    #[error(transparent)]
    Layer(#[from] WriteError),
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
            let packed = ingest.put(&layer(program, names)?).map_err(StoreError::from)?;
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
            // The second is filled in at the start: the demo tells how long that took.
            env: vec!["PATH=/bin".into(), "SAMPAN_STARTED_AT=".into()],
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
fn layer(program: &[u8], names: &[&str]) -> Result<Vec<u8>, WriteError> {
    let mut tar = TarWriter::new(Vec::with_capacity(program.len() + (64 << 10)));
    for (path, mode) in DIRECTORIES {
        tar.append_bytes(&Entry::new(path, Kind::Directory, mode), &[])?;
    }
    for (path, text) in FILES {
        tar.append_bytes(&Entry::new(path, Kind::File, 0o644), text.as_bytes())?;
    }
    for (at, name) in names.iter().enumerate() {
        let kind = if at == 0 { Kind::File } else { Kind::HardLink(format!("bin/{}", names[0]).into()) };
        tar.append_bytes(&Entry::new(format!("bin/{name}"), kind, 0o755), program)?;
    }
    tar.finish()
}
