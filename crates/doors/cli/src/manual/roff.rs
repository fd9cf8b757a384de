//! The few requests of man(7) that the pages need.

use std::fmt::Write;

/// A page that is being written.
pub(super) struct Page {
    text: String,
}

/// Text as roff takes it literally: backslashes and hyphens are what they look like, and no line begins a request.
pub(super) fn escaped(text: &str) -> String {
    let text = text.replace('\\', "\\e").replace('-', "\\-").replace('\'', "\\(aq");
    if text.starts_with('.') { format!("\\&{text}") } else { text }
}

impl Page {
    pub(super) fn new(name: &str, version: &str) -> Self {
        let title = name.to_uppercase();
        Self { text: format!(".TH \"{title}\" \"1\" \"\" \"sampan {version}\" \"Sampan\"\n") }
    }

    /// What `whatis` and `apropos` read.
    pub(super) fn name(&mut self, name: &str, about: &str) {
        self.section("NAME");
        self.line(&format!("{} \\- {}", escaped(name), escaped(about)));
    }

    pub(super) fn section(&mut self, title: &str) {
        self.line(&format!(".SH \"{title}\""));
    }

    /// A paragraph.
    pub(super) fn text(&mut self, text: &str) {
        self.line(".PP");
        self.line(&escaped(text));
    }

    /// A term, already marked up, and what it means.
    pub(super) fn item(&mut self, tag: &str, text: &str) {
        self.line(".TP");
        self.line(tag);
        self.line(&escaped(text));
    }

    /// A line as it is.
    pub(super) fn line(&mut self, line: &str) {
        // Writing to a String cannot fail.
        let _ = writeln!(self.text, "{line}");
    }

    /// With the pages to go on with.
    pub(super) fn finish(mut self, see_also: &[&str]) -> String {
        if !see_also.is_empty() {
            self.section("SEE ALSO");
            let names: Vec<String> =
                see_also.iter().map(|name| format!("\\fB{}\\fR(1)", escaped(name))).collect();
            self.line(&names.join(", "));
        }
        self.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_text_is_a_request() {
        assert_eq!(escaped(".TH"), "\\&.TH");
        assert_eq!(escaped("'x' --rm \\n"), "\\(aqx\\(aq \\-\\-rm \\en");
    }
}
