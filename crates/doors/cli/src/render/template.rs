//! `--format`: Go templates with Docker's functions.

use super::fields;
use super::order::FieldOrders;
use crate::args::nearest;
use crate::failure::Failure;
use gotmpl::{MissingKey, Template, TemplateError, Value};
use std::sync::Arc;

/// Why a template gave nothing. The words are Docker's.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TemplateFailure {
    /// The template of a list does not parse.
    #[error("failed to parse template: {0}")]
    ListGrammar(String),
    /// The template of a list asks for a field that is not there.
    #[error("failed to execute template {format:?}: no field {field:?}; there are: {known}")]
    NoField {
        /// As typed.
        format: String,
        /// What was asked for.
        field: String,
        /// What there is.
        known: String,
    },
    /// The template of a list asks for something else that cannot be.
    #[error("failed to execute template {format:?}: {reason}")]
    List {
        /// As typed.
        format: String,
        /// What is wrong.
        reason: String,
    },
    /// The template of a document does not parse.
    #[error("template parsing error: {0}")]
    Grammar(String),
    /// The template of a document asks for something that is not there.
    #[error("template parsing error: template: executing {format:?}: {reason}")]
    Document {
        /// As typed.
        format: String,
        /// What is wrong.
        reason: String,
    },
}

impl From<TemplateFailure> for Failure {
    fn from(error: TemplateFailure) -> Self {
        // EX_USAGE, as Docker has it.
        let code = if matches!(error, TemplateFailure::Grammar(_)) { 64 } else { 1 };
        Self::of(&error).with_code(code)
    }
}

/// A parsed template.
pub(super) struct Parsed {
    template: Template,
    format: String,
}

/// Parses the template of a list. `\t` and `\n` may be spelled out, as shells make tabs hard to type. `headers`: the
/// functions leave their values alone, so that a heading stays readable.
pub(super) fn parse(text: &str, headers: bool) -> Result<Parsed, TemplateFailure> {
    let template = parsed(text, headers, FieldOrders::default()).map_err(TemplateFailure::ListGrammar)?;
    Ok(Parsed { template, format: text.to_owned() })
}

fn parsed(text: &str, headers: bool, orders: FieldOrders) -> Result<Template, String> {
    let mut text = text.replace("\\t", "\t").replace("\\n", "\n");
    // `.Label "key"` is a method in Docker; here it is a function, and the labels are a map.
    for before in [" ", "{", "("] {
        text = text.replace(&format!("{before}.Label "), &format!("{before}label .LabelMap "));
    }
    functions(Template::new(""), headers, orders).parse(&text).map_err(|error| error.to_string())
}

impl Parsed {
    /// Requires that the fields it names are there; what else fails depends on the values.
    pub(super) fn check_fields(&self, data: &Value) -> Result<(), TemplateFailure> {
        match self.execute(data) {
            Err(wrong @ TemplateFailure::NoField { .. }) => Err(wrong),
            _ => Ok(()),
        }
    }

    /// Fills in the values of one row.
    pub(super) fn execute(&self, data: &Value) -> Result<String, TemplateFailure> {
        let strict = self.template.clone().missing_key(MissingKey::Error);
        let format = || self.format.clone();
        strict.execute_to_string(data).map_err(|error| match error {
            TemplateError::MissingKey { key } => {
                TemplateFailure::NoField { format: format(), field: key, known: columns(data) }
            }
            other => TemplateFailure::List { format: format(), reason: in_go_words(&other) },
        })
    }
}

fn columns(data: &Value) -> String {
    let Value::Map(fields) = data else { return String::new() };
    let names: Vec<&str> = fields.keys().map(AsRef::as_ref).filter(|name| *name != "LabelMap").collect();
    names.join(", ")
}

fn in_go_words(error: &TemplateError) -> String {
    match error {
        TemplateError::UndefinedFunction(name) => format!("function {name:?} not defined"),
        TemplateError::MissingKey { key } => format!("map has no entry for key {key:?}"),
        TemplateError::Exec(reason) => reason.clone(),
        other => other.to_string(),
    }
}

/// One document, as JSON with its fields in order, through a template, for `inspect`, `info` and `version`; ends with a
/// newline.
pub(crate) fn render_document(format: &str, document: &str) -> Result<String, TemplateFailure> {
    if format == "json" {
        return Ok(format!("{document}\n"));
    }
    let wrong = |reason: String| TemplateFailure::Document { format: format.to_owned(), reason };
    let value: serde_json::Value =
        serde_json::from_str(document).map_err(|error| wrong(error.to_string()))?;
    let data = gotmpl::to_value(&value).map_err(|error| wrong(error.to_string()))?;
    let orders = FieldOrders::of(document).map_err(|error| wrong(error.to_string()))?;
    let template = parsed(format, false, orders).map_err(TemplateFailure::Grammar)?;
    let text = fields::execute(&template, &data).map_err(|error| {
        let names = fields::names(&data);
        let near = match &error {
            TemplateError::MissingKey { key } => nearest(key, names.iter().map(String::as_str)),
            _ => None,
        };
        let near = near.map(|name| format!(" (did you mean {name}?)")).unwrap_or_default();
        wrong(in_go_words(&error) + &near)
    })?;
    Ok(text + "\n")
}

type Answer = Result<Value, gotmpl::TemplateError>;

fn string(text: impl AsRef<str>) -> Value {
    Value::String(Arc::from(text.as_ref()))
}

/// Docker's functions (docker/cli, `templates`).
fn functions(template: Template, headers: bool, orders: FieldOrders) -> Template {
    let text = |args: &[Value], index: usize| args.get(index).map(ToString::to_string).unwrap_or_default();
    let on_text = move |change: fn(&str) -> String| {
        move |args: &[Value]| -> Answer {
            Ok(string(if headers { text(args, 0) } else { change(&text(args, 0)) }))
        }
    };
    template
        .func("json", move |args| {
            let json = || orders.to_json(args.first().unwrap_or(&Value::Nil));
            Ok(string(if headers { text(args, 0) } else { json() }))
        })
        .func("label", move |args| match args {
            [_, Value::String(key)] if headers => Ok(string(label_heading(key))),
            [Value::Map(labels), Value::String(key)] => {
                Ok(labels.get(key).cloned().unwrap_or_else(|| string("")))
            }
            _ => Ok(string("")),
        })
        .func("index", index)
        .func("upper", on_text(str::to_uppercase))
        .func("lower", on_text(str::to_lowercase))
        .func("title", on_text(title))
        .func("split", move |args| {
            if headers {
                return Ok(string(text(args, 0)));
            }
            let (whole, separator) = (text(args, 0), text(args, 1));
            Ok(Value::List(whole.split(separator.as_str()).map(string).collect()))
        })
        .func("join", move |args| match args.first() {
            Some(Value::List(items)) if !headers => {
                Ok(string(items.iter().map(ToString::to_string).collect::<Vec<_>>().join(&text(args, 1))))
            }
            _ => Ok(string(text(args, 0))),
        })
        .func("pad", move |args| {
            let blanks = |index| {
                " ".repeat(
                    usize::try_from(args.get(index).and_then(Value::as_int).unwrap_or(0))
                        .unwrap_or(0)
                        .min(1000),
                )
            };
            Ok(string(format!("{}{}{}", blanks(1), text(args, 0), blanks(2))))
        })
        .func("truncate", move |args| {
            let length = args.get(1).and_then(Value::as_int).and_then(|length| usize::try_from(length).ok());
            let whole = text(args, 0);
            Ok(string(match length {
                Some(length) if !headers => whole.chars().take(length).collect(),
                _ => whole,
            }))
        })
}

/// Docker's heading of a label: its last part, in words.
fn label_heading(key: &str) -> String {
    key.rsplit('.').next().unwrap_or(key).replace(['-', '_'], " ")
}

/// Go's `index`, of a container by keys; what a map does not have is its empty value, which is the empty text in the
/// maps that people look into (labels).
fn index(args: &[Value]) -> Answer {
    let Some((container, keys)) = args.split_first() else { return Ok(Value::Nil) };
    keys.iter().try_fold(container.clone(), |value, key| match (&value, key) {
        (Value::Map(fields), Value::String(name)) => {
            Ok(fields.get(name).cloned().unwrap_or_else(|| string("")))
        }
        (Value::Nil, Value::String(_)) => Ok(string("")),
        _ => value.index(key),
    })
}

/// The first letter of each word in upper case.
fn title(text: &str) -> String {
    let mut start = true;
    text.chars()
        .map(|letter| {
            let changed = if start { letter.to_ascii_uppercase() } else { letter };
            start = !letter.is_alphanumeric();
            changed
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rendered(format: &str) -> String {
        let document = serde_json::json!({"Id": "abcdef", "State": {"Pid": 7, "Running": true}, "Names": ["b", "a"], "None": null});
        render_document(format, &document.to_string()).unwrap_or_else(|failure| failure.to_string())
    }

    #[test]
    fn dockers_functions() {
        for (format, text) in [
            ("{{.Id}} {{.State.Pid}}", "abcdef 7\n"),
            ("{{json .State}}", "{\"Pid\":7,\"Running\":true}\n"),
            ("{{json .None}}", "null\n"),
            ("{{upper .Id}}-{{truncate .Id 3}}", "ABCDEF-abc\n"),
            ("{{join .Names \",\"}}", "b,a\n"),
            ("{{range .Names}}[{{.}}]{{end}}", "[b][a]\n"),
            ("{{if .State.Running}}up{{else}}down{{end}}", "up\n"),
            ("{{index (split \"a:b\" \":\") 1}}\\t|", "b\t|\n"),
            ("{{title \"hello world\"}}{{pad \"x\" 1 2}}|", "Hello World x  |\n"),
        ] {
            assert_eq!(rendered(format), text, "{format}");
        }
        assert!(rendered("{{.Id").starts_with("template parsing error: "));
    }

    #[test]
    fn missing_fields_are_told_from_missing_keys() {
        let document = serde_json::json!({"Id": "abc", "State": {"Pid": 1}, "Config": {"Labels": {"a": "1"}, "Env": null}});
        let rendered = |format: &str| {
            render_document(format, &document.to_string())
                .unwrap_or_else(|failure| failure.to_string() + "\n")
        };
        let missing = |format: &str, key: &str, more: &str| {
            let start = format!("template parsing error: template: executing {format:?}: ");
            assert_eq!(rendered(format), format!("{start}map has no entry for key {key:?}{more}\n"));
        };
        missing("{{.Foo}}", "Foo", "");
        missing("{{.State.Health.Status}}", "Status", "");
        missing("{{.Config.Labels.b}}{{.Foo}}", "Foo", "");
        missing("{{.Config.Lables}}", "Lables", " (did you mean Labels?)");
        for (format, text) in [
            ("{{.Config.Labels.b}}|{{.Config.Labels.a}}", "<no value>|1\n"),
            ("{{.Config.Labels.b}}|{{json .Config.Labels}}", "<no value>|{\"a\":\"1\"}\n"),
            ("{{index .Config.Labels \"b\"}}|{{index .Config.Labels \"a\"}}", "|1\n"),
            ("{{.ID}}", "abc\n"),
            ("{{json .State.Health}}", "null\n"),
            ("{{if .State.Health}}{{.State.Health.Status}}{{else}}none{{end}}", "none\n"),
        ] {
            assert_eq!(rendered(format), text, "{format}");
        }
        let undefined = rendered("{{frob .Id}}");
        assert!(undefined.contains("function \"frob\" not defined"), "{undefined}");
    }
}
