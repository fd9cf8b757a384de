//! Lists: rows of named values, as a table, through a template, or as JSON lines.

use super::table::align;
use super::template::{self, TemplateFailure};
use gotmpl::Value;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A value that rows have.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Column {
    /// Its name in templates.
    pub(crate) name: &'static str,
    /// Its heading.
    pub(crate) header: &'static str,
}

/// One row: values by column, and labels for `.Label`.
#[derive(Debug, Clone, Default)]
pub(crate) struct Row {
    values: BTreeMap<&'static str, String>,
    labels: BTreeMap<String, String>,
}

impl Row {
    /// With one more value.
    pub(crate) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.values.insert(name, value.into());
        self
    }

    /// With labels: `.Labels` is their text, `.Label "key"` one of them.
    pub(crate) fn with_labels(mut self, labels: &BTreeMap<String, String>) -> Self {
        let text: Vec<String> = labels.iter().map(|(key, value)| format!("{key}={value}")).collect();
        self.labels.clone_from(labels);
        self.with("Labels", text.join(","))
    }

    fn value(&self) -> Value {
        let text = |text: &str| Value::String(Arc::from(text));
        let mut fields: BTreeMap<Arc<str>, Value> =
            self.values.iter().map(|(name, value)| (Arc::from(*name), text(value))).collect();
        let labels = self.labels.iter().map(|(key, value)| (Arc::from(key.as_str()), text(value))).collect();
        fields.insert(Arc::from("LabelMap"), Value::Map(Arc::new(labels)));
        Value::Map(Arc::new(fields))
    }
}

/// A kind of list.
#[derive(Debug, Clone, Copy)]
pub(crate) struct List {
    /// Every value that rows have.
    pub(crate) columns: &'static [Column],
    /// The table by default, by names of columns.
    pub(crate) default: &'static [&'static str],
    /// What `--quiet` prints.
    pub(crate) quiet: &'static str,
}

impl List {
    /// The whole text. `format` is as typed; empty means the default.
    pub(crate) fn render(&self, format: &str, quiet: bool, rows: &[Row]) -> Result<String, TemplateFailure> {
        self.render_with(self.default, format, quiet, rows)
    }

    /// As [`Self::render`] with another table by default.
    pub(crate) fn render_with(
        &self,
        default: &[&'static str],
        format: &str,
        quiet: bool,
        rows: &[Row],
    ) -> Result<String, TemplateFailure> {
        let in_table = format.strip_prefix("table").map(str::trim_start);
        match (format, in_table) {
            ("" | "table", _) if quiet => Ok(self.only(self.quiet, rows)),
            ("" | "table", _) => Ok(self.table(default, rows)),
            ("json", _) => self.lines("{{json .}}", rows),
            (_, Some(template)) => {
                let heading = template::parse(template, true)?.execute(&self.headers())?;
                Ok(align(&format!("{heading}\n{}", self.lines(template, rows)?)))
            }
            (template, None) => self.lines(template, rows),
        }
    }

    fn headers(&self) -> gotmpl::Value {
        self.columns.iter().fold(Row::default(), |row, column| row.with(column.name, column.header)).value()
    }

    /// Every row through a template, a line each.
    fn lines(&self, template: &str, rows: &[Row]) -> Result<String, TemplateFailure> {
        let template = template::parse(template, false)?;
        if rows.is_empty() {
            // A mistyped field is a mistake even where no row shows it.
            template.check_fields(&self.headers())?;
        }
        rows.iter().map(|row| template.execute(&row.value()).map(|text| text + "\n")).collect()
    }

    fn only(&self, name: &str, rows: &[Row]) -> String {
        rows.iter().map(|row| row.values.get(name).map_or("", String::as_str).to_owned() + "\n").collect()
    }

    fn table(&self, names: &[&'static str], rows: &[Row]) -> String {
        let header = |name: &'static str| {
            self.columns.iter().find(|column| column.name == name).map_or(name, |column| column.header)
        };
        let mut text = names.iter().copied().map(header).collect::<Vec<_>>().join("\t") + "\n";
        for row in rows {
            let cells: Vec<&str> =
                names.iter().map(|name| row.values.get(name).map_or("", String::as_str)).collect();
            text.push_str(&cells.join("\t"));
            text.push('\n');
        }
        align(&text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: List = List {
        columns: &[Column { name: "ID", header: "CONTAINER ID" }, Column { name: "Names", header: "NAMES" }],
        default: &["ID", "Names"],
        quiet: "ID",
    };

    fn rows() -> Vec<Row> {
        let labels = BTreeMap::from([("a".to_owned(), "1".to_owned())]);
        vec![Row::default().with("ID", "abc").with("Names", "web").with_labels(&labels)]
    }

    #[test]
    fn dockers_formats() {
        for (format, quiet, text) in [
            ("", false, "CONTAINER ID   NAMES\nabc            web\n"),
            ("", true, "abc\n"),
            ("table {{.Names}}\\t{{.ID}}", false, "NAMES     CONTAINER ID\nweb       abc\n"),
            ("{{.ID}}={{.Label \"a\"}}", false, "abc=1\n"),
            ("{{.Label \"none\"}}|", false, "|\n"),
            ("json", false, "{\"ID\":\"abc\",\"Labels\":\"a=1\",\"Names\":\"web\"}\n"),
            ("table {{upper .Names}}", false, "NAMES\nWEB\n"),
            ("table {{.Label \"org.a\"}}", false, "a\n\n"),
        ] {
            assert_eq!(LIST.render(format, quiet, &rows()).unwrap(), text, "{format}");
        }
        assert!(LIST.render("{{.Nmaes}}", false, &[]).is_err());
        assert_eq!(LIST.render("{{index (split .Names \",\") 3}}", false, &[]).unwrap(), "");
        let wrong = LIST.render("{{.Nmaes}}", false, &rows()).unwrap_err().to_string();
        assert_eq!(
            wrong,
            "failed to execute template \"{{.Nmaes}}\": no field \"Nmaes\"; there are: ID, Labels, Names"
        );
    }
}
