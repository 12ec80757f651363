//! Kustomize: the entry of `images:` that pins an image.
//!
//! A kustomization names images as manifests do (`name`), says where they come from (`newName`) and which they are (`newTag`,
//! `digest`). A promotion sets `digest`: the place of `newTag` is taken over, an entry without either gets a line, and a
//! kustomization without an entry gets one. Where `newTag` and `digest` stand together, both change.

mod write;

use ci_oci::{Digest, Reference};

use super::refusal::{Candidate, Refusal, RefusalKind, line_of};
use super::yaml::{self, Kind, Node, Yaml};
use super::{Current, splice};
use crate::{Form, Image};

/// What the file has for an image.
enum State<'a> {
    /// No `images:`.
    NoList,
    /// `images:` without items.
    NoItems {
        at: usize,
        key: &'a Node,
        list: &'a Node,
    },
    /// Items, and none of them is of the image.
    NoEntry {
        at: usize,
        items: &'a [Node],
        list: &'a Node,
    },
    /// The position of the list and the item, and its parts.
    Entry(usize, usize, Entry<'a>),
}

/// One item of `images:`.
struct Entry<'a> {
    node: &'a Node,
    entries: &'a [(Node, Node)],
    name: &'a str,
    new_name: Option<&'a str>,
    /// Position of `newTag`.
    new_tag: Option<usize>,
    /// Position of `digest`.
    digest: Option<usize>,
}

impl Entry<'_> {
    fn value(&self, at: Option<usize>) -> Option<&str> {
        at.and_then(|at| self.entries[at].1.scalar())
    }

    /// Where the image comes from.
    fn repository(&self) -> &str {
        self.new_name.unwrap_or(self.name)
    }
}

/// What the entry named `name`, or else that of `repository`, pins.
pub(super) fn read(
    text: &str,
    name: Option<&str>,
    repository: &Reference,
) -> Result<Option<Current>, Refusal> {
    let yaml = yaml::parse(text)?;
    let State::Entry(_, _, entry) = state(&yaml, name, repository)? else {
        return Ok(None);
    };
    let digest = entry
        .value(entry.digest)
        .and_then(|value| value.parse::<Digest>().ok());
    let tag = entry.value(entry.new_tag).map(str::to_owned);
    let mut value = entry.repository().to_owned();
    tag.iter().for_each(|tag| value += &format!(":{tag}"));
    digest
        .iter()
        .for_each(|digest| value += &format!("@{digest}"));
    let shown = entry.digest.or(entry.new_tag);
    let node = shown.map_or(entry.node, |at| &entry.entries[at].1);
    Ok(Some(Current {
        line: yaml.line(node),
        value,
        repository: entry
            .repository()
            .parse::<Reference>()
            .ok()
            .map(|it| it.name()),
        tag,
        digest,
    }))
}

/// The text with the entry of `image` pinned to its digest.
pub(super) fn edit(text: &str, name: Option<&str>, image: &Image) -> Result<String, Refusal> {
    let yaml = yaml::parse(text)?;
    let state = state(&yaml, name, &image.repository)?;
    let repository = origin(image);
    let name = name.unwrap_or(&repository);
    let mut expected = yaml.documents.clone();
    let splices = match &state {
        State::Entry(list, item, entry) => {
            check_origin(text, entry, image)?;
            let wanted = wanted(text, entry, image)?;
            if let Some(node) = expected[0].at_mut(&[*list, *item]) {
                write::expect(node, &wanted);
            }
            write::entry(text, entry, &wanted)?
        }
        absent => {
            let fields = fields(name, image);
            write::expect_new(&mut expected[0].root, absent, &fields);
            vec![write::new_entry(&yaml, absent, &fields)?]
        }
    };
    let edited = splice::apply(text, splices);
    match edited == text {
        true => Ok(edited),
        false => yaml::same(&edited, expected).map(|()| edited),
    }
}

/// An entry's keys and values as they shall be, in order.
type Fields = Vec<(&'static str, String)>;

/// A whole entry.
fn fields(name: &str, image: &Image) -> Fields {
    let mut fields = vec![("name", name.to_owned())];
    if !is_of(name, &image.repository) {
        fields.push(("newName", origin(image)));
    }
    fields.push(("digest", image.digest.to_string()));
    fields
}

/// What an entry that exists shall say of the image.
fn wanted(text: &str, entry: &Entry<'_>, image: &Image) -> Result<Fields, Refusal> {
    let mut fields = Vec::new();
    if entry.new_name.is_none() && !is_of(entry.name, &image.repository) {
        fields.push(("newName", origin(image)));
    }
    let line = |node: &Node| line_of(text, node.span.start);
    let before = entry.value(entry.digest).unwrap_or_default();
    let node = entry.digest.map_or(entry.node, |at| &entry.entries[at].1);
    let digest = super::value(Form::Digest, image, before, line(node))?;
    if let (Some(tag), Some(_)) = (entry.new_tag, entry.digest) {
        let node = &entry.entries[tag].1;
        let before = entry.value(entry.new_tag).unwrap_or_default();
        let tag = super::value(Form::Tag, image, before, line(node))
            .map_err(|refusal| refusal.help("or remove `newTag`: the digest decides"))?;
        fields.push(("newTag", tag));
    }
    fields.push(("digest", digest));
    Ok(fields)
}

/// Where the image comes from, as people write it.
fn origin(image: &Image) -> String {
    image.repository.clone().without_tag_and_digest().familiar()
}

/// Whether a text of the file means the repository.
fn is_of(text: &str, repository: &Reference) -> bool {
    text.parse::<Reference>()
        .is_ok_and(|found| found.name() == repository.name())
}

/// A digest is looked for where the image comes from, so that must be where the release was pushed.
fn check_origin(text: &str, entry: &Entry<'_>, image: &Image) -> Result<(), Refusal> {
    match entry.new_name {
        Some(new_name) if !is_of(new_name, &image.repository) => Err(Refusal::new(
            RefusalKind::Unsuitable,
            format!(
                "the entry takes its image from {new_name}; the release is of {}",
                image.repository.name()
            ),
        )
        .candidate(Candidate::at(text, entry.node.span.start))
        .help("if the environment pulls from a mirror, declare its `repository`")),
        _ => Ok(()),
    }
}

fn state<'a>(
    yaml: &'a Yaml<'_>,
    name: Option<&str>,
    repository: &Reference,
) -> Result<State<'a>, Refusal> {
    let is_it = |entry: &Entry<'_>| match name {
        Some(name) => entry.name == name,
        None => is_of(entry.repository(), repository) || is_of(entry.name, repository),
    };
    let text = yaml.text;
    let [document] = yaml.documents.as_slice() else {
        let message = "a kustomization is one YAML document";
        let roots = yaml.documents.iter().map(|it| it.root.span.start);
        return Err(Refusal::new(RefusalKind::Unreadable, message)
            .candidates(roots.map(|at| Candidate::at(text, at))));
    };
    let Kind::Mapping(root) = &document.root.kind else {
        let message = "a kustomization is a mapping";
        return Err(Refusal::new(RefusalKind::Unreadable, message));
    };
    let Some(at) = yaml::entry(text, root, "images")? else {
        return Ok(State::NoList);
    };
    let (key, list) = &root[at];
    // Anchors and aliases on the way are refused.
    let path = [yaml::Step::Key("images".to_owned())];
    yaml::find(text, document, &path, false)?;
    let items = match &list.kind {
        Kind::Sequence(items) if !items.is_empty() => items,
        Kind::Sequence(_) => return Ok(State::NoItems { at, key, list }),
        Kind::Scalar { value, .. } if matches!(value.as_str(), "" | "~" | "null") => {
            return Ok(State::NoItems { at, key, list });
        }
        _ => {
            return Err(
                Refusal::new(RefusalKind::Unsuitable, "`images` is not a list")
                    .candidate(Candidate::at(text, key.span.start)),
            );
        }
    };
    let mut found = Vec::new();
    for (number, item) in items.iter().enumerate() {
        let path = [path[0].clone(), yaml::Step::Item(number)];
        yaml::find(text, document, &path, false)?;
        let entry = entry(text, item)?;
        if is_it(&entry) {
            found.push((number, entry));
        }
    }
    if found.len() > 1 {
        let message = format!("{} entries of `images` are of this image", found.len());
        let nodes = found.iter().map(|(_, entry)| entry.node);
        return Err(Refusal::new(RefusalKind::Ambiguous, message)
            .candidates(nodes.map(|node| Candidate::at(text, node.span.start))));
    }
    let Some((number, entry)) = found.pop() else {
        return Ok(State::NoEntry { at, items, list });
    };
    for key in ["newName", "newTag", "digest"] {
        let key = yaml::Step::Key(key.to_owned());
        let path = [path[0].clone(), yaml::Step::Item(number), key];
        match yaml::find(text, document, &path, false) {
            Err(refusal) if refusal.kind != RefusalKind::Absent => return Err(refusal),
            _ => {}
        }
    }
    Ok(State::Entry(at, number, entry))
}

fn entry<'a>(text: &str, node: &'a Node) -> Result<Entry<'a>, Refusal> {
    let refuse = |message: &str| {
        Refusal::new(RefusalKind::Unsuitable, message)
            .candidate(Candidate::at(text, node.span.start))
    };
    let Kind::Mapping(entries) = &node.kind else {
        return Err(refuse("an item of `images` is not a mapping"));
    };
    if yaml::entry(text, entries, "<<")?.is_some() {
        return Err(refuse("an item of `images` merges another mapping (`<<`)"));
    }
    let at = |key: &str| yaml::entry(text, entries, key);
    let scalar = |at: Option<usize>| at.and_then(|at| entries[at].1.scalar());
    Ok(Entry {
        node,
        entries,
        name: scalar(at("name")?).ok_or_else(|| refuse("an item of `images` has no `name`"))?,
        new_name: scalar(at("newName")?).filter(|it| !it.is_empty()),
        new_tag: at("newTag")?,
        digest: at("digest")?,
    })
}
