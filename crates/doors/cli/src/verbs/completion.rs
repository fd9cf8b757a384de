//! `completion`: the scripts that teach shells the words of the command line.

use crate::args::{Arity, Verb};
use crate::completion::{BASH, FISH, ZSH, script};

/// `completion bash`.
pub(crate) static COMPLETION_BASH: Verb = Verb {
    name: "bash",
    spellings: &["sampan completion bash"],
    usage: "",
    about: "Generate the completion script for bash: source <(sampan completion bash)",
    define: |command| command,
    refused: &[],
    arity: Arity::None,
    run: |context, _| context.print(&script(BASH)).map(|()| 0),
};

/// `completion fish`.
pub(crate) static COMPLETION_FISH: Verb = Verb {
    name: "fish",
    spellings: &["sampan completion fish"],
    usage: "",
    about: "Generate the completion script for fish: sampan completion fish | source",
    define: |command| command,
    refused: &[],
    arity: Arity::None,
    run: |context, _| context.print(&script(FISH)).map(|()| 0),
};

/// `completion zsh`.
pub(crate) static COMPLETION_ZSH: Verb = Verb {
    name: "zsh",
    spellings: &["sampan completion zsh"],
    usage: "",
    about: "Generate the completion script for zsh: source <(sampan completion zsh)",
    define: |command| command,
    refused: &[],
    arity: Arity::None,
    run: |context, _| context.print(&script(ZSH)).map(|()| 0),
};
