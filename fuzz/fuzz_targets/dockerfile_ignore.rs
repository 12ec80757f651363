//! Any text as ignore patterns and, on the last line, a path: matching does not panic, walking agrees with asking for the path, and what
//! a walker may skip holds nothing that is taken back.

#![no_main]

use ci_dockerfile::{glob::Glob, ignore::Patterns};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let (patterns, path) = text.rsplit_once('\n').unwrap_or(("", text));
    if let Ok(glob) = Glob::parse(patterns) {
        if glob.matches(path) {
            let parent = path.trim_matches('/').rsplit_once('/').map_or("", |(parent, _)| parent);
            assert!(glob.depth() == 0 || glob.could_match_below(parent), "{path:?}");
        }
    }
    let Ok(patterns) = Patterns::parse(patterns) else { return };
    let names: Vec<&str> = path.split('/').filter(|name| !name.is_empty()).collect();
    let mut dir = patterns.root();
    let mut skipped = false;
    for (depth, name) in names.iter().enumerate() {
        let path = names[..=depth].join("/");
        let (matched, below) = dir.enter(name);
        assert_eq!(matched, patterns.matches(&path), "{path:?}");
        assert!(!skipped || matched, "{path:?} is taken back in a directory that a walker skips");
        skipped |= matched && !below.may_take_back();
        dir = below;
    }
});
