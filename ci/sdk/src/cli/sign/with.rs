//! The commands themselves, in a program that was built with signing.

use std::io::IsTerminal;
use std::path::Path;

use ci_engine::Progress;
use ci_signing::KeyPair;

use super::{Generate, Keys, KeysCommand, Output, Sign};
use crate::cli::Answer;
use crate::cli::build::short;
use crate::error::{Exit, UserError};
use crate::login::prompt;
use crate::project::Project;
use crate::report::{self, Cell, Column, Table};
use crate::stages::sign::{self, KeySource, Request, Signed};
use crate::terminal::{Paint, Style};

pub(crate) async fn run(
    args: &Sign,
    project: &Project,
    progress: &Progress,
    paint: Paint,
) -> eyre::Result<Answer> {
    let request = Request {
        services: args.services.clone(),
        key: args.key.clone().map(KeySource::from),
        is_unlogged: args.no_log,
    };
    let signed = sign::run(project, progress, &request).await?;
    let text = match args.output {
        Output::Human => human(&signed, paint),
        Output::Json => report::json(&signed.record)?,
    };
    Ok(Answer {
        text,
        failures: signed.failures,
    })
}

fn human(signed: &Signed, paint: Paint) -> String {
    let mut table = Table::new([
        Column::left("SERVICE"),
        Column::left("IMAGE"),
        Column::left("DIGEST"),
        Column::left("SIGNED"),
    ]);
    for image in &signed.images {
        let what = match (image.made, image.found) {
            (0, _) => Cell::styled("was there", Style::Dim),
            (made, 0) => format!("{made} attached").into(),
            (made, found) => format!("{made} attached, {found} were there").into(),
        };
        table.row([
            image.service.as_str().into(),
            image.repository.as_str().into(),
            short(&image.digest.to_string()).into(),
            what,
        ]);
    }
    let Some(first) = signed.images.first() else {
        return String::new();
    };
    format!("{}\nby {}\n", table.render(paint), first.by)
}

pub(crate) async fn keys(args: &Keys) -> eyre::Result<Answer> {
    let KeysCommand::Generate(generate) = &args.command;
    generate.run().await
}

impl Generate {
    async fn run(&self) -> eyre::Result<Answer> {
        let [private, public] = ["key", "pub"].map(|extension| {
            let mut name = self.name.clone().into_os_string();
            name.push(".");
            name.push(extension);
            std::path::PathBuf::from(name)
        });
        for path in [&private, &public] {
            if path.exists() {
                let message = format!("{} is there already", path.display());
                return Err(UserError::new(Exit::Usage, message)
                    .hint("what it has signed is verified with it: keep it, and choose another `--name`")
                    .into());
            }
        }
        let password = match sign::password() {
            Some(password) => password,
            None if std::io::stdin().is_terminal() => {
                let first = prompt::hidden("Password for the private key: ").await?;
                let second = prompt::hidden("Once more: ").await?;
                if first.reveal() != second.reveal() {
                    return Err(UserError::new(Exit::Usage, "these are two passwords").into());
                }
                first
            }
            None => {
                return Err(UserError::new(Exit::Usage, "the private key needs a password")
                    .hint("set COSIGN_PASSWORD; the empty one will do where the file is kept safe")
                    .into());
            }
        };
        if let Some(folder) = private.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let pair = KeyPair::generate()?;
        write(&private, &pair.to_cosign_pem(&password)?, 0o600)?;
        write(&public, &pair.public()?.to_pem(), 0o644)?;
        Ok(format!(
            "wrote {} (a secret) and {}\n",
            private.display(),
            public.display()
        )
        .into())
    }
}

/// Writes a file that is not there. Its mode is that from the start (S4).
fn write(path: &Path, text: &str, mode: u32) -> eyre::Result<()> {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;
    let mut options = std::fs::OpenOptions::new();
    let file = options.write(true).create_new(true).mode(mode).open(path);
    let written = file.and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        file.sync_all()
    });
    written.map_err(|error| {
        let message = format!("cannot write {}", path.display());
        UserError::new(Exit::Usage, message).because(error).into()
    })
}
