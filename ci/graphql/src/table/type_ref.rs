//! References to types, written as GraphQL writes them: `"[String!]!"`.
//!
//! The text is read while the program is compiled, so a malformed reference in a table is a compile error and a
//! reference is a small `Copy` value at run time.

use std::fmt;

/// The type of a field or argument: a named type inside any number of lists and non-null marks (June 2018 §3.11, §3.12).
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct TypeRef {
    name: &'static str,
    /// The wrappers, innermost in the lowest two bits.
    wrappers: u32,
}

/// What encloses a type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wrapper {
    /// `[T]`
    List,
    /// `T!`
    NonNull,
}

const LIST: u32 = 1;
const NON_NULL: u32 = 2;

impl TypeRef {
    /// The nullable type `name`.
    pub const fn named(name: &'static str) -> Self {
        TypeRef { name, wrappers: 0 }
    }

    /// Reads a reference such as `String`, `ID!` or `[PortForward!]!`.
    ///
    /// # Panics
    /// When the text is no type reference; in a `static` table that is a compile error.
    pub const fn parse(text: &'static str) -> Self {
        let bytes = text.as_bytes();
        let mut start = 0;
        while start < bytes.len() && bytes[start] == b'[' {
            start += 1;
        }
        let mut end = start;
        while end < bytes.len() && (bytes[end].is_ascii_alphanumeric() || bytes[end] == b'_') {
            end += 1;
        }
        assert!(
            start < end && !bytes[start].is_ascii_digit(),
            "a type reference needs a type name"
        );
        let mut parsed = TypeRef::named(text.split_at(end).0.split_at(start).1);
        let mut open = start;
        while end < bytes.len() {
            if bytes[end] == b'!' {
                parsed = parsed.non_null();
            } else {
                assert!(
                    bytes[end] == b']',
                    "unexpected character in a type reference"
                );
                assert!(open > 0, "a type reference closes a list it did not open");
                open -= 1;
                parsed = parsed.list();
            }
            end += 1;
        }
        assert!(open == 0, "a type reference opens a list it does not close");
        parsed
    }

    /// `[self]`
    pub const fn list(self) -> Self {
        self.wrapped(LIST)
    }

    /// `self!`
    pub const fn non_null(self) -> Self {
        assert!(
            self.outermost() != NON_NULL,
            "a type reference is marked non-null twice"
        );
        self.wrapped(NON_NULL)
    }

    const fn wrapped(self, wrapper: u32) -> Self {
        let depth = self.depth();
        assert!(
            depth < u32::BITS / 2,
            "a type reference is nested too deeply"
        );
        TypeRef {
            name: self.name,
            wrappers: self.wrappers | (wrapper << (2 * depth)),
        }
    }

    const fn depth(self) -> u32 {
        (u32::BITS - self.wrappers.leading_zeros()).div_ceil(2)
    }

    const fn outermost(self) -> u32 {
        match self.depth() {
            0 => 0,
            depth => (self.wrappers >> (2 * (depth - 1))) & 0b11,
        }
    }

    /// The named type at the core.
    pub const fn name(self) -> &'static str {
        self.name
    }

    /// The outermost wrapper and the type inside it; `None` for a bare named type.
    pub const fn unwrap_once(self) -> Option<(Wrapper, TypeRef)> {
        let outermost = self.outermost();
        if outermost == 0 {
            return None;
        }
        let below = 2 * (self.depth() - 1);
        let inner = TypeRef {
            name: self.name,
            wrappers: self.wrappers & ((1 << below) - 1),
        };
        Some((
            if outermost == LIST {
                Wrapper::List
            } else {
                Wrapper::NonNull
            },
            inner,
        ))
    }

    /// Whether null is no value of this type.
    pub const fn is_non_null(self) -> bool {
        self.outermost() == NON_NULL
    }

    /// The type without its outermost non-null mark.
    pub const fn nullable(self) -> TypeRef {
        match self.unwrap_once() {
            Some((Wrapper::NonNull, inner)) => inner,
            _ => self,
        }
    }
}

impl fmt::Display for TypeRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.unwrap_once() {
            None => f.write_str(self.name),
            Some((Wrapper::List, inner)) => write!(f, "[{inner}]"),
            Some((Wrapper::NonNull, inner)) => write!(f, "{inner}!"),
        }
    }
}

impl fmt::Debug for TypeRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::{TypeRef, Wrapper};

    #[test]
    fn a_reference_is_printed_as_it_is_written() {
        for text in [
            "Int",
            "Int!",
            "[Int]",
            "[Int!]",
            "[Int]!",
            "[Int!]!",
            "[[[_A1!]]!]",
            "[[[[[[[[A!]!]!]!]!]!]!]!]",
        ] {
            assert_eq!(TypeRef::parse(text).to_string(), text);
        }
    }

    #[test]
    fn a_reference_is_unwrapped_from_outside() {
        let list = TypeRef::parse("[ID!]!");
        assert!(list.is_non_null() && !list.nullable().is_non_null());
        let (wrappers, name) = {
            let mut wrappers = Vec::new();
            let mut ty = list;
            while let Some((wrapper, inner)) = ty.unwrap_once() {
                wrappers.push(wrapper);
                ty = inner;
            }
            (wrappers, ty)
        };
        assert_eq!(
            wrappers,
            [Wrapper::NonNull, Wrapper::List, Wrapper::NonNull]
        );
        assert_eq!(name, TypeRef::named("ID"));
    }

    #[test]
    fn a_malformed_reference_does_not_compile() {
        for text in [
            "",
            "!",
            "1A",
            "[Int",
            "Int]",
            "Int!!",
            "Int ",
            "[]",
            "a-b",
            "[[[[[[[[[A!]!]!]!]!]!]!]!]!]",
        ] {
            assert!(
                std::panic::catch_unwind(|| TypeRef::parse(text)).is_err(),
                "{text}"
            );
        }
    }
}
