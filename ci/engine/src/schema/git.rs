//! `GitRepository` and `GitRef`: repositories elsewhere, and what is in them.

use std::sync::Arc;

use ci_graphql::{Type, arg, field, future, object as object_type, ready};

use super::{
    Answer, Connection, FieldCall, ID, argument, flag, mismatch, new_directory, object, text,
};
use crate::directory::Directory;
use crate::error::{Error, Result};
use crate::git::{
    Access, Address, Asker, Depth, Name, Reference, Remote, Repository, Resolved, Want, basic,
    one_line,
};
use crate::lazy::Lazy;
use crate::object::Object;

pub(super) static GIT_REPOSITORY: Type<Connection> = object_type(
    "GitRepository",
    "A git repository.",
    &["Node"],
    &[
        ID,
        field(
            "head",
            "GitRef!",
            "The branch that is checked out by default.",
            &[],
            ready(|call| reference(&call, Name::Head)),
        ),
        field(
            "ref",
            "GitRef!",
            "What a name stands for: a full reference, a branch, a tag or a commit.",
            &[arg("name", "String!", "The name.")],
            ready(|call| reference(&call, Name::of(Some(&text(&call.args, "name"))))),
        ),
        field(
            "branch",
            "GitRef!",
            "A branch.",
            &[arg("name", "String!", "Its name.")],
            ready(|call| reference(&call, Name::Branch(text(&call.args, "name")))),
        ),
        field(
            "tag",
            "GitRef!",
            "A tag.",
            &[arg("name", "String!", "Its name.")],
            ready(|call| reference(&call, Name::Tag(text(&call.args, "name")))),
        ),
        field(
            "commit",
            "GitRef!",
            "A commit.",
            &[arg("id", "String!", "Its whole id.")],
            ready(|call| reference(&call, Name::Commit(text(&call.args, "id")))),
        ),
        field(
            "latestVersion",
            "GitRef!",
            "The tag with the highest version that is no pre-release.",
            &[],
            ready(latest_version),
        ),
        field(
            "branches",
            "[String!]!",
            "The names of branches.",
            &[arg(
                "patterns",
                "[String!]",
                "Only what matches one of these, as in git-ls-remote.",
            )],
            future!(branches),
        ),
        field(
            "tags",
            "[String!]!",
            "The names of tags.",
            &[arg(
                "patterns",
                "[String!]",
                "Only what matches one of these, as in git-ls-remote.",
            )],
            future!(tags),
        ),
        field(
            "url",
            "String",
            "Its address.",
            &[],
            ready(|call| Ok(repository_of(&call.object)?.url.clone().into())),
        ),
    ],
);

pub(super) static GIT_REF: Type<Connection> = object_type(
    "GitRef",
    "A branch, a tag or a commit of a git repository.",
    &["Node"],
    &[
        ID,
        field(
            "commit",
            "String!",
            "The id of its commit.",
            &[],
            future!(commit),
        ),
        field("ref", "String!", "Its full name.", &[], future!(full_name)),
        field(
            "tree",
            "Directory!",
            "Its files, submodules included.",
            &[
                arg("discardGitDir", "Boolean = false", "Leave `.git` out."),
                arg(
                    "depth",
                    "Int = 1",
                    "How many commits of its history `.git` has; 0 for all.",
                ),
                arg(
                    "includeTags",
                    "Boolean = false",
                    "Refused: the tags of a repository change, and the result with them.",
                ),
            ],
            ready(tree),
        ),
    ],
);

/// The resolver of `Query.git`.
pub(super) fn git(call: FieldCall) -> Answer {
    let args = &call.args;
    let session = &call.backend.session;
    let address = Address::parse(args.string("url")?, session.options.fetch.local_git)?;
    let secret = |name: &str| match args.opt_string(name) {
        Some(id) => super::secret_of(&session.object(id)?).map(Some),
        None => Ok(None),
    };
    let (token, header) = (secret("httpAuthToken")?, secret("httpAuthHeader")?);
    let user = Some(text(args, "httpAuthUsername")).filter(|user| !user.is_empty());
    // Whoever writes this call is the user, so the user's own agent is theirs to use.
    let agent = match args.opt_string("sshAuthSocket") {
        Some(_) => Some(
            super::socket_of(&argument(&call, "sshAuthSocket")?)?
                .path
                .clone(),
        ),
        None => std::env::var_os("SSH_AUTH_SOCK").map(Into::into),
    };
    let known_hosts = Some(text(args, "sshKnownHosts")).filter(|hosts| !hosts.is_empty());
    let url = address.to_string();
    let keep_git_dir = args.opt_bool("keepGitDir").unwrap_or(true);
    let remote = Lazy::new(move |_| {
        let (address, token, header) = (address.clone(), token.clone(), header.clone());
        let user = user.clone().unwrap_or_else(|| "x-access-token".to_owned());
        let mut access = Access::default();
        access.agent.clone_from(&agent);
        access.known_hosts.clone_from(&known_hosts);
        async move {
            if let Some(header) = header {
                access.authorize(&address, one_line(&header.value().await?));
            } else if let Some(token) = token {
                access.authorize(&address, basic(&user, &token.value().await?));
            }
            Ok(Arc::new(Remote { address, access }))
        }
    });
    object(session.intern(super::id_of(&call, "GitRepository"), |id| {
        Object::GitRepository(Arc::new(Repository {
            id,
            url,
            remote,
            keep_git_dir,
        }))
    }))
}

fn repository_of(object: &Object) -> Result<Arc<Repository>> {
    match object {
        Object::GitRepository(repository) => Ok(repository.clone()),
        other => Err(mismatch(other, "GitRepository")),
    }
}

fn reference_of(object: &Object) -> Result<Arc<Reference>> {
    match object {
        Object::GitRef(reference) => Ok(reference.clone()),
        other => Err(mismatch(other, "GitRef")),
    }
}

fn reference(call: &FieldCall, name: Name) -> Answer {
    named(call, repository_of(&call.object)?, Lazy::made(name))
}

fn named(call: &FieldCall, repository: Arc<Repository>, name: Lazy<Name>) -> Answer {
    object(
        call.backend
            .session
            .intern(super::id_of(call, "GitRef"), |id| {
                Object::GitRef(Arc::new(Reference {
                    id,
                    repository,
                    name,
                }))
            }),
    )
}

fn latest_version(call: FieldCall) -> Answer {
    let repository = repository_of(&call.object)?;
    let asked = repository.clone();
    let name = Lazy::new(move |session| {
        let asked = asked.clone();
        async move {
            let remote = asked.remote.get(&session).await?;
            let tags = session
                .git_references(&remote, &["refs/tags/*".to_owned()])
                .await?;
            let tags = tags.iter().filter_map(|tag| tag.strip_prefix("refs/tags/"));
            let latest = tags.filter_map(|tag| Some((version(tag)?, tag))).max();
            latest
                .map(|(_, tag)| Name::Tag(tag.to_owned()))
                .ok_or_else(|| {
                    Error::new(format!(
                        "git repository {}: no tag of it is a version",
                        asked.url
                    ))
                })
        }
    });
    named(&call, repository, name)
}

/// `1.2.3` or `v1.2.3` as numbers; `None` for anything else, pre-releases included.
fn version(tag: &str) -> Option<[u64; 3]> {
    let mut parts = tag.strip_prefix('v').unwrap_or(tag).split('.');
    let mut next = || parts.next()?.parse().ok();
    let version = [next()?, next()?, next()?];
    parts.next().is_none().then_some(version)
}

async fn branches(call: FieldCall) -> Answer {
    listed(call, "refs/heads/").await
}

async fn tags(call: FieldCall) -> Answer {
    listed(call, "refs/tags/").await
}

async fn listed(call: FieldCall, place: &str) -> Answer {
    let session = &call.backend.session;
    let remote = repository_of(&call.object)?.remote.get(session).await?;
    let mut patterns = call.args.strings("patterns");
    if patterns.is_empty() {
        patterns.push(format!("{place}*"));
    }
    let names = session.git_references(&remote, &patterns).await?;
    let names = names.iter().filter_map(|name| name.strip_prefix(place));
    Ok(names.map(str::to_owned).collect::<Vec<_>>().into())
}

fn asker(call: &FieldCall) -> Asker {
    Asker {
        group: call.backend.group.clone(),
        source: None,
    }
}

async fn resolved(call: &FieldCall) -> Result<Resolved> {
    let session = &call.backend.session;
    let reference = reference_of(&call.object)?;
    let remote = reference.repository.remote.get(session).await?;
    let name = reference.name.get(session).await?;
    session.git_resolve(&remote, &name, &asker(call)).await
}

async fn commit(call: FieldCall) -> Answer {
    Ok(resolved(&call).await?.commit.into())
}

async fn full_name(call: FieldCall) -> Answer {
    let resolved = resolved(&call).await?;
    Ok(resolved.name.unwrap_or(resolved.commit).into())
}

fn tree(call: FieldCall) -> Answer {
    let reference = reference_of(&call.object)?;
    let keep = reference.repository.keep_git_dir && !flag(&call.args, "discardGitDir");
    if keep && flag(&call.args, "includeTags") {
        return Err(Error::new(
            "tree(includeTags: true) is refused: the tags of a repository change, and the result with them",
        )
        .into());
    }
    let depth = call.args.opt_int("depth").unwrap_or(1);
    let depth = match u32::try_from(depth) {
        Ok(0) | Err(_) => Depth::All,
        Ok(count) => Depth::Commits(count),
    };
    let want = Want {
        subdir: None,
        git_dir: keep.then_some(depth),
        submodules: true,
    };
    let asker = asker(&call);
    new_directory(&call, move |session| {
        let (reference, want, asker) = (reference.clone(), want.clone(), asker.clone());
        async move {
            let remote = reference.repository.remote.get(&session).await?;
            let name = reference.name.get(&session).await?;
            let resolved = session.git_resolve(&remote, &name, &asker).await?;
            let rootfs = session.git_tree(&remote, &resolved, &want, &asker).await?;
            Ok(Directory::Layers {
                rootfs,
                path: "/".into(),
            })
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_as_numbers() {
        assert!(version("v1.10.0") > version("v1.9.9"));
        assert_eq!(version("1.2.3"), Some([1, 2, 3]));
        for tag in ["v1.2", "v1.2.3-rc.1", "1.2.3.4", "latest", "v1.2.x"] {
            assert_eq!(version(tag), None, "{tag}");
        }
    }
}
