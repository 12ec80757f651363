//! The schema in the schema definition language (June 2018 §3), for people and for comparison with another schema.

use std::fmt::{self, Write};

use crate::catalog::{Catalog, Kind, TypeInfo};
use crate::introspection::{Applied, DIRECTIVES, quoted};
use crate::table::{Arg, DirectiveDef};

pub(crate) fn sdl(catalog: &Catalog) -> String {
    let mut out = String::new();
    // Writing to a string cannot fail.
    _ = write_schema(&mut out, catalog);
    out
}

fn write_schema(out: &mut String, catalog: &Catalog) -> fmt::Result {
    let mut directives: Vec<_> = catalog.directives.iter().skip(DIRECTIVES.len()).collect();
    directives.sort_by_key(|def| def.name);
    let mut types: Vec<_> = catalog.types[..catalog.own].iter().collect();
    types.sort_by_key(|info| info.name);
    let mut separator = "";
    for def in directives {
        out.push_str(separator);
        write_directive(out, def)?;
        separator = "\n";
    }
    for info in types {
        out.push_str(separator);
        write_type(out, info)?;
        separator = "\n";
    }
    Ok(())
}

fn write_directive(out: &mut String, def: &DirectiveDef) -> fmt::Result {
    write_doc(out, def.doc, "")?;
    write!(out, "directive @{}", def.name)?;
    write_args(out, def.args, "")?;
    writeln!(out, " on {}", def.locations.join(" | "))
}

fn write_type(out: &mut String, info: &TypeInfo) -> fmt::Result {
    write_doc(out, info.doc, "")?;
    let keyword = match info.kind {
        Kind::Scalar => return writeln!(out, "scalar {}", info.name),
        Kind::Object => "type",
        Kind::Interface => "interface",
        Kind::Enum => "enum",
        Kind::Input => "input",
    };
    write!(out, "{keyword} {}", info.name)?;
    if !info.implements.is_empty() {
        write!(out, " implements {}", info.implements.join(" & "))?;
    }
    out.push_str(" {\n");
    for (index, field) in info.fields.iter().enumerate() {
        let def = field.def;
        blank_line_between(out, index);
        write_doc(out, def.doc, "  ")?;
        write!(out, "  {}", def.name)?;
        write_args(out, def.args, "  ")?;
        write!(out, ": {}", def.ty)?;
        write_applied(out, &Applied::all(def.directives), def.deprecated)?;
        out.push('\n');
    }
    for (index, value) in info.values.iter().enumerate() {
        blank_line_between(out, index);
        write_doc(out, value.doc, "  ")?;
        write!(out, "  {}", value.name)?;
        write_applied(out, &Applied::of_value(value), value.deprecated)?;
        out.push('\n');
    }
    for (index, input) in info.inputs.iter().enumerate() {
        blank_line_between(out, index);
        write_input(out, input, "  ")?;
    }
    out.push_str("}\n");
    Ok(())
}

fn blank_line_between(out: &mut String, index: usize) {
    if index > 0 {
        out.push('\n');
    }
}

/// The arguments of something that stands `indent` from the margin, one per line.
fn write_args(out: &mut String, args: &[Arg], indent: &str) -> fmt::Result {
    if args.is_empty() {
        return Ok(());
    }
    out.push_str("(\n");
    let inner = format!("{indent}  ");
    for arg in args {
        write_input(out, arg, &inner)?;
    }
    write!(out, "{indent})")
}

fn write_input(out: &mut String, arg: &Arg, indent: &str) -> fmt::Result {
    write_doc(out, arg.doc, indent)?;
    write!(out, "{indent}{}: {}", arg.name, arg.ty)?;
    if let Some(default) = arg.default {
        write!(out, " = {default}")?;
    }
    write_applied(out, &Applied::all(arg.directives), arg.deprecated)?;
    out.push('\n');
    Ok(())
}

fn write_applied(out: &mut String, applied: &[Applied], deprecated: Option<&str>) -> fmt::Result {
    for Applied { name, args } in applied {
        let args: Vec<_> = args
            .iter()
            .map(|(name, literal)| format!("{name}: {literal}"))
            .collect();
        write!(out, " @{name}")?;
        if !args.is_empty() {
            write!(out, "({})", args.join(", "))?;
        }
    }
    match deprecated {
        Some(reason) => write!(out, " @deprecated(reason: {})", quoted(reason)),
        None => Ok(()),
    }
}

/// Documentation as a block string, on lines of its own.
fn write_doc(out: &mut String, doc: &str, indent: &str) -> fmt::Result {
    if doc.is_empty() {
        return Ok(());
    }
    let text = doc.replace("\"\"\"", "\\\"\"\"");
    writeln!(out, "{indent}\"\"\"")?;
    for line in text.lines() {
        match line.is_empty() {
            true => out.push('\n'),
            false => writeln!(out, "{indent}{line}")?,
        }
    }
    writeln!(out, "{indent}\"\"\"")
}
