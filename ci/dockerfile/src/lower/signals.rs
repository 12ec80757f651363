//! Names of signals, for STOPSIGNAL.

const NAMES: [&str; 31] = [
    "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2",
    "PIPE", "ALRM", "TERM", "STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG",
    "XCPU", "XFSZ", "VTALRM", "PROF", "WINCH", "IO", "PWR", "SYS",
];
const ALIASES: [&str; 4] = ["IOT", "CLD", "POLL", "UNUSED"];

/// Whether a text names a Linux signal: a number from 1 on, or a name with or without `SIG`, in any case.
pub(super) fn is_valid(text: &str) -> bool {
    if let Ok(number) = text.parse::<u32>() {
        return (1..=64).contains(&number);
    }
    let name = text.to_uppercase();
    let name = name.strip_prefix("SIG").unwrap_or(&name);
    let realtime = |prefix: &str, sign: char| {
        let rest = name.strip_prefix(prefix)?;
        let offset = rest
            .strip_prefix(sign)
            .and_then(|offset| offset.parse::<u32>().ok());
        Some(rest.is_empty() || offset.is_some_and(|offset| (1..=15).contains(&offset)))
    };
    NAMES.contains(&name)
        || ALIASES.contains(&name)
        || realtime("RTMIN", '+')
            .or_else(|| realtime("RTMAX", '-'))
            .unwrap_or(false)
}
