//! `--format`: Go templates with Docker's functions.

use gotmpl::{Template, Value};
use std::sync::Arc;

/// Why a template gave nothing.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TemplateFailure {
    /// It does not parse.
    #[error("template parsing error: {0}")]
    Parse(String),
    /// It asks for something that is not there. The words are Docker's.
    #[error("template: :1: executing \"\" failed: {0}")]
    Execute(String),
}

/// A parsed template.
pub(super) struct Parsed(Template);

/// Parses a template. `\t` and `\n` may be spelled out, as shells make tabs hard to type. `headers`: the functions
/// leave their values alone, so that a heading stays readable.
pub(super) fn parse(text: &str, headers: bool) -> Result<Parsed, TemplateFailure> {
    // `.Label "key"` is a method in Docker; here the labels are a map.
    let text = text.replace("\\t", "\t").replace("\\n", "\n").replace(".Label \"", "index .LabelMap \"");
    let template = functions(Template::new(""), headers);
    template.parse(&text).map(Parsed).map_err(|error| TemplateFailure::Parse(error.to_string()))
}

impl Parsed {
    /// Fills in the values.
    pub(super) fn execute(&self, data: &Value) -> Result<String, TemplateFailure> {
        self.0.execute_to_string(data).map_err(|error| TemplateFailure::Execute(error.to_string()))
    }
}

/// One document through a template, for `inspect`, `info` and `version`; ends with a newline.
pub(crate) fn render_document(format: &str, document: &serde_json::Value) -> Result<String, TemplateFailure> {
    if format == "json" {
        return Ok(format!("{document}\n"));
    }
    let data = gotmpl::to_value(document).map_err(|error| TemplateFailure::Execute(error.to_string()))?;
    let template = parse(format, false)?;
    template.execute(&data).map(|text| text + "\n")
}

type Answer = Result<Value, gotmpl::TemplateError>;

fn string(text: impl AsRef<str>) -> Value {
    Value::String(Arc::from(text.as_ref()))
}

/// Docker's functions (docker/cli, `templates`).
fn functions(template: Template, headers: bool) -> Template {
    let text = |args: &[Value], index: usize| args.get(index).map(ToString::to_string).unwrap_or_default();
    let on_text = move |change: fn(&str) -> String| {
        move |args: &[Value]| -> Answer {
            Ok(string(if headers { text(args, 0) } else { change(&text(args, 0)) }))
        }
    };
    template
        .func("json", move |args| if headers { Ok(string(text(args, 0))) } else { json(args.first()) })
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

fn json(value: Option<&Value>) -> Answer {
    Ok(string(to_json(value.unwrap_or(&Value::Nil)).to_string()))
}

fn to_json(value: &Value) -> serde_json::Value {
    match value {
        Value::Bool(value) => (*value).into(),
        Value::Int(value) => (*value).into(),
        Value::Uint(value) => (*value).into(),
        Value::Float(value) => (*value).into(),
        Value::String(text) => text.as_ref().into(),
        Value::List(items) => items.iter().map(to_json).collect(),
        // The map behind `.Label` is no field of Docker's.
        Value::Map(fields) => fields
            .iter()
            .filter(|(key, _)| key.as_ref() != "LabelMap")
            .map(|(key, value)| (key.to_string(), to_json(value)))
            .collect::<serde_json::Map<_, _>>()
            .into(),
        _ => serde_json::Value::Null,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rendered(format: &str) -> String {
        let document = serde_json::json!({"Id": "abcdef", "State": {"Pid": 7, "Running": true}, "Names": ["b", "a"], "None": null});
        render_document(format, &document).unwrap_or_else(|failure| failure.to_string())
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
}
