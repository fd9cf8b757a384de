//! One record of comma-separated values, as Go's encoding/csv reads it.

/// Not a record. The words are those of Go.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum InvalidCsv {
    /// A quote inside a field that does not begin with one.
    #[error("parse error on line 1: bare \" in non-quoted field")]
    BareQuote,
    /// Something other than a comma after a closing quote, or none.
    #[error("parse error on line 1: extraneous or missing \" in quoted field")]
    Quote,
}

/// The fields.
pub(super) fn fields(text: &str) -> Result<Vec<String>, InvalidCsv> {
    let mut fields = Vec::new();
    let mut rest = text;
    loop {
        let (field, after) = match rest.strip_prefix('"') {
            Some(quoted) => quoted_field(quoted)?,
            None => {
                let end = rest.find(',').unwrap_or(rest.len());
                if rest[..end].contains('"') {
                    return Err(InvalidCsv::BareQuote);
                }
                (rest[..end].to_owned(), &rest[end..])
            }
        };
        fields.push(field);
        match after.strip_prefix(',') {
            Some(next) => rest = next,
            None if after.is_empty() => return Ok(fields),
            None => return Err(InvalidCsv::Quote),
        }
    }
}

fn quoted_field(text: &str) -> Result<(String, &str), InvalidCsv> {
    let mut field = String::new();
    let mut rest = text;
    loop {
        let quote = rest.find('"').ok_or(InvalidCsv::Quote)?;
        field.push_str(&rest[..quote]);
        rest = &rest[quote + 1..];
        match rest.strip_prefix('"') {
            Some(more) => {
                field.push('"');
                rest = more;
            }
            None => return Ok((field, rest)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn go_reads_it_so() {
        assert_eq!(fields("a=1,b=2").unwrap(), ["a=1", "b=2"]);
        assert_eq!(fields("\"a=1,2\",b=\u{e4}").unwrap(), ["a=1,2", "b=\u{e4}"]);
        assert_eq!(fields("\"a\"\"b\"").unwrap(), ["a\"b"]);
        assert_eq!(fields("").unwrap(), [""]);
        assert_eq!(fields("a,").unwrap(), ["a", ""]);
        assert_eq!(fields("a\"b"), Err(InvalidCsv::BareQuote));
        assert_eq!(fields("\"a"), Err(InvalidCsv::Quote));
        assert_eq!(fields("\"a\"b"), Err(InvalidCsv::Quote));
    }
}
