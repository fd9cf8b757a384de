//! Switches.

/// Not a truth value. The words are those of Go's strconv.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("strconv.ParseBool: parsing {text:?}: invalid syntax")]
pub(crate) struct InvalidBoolean {
    /// As typed.
    pub(crate) text: String,
}

/// `1 t T TRUE true True` or `0 f F FALSE false False`.
pub(crate) fn boolean(text: &str) -> Result<bool, InvalidBoolean> {
    match text {
        "1" | "t" | "T" | "TRUE" | "true" | "True" => Ok(true),
        "0" | "f" | "F" | "FALSE" | "false" | "False" => Ok(false),
        _ => Err(InvalidBoolean { text: text.to_owned() }),
    }
}
