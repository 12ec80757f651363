//! Patterns that are met by the images of one repository, in whatever way their names are written, and by no others.

/// What ends the name of a repository in that of an image.
const ENDS: [&str; 3] = ["", ":*", "@*"];

/// The names that a container runtime takes for a repository: those of Docker Hub need no host, and official ones no namespace.
fn names(repository: &str) -> Vec<String> {
    let mut names = vec![repository.to_owned()];
    if let Some(path) = repository.strip_prefix("docker.io/") {
        names.push(format!("index.docker.io/{path}"));
        names.push(path.to_owned());
        names.extend(path.strip_prefix("library/").map(str::to_owned));
    }
    names
}

/// Patterns over names as they are written in a manifest; `*` is anything.
pub(super) fn as_written(repositories: &[String]) -> Vec<String> {
    let names = repositories.iter().flat_map(|one| names(one));
    names
        .flat_map(|name| ENDS.map(|end| format!("{name}{end}")))
        .collect()
}

/// Patterns over names in full, with a tag or digest in any case; `**` is anything.
pub(super) fn in_full(repositories: &[String]) -> Vec<String> {
    let names = repositories
        .iter()
        .map(|one| match one.strip_prefix("docker.io/") {
            Some(path) => format!("index.docker.io/{path}"),
            None => one.clone(),
        });
    names
        .flat_map(|name| [":**", "@**"].map(|end| format!("{name}{end}")))
        .collect()
}
