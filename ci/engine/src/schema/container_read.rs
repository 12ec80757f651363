//! Fields of `Container` that only read: its config, its files, its image.

use std::path::Path;
use std::sync::Arc;

use ci_graphql::Value;
use serde_json::json;

use super::container_files::path_of;
use super::{
    Answer, FieldCall, arguments, container_of, container_state, flag, located, new_directory,
    new_file, record_list, text,
};
use crate::archive::Archive;
use crate::directory::{Directory, File, host_path};
use crate::error::{Error, Result};

pub(super) async fn sync(call: FieldCall) -> Answer {
    container_state(&call).await?;
    Ok(call.object.id().into())
}

pub(super) async fn platform(call: FieldCall) -> Answer {
    Ok(container_state(&call)
        .await?
        .image
        .platform()
        .to_string()
        .into())
}

pub(super) async fn image_ref(call: FieldCall) -> Answer {
    match &container_state(&call).await?.image_ref {
        Some(reference) => Ok(reference.clone().into()),
        None => Err(Error::new(
            "imageRef: this is no image as it was pulled: ask right after `from`",
        )
        .into()),
    }
}

pub(super) fn rootfs(call: FieldCall) -> Answer {
    let parent = container_of(&call.object)?;
    new_directory(&call, move |session| {
        let parent = parent.clone();
        async move {
            Ok(Directory::Layers {
                rootfs: parent.state.get(&session).await?.rootfs.clone(),
                path: "/".into(),
            })
        }
    })
}

pub(super) fn directory(call: FieldCall) -> Answer {
    let parent = container_of(&call.object)?;
    let (path, expand) = (text(&call.args, "path"), flag(&call.args, "expand"));
    new_directory(&call, move |session| {
        let (parent, path) = (parent.clone(), path.clone());
        async move {
            let container = parent.state.get(&session).await?;
            let path = path_of(&container, &path, expand);
            let (rootfs, path) =
                located(&session, container.rootfs.clone(), path, "directory").await?;
            Ok(Directory::Layers { rootfs, path })
        }
    })
}

pub(super) fn file(call: FieldCall) -> Answer {
    let parent = container_of(&call.object)?;
    let (path, expand) = (text(&call.args, "path"), flag(&call.args, "expand"));
    new_file(&call, move |session| {
        let (parent, path) = (parent.clone(), path.clone());
        async move {
            let container = parent.state.get(&session).await?;
            let path = path_of(&container, &path, expand);
            let (rootfs, path) = located(&session, container.rootfs.clone(), path, "file").await?;
            Ok(File::Layers { rootfs, path })
        }
    })
}

pub(super) async fn exists(call: FieldCall) -> Answer {
    let container = container_state(&call).await?;
    let path = path_of(
        &container,
        call.args.string("path")?,
        flag(&call.args, "expand"),
    );
    super::exists(&call, &container.rootfs, &path).await
}

pub(super) async fn stat(call: FieldCall) -> Answer {
    let container = container_state(&call).await?;
    let path = container.path(call.args.string("path")?);
    let status = call
        .backend
        .session
        .stat(
            &container.rootfs,
            &path,
            !flag(&call.args, "doNotFollowSymlinks"),
        )
        .await?;
    stat_record(&call, &path, status)
}

/// The `Stat` object of what is at a path.
pub(super) fn stat_record(
    call: &FieldCall,
    path: &str,
    status: Option<ci_rootfs::op::Status>,
) -> Answer {
    let Some(status) = status else {
        return Ok(Value::Null);
    };
    let kind = match status.kind.as_str() {
        "file" => "REGULAR",
        "directory" => "DIRECTORY",
        "symlink" => "SYMLINK",
        _ => "UNKNOWN",
    };
    let name = path.rsplit('/').next().unwrap_or_default();
    let fields = vec![
        ("name", json!(name)),
        ("fileType", json!(kind)),
        ("permissions", json!(status.mode)),
        ("size", json!(status.size)),
    ];
    match record_list(call, "Stat", vec![fields])? {
        Value::List(mut records) => Ok(records.pop().unwrap_or(Value::Null)),
        other => Ok(other),
    }
}

pub(super) async fn env_variable(call: FieldCall) -> Answer {
    Ok(container_state(&call)
        .await?
        .variable(call.args.string("name")?)
        .into())
}

pub(super) async fn env_variables(call: FieldCall) -> Answer {
    let env = container_state(&call).await?.env();
    record_list(
        &call,
        "EnvVariable",
        env.into_iter()
            .map(|(name, value)| vec![("name", json!(name)), ("value", json!(value))])
            .collect(),
    )
}

pub(super) async fn workdir(call: FieldCall) -> Answer {
    let workdir = container_state(&call).await?.config().working_dir.clone();
    Ok(if workdir.is_empty() {
        "/".into()
    } else {
        workdir.into()
    })
}

pub(super) async fn user(call: FieldCall) -> Answer {
    Ok(container_state(&call).await?.config().user.clone().into())
}

pub(super) async fn entrypoint(call: FieldCall) -> Answer {
    Ok(container_state(&call)
        .await?
        .config()
        .entrypoint
        .clone()
        .unwrap_or_default()
        .into())
}

pub(super) async fn default_args(call: FieldCall) -> Answer {
    Ok(container_state(&call)
        .await?
        .config()
        .cmd
        .clone()
        .unwrap_or_default()
        .into())
}

pub(super) async fn label(call: FieldCall) -> Answer {
    Ok(container_state(&call)
        .await?
        .config()
        .labels
        .get(call.args.string("name")?)
        .cloned()
        .into())
}

pub(super) async fn labels(call: FieldCall) -> Answer {
    let labels = container_state(&call).await?.config().labels.clone();
    record_list(
        &call,
        "Label",
        labels
            .into_iter()
            .map(|(name, value)| vec![("name", json!(name)), ("value", json!(value))])
            .collect(),
    )
}

pub(super) async fn exposed_ports(call: FieldCall) -> Answer {
    let container = container_state(&call).await?;
    let port = |entry: &String| {
        let (port, protocol) = entry.split_once('/').unwrap_or((entry, "tcp"));
        let fields = [
            ("protocol", json!(protocol.to_uppercase())),
            ("description", json!(null)),
            ("experimentalSkipHealthcheck", json!(false)),
        ];
        Some(
            std::iter::once(("port", json!(port.parse::<u16>().ok()?)))
                .chain(fields)
                .collect(),
        )
    };
    record_list(
        &call,
        "Port",
        container
            .config()
            .exposed_ports
            .iter()
            .filter_map(port)
            .collect(),
    )
}

pub(super) async fn healthcheck(call: FieldCall) -> Answer {
    let container = container_state(&call).await?;
    let Some(check) = &container.config().healthcheck else {
        return Ok(Value::Null);
    };
    let (kind, args) = check
        .test
        .split_first()
        .map_or(("NONE", &[][..]), |(kind, args)| (kind.as_str(), args));
    let time = |nanoseconds: i64| json!(format!("{}ms", nanoseconds / 1_000_000));
    let fields = vec![
        ("args", json!(args)),
        ("shell", json!(kind == "CMD-SHELL")),
        ("interval", time(check.interval)),
        ("timeout", time(check.timeout)),
        ("startPeriod", time(check.start_period)),
        ("startInterval", time(check.start_interval)),
        ("retries", json!(check.retries)),
    ];
    match record_list(&call, "HealthcheckConfig", vec![fields])? {
        Value::List(mut records) => Ok(records.pop().unwrap_or(Value::Null)),
        other => Ok(other),
    }
}

/// Nanoseconds of a duration such as `1m30s` or `500ms`.
pub(super) fn nanoseconds(text: &str) -> Result<i64> {
    let wrong = || {
        Error::new(format!(
            "{text:?} is no duration; write 30s, 1m30s or 500ms"
        ))
    };
    let (mut total, mut rest) = (0.0, text.trim());
    if rest.is_empty() {
        return Err(wrong());
    }
    while !rest.is_empty() {
        let digits = rest
            .find(|c: char| !c.is_ascii_digit() && c != '.')
            .ok_or_else(wrong)?;
        let (number, after) = rest.split_at(digits);
        let letters = after
            .find(|c: char| !c.is_ascii_alphabetic())
            .unwrap_or(after.len());
        let (unit, after) = after.split_at(letters);
        let factor = match unit {
            "ns" => 1.0,
            "us" => 1e3,
            "ms" => 1e6,
            "s" => 1e9,
            "m" => 6e10,
            "h" => 3.6e12,
            _ => return Err(wrong()),
        };
        total += number.parse::<f64>().map_err(|_| wrong())? * factor;
        rest = after;
    }
    // Beyond 2^53 nanoseconds (104 days) a float is no longer exact, and nobody waits that long.
    if total > 9e15 {
        Err(wrong())
    } else {
        Ok(total as i64)
    }
}

/// The archive of the container called on and its variants for other platforms.
async fn archive(call: &FieldCall, variants: Vec<super::Object>) -> Result<Archive> {
    let session = &call.backend.session;
    let mut containers = Vec::new();
    // A container without files is only there to carry the call when variants are given.
    let own = container_state(call).await?;
    if variants.is_empty() || !own.rootfs.layers.is_empty() {
        containers.push(own);
    }
    for variant in &variants {
        containers.push(container_of(variant)?.state.get(session).await?);
    }
    Ok(Archive::new(containers, call.backend.group.clone()))
}

fn refuse_other_formats(call: &FieldCall) -> Result<()> {
    match (
        call.args.opt_string("forcedCompression"),
        call.args.opt_string("mediaTypes"),
    ) {
        (None | Some("Gzip"), None | Some("OCIMediaTypes")) => Ok(()),
        (compression, media_types) => Err(Error::new(format!(
            "the embedded engine writes OCI images with gzip layers only (asked for {} and {})",
            compression.unwrap_or("Gzip"),
            media_types.unwrap_or("OCIMediaTypes")
        ))),
    }
}

pub(super) fn as_tarball(call: FieldCall) -> Answer {
    refuse_other_formats(&call)?;
    let variants = arguments(&call, "platformVariants")?;
    let again = Arc::new(FieldCall {
        backend: call.backend.clone(),
        object: call.object.clone(),
        args: call.args.clone(),
        ..call
    });
    let handle = again.clone();
    new_file(&again, move |_| {
        let (call, variants) = (handle.clone(), variants.clone());
        async move { Ok(File::Archive(Arc::new(archive(&call, variants).await?))) }
    })
}

pub(super) async fn export(call: FieldCall) -> Answer {
    refuse_other_formats(&call)?;
    let session = &call.backend.session;
    let variants = arguments(&call, "platformVariants")?;
    let mut path = text(&call.args, "path");
    if flag(&call.args, "expand") {
        path = container_state(&call).await?.expand(&path);
    }
    let dest = host_path(session, &path);
    archive(&call, variants)
        .await?
        .export(session, Path::new(&dest))
        .await?;
    Ok(dest.display().to_string().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_go_writes_them() {
        assert_eq!(nanoseconds("1m30s").unwrap(), 90_000_000_000);
        assert_eq!(nanoseconds("1.5s").unwrap(), 1_500_000_000);
        assert_eq!(nanoseconds("250ms").unwrap(), 250_000_000);
        for wrong in ["", "5", "s", "5 parsecs", "9999999999h"] {
            assert!(nanoseconds(wrong).is_err(), "{wrong}");
        }
    }
}
