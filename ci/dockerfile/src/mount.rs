//! The value of `--mount`: comma-separated fields, and what can be known of them before variables are replaced.

/// A field, `key` or `key=value`; keys are in lower case.
pub(crate) type Field = (String, Option<String>);

/// Cuts the value of `--mount` into its fields. A field may be quoted as in CSV.
pub(crate) fn fields(text: &str) -> Result<Vec<Field>, String> {
    let mut fields = Vec::new();
    let mut chars = text.chars().peekable();
    loop {
        let mut field = String::new();
        if chars.next_if_eq(&'"').is_some() {
            loop {
                match chars.next() {
                    Some('"') if chars.next_if_eq(&'"').is_some() => field.push('"'),
                    Some('"') => break,
                    Some(c) => field.push(c),
                    None => return Err(format!("a quote is not closed in the mount {text:?}")),
                }
            }
        } else {
            while let Some(c) = chars.next_if(|c| *c != ',') {
                field.push(c);
            }
        }
        let (key, value) = field
            .split_once('=')
            .map_or((field.as_str(), None), |(key, value)| (key, Some(value)));
        fields.push((key.to_lowercase(), value.map(str::to_owned)));
        match chars.next() {
            None => return Ok(fields),
            Some(',') => {}
            Some(c) => {
                return Err(format!(
                    "{c:?} follows a closing quote in the mount {text:?}"
                ));
            }
        }
    }
}

/// What a mount takes its files from, besides the context. Variables are not replaced there, so that the stages that are needed are
/// known before any is run.
pub(crate) fn from(text: &str) -> Result<Option<String>, String> {
    let fields = fields(text)?;
    let of = |wanted: &str| {
        fields
            .iter()
            .rev()
            .find(|(key, _)| key == wanted)
            .and_then(|(_, value)| value.clone())
    };
    let from = of("from").filter(|from| !from.is_empty());
    if from
        .as_ref()
        .is_some_and(|from| from.find('$').is_some_and(|at| at + 1 < from.len()))
    {
        return Err("variables are not replaced in from=; give the image a name with FROM … AS and use that".to_owned());
    }
    Ok(from.filter(|_| !matches!(of("type").as_deref(), Some("tmpfs" | "secret" | "ssh"))))
}
