//! Defects of a table: what the specification's type validation (June 2018 §3) forbids and a mistyped name causes.

use std::collections::HashSet;

use crate::catalog::{Catalog, Kind, QUERY, TypeInfo};
use crate::introspection::Applied;
use crate::suggest::did_you_mean;
use crate::syntax::parse_literal;
use crate::table::{Arg, FieldDef, TypeRef, Wrapper};

/// One line per defect; none for a consistent table.
pub(crate) fn check(catalog: &Catalog) -> Vec<String> {
    let mut checker = Checker {
        catalog,
        defects: catalog.defects.clone(),
    };
    if catalog
        .get(QUERY)
        .is_none_or(|info| info.kind != Kind::Object)
    {
        checker.report(format!("there is no object type {QUERY}"));
    }
    checker.unique("the schema", catalog.types.iter().map(|info| info.name));
    checker.unique(
        "the schema's directives",
        catalog.directives.iter().map(|def| def.name),
    );
    for def in &catalog.directives {
        checker.args(&format!("@{}", def.name), def.args);
    }
    for info in &catalog.types[..catalog.own] {
        checker.ty(info);
    }
    checker.defects
}

struct Checker<'c> {
    catalog: &'c Catalog,
    defects: Vec<String>,
}

impl Checker<'_> {
    fn report(&mut self, defect: String) {
        self.defects.push(defect);
    }

    fn unique<'n>(&mut self, place: &str, names: impl Iterator<Item = &'n str>) {
        let mut seen = HashSet::new();
        for name in names {
            if !seen.insert(name) {
                self.report(format!("{place}: \"{name}\" is there twice"));
            }
        }
    }

    fn name(&mut self, place: &str, name: &str) {
        let valid = name.bytes().enumerate().all(|(index, byte)| match byte {
            b'0'..=b'9' => index > 0,
            _ => byte == b'_' || byte.is_ascii_alphabetic(),
        });
        if name.is_empty() || !valid {
            self.report(format!("{place}: \"{name}\" is no name"));
        }
        if name.starts_with("__") {
            self.report(format!(
                "{place}: \"{name}\" begins with two underscores, as only introspection's names do"
            ));
        }
    }

    fn ty(&mut self, info: &TypeInfo) {
        let name = info.name;
        self.name("the schema", name);
        let parts = match info.kind {
            Kind::Scalar => 1,
            Kind::Object | Kind::Interface => info.fields.len(),
            Kind::Enum => info.values.len(),
            Kind::Input => info.inputs.len(),
        };
        if parts == 0 {
            self.report(format!("{name}: it is empty"));
        }
        self.unique(name, info.fields.iter().map(|field| field.def.name));
        self.unique(name, info.values.iter().map(|value| value.name));
        for field in &info.fields {
            self.field(name, field.def);
        }
        for value in info.values {
            let place = format!("{name}.{}", value.name);
            self.name(&place, value.name);
            if matches!(value.name, "true" | "false" | "null") {
                self.report(format!("{place}: it is a literal, so no enum value"));
            }
            self.applied(&place, &Applied::of_value(value));
        }
        self.args(name, info.inputs);
        self.interfaces(info);
    }

    fn field(&mut self, owner: &str, def: &FieldDef) {
        let place = format!("{owner}.{}", def.name);
        self.name(&place, def.name);
        if self.named(&place, def.ty) == Some(Kind::Input) {
            self.report(format!(
                "{place}: it answers {}, which is an input object",
                def.ty
            ));
        }
        self.args(&place, def.args);
        self.applied(&place, &Applied::all(def.directives));
    }

    fn args(&mut self, owner: &str, args: &[Arg]) {
        self.unique(owner, args.iter().map(|arg| arg.name));
        for arg in args {
            let place = format!("{owner}({})", arg.name);
            self.name(&place, arg.name);
            if matches!(
                self.named(&place, arg.ty),
                Some(Kind::Object | Kind::Interface)
            ) {
                self.report(format!(
                    "{place}: it takes {}, which is no input type",
                    arg.ty
                ));
            }
            if arg.deprecated.is_some() && arg.is_required() {
                self.report(format!("{place}: it is deprecated and required"));
            }
            self.applied(&place, &Applied::all(arg.directives));
        }
    }

    /// The kind of the type that is referred to.
    fn named(&mut self, place: &str, ty: TypeRef) -> Option<Kind> {
        let found = self.catalog.named(ty).map(|info| info.kind);
        if found.is_none() {
            let near = did_you_mean(ty.name(), self.catalog.types.iter().map(|info| info.name));
            self.report(format!(
                "{place}: there is no type \"{}\".{near}",
                ty.name()
            ));
        }
        found
    }

    fn applied(&mut self, place: &str, applied: &[Applied]) {
        for Applied { name, args } in applied {
            let Some(def) = self.catalog.directives.iter().find(|def| def.name == *name) else {
                self.report(format!("{place}: directive @{name} is not declared"));
                continue;
            };
            for (arg, literal) in args {
                if def.args.iter().all(|known| known.name != *arg) {
                    self.report(format!(
                        "{place}: directive @{name} has no argument \"{arg}\""
                    ));
                }
                if parse_literal(literal).is_err() {
                    self.report(format!(
                        "{place}: @{name}({arg}: {literal}) is no GraphQL literal"
                    ));
                }
            }
        }
    }

    fn interfaces(&mut self, info: &TypeInfo) {
        self.unique(info.name, info.implements.iter().copied());
        for name in info.implements {
            let Some(interface) = self
                .catalog
                .get(name)
                .filter(|other| other.kind == Kind::Interface)
            else {
                self.report(format!(
                    "{}: it implements {name}, which is no interface",
                    info.name
                ));
                continue;
            };
            for inherited in interface
                .implements
                .iter()
                .filter(|inherited| !info.implements.contains(inherited))
            {
                self.report(format!(
                    "{}: it implements {name} but not {inherited}, which {name} implements",
                    info.name
                ));
            }
            for wanted in interface.fields.iter().map(|field| field.def) {
                match info.field(wanted.name).map(|index| info.fields[index].def) {
                    None => self.report(format!(
                        "{}: it has no field \"{}\", which {name} asks for",
                        info.name, wanted.name
                    )),
                    Some(def) => self.implements(info, def, name, wanted),
                }
            }
        }
    }

    /// A field against the interface's (June 2018 §3.6.1).
    fn implements(&mut self, info: &TypeInfo, def: &FieldDef, interface: &str, wanted: &FieldDef) {
        let place = format!("{}.{}", info.name, def.name);
        if !self.is_subtype(def.ty, wanted.ty) {
            self.report(format!(
                "{place}: it answers {}, and {interface} promises {}",
                def.ty, wanted.ty
            ));
        }
        for arg in wanted.args {
            if !def
                .args
                .iter()
                .any(|own| own.name == arg.name && own.ty == arg.ty)
            {
                self.report(format!(
                    "{place}: it has no argument {}: {}, which {interface} has",
                    arg.name, arg.ty
                ));
            }
        }
        for arg in def.args.iter().filter(|arg| arg.is_required()) {
            if wanted.args.iter().all(|other| other.name != arg.name) {
                self.report(format!(
                    "{place}: argument \"{}\" is required, and {interface} does not have it",
                    arg.name
                ));
            }
        }
    }

    fn is_subtype(&self, ty: TypeRef, wanted: TypeRef) -> bool {
        match (ty.unwrap_once(), wanted.unwrap_once()) {
            (Some((Wrapper::NonNull, ty)), Some((Wrapper::NonNull, wanted))) => {
                self.is_subtype(ty, wanted)
            }
            (Some((Wrapper::NonNull, ty)), _) => self.is_subtype(ty, wanted),
            (Some((Wrapper::List, ty)), Some((Wrapper::List, wanted))) => {
                self.is_subtype(ty, wanted)
            }
            (None, None) => {
                let implements = self
                    .catalog
                    .named(ty)
                    .is_some_and(|info| info.implements.contains(&wanted.name()));
                ty == wanted || implements
            }
            _ => false,
        }
    }
}
