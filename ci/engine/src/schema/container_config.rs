//! Fields of `Container` that change its config.

use ci_oci::config::Healthcheck;

use super::container_files::path_of;
use super::container_read::nanoseconds;
use super::{Answer, FieldCall, changed_container, flag, text};
use crate::error::{Error, Result};

pub(super) fn with_env_variable(call: FieldCall) -> Answer {
    changed_container(call, |container, args| {
        let (name, mut value) = (text(args, "name"), text(args, "value"));
        if flag(args, "expand") {
            value = container.expand(&value);
        }
        if name.is_empty() || name.contains(['=', '\0']) || value.contains('\0') {
            return Err(Error::new(format!(
                "{name:?} cannot be the name of an environment variable"
            )));
        }
        container.set_variable(&name, Some(&value));
        Ok(())
    })
}

pub(super) fn without_env_variable(call: FieldCall) -> Answer {
    changed_container(call, |container, args| {
        container.set_variable(&text(args, "name"), None);
        Ok(())
    })
}

pub(super) fn with_workdir(call: FieldCall) -> Answer {
    changed_container(call, |container, args| {
        container.image.config.working_dir =
            path_of(container, &text(args, "path"), flag(args, "expand"));
        Ok(())
    })
}

pub(super) fn without_workdir(call: FieldCall) -> Answer {
    changed_container(call, |container, _| {
        container.image.config.working_dir = String::new();
        Ok(())
    })
}

pub(super) fn with_user(call: FieldCall) -> Answer {
    changed_container(call, |container, args| {
        container.image.config.user = text(args, "name");
        Ok(())
    })
}

pub(super) fn without_user(call: FieldCall) -> Answer {
    changed_container(call, |container, _| {
        container.image.config.user = String::new();
        Ok(())
    })
}

pub(super) fn with_entrypoint(call: FieldCall) -> Answer {
    changed_container(call, |container, args| {
        container.image.config.entrypoint = Some(args.strings("args"));
        if !flag(args, "keepDefaultArgs") {
            container.image.config.cmd = None;
        }
        Ok(())
    })
}

pub(super) fn without_entrypoint(call: FieldCall) -> Answer {
    changed_container(call, |container, args| {
        container.image.config.entrypoint = None;
        if !flag(args, "keepDefaultArgs") {
            container.image.config.cmd = None;
        }
        Ok(())
    })
}

pub(super) fn with_default_args(call: FieldCall) -> Answer {
    changed_container(call, |container, args| {
        container.image.config.cmd = Some(args.strings("args"));
        container.args_were_set = true;
        Ok(())
    })
}

pub(super) fn without_default_args(call: FieldCall) -> Answer {
    changed_container(call, |container, _| {
        container.image.config.cmd = None;
        container.args_were_set = false;
        Ok(())
    })
}

pub(super) fn with_label(call: FieldCall) -> Answer {
    changed_container(call, |container, args| {
        container
            .image
            .config
            .labels
            .insert(text(args, "name"), text(args, "value"));
        Ok(())
    })
}

pub(super) fn without_label(call: FieldCall) -> Answer {
    changed_container(call, |container, args| {
        container.image.config.labels.remove(&text(args, "name"));
        Ok(())
    })
}

pub(super) fn with_annotation(call: FieldCall) -> Answer {
    changed_container(call, |container, args| {
        container
            .annotations
            .insert(text(args, "name"), text(args, "value"));
        Ok(())
    })
}

pub(super) fn without_annotation(call: FieldCall) -> Answer {
    changed_container(call, |container, args| {
        container.annotations.remove(&text(args, "name"));
        Ok(())
    })
}

fn port(args: &ci_graphql::Args) -> Result<String> {
    let port = args
        .opt_int("port")
        .and_then(|port| u16::try_from(port).ok())
        .ok_or_else(|| Error::new("a port is between 0 and 65535"))?;
    Ok(format!("{port}/{}", text(args, "protocol").to_lowercase()))
}

pub(super) fn with_exposed_port(call: FieldCall) -> Answer {
    changed_container(call, |container, args| {
        container.image.config.exposed_ports.insert(port(args)?);
        Ok(())
    })
}

pub(super) fn without_exposed_port(call: FieldCall) -> Answer {
    changed_container(call, |container, args| {
        container.image.config.exposed_ports.remove(&port(args)?);
        Ok(())
    })
}

pub(super) fn with_healthcheck(call: FieldCall) -> Answer {
    changed_container(call, |container, args| {
        let kind = if flag(args, "shell") {
            "CMD-SHELL"
        } else {
            "CMD"
        };
        let time = |name: &str| args.opt_string(name).map_or(Ok(0), nanoseconds);
        container.image.config.healthcheck = Some(Healthcheck {
            test: std::iter::once(kind.to_owned())
                .chain(args.strings("args"))
                .collect(),
            interval: time("interval")?,
            timeout: time("timeout")?,
            start_period: time("startPeriod")?,
            start_interval: time("startInterval")?,
            retries: args.opt_int("retries").unwrap_or(0),
        });
        Ok(())
    })
}

pub(super) fn without_healthcheck(call: FieldCall) -> Answer {
    changed_container(call, |container, _| {
        container.image.config.healthcheck = None;
        Ok(())
    })
}
