//! RUN: command, environment, network; its mounts are in [`super::mounts`].

use super::{Lowering, Outcome};
use crate::ast::{CommandLine, Instruction};
use crate::error::{Error, nearest};
use crate::expand::Variables;
use crate::graph::{InlineFile, Mount, Network, Op, Run};

/// Where a heredoc that begins with `#!` is put, as in the reference.
const SCRIPTS: &str = "/dev/pipes";
/// Build arguments that set a proxy without being declared.
const PROXIES: [&str; 5] = [
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "FTP_PROXY",
    "NO_PROXY",
    "ALL_PROXY",
];

impl Lowering<'_> {
    pub(super) fn run(
        &mut self,
        instruction: &Instruction,
        command: &CommandLine,
    ) -> Result<Outcome, Error> {
        self.refuse_privileges(instruction)?;
        let network = self.network(instruction)?;
        let mounts = self.mounts(instruction)?;
        let (argv, files, summary) = self.command(instruction, command);
        self.spend(instruction.span, self.scope.env.size())?;
        let env = self.scope.env.list().to_vec();
        let created_by = Some(format!(
            "RUN {}{} # buildkit",
            self.arguments(),
            argv.join(" ")
        ));
        let masked: Vec<&str> = mounts.iter().filter_map(secret_variable).collect();
        let display = Some(self.display(&instruction.text, true, &masked) + &summary);
        let run = Run {
            argv,
            env,
            proxy: self.proxy(),
            user: self.config.user.clone(),
            working_dir: self.working_dir().to_owned(),
            mounts,
            network,
            files,
        };
        Ok(Outcome {
            op: Op::Run(Box::new(run)),
            created_by,
            display,
        })
    }

    /// What is run: program and arguments, files for it, and what is shown of a heredoc.
    fn command(
        &self,
        instruction: &Instruction,
        command: &CommandLine,
    ) -> (Vec<String>, Vec<InlineFile>, String) {
        let (CommandLine::Shell(line), [first, others @ ..]) =
            (command, instruction.heredocs.as_slice())
        else {
            return (self.argv(command), Vec::new(), String::new());
        };
        let only = crate::parse::is_heredoc(&line.value);
        if !only {
            // The shell reads its own heredocs.
            let mut script = line.value.clone();
            for heredoc in std::iter::once(first).chain(others) {
                script.push('\n');
                script.push_str(&heredoc.contents);
                script.push_str(&heredoc.name);
            }
            return (self.with_shell(script), Vec::new(), String::new());
        }
        let script = first.text();
        let mut lines = first.contents.trim().lines();
        let summary = format!(
            " ({}{})",
            lines.next().unwrap_or_default(),
            if lines.next().is_some() { "..." } else { "" }
        );
        if !script.starts_with("#!") {
            return (self.with_shell(script), Vec::new(), summary);
        }
        let path = super::values::join(SCRIPTS, &first.name);
        let file = InlineFile {
            path: path.clone(),
            mode: 0o755,
            contents: script.into_bytes(),
        };
        (self.with_shell(path), vec![file], summary)
    }

    /// The build arguments in scope, as history records them: `|2 A=1 B=2 `.
    fn arguments(&self) -> String {
        let arguments = self.scope.args.values.list();
        if arguments.is_empty() {
            return String::new();
        }
        let value = |name: &str, value: &str| self.scope.env.get(name).unwrap_or(value).to_owned();
        let arguments: Vec<String> = arguments
            .iter()
            .map(|(name, default)| format!("{name}={}", value(name, default)))
            .collect();
        format!("|{} {} ", arguments.len(), arguments.join(" "))
    }

    fn network(&self, instruction: &Instruction) -> Result<Network, Error> {
        let Some(flag) = instruction.flag("network") else {
            return Ok(Network::Default);
        };
        match flag.value.as_deref().unwrap_or_default() {
            "default" => Ok(Network::Default),
            "none" => Ok(Network::None),
            "host" => Ok(Network::Host),
            other => {
                let error = self.error(
                    flag.span,
                    format!("--network is default, none or host, not {other:?}"),
                );
                Err(error.suggest(nearest(other, ["default", "none", "host"])))
            }
        }
    }

    fn refuse_privileges(&self, instruction: &Instruction) -> Result<(), Error> {
        for flag in &instruction.flags {
            let value = flag.value.as_deref().unwrap_or_default();
            match (flag.name.as_str(), value) {
                ("device", _) => {
                    let message = "--device is refused: a build that needs a device of this machine gives another result on the next";
                    return Err(self.unsupported(flag.span, message));
                }
                ("security", "insecure") => {
                    let message =
                        "--security=insecure is refused: no instruction runs outside the sandbox";
                    return Err(self.unsupported(flag.span, message));
                }
                ("security", value) if value != "sandbox" => {
                    return Err(self.error(
                        flag.span,
                        format!("--security is sandbox or insecure, not {value:?}"),
                    ));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Proxy variables, in both cases. They take the place of what the environment has.
    fn proxy(&self) -> Vec<(String, String)> {
        let given = |wanted: &str| {
            self.plan
                .request
                .build_args
                .iter()
                .rfind(|(name, _)| name.eq_ignore_ascii_case(wanted))
        };
        let proxies = PROXIES
            .iter()
            .filter_map(|name| Some((*name, given(name)?.1)));
        let both = proxies.flat_map(|(name, value)| {
            [
                (name.to_owned(), value.clone()),
                (name.to_lowercase(), value.clone()),
            ]
        });
        both.collect()
    }
}

fn secret_variable(mount: &Mount) -> Option<&str> {
    match mount {
        Mount::Secret(secret) => secret.env.as_deref(),
        _ => None,
    }
}
