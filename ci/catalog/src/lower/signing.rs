//! `[signing]`.

use std::collections::BTreeSet;

use super::Lowering;
use crate::format::{At, SigningTable};
use crate::signing::{GITHUB_ISSUER, Identity, InvalidIdentity};
use crate::{FileKind, RelativePath, SignatureFormat, Signer, Signing};

pub(super) fn signing(lowering: &mut Lowering<'_>, table: &SigningTable) -> Signing {
    Signing {
        signer: signer(lowering, table),
        platforms: table.platforms,
        formats: formats(lowering, table.formats.as_ref()),
        trusted_root: file(lowering, table.trusted_root.as_ref(), "trusted-root"),
        signing_config: file(lowering, table.signing_config.as_ref(), "signing-config"),
    }
}

fn signer(lowering: &mut Lowering<'_>, table: &SigningTable) -> Option<Signer> {
    if let Some(key) = &table.key {
        for (at, name) in [(&table.identity, "identity"), (&table.issuer, "issuer")] {
            if let Some(at) = at {
                lowering
                    .error(at, format!("`{name}` means nothing with `key`"))
                    .help("either a key verifies, or the identity that a certificate names");
            }
        }
        return file(lowering, Some(key), "key").map(Signer::Key);
    }
    let issuer = table.issuer.as_ref();
    if let Some(at) = issuer
        && let Some(fault) = Identity::issuer_fault(&at.value)
    {
        refuse(lowering, at, "issuer", fault);
        return None;
    }
    let issuer = issuer.map_or(GITHUB_ISSUER, |at| &at.value);
    let at = table.identity.as_ref()?;
    match Identity::new(issuer, &at.value) {
        Ok(identity) => Some(Signer::Identity(identity)),
        Err(fault) => {
            refuse(lowering, at, "identity", fault);
            None
        }
    }
}

/// Reports what cannot tell one signer from all others (G6).
fn refuse(lowering: &mut Lowering<'_>, at: &At<String>, key: &str, fault: InvalidIdentity) {
    let message = format!("`{}` cannot be the `{key}` of the signer", at.value);
    lowering.error(at, message).help(fault.to_string());
}

fn formats(
    lowering: &mut Lowering<'_>,
    list: Option<&At<Vec<At<SignatureFormat>>>>,
) -> BTreeSet<SignatureFormat> {
    let Some(list) = list else {
        return SignatureFormat::ALL.into();
    };
    if list.value.is_empty() {
        lowering
            .error(list, "`formats` must not be empty")
            .help("leave it out for both, `bundle` and `legacy`");
    }
    let mut formats = BTreeSet::new();
    for at in &list.value {
        if !formats.insert(at.value) {
            lowering.error(at, "the format is listed twice");
        }
    }
    formats
}

fn file(lowering: &mut Lowering<'_>, at: Option<&At<String>>, key: &str) -> Option<RelativePath> {
    let at = at?;
    let path = lowering.path(at)?;
    lowering.must_exist(at, &path, FileKind::File, key);
    Some(path)
}
