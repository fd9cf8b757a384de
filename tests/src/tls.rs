//! TLS in front of what speaks plain HTTP, with an authority that nobody knows yet.

use crate::fixture::tool;
use rustix::event::{PollFd, PollFlags, poll};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection};
use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

/// An authority, and a certificate by it for some names.
pub struct Identity {
    settings: Arc<ServerConfig>,
    /// The authority's certificate, for whoever is to trust it.
    pub authority: PathBuf,
}

impl Identity {
    /// Made with openssl(1), in `directory`, for host names.
    ///
    /// # Panics
    /// When it cannot be made.
    #[must_use]
    pub fn new(directory: &Path, names: &[&str]) -> Self {
        let path = |name: &str| directory.join(name).to_str().unwrap().to_owned();
        let (ca, ca_key, key) = (path("ca.pem"), path("ca.key"), path("host.key"));
        let (request, certificate, extensions) = (path("host.csr"), path("host.pem"), path("host.ext"));
        let names: Vec<String> = names.iter().map(|name| format!("DNS:{name}")).collect();
        std::fs::write(&extensions, format!("subjectAltName={}\n", names.join(","))).unwrap();
        let curve = ["req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
        let make = |words: &[&str]| tool("openssl", &[&curve[..], words].concat());
        make(&["-x509", "-days", "2", "-subj", "/CN=Test authority", "-keyout", &ca_key, "-out", &ca]);
        make(&["-subj", "/CN=host", "-keyout", &key, "-out", &request]);
        let sign = ["x509", "-req", "-days", "2", "-in", &request, "-CA", &ca, "-CAkey", &ca_key];
        let into = ["-CAcreateserial", "-extfile", &extensions, "-out", &certificate];
        tool("openssl", &[&sign[..], &into].concat());
        let chain = vec![CertificateDer::from_pem_file(&certificate).unwrap()];
        let key = PrivateKeyDer::from_pem_file(&key).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let settings = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .unwrap();
        Self { settings: Arc::new(settings), authority: ca.into() }
    }
}

/// Listens with TLS and passes everything on to a plain server.
pub struct Front {
    address: SocketAddr,
    stop: Arc<AtomicBool>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Front {
    /// Listens at `address` in front of `behind` (`localhost:port`).
    ///
    /// # Panics
    /// When the address is taken.
    #[must_use]
    pub fn start(address: &str, identity: &Identity, behind: &str) -> Self {
        let listener = TcpListener::bind(address).unwrap();
        let address = listener.local_addr().unwrap();
        let behind = behind.replace("localhost", "127.0.0.1");
        let (settings, stop) = (Arc::clone(&identity.settings), Arc::new(AtomicBool::new(false)));
        let stopped = Arc::clone(&stop);
        let thread = thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if stopped.load(Ordering::Relaxed) {
                    return;
                }
                let (settings, behind) = (Arc::clone(&settings), behind.clone());
                // A client that does not trust us ends the conversation: that is its right.
                thread::spawn(move || drop(pass_on(stream, settings, &behind)));
            }
        });
        Self { address, stop, thread: Some(thread) }
    }
}

impl Drop for Front {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        // Wakes it up.
        let _ = TcpStream::connect(self.address);
        let _ = self.thread.take().map(thread::JoinHandle::join);
    }
}

fn pass_on(mut client: TcpStream, settings: Arc<ServerConfig>, behind: &str) -> io::Result<()> {
    let mut server = TcpStream::connect(behind)?;
    let mut tls = ServerConnection::new(settings).map_err(io::Error::other)?;
    let mut buffer = vec![0; 16 * 1024];
    loop {
        let mut fds = [PollFd::new(&client, PollFlags::IN), PollFd::new(&server, PollFlags::IN)];
        poll(&mut fds, None)?;
        let (from_client, from_server) = (!fds[0].revents().is_empty(), !fds[1].revents().is_empty());
        if from_client {
            if tls.read_tls(&mut client)? == 0 {
                return server.shutdown(Shutdown::Both);
            }
            tls.process_new_packets().map_err(io::Error::other)?;
            loop {
                match tls.reader().read(&mut buffer) {
                    Ok(0) => return server.shutdown(Shutdown::Both),
                    Ok(length) => server.write_all(&buffer[..length])?,
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                    Err(error) => return Err(error),
                }
            }
        }
        let mut ended = false;
        if from_server {
            let length = server.read(&mut buffer)?;
            ended = length == 0;
            tls.writer().write_all(&buffer[..length])?;
        }
        if ended {
            tls.send_close_notify();
        }
        while tls.wants_write() {
            tls.write_tls(&mut client)?;
        }
        if ended {
            return client.shutdown(Shutdown::Write);
        }
    }
}
