//! "Did you mean": the nearest names to one that does not exist.

/// The sentence that names up to three of `candidates` near `name`; empty when there is none. Starts with a space.
pub(crate) fn did_you_mean<'c>(
    name: &str,
    candidates: impl IntoIterator<Item = &'c str>,
) -> String {
    // The distance costs the product of the lengths: do not compute it for the names nobody mistypes.
    if name.len() > 100 {
        return String::new();
    }
    let limit = name.len() * 2 / 5 + 1;
    let mut near: Vec<(usize, &str)> = candidates
        .into_iter()
        .map(|candidate| {
            (
                strsim::osa_distance(&name.to_lowercase(), &candidate.to_lowercase()),
                candidate,
            )
        })
        .filter(|(distance, _)| *distance <= limit)
        .collect();
    near.sort_unstable();
    near.dedup();
    let quoted: Vec<String> = near
        .iter()
        .take(3)
        .map(|(_, candidate)| format!("\"{candidate}\""))
        .collect();
    match quoted.as_slice() {
        [] => String::new(),
        [only] => format!(" Did you mean {only}?"),
        [others @ .., last] => format!(" Did you mean {} or {last}?", others.join(", ")),
    }
}
