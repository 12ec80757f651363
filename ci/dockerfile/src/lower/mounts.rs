//! `RUN --mount`.

use super::{Lowering, values};
use crate::ast::{Flag, Instruction};
use crate::error::{Error, nearest};
use crate::graph::{Bind, Cache, CopyFrom, Mount, Secret, Sharing, Ssh};
use crate::mount;

const TYPES: [&str; 5] = ["bind", "cache", "secret", "ssh", "tmpfs"];
const KEYS: [&str; 18] = [
    "type",
    "from",
    "source",
    "src",
    "target",
    "dst",
    "destination",
    "readonly",
    "ro",
    "readwrite",
    "rw",
    "required",
    "size",
    "id",
    "sharing",
    "mode",
    "uid",
    "gid",
];

/// The fields of a mount, before it is known that they fit its type.
#[derive(Default)]
struct Fields {
    kind: String,
    from: Option<String>,
    source: Option<String>,
    target: Option<String>,
    read_only: Option<bool>,
    required: Option<bool>,
    size: Option<u64>,
    id: Option<String>,
    sharing: Option<Sharing>,
    mode: Option<u32>,
    uid: Option<u32>,
    gid: Option<u32>,
    env: Option<String>,
}

impl Lowering<'_> {
    pub(super) fn mounts(&mut self, instruction: &Instruction) -> Result<Vec<Mount>, Error> {
        let flags = instruction.flags.iter().filter(|flag| flag.name == "mount");
        let mut mounts = Vec::new();
        for flag in flags {
            let agents = mounts.iter().filter(|mount| matches!(mount, Mount::Ssh(_)));
            let mount = self.mount(flag, agents.count())?;
            mounts.push(mount);
        }
        Ok(mounts)
    }

    /// One mount; `agents` is how many SSH agents are mounted before.
    fn mount(&mut self, flag: &Flag, agents: usize) -> Result<Mount, Error> {
        let text = flag.value.as_deref().unwrap_or_default();
        let mut fields = Fields {
            kind: "bind".to_owned(),
            ..Fields::default()
        };
        for (key, value) in mount::fields(text).map_err(|message| self.error(flag.span, message))? {
            let value = match value {
                Some(value) => Some(self.word(&value, flag.span)?),
                None => None,
            };
            fields.set(&key, value).map_err(|(message, suggestion)| {
                self.error(flag.span, message)
                    .suggest(suggestion.as_deref())
            })?;
        }
        fields
            .check()
            .map_err(|message| self.error(flag.span, message))?;
        let from = match fields.from.as_deref().filter(|from| !from.is_empty()) {
            Some(name) if matches!(fields.kind.as_str(), "bind" | "cache") => Some(
                self.plan
                    .resolve(name, self.stage.id)
                    .map_err(|message| self.error(flag.span, message))?,
            ),
            _ => None,
        };
        self.build(fields, from, agents)
            .map_err(|message| self.error(flag.span, message))
    }

    fn build(
        &self,
        fields: Fields,
        from: Option<CopyFrom>,
        agents: usize,
    ) -> Result<Mount, String> {
        let written = fields.target.clone().unwrap_or_default();
        let target = |default: Option<String>| {
            let target = match default.filter(|_| written.is_empty()) {
                Some(default) => default,
                None => values::join(self.working_dir(), &written),
            };
            if target == "/" {
                Err("a mount needs a target other than /".to_owned())
            } else {
                Ok(target)
            }
        };
        let source = values::join("/", fields.source.as_deref().unwrap_or_default());
        Ok(match fields.kind.as_str() {
            "cache" => Mount::Cache(Cache {
                target: target(None)?,
                id: fields
                    .id
                    .filter(|id| !id.is_empty())
                    .unwrap_or_else(|| clean(&written)),
                sharing: fields.sharing.unwrap_or_default(),
                from: from.unwrap_or(CopyFrom::Scratch),
                source,
                uid: fields.uid.unwrap_or(0),
                gid: fields.gid.unwrap_or(0),
                mode: fields.mode.unwrap_or(0o755),
                read_only: fields.read_only.unwrap_or(false),
            }),
            "tmpfs" => Mount::Tmpfs {
                target: target(None)?,
                size: fields.size,
            },
            "secret" => {
                let name = |path: &str| {
                    path.rsplit('/')
                        .find(|part| !part.is_empty())
                        .unwrap_or_default()
                        .to_owned()
                };
                let id = fields
                    .source
                    .or(fields.id)
                    .filter(|id| !id.is_empty())
                    .unwrap_or_else(|| name(&written));
                let file = (fields.env.is_none() || !written.is_empty())
                    .then(|| target(Some(values::join("/run/secrets", &name(&id)))));
                Mount::Secret(Secret {
                    target: file.transpose()?,
                    id,
                    env: fields.env,
                    required: fields.required.unwrap_or(false),
                    uid: fields.uid.unwrap_or(0),
                    gid: fields.gid.unwrap_or(0),
                    mode: fields.mode.unwrap_or(0o400),
                })
            }
            "ssh" => Mount::Ssh(Ssh {
                id: fields
                    .source
                    .or(fields.id)
                    .filter(|id| !id.is_empty())
                    .unwrap_or_else(|| "default".to_owned()),
                target: target(Some(format!("/run/buildkit/ssh_agent.{agents}")))?,
                required: fields.required.unwrap_or(false),
                uid: fields.uid.unwrap_or(0),
                gid: fields.gid.unwrap_or(0),
                mode: fields.mode.unwrap_or(0o600),
            }),
            _ => Mount::Bind(Bind {
                target: target(None)?,
                from: from.unwrap_or(CopyFrom::Context),
                source,
                read_only: fields.read_only.unwrap_or(true),
            }),
        })
    }
}

impl Fields {
    fn set(&mut self, key: &str, value: Option<String>) -> Result<(), (String, Option<String>)> {
        let plain = |message: String| (message, None);
        let only = |kinds: &[&str], this: &Self| {
            let fits = kinds.contains(&this.kind.as_str());
            if fits {
                Ok(())
            } else {
                Err(plain(format!("a mount of type {} has no {key}", this.kind)))
            }
        };
        match key {
            "readonly" | "ro" => {
                self.read_only = Some(boolean(key, value.as_deref()).map_err(plain)?)
            }
            "readwrite" | "rw" => {
                self.read_only = Some(!boolean(key, value.as_deref()).map_err(plain)?)
            }
            "required" => {
                only(&["secret", "ssh"], self)?;
                self.required = Some(boolean(key, value.as_deref()).map_err(plain)?);
            }
            _ => {
                if !KEYS.contains(&key) && key != "env" {
                    let suggestion = nearest(key, KEYS).map(str::to_owned);
                    return Err((format!("a mount has no {key:?}"), suggestion));
                }
                let value = value.ok_or_else(|| plain(format!("{key} needs a value: {key}=…")))?;
                let number = |radix: u32| {
                    u32::from_str_radix(&value, radix)
                        .map_err(|_| plain(format!("{value:?} is no {key}")))
                };
                match key {
                    "type" => {
                        self.kind = value.to_lowercase();
                        if !TYPES.contains(&self.kind.as_str()) {
                            let suggestion = nearest(&value, TYPES).map(str::to_owned);
                            return Err((
                                format!(
                                    "there is no mount of type {value:?}: types are {}",
                                    TYPES.join(", ")
                                ),
                                suggestion,
                            ));
                        }
                    }
                    "from" => self.from = Some(value),
                    "source" | "src" => self.source = Some(value),
                    "target" | "dst" | "destination" => self.target = Some(value),
                    "size" => {
                        only(&["tmpfs"], self)?;
                        self.size = Some(bytes(&value).ok_or_else(|| {
                            plain(format!("{value:?} is no size; write 64m or 1g"))
                        })?);
                    }
                    "id" => self.id = Some(value),
                    "sharing" => {
                        self.sharing = Some(match value.to_lowercase().as_str() {
                            "shared" => Sharing::Shared,
                            "private" => Sharing::Private,
                            "locked" => Sharing::Locked,
                            _ => {
                                let suggestion = nearest(&value, ["shared", "private", "locked"])
                                    .map(str::to_owned);
                                return Err((
                                    format!("sharing is shared, private or locked, not {value:?}"),
                                    suggestion,
                                ));
                            }
                        });
                    }
                    "mode" => self.mode = Some(number(8)?),
                    "uid" => self.uid = Some(number(10)?),
                    "gid" => self.gid = Some(number(10)?),
                    _ => {
                        only(&["secret"], self)?;
                        self.env = Some(value);
                    }
                }
            }
        }
        Ok(())
    }

    /// What does not fit the type.
    fn check(&self) -> Result<(), String> {
        let kind = self.kind.as_str();
        let owned = matches!(kind, "secret" | "ssh" | "cache");
        let misfits = [
            ("mode", self.mode.is_some() && !owned),
            ("uid", self.uid.is_some() && !owned),
            ("gid", self.gid.is_some() && !owned),
            ("sharing", self.sharing.is_some() && kind != "cache"),
            (
                "from",
                self.from.as_ref().is_some_and(|from| !from.is_empty()) && kind == "secret",
            ),
        ];
        if let Some((key, _)) = misfits.iter().find(|(_, misfit)| *misfit) {
            return Err(format!("a mount of type {kind} has no {key}"));
        }
        if kind == "secret" && self.source.is_none() && self.target.is_none() && self.id.is_none() {
            return Err("a secret needs an id".to_owned());
        }
        if kind == "secret" && self.source.is_some() && self.id.is_some() {
            return Err("a secret has an id or a source, which mean the same, not both".to_owned());
        }
        Ok(())
    }
}

fn boolean(key: &str, value: Option<&str>) -> Result<bool, String> {
    match value {
        None | Some("1" | "t" | "T" | "true" | "TRUE" | "True") => Ok(true),
        Some("0" | "f" | "F" | "false" | "FALSE" | "False") => Ok(false),
        Some(other) => Err(format!("{key} is true or false, not {other:?}")),
    }
}

/// A number of bytes with a unit of powers of 1024, such as `64m` or `1.5GiB`.
fn bytes(text: &str) -> Option<u64> {
    let text = text.trim().to_lowercase();
    let number = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(number);
    let power = match unit.trim().trim_end_matches("ib").trim_end_matches('b') {
        "" => 0,
        "k" => 1,
        "m" => 2,
        "g" => 3,
        "t" => 4,
        "p" => 5,
        _ => return None,
    };
    let value = number.parse::<f64>().ok()? * 1024_f64.powi(power);
    (value.is_finite() && value < u64::MAX as f64).then_some(value as u64)
}

/// A path without `.`, `..` and doubled slashes; `.` if nothing is left. This is what a cache without id is named by.
fn clean(path: &str) -> String {
    if path.starts_with('/') {
        return values::join("/", path);
    }
    let joined = values::join("/", path);
    if joined == "/" {
        ".".to_owned()
    } else {
        joined[1..].to_owned()
    }
}
