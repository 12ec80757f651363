//! The schema of the tests: pots that are planted by calls in a chain, as immutable objects.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock};

use serde::Deserialize;
use serde_json::json;
use tokio::sync::Barrier;

use crate::{
    Backend, Call, FieldError, Resolved, Schema, Type, Value, arg, directive, directive_def,
    enumeration, field, future, input, interface, object, ready, scalar, signature, value,
};

pub(crate) struct Garden {
    /// Lets nobody pass until three have come.
    gate: Barrier,
    pub(crate) calls: AtomicUsize,
    /// How many wait at the gate.
    pub(crate) waiting: AtomicUsize,
}

/// Someone who waits at the gate.
struct Waiting(Arc<Garden>);

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Default for Garden {
    fn default() -> Self {
        Garden {
            gate: Barrier::new(3),
            calls: AtomicUsize::new(0),
            waiting: AtomicUsize::new(0),
        }
    }
}

#[derive(Clone, Debug)]
pub(crate) enum Thing {
    Root,
    Pot(Arc<Pot>),
    Lid,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Pot {
    plants: Vec<String>,
    color: String,
}

#[derive(Deserialize)]
struct Label {
    name: String,
    value: String,
}

impl Backend for Garden {
    type Object = Thing;

    fn type_name(&self, thing: &Thing) -> &'static str {
        match thing {
            Thing::Root => "Query",
            Thing::Pot(_) => "Pot",
            Thing::Lid => "Lid",
        }
    }
}

type Asked = Call<Garden>;
type Answered = Resolved<Garden>;

fn the_pot(call: &Asked) -> Pot {
    match &call.object {
        Thing::Pot(pot) => Pot::clone(pot),
        Thing::Root | Thing::Lid => Pot::default(),
    }
}

fn answer(pot: Pot) -> Answered {
    Ok(Value::Object(Thing::Pot(Arc::new(pot))))
}

fn pot(call: Asked) -> Answered {
    answer(Pot {
        plants: Vec::new(),
        color: call.args.string("color")?.to_owned(),
    })
}

fn with(call: Asked) -> Answered {
    let mut pot = the_pot(&call);
    pot.plants.push(call.args.string("plant")?.to_owned());
    let labels: Vec<Label> = call.args.decode("labels")?;
    pot.plants.extend(
        labels
            .into_iter()
            .map(|label| format!("{}={}", label.name, label.value)),
    );
    answer(pot)
}

/// Like `with`, but later.
async fn grow(call: Asked) -> Answered {
    call.backend.calls.fetch_add(1, Ordering::SeqCst);
    tokio::task::yield_now().await;
    let mut pot = the_pot(&call);
    pot.plants = vec![format!("{}+", pot.plants.concat())];
    answer(pot)
}

async fn meet(call: Asked) -> Answered {
    call.backend.waiting.fetch_add(1, Ordering::SeqCst);
    let waiting = Waiting(call.backend);
    waiting.0.gate.wait().await;
    Ok("met".into())
}

async fn slow(call: Asked) -> Answered {
    for _ in 0..call.args.int("turns")? {
        tokio::task::yield_now().await;
    }
    Err(FieldError::new(format!("slow {}", call.args.int("turns")?)))
}

async fn fail(_: Asked) -> Answered {
    let details = json!({ "_type": "EXEC_ERROR", "exitCode": 3 });
    let details = details.as_object().cloned().unwrap_or_default();
    Err(FieldError::new("exit code: 3").with_extensions(details))
}

fn node(call: Asked) -> Answered {
    match call.args.string("id")? {
        "lid" => Ok(Value::Object(Thing::Lid)),
        "root" => Ok(Value::Object(Thing::Root)),
        id => answer(Pot {
            plants: vec![id.to_owned()],
            ..Pot::default()
        }),
    }
}

const ID: crate::Field<Garden> = field(
    "id",
    "ID!",
    "A reference to it.",
    &[],
    ready(|call| Ok(format!("{:?}", call.object).into())),
);

static QUERY: Type<Garden> = object(
    "Query",
    "The garden gate.",
    &[],
    &[
        field(
            "pot",
            "Pot!",
            "An empty pot.",
            &[arg("color", "Color = GREEN", "Its color.")],
            ready(pot),
        ),
        field(
            "pots",
            "[Pot!]!",
            "Several pots.",
            &[arg("count", "Int!", "How many.")],
            ready(|call| {
                let pots = (0..call.args.int("count")?).map(|n| Pot {
                    plants: vec![n.to_string()],
                    ..Pot::default()
                });
                Ok(Value::List(
                    pots.map(|pot| Value::Object(Thing::Pot(Arc::new(pot))))
                        .collect(),
                ))
            }),
        ),
        field(
            "node",
            "Node!",
            "Whatever has this id.",
            &[arg("id", "ID!", "The id.")],
            ready(node),
        ),
        field(
            "meet",
            "String!",
            "Waits for two others.",
            &[],
            future!(meet),
        ),
        field("fail", "String", "Fails.", &[], future!(fail)),
        field(
            "failHard",
            "String!",
            "Fails, and cannot be null.",
            &[],
            future!(fail),
        ),
        field(
            "slow",
            "String",
            "Fails after some time.",
            &[arg("turns", "Int!", "How many turns later.")],
            future!(slow),
        ),
        field("maybe", "Pot", "No pot.", &[], ready(|_| Ok(Value::Null))),
        field(
            "wrong",
            "Int!",
            "Answers what it should not.",
            &[],
            ready(|_| Ok("text".into())),
        ),
        field(
            "absent",
            "Int!",
            "Answers nothing.",
            &[],
            ready(|_| Ok(Value::Null)),
        ),
        field(
            "colors",
            "[Color]!",
            "Names and meanings.",
            &[],
            ready(|_| Ok(vec![Some("GREEN"), Some("Green"), Some("crimson"), None].into())),
        ),
        field(
            "args",
            "String!",
            "The arguments as they arrive.",
            &[
                arg("s", "String", ""),
                arg("id", "ID", ""),
                arg("i", "Int", ""),
                arg("f", "Float", ""),
                arg("b", "Boolean", ""),
                arg("c", "Color", ""),
                arg("p", "Platform", ""),
                arg("list", "[Int!]", ""),
                arg("deep", "[[String]!]", ""),
                arg("label", "Label", ""),
                arg("labels", "[Label!]", ""),
                arg("d", r#"String = "a\tdefault""#, ""),
            ],
            ready(|call| Ok(call.args.canonical().to_string().into())),
        ),
    ],
);

static NODE: Type<Garden> = interface(
    "Node",
    "Something with an id.",
    &[],
    &[signature("id", "ID!", "A reference to it.", &[])],
);

static POT: Type<Garden> = object(
    "Pot",
    "A pot.",
    &["Node"],
    &[
        ID,
        field(
            "with",
            "Pot!",
            "The pot with one more plant.\n\nThe first pot stays as it is.",
            &[
                arg("plant", "String!", "Its name."),
                arg("labels", "[Label!] = []", "What to write on it."),
            ],
            ready(with),
        ),
        field(
            "put",
            "Pot!",
            "As `with`.",
            &[arg("plant", "String!", "Its name.")],
            ready(with),
        )
        .deprecated("Use `with`."),
        field("grow", "Pot!", "The pot later.", &[], future!(grow)),
        field(
            "plants",
            "[String!]!",
            "What is in it.",
            &[],
            ready(|call| Ok(the_pot(&call).plants.into())),
        ),
        field(
            "color",
            "Color!",
            "Its color.",
            &[],
            ready(|call| Ok(the_pot(&call).color.into())),
        ),
        field(
            "lid",
            "Lid",
            "Its lid.",
            &[],
            ready(|_| Ok(Value::Object(Thing::Lid))),
        ),
        field(
            "plantsAs",
            "Pot!",
            "Puts it into another.",
            &[arg("other", "ID!", "The other.")
                .directives(&[directive("expectedType", &[("name", r#""Pot""#)])])],
            ready(|call| answer(the_pot(&call))),
        ),
    ],
);

static LID: Type<Garden> = object("Lid", "A lid.", &["Node"], &[ID]);

static COLOR: Type<Garden> = enumeration(
    "Color",
    "Colors of pots.",
    &[
        value("Green", ""),
        value("GREEN", "").means("Green"),
        value("RED", "Like a tomato.").means("crimson"),
        value("WHITE", "").deprecated("It never stays."),
    ],
);

static LABEL: Type<Garden> = input(
    "Label",
    "What is written on a pot.",
    &[
        arg("name", "String!", "The name."),
        arg("value", r#"String = "none""#, "The value."),
        arg("color", "Color", "The ink."),
        arg("inner", "Label", "One more."),
    ],
);

static PLATFORM: Type<Garden> = scalar("Platform", "os/arch");

pub(crate) static SCHEMA: LazyLock<Schema<Garden>> = LazyLock::new(|| {
    const DIRECTIVES: &[crate::DirectiveDef] = &[directive_def(
        "expectedType",
        "The type of object an id must refer to.",
        &[arg("name", "String!", "The name of the type.")],
        &["ARGUMENT_DEFINITION", "FIELD_DEFINITION"],
    )];
    Schema::new(
        &[&QUERY, &NODE, &POT, &LID, &COLOR, &LABEL, &PLATFORM],
        DIRECTIVES,
    )
});
