//! Whose certificates are trusted.
//!
//! The system's, or those of `SSL_CERT_FILE` and `SSL_CERT_DIR` in their place, as with OpenSSL and Go; beside them the files a
//! catalog declares. Where the machine has none at all (a bare container), Mozilla's, which are compiled in.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore, crypto};

use crate::error::SetupError;

pub(crate) fn config(ca_files: &[PathBuf]) -> Result<ClientConfig, SetupError> {
    let mut roots = RootCertStore::empty();
    // What cannot be read among the system's certificates is left out, as everybody does.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() {
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    }
    for path in ca_files {
        add(&mut roots, path)?;
    }
    let provider = Arc::new(crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(SetupError::Tls)?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}

/// Adds the certificates of a file, all of which have to be good: somebody named this file.
fn add(roots: &mut RootCertStore, path: &Path) -> Result<(), SetupError> {
    let failed = |problem: String| SetupError::Certificates {
        path: path.to_owned(),
        problem,
    };
    let mut count = 0;
    for certificate in CertificateDer::pem_file_iter(path).map_err(|error| failed(pem(error)))? {
        let certificate = certificate.map_err(|error| failed(pem(error)))?;
        roots
            .add(certificate)
            .map_err(|error| failed(error.to_string()))?;
        count += 1;
    }
    match count {
        0 => Err(failed("it has no certificate in PEM format".to_owned())),
        _ => Ok(()),
    }
}

fn pem(error: rustls::pki_types::pem::Error) -> String {
    match error {
        rustls::pki_types::pem::Error::Io(error) => error.to_string(),
        error => error.to_string(),
    }
}
