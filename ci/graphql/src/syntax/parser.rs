//! The parser: tokens to a [`Document`]. Selections are read in a loop over a stack of open braces.

use std::collections::HashMap;

use super::lexer::{Lexer, Token};
use super::{
    Argument, Condition, Document, FieldNode, Fragment, Literal, MAX_VALUE_DEPTH, Operation,
    OperationKind, Selection, SelectionId, SelectionKind, SelectionSet, SyntaxError, VariableDef,
    VariableType,
};

/// Parses a request's document.
pub(crate) fn parse(source: &str) -> Result<Document<'_>, SyntaxError> {
    let mut parser = Parser::new(source)?;
    while parser.token != Token::End {
        parser.definition()?;
    }
    if parser.document.operations.is_empty() {
        return Err(parser.unexpected("a query"));
    }
    Ok(parser.document)
}

/// Parses a value without variables: a default of the table.
pub(crate) fn parse_literal(source: &str) -> Result<Literal<'_>, SyntaxError> {
    let mut parser = Parser::new(source)?;
    let value = parser.value(0, false)?;
    if parser.token != Token::End {
        return Err(parser.unexpected("the end of the value"));
    }
    Ok(value)
}

struct Parser<'a> {
    lexer: Lexer<'a>,
    /// The token not consumed yet, and where it and its predecessor are.
    token: Token<'a>,
    at: usize,
    document: Document<'a>,
}

/// Braces not closed yet.
#[derive(Default)]
struct OpenSet {
    first: Option<SelectionId>,
    last: Option<SelectionId>,
}

impl<'a> Parser<'a> {
    fn new(source: &'a str) -> Result<Self, SyntaxError> {
        let mut lexer = Lexer::new(source);
        let (at, token) = lexer.next()?;
        let document = Document {
            source,
            operations: Vec::new(),
            fragments: HashMap::new(),
            selections: Vec::new(),
        };
        Ok(Parser {
            lexer,
            token,
            at,
            document,
        })
    }

    fn advance(&mut self) -> Result<Token<'a>, SyntaxError> {
        let (at, token) = self.lexer.next()?;
        self.at = at;
        Ok(std::mem::replace(&mut self.token, token))
    }

    fn unexpected(&self, wanted: &str) -> SyntaxError {
        SyntaxError::new(self.at, format!("expected {wanted}, found {}", self.token))
    }

    fn is(&self, punctuator: u8) -> bool {
        self.token == Token::Punctuator(punctuator)
    }

    fn eat(&mut self, punctuator: u8) -> Result<bool, SyntaxError> {
        let found = self.is(punctuator);
        if found {
            self.advance()?;
        }
        Ok(found)
    }

    fn expect(&mut self, punctuator: u8) -> Result<(), SyntaxError> {
        match self.eat(punctuator)? {
            true => Ok(()),
            false => Err(self.unexpected(&Token::Punctuator(punctuator).to_string())),
        }
    }

    fn name(&mut self, wanted: &str) -> Result<&'a str, SyntaxError> {
        match self.token {
            Token::Name(name) => {
                self.advance()?;
                Ok(name)
            }
            _ => Err(self.unexpected(wanted)),
        }
    }

    fn definition(&mut self) -> Result<(), SyntaxError> {
        let at = self.at;
        if self.is(b'{') {
            let selections = self.selection_set()?;
            let operation = Operation {
                at,
                kind: OperationKind::Query,
                name: None,
                variables: Vec::new(),
                selections,
            };
            self.document.operations.push(operation);
            return Ok(());
        }
        let kind = match self.token {
            Token::Name("query") => OperationKind::Query,
            Token::Name("mutation") => OperationKind::Mutation,
            Token::Name("subscription") => OperationKind::Subscription,
            Token::Name("fragment") => return self.fragment(),
            _ => return Err(self.unexpected("a query or a fragment")),
        };
        self.advance()?;
        let name = match self.token {
            Token::Name(_) => Some(self.name("a name")?),
            _ => None,
        };
        let variables = self.variables()?;
        self.conditions()?;
        let selections = self.selection_set()?;
        self.document.operations.push(Operation {
            at,
            kind,
            name,
            variables,
            selections,
        });
        Ok(())
    }

    fn fragment(&mut self) -> Result<(), SyntaxError> {
        self.advance()?;
        let at = self.at;
        if self.token == Token::Name("on") {
            return Err(self.unexpected("the name of the fragment"));
        }
        let name = self.name("the name of the fragment")?;
        if self.advance()? != Token::Name("on") {
            return Err(SyntaxError::new(
                at,
                format!("fragment \"{name}\" does not say on which type it is"),
            ));
        }
        let on = self.name("a type name")?;
        self.conditions()?;
        let selections = self.selection_set()?;
        if self
            .document
            .fragments
            .insert(name, Fragment { at, on, selections })
            .is_some()
        {
            return Err(SyntaxError::new(
                at,
                format!("there are two fragments \"{name}\""),
            ));
        }
        Ok(())
    }

    fn variables(&mut self) -> Result<Vec<VariableDef<'a>>, SyntaxError> {
        let mut variables = Vec::new();
        if !self.eat(b'(')? {
            return Ok(variables);
        }
        loop {
            let at = self.at;
            self.expect(b'$')?;
            let name = self.name("the name of a variable")?;
            self.expect(b':')?;
            let ty = self.variable_type()?;
            let default = match self.eat(b'=')? {
                true => Some(self.value(0, false)?),
                false => None,
            };
            self.conditions()?;
            variables.push(VariableDef {
                at,
                name,
                ty,
                default,
            });
            if self.eat(b')')? {
                return Ok(variables);
            }
        }
    }

    fn variable_type(&mut self) -> Result<VariableType<'a>, SyntaxError> {
        let start = self.at;
        let mut open = 0_usize;
        while self.eat(b'[')? {
            open += 1;
        }
        let mut end = self.at;
        let name = self.name("a type name")?;
        end += name.len();
        let mut non_null = false;
        loop {
            let at = self.at;
            if self.is(b'!') && !non_null {
                non_null = true;
            } else if self.is(b']') && open > 0 {
                non_null = false;
                open -= 1;
            } else if open > 0 {
                return Err(self.unexpected("\"]\""));
            } else {
                return Ok(VariableType {
                    text: &self.document.source[start..end],
                    name,
                    non_null,
                });
            }
            self.advance()?;
            end = at + 1;
        }
    }

    /// Everything between a pair of braces, at any depth.
    fn selection_set(&mut self) -> Result<SelectionSet, SyntaxError> {
        self.expect(b'{')?;
        let mut open = OpenSet::default();
        let mut enclosing: Vec<OpenSet> = Vec::new();
        loop {
            if let Some(first) = open.first.filter(|_| self.is(b'}')) {
                self.advance()?;
                let closed = SelectionSet(first);
                match enclosing.pop() {
                    None => return Ok(closed),
                    Some(outer) => open = outer,
                }
                if let Some(owner) = open.last {
                    self.document.selections[owner].children = Some(closed);
                }
                continue;
            }
            let selection = self.selection()?;
            let id = self.document.selections.len();
            let has_fields = match selection.kind {
                SelectionKind::Field(_) => self.eat(b'{')?,
                SelectionKind::Spread(_) => false,
                SelectionKind::Inline { .. } => {
                    self.expect(b'{')?;
                    true
                }
            };
            self.document.selections.push(selection);
            match open.last.replace(id) {
                None => open.first = Some(id),
                Some(previous) => self.document.selections[previous].next = Some(id),
            }
            if has_fields {
                enclosing.push(std::mem::take(&mut open));
            }
        }
    }

    /// One field or fragment, up to its braces.
    fn selection(&mut self) -> Result<Selection<'a>, SyntaxError> {
        let at = self.at;
        let kind = if self.token == Token::Spread {
            self.advance()?;
            match self.token {
                Token::Name("on") => {
                    self.advance()?;
                    SelectionKind::Inline {
                        on: Some(self.name("a type name")?),
                    }
                }
                Token::Name(_) => SelectionKind::Spread(self.name("the name of a fragment")?),
                _ => SelectionKind::Inline { on: None },
            }
        } else {
            let first = self.name("a field")?;
            let (alias, name) = match self.eat(b':')? {
                true => (Some(first), self.name("a field")?),
                false => (None, first),
            };
            SelectionKind::Field(FieldNode {
                alias,
                name,
                args: self.arguments()?,
            })
        };
        Ok(Selection {
            at,
            next: None,
            conditions: self.conditions()?,
            kind,
            children: None,
        })
    }

    /// The directives here; of them only those that decide whether something is selected are kept.
    fn conditions(&mut self) -> Result<Vec<Condition<'a>>, SyntaxError> {
        let mut conditions = Vec::new();
        while self.is(b'@') {
            let at = self.at;
            self.advance()?;
            let name = self.name("the name of a directive")?;
            let args = self.arguments()?;
            if let Some(name) = ["include", "skip"].into_iter().find(|known| *known == name) {
                conditions.push(Condition { name, at, args });
            }
        }
        Ok(conditions)
    }

    fn arguments(&mut self) -> Result<Vec<Argument<'a>>, SyntaxError> {
        let mut args = Vec::new();
        if !self.eat(b'(')? {
            return Ok(args);
        }
        loop {
            let at = self.at;
            let name = self.name("an argument")?;
            self.expect(b':')?;
            args.push(Argument {
                at,
                name,
                value: self.value(0, true)?,
            });
            if self.eat(b')')? {
                return Ok(args);
            }
        }
    }

    fn value(&mut self, depth: usize, variables: bool) -> Result<Literal<'a>, SyntaxError> {
        if depth > MAX_VALUE_DEPTH {
            return Err(SyntaxError::new(
                self.at,
                format!("a value nests more than {MAX_VALUE_DEPTH} levels"),
            ));
        }
        let known = matches!(
            self.token,
            Token::Name(_)
                | Token::Int(_)
                | Token::Float(_)
                | Token::String(_)
                | Token::Punctuator(b'$' | b'[' | b'{')
        );
        if !known {
            return Err(self.unexpected("a value"));
        }
        let at = self.at;
        Ok(match self.advance()? {
            Token::Name("null") => Literal::Null,
            Token::Name("true") => Literal::Bool(true),
            Token::Name("false") => Literal::Bool(false),
            Token::Name(name) => Literal::Name(name),
            Token::Int(digits) => match digits.parse() {
                Ok(int) => Literal::Int(int),
                Err(_) => Literal::Float(digits.parse().unwrap_or(f64::INFINITY)),
            },
            Token::Float(digits) => Literal::Float(digits.parse().unwrap_or(f64::INFINITY)),
            Token::String(text) => Literal::String(text),
            Token::Punctuator(b'[') => {
                let mut items = Vec::new();
                while !self.eat(b']')? {
                    items.push(self.value(depth + 1, variables)?);
                }
                Literal::List(items)
            }
            Token::Punctuator(b'{') => {
                let mut fields = Vec::new();
                while !self.eat(b'}')? {
                    let name = self.name("a field of the object")?;
                    self.expect(b':')?;
                    fields.push((name.into(), self.value(depth + 1, variables)?));
                }
                Literal::Object(fields)
            }
            _ if variables => Literal::Variable(self.name("the name of a variable")?),
            _ => return Err(SyntaxError::new(at, "a default value contains a variable")),
        })
    }
}
