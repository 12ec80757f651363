//! What a registry asks for before it answers: `WWW-Authenticate` (RFC 9110, section 11.6.1; Docker's token authentication).
//!
//! The text is a stranger's. Whether its realm may be asked, and may be given credentials, is decided in `token`.

/// One challenge of those a response may carry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Challenge {
    /// User and password with each request.
    Basic,
    /// A token, which is had at `realm`.
    Bearer(Bearer),
}

/// What a token is asked for with.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Bearer {
    pub(crate) realm: String,
    pub(crate) service: Option<String>,
    pub(crate) scope: Option<String>,
}

/// All challenges of one response that we know how to answer.
pub(crate) fn parse<'a>(headers: impl IntoIterator<Item = &'a str>) -> Vec<Challenge> {
    headers
        .into_iter()
        .flat_map(|header| Parser { rest: header }.challenges())
        .collect()
}

struct Parser<'a> {
    rest: &'a str,
}

impl<'a> Parser<'a> {
    fn challenges(mut self) -> Vec<Challenge> {
        let mut found = Vec::new();
        let mut current: Option<(&str, Bearer)> = None;
        loop {
            self.skip(|c| c == ',' || c.is_ascii_whitespace());
            let Some(word) = self.token() else { break };
            self.skip(|c| c == ' ' || c == '\t');
            // `word = value` is a parameter of the current scheme; a word alone begins the next one.
            if let Some(rest) = self.rest.strip_prefix('=') {
                self.rest = rest;
                self.skip(|c| c == ' ' || c == '\t');
                let Some(value) = self.value() else { break };
                if let Some((_, bearer)) = &mut current {
                    bearer.set(word, value);
                }
            } else {
                found.extend(current.take().and_then(known));
                current = Some((word, Bearer::default()));
            }
        }
        found.extend(current.and_then(known));
        found
    }

    fn skip(&mut self, unwanted: impl Fn(char) -> bool) {
        self.rest = self.rest.trim_start_matches(unwanted);
    }

    fn token(&mut self) -> Option<&'a str> {
        self.until(|c| !c.is_ascii_alphanumeric() && !"!#$%&'*+-.^_`|~".contains(c))
    }

    fn until(&mut self, end: impl Fn(char) -> bool) -> Option<&'a str> {
        let end = self.rest.find(end).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        (!word.is_empty()).then_some(word)
    }

    fn value(&mut self) -> Option<String> {
        let Some(quoted) = self.rest.strip_prefix('"') else {
            // Addresses need quotes, and some leave them out.
            let word = self.until(|c| c == ',' || c.is_ascii_whitespace());
            return word.map(str::to_owned);
        };
        let mut value = String::new();
        let mut characters = quoted.char_indices();
        while let Some((at, c)) = characters.next() {
            match c {
                '"' => {
                    self.rest = &quoted[at + 1..];
                    return Some(value);
                }
                '\\' => value.push(characters.next()?.1),
                c => value.push(c),
            }
        }
        None
    }
}

impl Bearer {
    /// Of a parameter that is given twice the first counts.
    fn set(&mut self, name: &str, value: String) {
        match name.to_ascii_lowercase().as_str() {
            "realm" if self.realm.is_empty() => self.realm = value,
            "service" => self.service = self.service.take().or(Some(value)),
            "scope" => self.scope = self.scope.take().or(Some(value)),
            _ => {}
        }
    }
}

fn known((scheme, bearer): (&str, Bearer)) -> Option<Challenge> {
    if scheme.eq_ignore_ascii_case("basic") {
        Some(Challenge::Basic)
    } else if scheme.eq_ignore_ascii_case("bearer") && !bearer.realm.is_empty() {
        Some(Challenge::Bearer(bearer))
    } else {
        None
    }
}

#[cfg(test)]
mod tests;
