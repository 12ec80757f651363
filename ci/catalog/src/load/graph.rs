//! Cycles among services that build on each other's images.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::{Draft, Lowered};
use crate::Name;
use crate::diagnostic::Problems;

/// Reports a shortest cycle through each group of services that need each other, as `a -> b -> a`.
pub(super) fn report_cycles(lowered: &[Lowered], drafts: &[Draft], problems: &mut Problems) {
    let by_name: BTreeMap<&Name, &Lowered> = lowered
        .iter()
        .map(|lowered| (&lowered.service.name, lowered))
        .collect();
    let mut reported = BTreeSet::new();
    for (&name, lowered) in &by_name {
        if reported.contains(name) {
            continue;
        }
        let Some(cycle) = shortest_cycle(name, &by_name) else {
            continue;
        };
        reported.extend(cycle.iter().copied());
        let next = cycle.get(1).copied().unwrap_or(name);
        let Some(edge) = lowered.edges.iter().find(|edge| edge.to == *next) else {
            continue;
        };
        let path: Vec<&str> = cycle
            .iter()
            .chain([&name])
            .map(|name| name.as_str())
            .collect();
        let message = format!(
            "services build on each other in a cycle: {}",
            path.join(" -> ")
        );
        let error = problems.error(&drafts[lowered.draft].source, &edge.span, message);
        for pair in cycle[1..]
            .iter()
            .zip(cycle[1..].iter().skip(1).chain([&name]))
        {
            let (from, to) = pair;
            let Some(lowered) = by_name.get(*from) else {
                continue;
            };
            if let Some(edge) = lowered.edges.iter().find(|edge| edge.to == **to) {
                error.related(
                    drafts[lowered.draft].source.locate(&edge.span),
                    format!("`{from}` needs `{to}`"),
                );
            }
        }
        error
            .help("take one of these contexts out, or move what both need to a service of its own");
    }
}

/// The services on a shortest way from `start` back to it, beginning with `start`.
fn shortest_cycle<'a>(
    start: &'a Name,
    services: &BTreeMap<&'a Name, &'a Lowered>,
) -> Option<Vec<&'a Name>> {
    let mut came_from: BTreeMap<&Name, &Name> = BTreeMap::new();
    let mut queue = VecDeque::from([start]);
    while let Some(name) = queue.pop_front() {
        for edge in services
            .get(name)
            .into_iter()
            .flat_map(|lowered| &lowered.edges)
        {
            if edge.to == *start {
                let mut cycle = vec![name];
                let mut at = name;
                while at != start {
                    at = came_from.get(at)?;
                    cycle.push(at);
                }
                cycle.reverse();
                return Some(cycle);
            }
            if !came_from.contains_key(&edge.to) {
                came_from.insert(&edge.to, name);
                queue.push_back(&edge.to);
            }
        }
    }
    None
}
