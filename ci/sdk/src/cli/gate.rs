//! `gate`: the check that a deployments repository makes before it is deployed.

use std::io::IsTerminal;
use std::path::PathBuf;

use ci_catalog::Catalog;
use ci_engine::Progress;
use serde_json::{Value, json};

use super::trusting::Trusting;
use super::{Answer, Format, Globals};
use crate::error::{Exit, UserError};
use crate::report::{self, Cell, Column, Table};
use crate::stages::gate::{self, Checked, Request, Source, Verdict};
use crate::stages::verify::Demand;
use crate::terminal::{Paint, Style};

/// Check that every image of manifests is pinned, exists and is signed
///
/// For the checks of a deployments repository; a pipeline.toml is not needed. A PATH is a file of manifests, a Compose file, an .env file
/// (IMAGE and …_IMAGE; it also sets the variables of Compose files), or a folder: an overlay is rendered by kustomize or kubectl, of another
/// folder the files in it are read. Images in containers, image volumes and the fields of custom resources count. What runs no image
/// fails: nothing would have been checked.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Gate {
    /// Files and folders; - or none is standard input
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,

    /// Check what this environment's places in pipeline.toml hold, in the files of this checkout
    #[arg(long, value_name = "NAME")]
    env: Option<String>,

    /// Leave out an image or an object, as the table shows it: one that is no image, or not yours to pin
    #[arg(long, value_name = "TEXT")]
    except: Vec<String>,

    #[command(flatten)]
    trusting: Trusting,

    /// Ask for no signatures: only whether images are pinned and exist
    #[arg(long, conflicts_with_all = ["identity", "key", "trusted_root"])]
    no_signatures: bool,

    /// Ask for no signature of this repository's images, and of those below it: somebody else's
    #[arg(long, value_name = "REPOSITORY", conflicts_with = "no_signatures")]
    unsigned: Vec<String>,

    /// How to print the result, on standard output: human (the default) or json
    #[arg(
        long,
        value_name = "FORMAT",
        default_value = "human",
        hide_possible_values = true,
        hide_default_value = true
    )]
    output: Format,
}

const EXAMPLES: &str = "\
Examples:
  {bin} gate overlays/production                   an overlay, rendered
  kustomize build overlays/production | {bin} gate
  {bin} gate --env production                      the places that pipeline.toml declares
  {bin} gate compose.yaml deploy.env --no-signatures
  {bin} gate overlays/* --unsigned docker.io       others sign what is theirs";

/// What else can be done where nobody is named.
const ELSE: &str = "name who signs: `[signing]` of pipeline.toml, `--identity` or `--key`; or say `--no-signatures`";

pub(crate) async fn run(
    args: &Gate,
    globals: &Globals,
    progress: &Progress,
    paint: Paint,
) -> eyre::Result<Answer> {
    let variable = |name: &str| std::env::var(name).ok();
    let setting = gate::setting(globals.directory(), variable)?;
    let request = args.request(setting.catalog.as_ref())?;
    let checked = gate::run(&setting, progress, &request).await?;
    let text = match args.output {
        Format::Human => human(&checked, paint),
        Format::Json => report::json(&json(&checked))?,
    };
    Ok(Answer {
        text,
        failures: checked.into_iter().filter_map(failure).collect(),
    })
}

impl Gate {
    fn request(&self, catalog: Option<&Catalog>) -> Result<Request, UserError> {
        let source = |path: &PathBuf| match path.to_str() {
            Some("-") => Source::Stdin,
            _ => Source::Path(path.clone()),
        };
        let mut sources: Vec<Source> = self.paths.iter().map(source).collect();
        if sources.is_empty() && self.env.is_none() {
            if std::io::stdin().is_terminal() {
                let error = UserError::new(Exit::Usage, "nothing was named to check");
                return Err(
                    error.hint("name files or overlays, or pipe manifests into this command")
                );
            }
            sources.push(Source::Stdin);
        }
        Ok(Request {
            sources,
            environment: self.env.clone(),
            except: self.except.clone(),
            signatures: self.demand(catalog)?,
            unsigned: self.unsigned.clone(),
        })
    }
}

impl Gate {
    /// Whose signatures count: as the command line says, else the catalog. Nobody is an error, unless that is said, too.
    fn demand(&self, catalog: Option<&Catalog>) -> Result<Option<Demand>, UserError> {
        if self.no_signatures {
            return Ok(None);
        }
        let demand = self.trusting.demand(catalog);
        if self.trusting.names() {
            return demand.map(Some);
        }
        // Nobody is named; here there is one more way out.
        demand.map(Some).map_err(|it| it.hint(ELSE))
    }
}

/// What is wrong with an image, and where it is run.
fn failure(checked: Checked) -> Option<eyre::Report> {
    let Verdict::Bad(error) = checked.verdict else {
        return None;
    };
    let (first, rest) = checked.places.split_first()?;
    let more = match rest.len() {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let by = match first.by.as_str() {
        "" => String::new(),
        by => format!("{by}, "),
    };
    let image = match checked.image.as_str() {
        "" => "an image",
        image => image,
    };
    let place = format!("{by}{}:{}{more}", first.source, first.line);
    Some(error.wrap_err(format!("{image} ({place})")))
}

fn human(checked: &[Checked], paint: Paint) -> String {
    let mut table = Table::new([
        Column::left("IMAGE"),
        Column::left("DIGEST"),
        Column::left("CHECKED"),
        Column::left("RUN BY"),
    ]);
    for checked in checked {
        let (image, digest) = match checked.image.split_once('@') {
            Some((image, digest)) => (image, super::build::short(digest)),
            None if checked.image.is_empty() => ("(not shown)", String::new()),
            None => (checked.image.as_str(), String::new()),
        };
        let verdict = match &checked.verdict {
            Verdict::Good {
                signer: Some(signer),
            } => Cell::styled(format!("signed by {signer}"), Style::Good),
            Verdict::Good { signer: None } => Cell::styled("there", Style::Good),
            Verdict::Excepted => Cell::styled("excepted", Style::Dim),
            Verdict::Bad(error) => Cell::styled(error.to_string(), Style::Bad),
        };
        for (at, place) in checked.places.iter().enumerate() {
            let is_first = at == 0;
            let by = match place.by.as_str() {
                "" => format!("{}:{}", place.source, place.line),
                by => format!("{by}, {}:{}", place.source, place.line),
            };
            table.row([
                Cell::from(if is_first { image } else { "" }),
                Cell::from(if is_first { digest.as_str() } else { "" }),
                if is_first { verdict.clone() } else { "".into() },
                by.into(),
            ]);
        }
    }
    table.render(paint)
}

fn json(checked: &[Checked]) -> Value {
    let one = |checked: &Checked| {
        let mut value = json!({ "image": checked.image, "places": checked.places });
        match &checked.verdict {
            Verdict::Good { signer } => {
                value["result"] = "good".into();
                value["signer"] = json!(signer);
            }
            Verdict::Excepted => value["result"] = "excepted".into(),
            Verdict::Bad(error) => {
                value["result"] = "bad".into();
                value["problem"] = error.to_string().into();
            }
        }
        value
    };
    let images: Vec<Value> = checked.iter().map(one).collect();
    let is_good = checked
        .iter()
        .all(|it| !matches!(it.verdict, Verdict::Bad(_)));
    json!({ "good": is_good, "images": images })
}

#[cfg(test)]
mod tests;
