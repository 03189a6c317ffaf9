//! Reads a GraphQL request and makes it flat: variables are put in, fragments opened, `@skip` and `@include` obeyed.
//! What is left is a tree of [`Asked`] fields.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

use apollo_compiler::ast::{self, Definition, DirectiveList, Document, OperationDefinition, OperationType};
use serde_json::{Map, Value, json};

use super::Refusal;

/// A request, read and made flat.
pub(super) struct Parsed {
    /// The document as it was sent.
    pub source: String,
    /// The variables as they were sent.
    pub variables: Map<String, Value>,
    /// The operation's name.
    pub name: Option<String>,
    /// Whether it writes.
    pub mutation: bool,
    /// The fields at its root.
    pub roots: Vec<Arc<Asked>>,
}

/// What stands in a selection set.
pub(super) enum Selected {
    Field(Arc<Asked>),
    On { kind: Option<String>, inside: Vec<Selected> },
}

/// A field that is asked for.
pub(super) struct Asked {
    /// The name it is to have in the answer.
    pub alias: String,
    /// Its own name.
    pub name: String,
    /// Its arguments; those whose variable was left out are left out.
    pub args: Map<String, Value>,
    /// The key of its `@idempotent` directive.
    pub key: Option<Value>,
    /// What is selected inside.
    pub inside: Arc<Vec<Selected>>,
}

impl Parsed {
    /// Reads the body of a request.
    pub fn new(request: &Value) -> Result<Self, Vec<Refusal>> {
        let one = |code: &str, words: &str| vec![Refusal::new(code, words)];
        let source = request["query"].as_str().ok_or_else(|| one("BAD_REQUEST", "No query string was present"))?;
        let document = read(source).map_err(|wrong| one("syntaxError", &wrong.lines().take(3).collect::<String>()))?;
        let wanted = request["operationName"].as_str();
        let operation = document.definitions.iter().find_map(|definition| match definition {
            Definition::OperationDefinition(found)
                if wanted.is_none_or(|name| found.name.as_ref().is_some_and(|n| n == name)) =>
            {
                Some(found.clone())
            }
            _ => None,
        });
        let operation = operation.ok_or_else(|| one("missingOperation", "No operation of this name"))?;
        // 6.4: on the operation, the directive is an error of syntax.
        if operation.directives.has("idempotent") {
            return Err(one("syntaxError", "'@idempotent' can't be applied to queries or mutations"));
        }
        let sent = request["variables"].as_object().cloned().unwrap_or_default();
        let variables = variables_of(&operation, &sent)?;
        let mutation = operation.operation_type == OperationType::Mutation;
        let flat = Flattener { document: &document, variables: &variables };
        let roots = merged(&flat.selection(&operation.selection_set), if mutation { "Mutation" } else { "QueryRoot" });
        Ok(Self {
            source: source.into(),
            variables: sent,
            name: operation.name.as_ref().map(ToString::to_string),
            mutation,
            roots,
        })
    }

    /// Returns the length of the longest list among the arguments.
    pub fn largest_list(&self) -> usize {
        self.roots.iter().map(|root| deepest_list(root)).max().unwrap_or(0)
    }

    /// Counts the records that the arguments name.
    pub fn items(&self) -> usize {
        let named = |root: &Arc<Asked>| {
            let input = root.args.get("input").unwrap_or(&Value::Null);
            let lists = [&input["quantities"], &input["changes"], root.args.get("ids").unwrap_or(&Value::Null)];
            lists.into_iter().find_map(Value::as_array).map_or(usize::from(self.mutation), Vec::len)
        };
        self.roots.iter().map(named).sum()
    }
}

/// Reads a document. Clients send the same few again and again, and simulated shops live thousands of days: each is read
/// once.
fn read(source: &str) -> Result<Arc<Document>, String> {
    thread_local! {
        static READ: RefCell<HashMap<String, Arc<Document>>> = RefCell::default();
    }
    if let Some(document) = READ.with_borrow(|read| read.get(source).cloned()) {
        return Ok(document);
    }
    let document = Document::parse(source, "request.graphql").map_err(|wrong| wrong.errors.to_string())?;
    let document = Arc::new(document);
    READ.with_borrow_mut(|read| read.insert(source.into(), document.clone()));
    Ok(document)
}

/// Puts defaults in, and refuses what is required and missing (10, `INVALID_VARIABLE`).
fn variables_of(
    operation: &OperationDefinition,
    sent: &Map<String, Value>,
) -> Result<Map<String, Value>, Vec<Refusal>> {
    let mut variables = Map::new();
    for definition in &operation.variables {
        let name = definition.name.as_str();
        let given = sent.get(name).cloned();
        let default = || definition.default_value.as_ref().and_then(|value| constant(value, &Map::new()));
        match given.or_else(default) {
            Some(Value::Null) | None if definition.ty.is_non_null() => {
                let words = format!("Variable ${name} of type {} was provided invalid value", definition.ty);
                let problems = json!([{ "path": [], "explanation": "Expected value to not be null" }]);
                return Err(vec![Refusal::new("INVALID_VARIABLE", &words).with("problems", problems)]);
            }
            Some(value) => drop(variables.insert(name.into(), value)),
            None => {}
        }
    }
    Ok(variables)
}

/// Turns a literal into JSON; `None` for a variable that was left out.
fn constant(value: &ast::Value, variables: &Map<String, Value>) -> Option<Value> {
    Some(match value {
        ast::Value::Null => Value::Null,
        ast::Value::Enum(name) => name.as_str().into(),
        ast::Value::Variable(name) => variables.get(name.as_str())?.clone(),
        ast::Value::String(text) => text.as_str().into(),
        ast::Value::Boolean(is) => (*is).into(),
        ast::Value::Int(number) => number.as_str().parse::<i64>().map_or(Value::Null, Into::into),
        ast::Value::Float(number) => number.as_str().parse::<f64>().map_or(Value::Null, Into::into),
        ast::Value::List(list) => list.iter().filter_map(|value| constant(value, variables)).collect(),
        ast::Value::Object(fields) => {
            fields.iter().filter_map(|(name, value)| Some((name.to_string(), constant(value, variables)?))).collect()
        }
    })
}

fn deepest_list(asked: &Asked) -> usize {
    fn of_value(value: &Value) -> usize {
        match value {
            Value::Array(list) => list.iter().map(of_value).max().unwrap_or(0).max(list.len()),
            Value::Object(fields) => fields.values().map(of_value).max().unwrap_or(0),
            _ => 0,
        }
    }
    fn of_selection(selection: &[Selected]) -> usize {
        let one = |selected: &Selected| match selected {
            Selected::Field(asked) => deepest_list(asked),
            Selected::On { inside, .. } => of_selection(inside),
        };
        selection.iter().map(one).max().unwrap_or(0)
    }
    asked.args.values().map(of_value).max().unwrap_or(0).max(of_selection(&asked.inside))
}

struct Flattener<'a> {
    document: &'a Document,
    variables: &'a Map<String, Value>,
}

impl Flattener<'_> {
    fn selection(&self, selection: &[ast::Selection]) -> Vec<Selected> {
        selection.iter().filter_map(|one| self.one(one)).collect()
    }

    fn one(&self, selection: &ast::Selection) -> Option<Selected> {
        match selection {
            ast::Selection::Field(field) if self.wanted(&field.directives) => {
                Some(Selected::Field(Arc::new(self.field(field))))
            }
            ast::Selection::InlineFragment(inline) if self.wanted(&inline.directives) => Some(Selected::On {
                kind: inline.type_condition.as_ref().map(ToString::to_string),
                inside: self.selection(&inline.selection_set),
            }),
            ast::Selection::FragmentSpread(spread) if self.wanted(&spread.directives) => {
                let found = self.document.definitions.iter().find_map(|definition| match definition {
                    Definition::FragmentDefinition(found) if found.name == spread.fragment_name => Some(found),
                    _ => None,
                })?;
                let kind = Some(found.type_condition.to_string());
                Some(Selected::On { kind, inside: self.selection(&found.selection_set) })
            }
            _ => None,
        }
    }

    fn field(&self, field: &ast::Field) -> Asked {
        let argument = |argument: &apollo_compiler::Node<ast::Argument>| {
            Some((argument.name.to_string(), constant(&argument.value, self.variables)?))
        };
        let directive = field.directives.get("idempotent");
        let key = directive.and_then(|directive| directive.specified_argument_by_name("key"));
        Asked {
            alias: field.alias.as_ref().unwrap_or(&field.name).to_string(),
            name: field.name.to_string(),
            args: field.arguments.iter().filter_map(argument).collect(),
            key: key.map(|key| constant(key, self.variables).unwrap_or(Value::Null)),
            inside: Arc::new(self.selection(&field.selection_set)),
        }
    }

    fn wanted(&self, directives: &DirectiveList) -> bool {
        let says = |name: &str| {
            let value = directives.get(name)?.specified_argument_by_name("if")?;
            constant(value, self.variables)?.as_bool()
        };
        says("skip") != Some(true) && says("include") != Some(false)
    }
}

/// Returns the fields that are asked of a thing of this kind, those of the same name merged.
pub(super) fn merged(selection: &[Selected], kind: &str) -> Vec<Arc<Asked>> {
    fn gather(selection: &[Selected], kind: &str, into: &mut Vec<Arc<Asked>>) {
        for selected in selection {
            match selected {
                Selected::Field(asked) => match into.iter_mut().find(|known| known.alias == asked.alias) {
                    Some(known) => *known = Arc::new(both(known, asked)),
                    None => into.push(asked.clone()),
                },
                Selected::On { kind: wanted, inside } => {
                    if wanted.as_deref().is_none_or(|wanted| is_a(kind, wanted)) {
                        gather(inside, kind, into);
                    }
                }
            }
        }
    }
    let mut fields = Vec::new();
    gather(selection, kind, &mut fields);
    fields
}

/// Makes one field of two that were asked for under the same name.
fn both(one: &Asked, other: &Asked) -> Asked {
    let inside = copied(&one.inside).into_iter().chain(copied(&other.inside)).collect();
    Asked {
        alias: one.alias.clone(),
        name: one.name.clone(),
        args: one.args.clone(),
        key: one.key.clone(),
        inside: Arc::new(inside),
    }
}

fn copied(selection: &[Selected]) -> Vec<Selected> {
    let one = |selected: &Selected| match selected {
        Selected::Field(field) => Selected::Field(field.clone()),
        Selected::On { kind, inside } => Selected::On { kind: kind.clone(), inside: copied(inside) },
    };
    selection.iter().map(one).collect()
}

/// Tells whether a type is another one, or implements it.
fn is_a(kind: &str, wanted: &str) -> bool {
    kind == wanted
        || match wanted {
            "Node" => !matches!(kind, "InventoryChange" | "UserError" | "RefundLineItem"),
            "Publishable" => matches!(kind, "Product" | "ProductVariant"),
            "Catalog" => kind == "AppCatalog",
            "HasMetafields" => kind == "AppInstallation",
            _ => false,
        }
}
