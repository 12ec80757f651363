//! The printed schema, and the defects of a table.

use insta::assert_snapshot;

use super::garden::SCHEMA;
use crate::{
    Backend, Schema, Type, Value, arg, directive, enumeration, field, input, interface, object,
    ready, signature, value,
};

#[test]
fn a_consistent_table_has_no_defects() {
    assert_eq!(SCHEMA.check(), Vec::<String>::new());
}

#[test]
fn the_schema_is_printed_in_its_language() {
    assert_snapshot!(SCHEMA.sdl(), @r#"
    """
    What the name of an enum value stands for. Names of the same meaning are aliases.
    """
    directive @enumValue(
      """
      The meaning.
      """
      value: String!
    ) on ENUM_VALUE

    """
    The type of object an id must refer to.
    """
    directive @expectedType(
      """
      The name of the type.
      """
      name: String!
    ) on ARGUMENT_DEFINITION | FIELD_DEFINITION

    """
    Colors of pots.
    """
    enum Color {
      Green

      GREEN @enumValue(value: "Green")

      """
      Like a tomato.
      """
      RED @enumValue(value: "crimson")

      WHITE @deprecated(reason: "It never stays.")
    }

    """
    What is written on a pot.
    """
    input Label {
      """
      The name.
      """
      name: String!

      """
      The value.
      """
      value: String = "none"

      """
      The ink.
      """
      color: Color

      """
      One more.
      """
      inner: Label
    }

    """
    A lid.
    """
    type Lid implements Node {
      """
      A reference to it.
      """
      id: ID!
    }

    """
    Something with an id.
    """
    interface Node {
      """
      A reference to it.
      """
      id: ID!
    }

    """
    os/arch
    """
    scalar Platform

    """
    A pot.
    """
    type Pot implements Node {
      """
      A reference to it.
      """
      id: ID!

      """
      The pot with one more plant.

      The first pot stays as it is.
      """
      with(
        """
        Its name.
        """
        plant: String!
        """
        What to write on it.
        """
        labels: [Label!] = []
      ): Pot!

      """
      As `with`.
      """
      put(
        """
        Its name.
        """
        plant: String!
      ): Pot! @deprecated(reason: "Use `with`.")

      """
      The pot later.
      """
      grow: Pot!

      """
      What is in it.
      """
      plants: [String!]!

      """
      Its color.
      """
      color: Color!

      """
      Its lid.
      """
      lid: Lid

      """
      Puts it into another.
      """
      plantsAs(
        """
        The other.
        """
        other: ID! @expectedType(name: "Pot")
      ): Pot!
    }

    """
    The garden gate.
    """
    type Query {
      """
      An empty pot.
      """
      pot(
        """
        Its color.
        """
        color: Color = GREEN
      ): Pot!

      """
      Several pots.
      """
      pots(
        """
        How many.
        """
        count: Int!
      ): [Pot!]!

      """
      Whatever has this id.
      """
      node(
        """
        The id.
        """
        id: ID!
      ): Node!

      """
      Waits for two others.
      """
      meet: String!

      """
      Fails.
      """
      fail: String

      """
      Fails, and cannot be null.
      """
      failHard: String!

      """
      Fails after some time.
      """
      slow(
        """
        How many turns later.
        """
        turns: Int!
      ): String

      """
      No pot.
      """
      maybe: Pot

      """
      Answers what it should not.
      """
      wrong: Int!

      """
      Answers nothing.
      """
      absent: Int!

      """
      Names and meanings.
      """
      colors: [Color]!

      """
      The arguments as they arrive.
      """
      args(
        s: String
        id: ID
        i: Int
        f: Float
        b: Boolean
        c: Color
        p: Platform
        list: [Int!]
        deep: [[String]!]
        label: Label
        labels: [Label!]
        d: String = "a\tdefault"
      ): String!
    }
    "#);
}

struct Broken;

impl Backend for Broken {
    type Object = ();

    fn type_name(&self, (): &()) -> &'static str {
        "Thing"
    }
}

static THING: Type<Broken> = object(
    "Thing",
    "",
    &["Node", "Color", "Missing"],
    &[
        field("twice", "Thing!", "", &[], ready(|_| Ok(Value::Null))),
        field(
            "twice",
            "Thign!",
            "",
            &[arg("a", "Int", ""), arg("a", "Thing", "")],
            ready(|_| Ok(Value::Null)),
        ),
        field(
            "size",
            "Int",
            "",
            &[arg("unit", "String!", "")],
            ready(|_| Ok(Value::Null)),
        ),
        field("bad-name", "In", "", &[], ready(|_| Ok(Value::Null))),
        field(
            "defaults",
            "Int",
            "",
            &[
                arg("a", "Int = x", ""),
                arg("b", "[Color!] = [BLU]", ""),
                arg("c", "String = [", ""),
                arg("d", "Int!", "")
                    .deprecated("no")
                    .directives(&[directive("nope", &[]), directive("skip", &[("iff", "(")])]),
            ],
            ready(|_| Ok(Value::Null)),
        ),
    ],
);
static NODE: Type<Broken> = interface(
    "Node",
    "",
    &["Root"],
    &[
        signature("id", "ID!", "", &[]),
        signature("size", "Int!", "", &[arg("scale", "Float", "")]),
    ],
);
static ROOT: Type<Broken> = interface("Root", "", &[], &[signature("id", "ID!", "", &[])]);
static COLOR: Type<Broken> = enumeration(
    "Color",
    "",
    &[value("BLUE", ""), value("true", ""), value("BLUE", "")],
);
static INPUT: Type<Broken> = input(
    "In",
    "",
    &[arg("self", "In = {}", ""), arg("other", "Int = \"\"", "")],
);
static EMPTY: Type<Broken> = object("__Empty", "", &[], &[]);

#[test]
fn every_defect_of_a_table_is_named() {
    static TYPES: &[&Type<Broken>] = &[&THING, &NODE, &ROOT, &COLOR, &INPUT, &EMPTY, &ROOT];
    assert_snapshot!(Schema::new(TYPES, &[]).check().join("\n"), @r#"
    Thing.defaults(a): the default x is no Int: expected Int, found a name without quotes
    Thing.defaults(b): the default [BLU] is no [Color!]: "BLU" is no Color. Did you mean "BLUE"?
    Thing.defaults(c): the default [ is no String: expected a value, found the end of the query
    In.self: the default {} is no In: "In" has a default inside its own default
    In.other: the default "" is no Int: expected Int, found a String
    there is no object type Query
    the schema: "Root" is there twice
    Thing: "twice" is there twice
    Thing.twice: there is no type "Thign". Did you mean "Thing"?
    Thing.twice: "a" is there twice
    Thing.twice(a): it takes Thing, which is no input type
    Thing.bad-name: "bad-name" is no name
    Thing.bad-name: it answers In, which is an input object
    Thing.defaults(d): it is deprecated and required
    Thing.defaults(d): directive @nope is not declared
    Thing.defaults(d): directive @skip has no argument "iff"
    Thing.defaults(d): @skip(iff: () is no GraphQL literal
    Thing: it implements Node but not Root, which Node implements
    Thing: it has no field "id", which Node asks for
    Thing.size: it answers Int, and Node promises Int!
    Thing.size: it has no argument scale: Float, which Node has
    Thing.size: argument "unit" is required, and Node does not have it
    Thing: it implements Color, which is no interface
    Thing: it implements Missing, which is no interface
    Color: "BLUE" is there twice
    Color.true: it is a literal, so no enum value
    the schema: "__Empty" begins with two underscores, as only introspection's names do
    __Empty: it is empty
    "#);
}
