//! A set of variables that remembers the order of definition and finds names fast.

use std::collections::BTreeMap;

use crate::expand::Variables;

#[derive(Debug, Clone, Default)]
pub(crate) struct Env {
    list: Vec<(String, String)>,
    index: BTreeMap<String, usize>,
    /// Bytes of all names and values.
    size: usize,
}

impl Env {
    /// Sets a variable; one that is there keeps its place.
    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.size += value.len();
        if let Some(entry) = self.index.get(name).and_then(|at| self.list.get_mut(*at)) {
            self.size -= entry.1.len();
            value.clone_into(&mut entry.1);
            return;
        }
        self.size += name.len();
        self.index.insert(name.to_owned(), self.list.len());
        self.list.push((name.to_owned(), value.to_owned()));
    }

    pub(crate) fn list(&self) -> &[(String, String)] {
        &self.list
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.index.keys().map(String::as_str)
    }

    pub(crate) fn size(&self) -> usize {
        self.size
    }
}

impl Variables for Env {
    fn get(&self, name: &str) -> Option<&str> {
        self.index
            .get(name)
            .and_then(|at| self.list.get(*at))
            .map(|(_, value)| value.as_str())
    }
}

impl<'a> FromIterator<(&'a str, &'a str)> for Env {
    fn from_iter<T: IntoIterator<Item = (&'a str, &'a str)>>(pairs: T) -> Self {
        let mut env = Self::default();
        for (name, value) in pairs {
            env.set(name, value);
        }
        env
    }
}
