//! The official schema, where `EYS_SPECS` names the folder that has it: requests and our own answers are held
//! against it. Without it, only the refusals of the sheet are played.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, LazyLock, Mutex};

use apollo_compiler::executable::{Selection, SelectionSet};
use apollo_compiler::request::coerce_variable_values;
use apollo_compiler::schema::{ExtendedType, Type};
use apollo_compiler::validation::Valid;
use apollo_compiler::{ExecutableDocument, response::JsonMap};
use serde_json::{Value, json};

use super::document::Parsed;
use super::{Refusal, VERSION};

/// The official schema.
pub struct Schema {
    schema: Valid<apollo_compiler::Schema>,
    documents: Mutex<HashMap<String, Checked>>,
}

type Checked = Result<Arc<Valid<ExecutableDocument>>, Vec<String>>;

/// Read once a process: it is large.
static KNOWN: LazyLock<Option<Schema>> = LazyLock::new(|| {
    let path = PathBuf::from(std::env::var_os("EYS_SPECS")?).join(format!("shopify/admin-{VERSION}.graphql"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|why| panic!("{}: {why}", path.display()));
    let schema = apollo_compiler::Schema::parse_and_validate(text, path).expect("the official schema is valid");
    Some(Schema { schema, documents: Mutex::default() })
});

impl Schema {
    /// Returns it, if the specs are at hand.
    pub fn known() -> Option<&'static Self> {
        KNOWN.as_ref()
    }

    /// Refuses a document or variables that do not fit (10).
    pub(super) fn check(&self, parsed: &Parsed) -> Result<(), Vec<Refusal>> {
        let document = self.document(&parsed.source).map_err(|wrong| {
            let mut refusals: Vec<_> = wrong.iter().map(|words| (code_of(words), words)).collect();
            // What has a code of its own comes first; the rest mostly follows from it.
            refusals.sort_by_key(|(code, _)| *code == UNNAMED);
            refusals.into_iter().map(|(code, words)| Refusal::new(code, words)).collect::<Vec<_>>()
        })?;
        let operation = document.operations.get(parsed.name.as_deref()).expect("it was found before");
        let sent: JsonMap = serde_json::from_value(Value::Object(parsed.variables.clone())).expect("it is JSON");
        coerce_variable_values(&self.schema, operation, &sent).map_err(|wrong| {
            let words = wrong.message().to_string();
            let problems = json!([{ "path": [], "explanation": words }]);
            vec![Refusal::new("INVALID_VARIABLE", &words).with("problems", problems)]
        })?;
        Ok(())
    }

    fn document(&self, source: &str) -> Checked {
        let mut documents = self.documents.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        documents.entry(source.to_owned()).or_insert_with(|| self.validate(source)).clone()
    }

    fn validate(&self, source: &str) -> Checked {
        ExecutableDocument::parse_and_validate(&self.schema, source, "request.graphql")
            .map(Arc::new)
            .map_err(|wrong| wrong.errors.iter().map(|one| one.error.to_string()).collect())
    }

    /// Tells what of an answer does not fit the schema, if anything.
    pub(super) fn misfit(&self, parsed: &Parsed, data: &Value) -> Option<String> {
        let document = self.document(&parsed.source).ok()?;
        let operation = document.operations.get(parsed.name.as_deref()).ok()?;
        self.object_misfit(&document, &operation.selection_set, data, "data")
    }

    fn object_misfit(&self, doc: &ExecutableDocument, set: &SelectionSet, value: &Value, path: &str) -> Option<String> {
        set.selections.iter().find_map(|selection| match selection {
            Selection::Field(field) => {
                let path = format!("{path}.{}", field.response_key());
                match value.get(field.response_key().as_str()) {
                    Some(value) => self.value_misfit(doc, &field.selection_set, field.ty(), value, &path),
                    None => field.directives.is_empty().then(|| format!("{path} is missing")),
                }
            }
            Selection::InlineFragment(inline) => {
                // Without __typename nobody can tell which of the fragments applies.
                let same = inline.type_condition.as_ref().is_none_or(|kind| value["__typename"] == kind.as_str());
                if same { self.object_misfit(doc, &inline.selection_set, value, path) } else { None }
            }
            Selection::FragmentSpread(spread) => {
                let fragment = spread.fragment_def(doc)?;
                let same = fragment.type_condition() == &set.ty;
                if same { self.object_misfit(doc, &fragment.selection_set, value, path) } else { None }
            }
        })
    }

    fn value_misfit(
        &self,
        doc: &ExecutableDocument,
        set: &SelectionSet,
        ty: &Type,
        value: &Value,
        path: &str,
    ) -> Option<String> {
        match (value, ty) {
            (Value::Null, _) => ty.is_non_null().then(|| format!("{path} is null, and its type is {ty}")),
            (Value::Array(list), Type::List(of) | Type::NonNullList(of)) => {
                list.iter().find_map(|value| self.value_misfit(doc, set, of, value, path))
            }
            (_, Type::List(_) | Type::NonNullList(_)) => Some(format!("{path} is no list")),
            (Value::Object(_), Type::Named(_) | Type::NonNullNamed(_)) if !set.selections.is_empty() => {
                self.object_misfit(doc, set, value, path)
            }
            _ => {
                self.leaf_misfit(ty.inner_named_type().as_str(), value).then(|| format!("{path} is {value}, not {ty}"))
            }
        }
    }

    fn leaf_misfit(&self, ty: &str, value: &Value) -> bool {
        match (ty, self.schema.types.get(ty)) {
            ("Int", _) => value.as_i64().is_none_or(|number| i32::try_from(number).is_err()),
            ("Boolean", _) => !value.is_boolean(),
            (_, Some(ExtendedType::Enum(of))) => value.as_str().is_none_or(|word| !of.values.contains_key(word)),
            ("JSON", _) => false,
            _ => !value.is_string(),
        }
    }
}

/// The code of a misfit that has none of its own.
const UNNAMED: &str = "badDocument";

/// Guesses Shopify's code of a misfit; its spelling is not verified (10).
fn code_of(words: &str) -> &'static str {
    if words.contains("does not have a field") {
        "undefinedField"
    } else if words.contains("argument") && words.contains("not supported") {
        "argumentNotAccepted"
    } else if words.contains("required argument") {
        "missingRequiredArguments"
    } else {
        UNNAMED
    }
}
