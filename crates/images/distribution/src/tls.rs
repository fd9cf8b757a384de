//! Whom to trust, decided when the first encrypted connection needs it.

use crate::config::Config;
use crate::endpoint::HostFiles;
use crate::error::RegistryError;
use crate::transport::Trust;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use std::cell::{OnceCell, RefCell};
use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// TLS settings for each host, made once.
#[derive(Default)]
pub(crate) struct Tls {
    roots: OnceCell<RootCertStore>,
    made: RefCell<HashMap<(String, bool, HostFiles), Arc<ClientConfig>>>,
}

impl Tls {
    /// The settings for a host, known by the names that its directory may have.
    pub(crate) fn settings(
        &self,
        config: &Config,
        names: &[&str],
        trust: Trust<'_>,
    ) -> Result<Arc<ClientConfig>, RegistryError> {
        let verify = trust.verify;
        let mut files = trust.files.cloned().unwrap_or_default();
        let key = (names.join("\n"), verify, files.clone());
        if let Some(made) = self.made.borrow().get(&key) {
            return Ok(Arc::clone(made));
        }
        find_files(config, names, &mut files)?;
        // Named explicitly: with two providers linked, rustls would refuse to choose.
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let refused = |source: rustls::Error| RegistryError::Certificates {
            path: names.first().map(PathBuf::from).unwrap_or_default(),
            source: io::Error::other(source),
        };
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(refused)?;
        let builder = if verify {
            builder.with_root_certificates(self.roots_with(&files.authorities)?)
        } else {
            builder.dangerous().with_custom_certificate_verifier(Arc::new(AnyCertificate(provider)))
        };
        let mut settings = match &files.identity {
            Some((certificate, key)) => {
                let chain = read_certificates(certificate)?;
                let private = PrivateKeyDer::from_pem_file(key).map_err(|error| unusable(key, error))?;
                builder.with_client_auth_cert(chain, private).map_err(refused)?
            }
            None => builder.with_no_client_auth(),
        };
        settings.alpn_protocols = vec![b"http/1.1".to_vec()];
        let settings = Arc::new(settings);
        self.made.borrow_mut().insert(key, Arc::clone(&settings));
        Ok(settings)
    }

    /// The system's authorities, and more.
    fn roots_with(&self, more: &[PathBuf]) -> Result<RootCertStore, RegistryError> {
        let mut roots = self
            .roots
            .get_or_init(|| {
                let mut roots = RootCertStore::empty();
                // A system without authorities, or with damaged ones, may still have ours.
                roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
                roots
            })
            .clone();
        for path in more {
            for certificate in read_certificates(path)? {
                roots.add(certificate).map_err(|error| unusable(path, error))?;
            }
        }
        Ok(roots)
    }
}

fn unusable(path: &Path, error: impl std::error::Error + Send + Sync + 'static) -> RegistryError {
    RegistryError::Certificates { path: path.to_owned(), source: io::Error::other(error) }
}

fn read_certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, RegistryError> {
    let found = CertificateDer::pem_file_iter(path).map_err(|error| unusable(path, error))?;
    found.collect::<Result<_, _>>().map_err(|error| unusable(path, error))
}

/// The files of a host, in all directories, in the order of their names.
fn find_files(config: &Config, names: &[&str], files: &mut HostFiles) -> Result<(), RegistryError> {
    for directory in &config.certificate_dirs {
        for name in names {
            let directory = directory.join(name);
            let failed = |source| RegistryError::Certificates { path: directory.clone(), source };
            let entries = match std::fs::read_dir(&directory) {
                Ok(entries) => entries,
                Err(error)
                    if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) =>
                {
                    continue;
                }
                Err(error) => return Err(failed(error)),
            };
            let mut paths = Vec::new();
            for entry in entries {
                paths.push(entry.map_err(failed)?.path());
            }
            paths.sort();
            for path in paths {
                match path.extension().and_then(|extension| extension.to_str()) {
                    Some("crt") => files.authorities.push(path),
                    Some("cert") if files.identity.is_none() => {
                        let key = path.with_extension("key");
                        files.identity = Some((path, key));
                    }
                    _ => {}
                }
            }
        }
    }
    Ok(())
}

/// Takes any certificate: for registries that the configuration calls insecure. What is pulled is verified by digest
/// all the same once a manifest's digest is known.
#[derive(Debug)]
struct AnyCertificate(Arc<CryptoProvider>);

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls12_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls13_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
