//! What a name stands for: a stage, a named context, an image.

use super::{Plan, Request};
use crate::ast::Dockerfile;
use crate::error::{Error, ErrorKind, nearest};
use crate::graph::{CopyFrom, StageId};
use crate::reference;
use crate::span::Span;

/// The named context that stands for a name, under the name the request gave it.
pub(super) fn context<'a>(request: &'a Request, name: &str) -> Option<&'a String> {
    if name.eq_ignore_ascii_case("scratch") || name.eq_ignore_ascii_case("context") {
        return None;
    }
    let short = reference::familiar(name);
    request.named_contexts.get(name).or_else(|| {
        request
            .named_contexts
            .iter()
            .find(|known| reference::familiar(known) == short)
    })
}

/// The stage that a request asks for.
pub(super) fn target(file: &Dockerfile, request: &Request) -> Result<StageId, Error> {
    let Some(wanted) = &request.target else {
        return Ok(StageId(file.stages.len() - 1));
    };
    let named = file.stages.iter().rposition(|stage| {
        stage
            .from
            .name
            .as_ref()
            .is_some_and(|name| name.name == wanted.to_lowercase())
    });
    let numbered = || {
        wanted
            .parse()
            .ok()
            .filter(|number| *number < file.stages.len())
    };
    named.or_else(numbered).map(StageId).ok_or_else(|| {
        let names = file
            .stages
            .iter()
            .filter_map(|stage| stage.from.name.as_ref())
            .map(|name| name.name.as_str());
        let suggestion = nearest(wanted, names.clone());
        let names: Vec<&str> = names.collect();
        let known = if names.is_empty() {
            "none of its stages has a name".to_owned()
        } else {
            format!("its stages are {}", names.join(", "))
        };
        let last = file
            .stages
            .last()
            .map_or(Span::default(), |stage| stage.instruction.span);
        Error::new(
            ErrorKind::Invalid,
            &file.source,
            last,
            format!("there is no stage {wanted:?} to build; {known}"),
        )
        .suggest(suggestion)
    })
}

impl Plan {
    /// What `--from=name` means in a stage.
    pub(crate) fn resolve(&self, name: &str, stage: StageId) -> Result<CopyFrom, String> {
        let named = |wanted: &str| {
            let wanted = wanted.to_lowercase();
            self.file.stages.iter().rposition(|stage| {
                stage
                    .from
                    .name
                    .as_ref()
                    .is_some_and(|name| name.name == wanted)
            })
        };
        let index = match name.parse::<usize>() {
            Ok(number) if number >= self.file.stages.len() => {
                return Err(format!("there is no stage number {number}"));
            }
            Ok(number) => Some(number),
            Err(_) => named(name),
        };
        match index {
            Some(index) if self.stages.get(index).is_some_and(|stage| stage.replaced) => {
                let context = self
                    .stages
                    .get(index)
                    .and_then(|stage| context(&self.request, &stage.name));
                context
                    .cloned()
                    .map(CopyFrom::Named)
                    .ok_or_else(|| format!("there is no context {name}"))
            }
            Some(index) if index == stage.0 => {
                Err(format!("a stage cannot take files from itself ({name})"))
            }
            Some(index) if index > stage.0 => Err(format!(
                "the stage {name} comes later; a stage can take files from earlier ones only"
            )),
            Some(index) => Ok(CopyFrom::Stage(StageId(index))),
            None if name == "scratch" => Ok(CopyFrom::Scratch),
            None => match context(&self.request, name) {
                Some(context) => Ok(CopyFrom::Named(context.clone())),
                None if reference::is_valid(name) => Ok(CopyFrom::Image(name.to_owned())),
                None => Err(format!(
                    "{name:?} is no stage, no named context and no reference to an image"
                )),
            },
        }
    }
}
