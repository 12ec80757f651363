//! "Did you mean": the nearest names to one that does not exist.

/// The sentence that names up to three of `candidates` near `name`; empty when there is none. Starts with a space.
pub(crate) fn did_you_mean<'c>(
    name: &str,
    candidates: impl IntoIterator<Item = &'c str>,
) -> String {
    // The distance costs the product of the lengths: do not compute it for what nobody mistypes.
    if name.len() > 100 {
        return String::new();
    }
    let wanted = name.to_lowercase();
    let limit = name.len() / 3 + 1;
    let near = |candidate: &'c str| {
        let lower = candidate.to_lowercase();
        // `exec` is far from `withExec` by letters only.
        if wanted.len() >= 3 && lower.contains(&wanted) {
            return Some((1, candidate));
        }
        let distance = strsim::osa_distance(&wanted, &lower);
        (distance <= limit).then_some((distance, candidate))
    };
    let mut found: Vec<(usize, &str)> = candidates.into_iter().filter_map(near).collect();
    found.sort_unstable();
    found.dedup();
    let best = found.first().map_or(0, |(distance, _)| *distance);
    let quoted: Vec<String> = found
        .iter()
        .take_while(|(distance, _)| *distance == best)
        .take(3)
        .map(|(_, candidate)| format!("\"{candidate}\""))
        .collect();
    match quoted.as_slice() {
        [] => String::new(),
        [only] => format!(" Did you mean {only}?"),
        [others @ .., last] => format!(" Did you mean {} or {last}?", others.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::did_you_mean;

    #[test]
    fn the_nearest_names_are_suggested_and_no_others() {
        let names = [
            "withExec",
            "withEnvVariable",
            "withFile",
            "stdout",
            "file",
            "from",
        ];
        assert_eq!(
            did_you_mean("witExec", names),
            " Did you mean \"withExec\"?"
        );
        assert_eq!(
            did_you_mean("withenvvariable", names),
            " Did you mean \"withEnvVariable\"?"
        );
        assert_eq!(did_you_mean("exec", names), " Did you mean \"withExec\"?");
        assert_eq!(
            did_you_mean("withEnv", names),
            " Did you mean \"withEnvVariable\"?"
        );
        assert_eq!(did_you_mean("flie", names), " Did you mean \"file\"?");
        let three = " Did you mean \"withEnvVariable\", \"withExec\" or \"withFile\"?";
        assert_eq!(did_you_mean("with", names), three);
        assert_eq!(did_you_mean("publish", names), "");
        assert_eq!(did_you_mean("", names), "");
        assert_eq!(did_you_mean(&"withExec".repeat(20), names), "");
    }
}
