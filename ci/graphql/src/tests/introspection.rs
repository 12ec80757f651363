//! The schema as data.

use insta::assert_snapshot;
use serde_json::{Value as Json, json};

use super::data;

/// What the reference implementations send, with everything switched on that they can ask for.
pub(crate) const STANDARD_QUERY: &str = include_str!("introspection.graphql");

fn find<'j>(list: &'j Json, name: &str) -> &'j Json {
    let items = list.as_array().expect("a list");
    items
        .iter()
        .find(|item| item["name"] == name)
        .unwrap_or_else(|| panic!("no {name}"))
}

#[tokio::test]
async fn the_standard_query_describes_every_kind_of_type() {
    let schema = &data(STANDARD_QUERY).await["__schema"];
    assert_eq!(schema["queryType"], json!({ "name": "Query" }));
    assert_eq!(
        (&schema["mutationType"], &schema["subscriptionType"]),
        (&json!(null), &json!(null))
    );

    let pot = find(&schema["types"], "Pot");
    assert_eq!(
        (&pot["kind"], &pot["description"]),
        (&json!("OBJECT"), &json!("A pot."))
    );
    assert_eq!(
        pot["interfaces"],
        json!([{ "kind": "INTERFACE", "name": "Node", "ofType": null }])
    );
    assert_eq!(
        (
            &pot["enumValues"],
            &pot["inputFields"],
            &pot["possibleTypes"]
        ),
        (&json!(null), &json!(null), &json!(null))
    );
    let put = find(&pot["fields"], "put");
    assert_eq!(
        (&put["isDeprecated"], &put["deprecationReason"]),
        (&json!(true), &json!("Use `with`."))
    );

    let plant = find(&find(&pot["fields"], "with")["args"], "labels");
    assert_eq!(plant["defaultValue"], "[]");
    assert_eq!(
        plant["type"],
        json!({ "kind": "LIST", "name": null, "ofType":
            { "kind": "NON_NULL", "name": null, "ofType": { "kind": "INPUT_OBJECT", "name": "Label", "ofType": null } } })
    );

    let node = find(&schema["types"], "Node");
    let possible: Vec<_> = node["possibleTypes"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|ty| ty["name"].clone())
        .collect();
    assert_eq!(
        (&node["kind"], possible),
        (&json!("INTERFACE"), vec![json!("Pot"), json!("Lid")])
    );

    let label = find(&schema["types"], "Label");
    assert_eq!(
        (&label["kind"], &label["isOneOf"]),
        (&json!("INPUT_OBJECT"), &json!(false))
    );
    assert_eq!(
        find(&label["inputFields"], "value")["defaultValue"],
        r#""none""#
    );
    assert_eq!(
        find(&schema["types"], "Color")["enumValues"]
            .as_array()
            .map(Vec::len),
        Some(4)
    );
    assert_eq!(find(&schema["types"], "Platform")["kind"], "SCALAR");
    for built_in in [
        "Boolean",
        "Float",
        "ID",
        "Int",
        "String",
        "__Schema",
        "__TypeKind",
    ] {
        find(&schema["types"], built_in);
    }
    assert_eq!(
        find(&schema["directives"], "include")["args"][0]["name"],
        "if"
    );
    assert_eq!(
        find(&schema["directives"], "expectedType")["locations"],
        json!(["ARGUMENT_DEFINITION", "FIELD_DEFINITION"])
    );
}

/// Every name that introspection mentions as a type is itself among the types.
#[tokio::test]
async fn the_description_is_closed() {
    fn references<'j>(value: &'j Json, names: &mut Vec<&'j str>) {
        match value {
            Json::Object(map) if map.contains_key("ofType") => {
                names.extend(map["name"].as_str());
                references(&map["ofType"], names);
            }
            Json::Object(map) => map.values().for_each(|value| references(value, names)),
            Json::Array(items) => items.iter().for_each(|value| references(value, names)),
            _ => {}
        }
    }
    let schema = &data(STANDARD_QUERY).await["__schema"];
    let mut names = Vec::new();
    references(schema, &mut names);
    assert!(names.len() > 100, "{names:?}");
    for name in names {
        find(&schema["types"], name);
    }
}

#[tokio::test]
async fn deprecated_parts_are_listed_on_demand() {
    let query = r#"{ __type(name: "Pot") { fields { name } all: fields(includeDeprecated: true) { name } } }"#;
    let pot = &data(query).await["__type"];
    let count = |key: &str| pot[key].as_array().map(Vec::len);
    assert_eq!(count("all"), count("fields").map(|count| count + 1));
    let query = r#"{ __type(name: "Color") { enumValues { name } } }"#;
    assert_eq!(
        data(query).await["__type"]["enumValues"],
        json!([{ "name": "Green" }, { "name": "GREEN" }, { "name": "RED" }])
    );
}

#[tokio::test]
async fn applied_directives_are_shown() {
    let query = r#"{
        __type(name: "Pot") { fields { args { directives { name args { name value } } } } }
        color: __type(name: "Color") { enumValues { name directives { name args { value } } } }
    }"#;
    let answer = data(query).await;
    let text = answer.to_string();
    assert!(
        text.contains(
            r#""directives":[{"args":[{"name":"name","value":"\"Pot\""}],"name":"expectedType"}]"#
        ),
        "{text}"
    );
    assert!(
        text.contains(
            r#"{"directives":[{"args":[{"value":"\"crimson\""}],"name":"enumValue"}],"name":"RED"}"#
        ),
        "{text}"
    );
}

#[tokio::test]
async fn a_type_that_is_not_there_is_null() {
    assert_eq!(
        data(r#"{ __type(name: "Nope") { name } hidden: __type(name: "__Root") { name } }"#).await,
        json!({ "__type": null, "hidden": null })
    );
}

#[tokio::test]
async fn introspection_stands_beside_other_fields_and_describes_itself() {
    let query = r#"{ pot { __typename } __typename s: __schema { __typename queryType { name ...T } } t: __type(name: "__Type") { fields { name type { kind } } } }
        fragment T on __Type { kind ofType { name } }"#;
    let answer = data(query).await;
    assert_eq!(answer["pot"]["__typename"], "Pot");
    assert_eq!(answer["__typename"], "Query");
    assert_eq!(
        answer["s"],
        json!({ "__typename": "__Schema", "queryType": { "name": "Query", "kind": "OBJECT", "ofType": null } })
    );
    assert_eq!(
        answer["t"]["fields"][0],
        json!({ "name": "kind", "type": { "kind": "NON_NULL" } })
    );
}

#[tokio::test]
async fn only_the_root_is_asked_about_the_schema() {
    assert_snapshot!(super::refusal("{ pot { __schema { types { name } } } }").await, @r#"Cannot query field "__schema" on type "Pot"."#);
}
