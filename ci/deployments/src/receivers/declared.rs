//! A receiver as it is declared: one table with the address under the name of its kind.

use ci_catalog::Name;
use ci_catalog::deploy::{Form, ReceiverDeclaration};
use ci_http::{Http, Url};

use super::{Dokploy, Kind, Receiver, Variable, Webhook};
use crate::declaration::render;
use crate::{Image, InvalidPlace, Promotion};

/// The variable of a service where none is declared.
const VARIABLE: &str = "{SERVICE}_IMAGE";

/// Why a declared receiver cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidReceiver {
    /// Neither kind, or both.
    #[error("a receiver has exactly one of `dokploy` and `webhook`")]
    Kind,
    /// A key that it needs.
    #[error("a receiver with `{kind}` needs `{key}`")]
    Missing {
        /// The kind.
        kind: &'static str,
        /// What is missing.
        key: &'static str,
    },
    /// A key of the other kind.
    #[error("a receiver with `{kind}` has no `{key}`")]
    Unexpected {
        /// The kind.
        kind: &'static str,
        /// What is too much.
        key: &'static str,
    },
    /// No address, or one that anybody can listen to.
    #[error("`{kind}` is not an address that begins with `https://`")]
    Address {
        /// The kind.
        kind: &'static str,
    },
    /// It is the secret itself, most likely.
    #[error("`secret-variable` is not the name of an environment variable")]
    Secret,
    /// A template that is none.
    #[error(transparent)]
    Template(#[from] InvalidPlace),
}

/// How variables are named and written.
#[derive(Debug, Clone)]
pub(super) struct Variables {
    template: String,
    form: Form,
}

impl Variables {
    /// The variables of a promotion.
    pub(super) fn of(&self, promotion: &Promotion) -> Result<Vec<Variable>, InvalidReceiver> {
        let variable = |change: &crate::Move| {
            let image = Image::clone(&change.after.image);
            Ok(Variable {
                name: render(&self.template, &promotion.environment, &change.service)?,
                form: self.form,
                image,
            })
        };
        promotion.moves.iter().map(variable).collect()
    }
}

/// The environment variable that holds a receiver's secret.
///
/// # Errors
/// When none is declared, or what stands there cannot be one.
pub fn secret_variable(declared: &ReceiverDeclaration) -> Result<&str, InvalidReceiver> {
    let kind = kind(declared)?;
    let missing = || InvalidReceiver::Missing {
        kind,
        key: "secret-variable",
    };
    let name = declared.secret_variable.as_deref().ok_or_else(missing)?;
    // Keys hold small letters, and names by custom none: what was pasted is not shown and not looked up.
    let is_name = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
    let starts = name.bytes().next().is_some_and(|it| !it.is_ascii_digit());
    match starts && name.bytes().all(is_name) {
        true => Ok(name),
        false => Err(InvalidReceiver::Secret),
    }
}

fn kind(declared: &ReceiverDeclaration) -> Result<&'static str, InvalidReceiver> {
    match (&declared.dokploy, &declared.webhook) {
        (Some(_), None) => Ok("dokploy"),
        (None, Some(_)) => Ok("webhook"),
        _ => Err(InvalidReceiver::Kind),
    }
}

impl Receiver {
    /// What is declared, with the secret that [`secret_variable`] names.
    ///
    /// # Errors
    /// When the declaration is not well-formed.
    pub fn new(
        declared: &ReceiverDeclaration,
        secret: String,
        http: &Http,
    ) -> Result<Self, InvalidReceiver> {
        let kind = kind(declared)?;
        let ReceiverDeclaration {
            compose,
            variable,
            write,
            ..
        } = declared;
        let kind = if let Some(address) = &declared.webhook {
            let of_dokploy = [
                ("compose", compose.is_some()),
                ("variable", variable.is_some()),
                ("write", write.is_some()),
            ];
            if let Some((key, _)) = of_dokploy.into_iter().find(|(_, is_set)| *is_set) {
                return Err(InvalidReceiver::Unexpected { kind, key });
            }
            Kind::Webhook(Webhook {
                http: http.clone(),
                address: checked(kind, address)?,
                secret,
            })
        } else {
            let address = declared.dokploy.as_deref().unwrap_or_default();
            let missing = InvalidReceiver::Missing {
                kind,
                key: "compose",
            };
            let template = variable.as_deref().unwrap_or(VARIABLE).to_owned();
            // Known before anything is written.
            let any: Name = "a".parse().map_err(|_| InvalidReceiver::Kind)?;
            render(&template, &any, &any)?;
            Kind::Dokploy {
                dokploy: Dokploy {
                    http: http.clone(),
                    address: checked(kind, address)?,
                    key: secret,
                    compose_id: compose.clone().ok_or(missing)?,
                },
                variables: Variables {
                    template,
                    form: write.unwrap_or_default(),
                },
            }
        };
        Ok(Self {
            kind,
            services: declared.services.clone(),
        })
    }
}

/// An address where a secret may be shown.
fn checked(kind: &'static str, address: &str) -> Result<Url, InvalidReceiver> {
    let wrong = InvalidReceiver::Address { kind };
    let url: Url = address.parse().map_err(|_| wrong.clone())?;
    let is_here = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
    match url.scheme() == "https" || (url.scheme() == "http" && is_here) {
        true => Ok(url),
        false => Err(wrong),
    }
}
