//! The command itself, in a program that was built with signing.

use std::collections::BTreeSet;

use ci_catalog::{Catalog, GITHUB_ISSUER, Signer};
use ci_signing::PublicKey;
use ci_signing::policy::{self, Check, Demand};

use super::{Admission, Argocd, Policy, System};
use crate::cli::Answer;
use crate::error::{Exit, UserError};
use crate::project::Project;
use crate::stages::verify::{nobody, read};

/// Where the workflow checks this project out.
const CHECKOUT: &str = ".gate";

pub(crate) fn run(args: &Policy, project: &Project) -> eyre::Result<Answer> {
    let catalog = project.catalog();
    let text = match &args.system {
        System::Kyverno(args) => policy::kyverno(&demand(args, catalog)?),
        System::PolicyController(args) => {
            policy::policy_controller(&demand(args, catalog)?).map_err(wrong)?
        }
        System::Argocd(args) => policy::argocd(&check(args, catalog)?),
    };
    Ok(text.into())
}

fn demand(args: &Admission, catalog: &Catalog) -> Result<Demand, UserError> {
    let signing = catalog.signing();
    let signer = match &signing.signer {
        None => return Err(nobody()),
        Some(Signer::Identity(_)) if args.no_log => {
            let message = "--no-log means nothing for an identity";
            return Err(UserError::new(Exit::Usage, message)
                .hint("a certificate is valid for minutes; that it was used in them only a log or a timestamp tells"));
        }
        Some(Signer::Identity(identity)) => policy::Signer::Identity(identity.clone()),
        Some(Signer::Key(path)) => {
            let pem = read(&path.under(catalog.root()), "the public key")?;
            let key = PublicKey::from_pem(pem.as_bytes()).map_err(wrong)?;
            policy::Signer::Key {
                pem: key.to_pem(),
                logged: !args.no_log,
            }
        }
    };
    let root = signing.trusted_root.as_ref();
    let root = root.map(|path| read(&path.under(catalog.root()), "the trusted root"));
    let repositories: BTreeSet<String> = catalog
        .services()
        .map(|service| service.repository.clone())
        .collect();
    Ok(Demand {
        name: catalog.project().name.to_string(),
        repositories: repositories.into_iter().collect(),
        signer,
        attestations: args.attestations.clone(),
        trusted_root: root.transpose()?,
    })
}

fn check(args: &Argocd, catalog: &Catalog) -> Result<Check, UserError> {
    let signing = catalog.signing();
    let mut arguments = args.paths.clone();
    let mut add = |name: &str, value: String| arguments.extend([name.to_owned(), value]);
    let below =
        |path: &ci_catalog::RelativePath| format!("{CHECKOUT}/{}", path.from_root().display());
    match &signing.signer {
        None => return Err(nobody()),
        Some(Signer::Identity(identity)) => {
            add("--identity", identity.identity().to_owned());
            if identity.issuer() != GITHUB_ISSUER {
                add("--issuer", identity.issuer().to_owned());
            }
        }
        Some(Signer::Key(path)) => add("--key", below(path)),
    }
    if let Some(path) = &signing.trusted_root {
        add("--trusted-root", below(path));
    }
    let source = args.source.clone().or_else(|| match &signing.signer {
        Some(Signer::Identity(identity)) => {
            let path = identity.identity().strip_prefix("https://github.com/")?;
            path.split_once("/.github/")
                .map(|(source, _)| source.to_owned())
        }
        _ => None,
    });
    let source = source.ok_or_else(|| {
        UserError::new(Exit::Usage, "where this project is on GitHub is not known").hint(
            "name it with `--source OWNER/REPOSITORY`: the check builds this program from there",
        )
    })?;
    let odd = |text: &&String| text.chars().any(char::is_control);
    if let Some(text) = arguments.iter().chain([&args.branch, &source]).find(odd) {
        let message = format!("{text:?} cannot be written into a workflow");
        return Err(UserError::new(Exit::Usage, message));
    }
    Ok(Check {
        source,
        branch: args.branch.clone(),
        arguments,
    })
}

fn wrong(error: ci_signing::Error) -> UserError {
    UserError::new(Exit::Usage, error.to_string())
}
