//! Fragments that contain themselves: executing them would not end.

use std::collections::{HashMap, HashSet};

/// A fragment that, directly or through others, contains itself: takes away those that spread nothing (any more) until none
/// is left to take. `spreads` has the fragments and those that each of them uses.
pub(super) fn cycle<'a>(spreads: &HashMap<&'a str, Vec<&'a str>>) -> Option<&'a str> {
    let mut users: HashMap<&str, Vec<&'a str>> = HashMap::new();
    let mut open: HashMap<&'a str, usize> = HashMap::new();
    for (user, used) in spreads {
        let known = used.iter().filter(|name| spreads.contains_key(**name));
        for name in known {
            users.entry(name).or_default().push(user);
            *open.entry(user).or_default() += 1;
        }
    }
    let mut done: Vec<&str> = spreads
        .keys()
        .filter(|name| !open.contains_key(**name))
        .copied()
        .collect();
    while let Some(name) = done.pop() {
        for user in users.remove(name).unwrap_or_default() {
            if let Some(count) = open.get_mut(user) {
                *count -= 1;
                if *count == 0 {
                    open.remove(user);
                    done.push(user);
                }
            }
        }
    }
    // What is left is in a cycle or leads to one: walk until a name comes again.
    let mut name = *open.keys().min()?;
    let mut passed = HashSet::new();
    while passed.insert(name) {
        name = spreads
            .get(name)?
            .iter()
            .find(|name| open.contains_key(**name))?;
    }
    Some(name)
}
