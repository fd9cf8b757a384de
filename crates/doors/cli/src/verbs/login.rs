//! `login` and `logout`: credentials for a registry, kept where Docker keeps them.

use crate::args::{Arity, Typed, Verb, switch, text};
use crate::context::Context;
use crate::failure::Failure;
use clap::Command;
use engine::registry::{DEFAULT_REGISTRY, Kept};
use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
use std::io::{self, BufRead, IsTerminal, Read, Write};

/// How long a password may be; tokens have a few kilobytes.
const PASSWORD_MAX: u64 = 64 << 10;

/// The verb.
pub(crate) static LOGIN: Verb = Verb {
    name: "login",
    spellings: &["sampan login"],
    usage: "[OPTIONS] [SERVER]",
    about: "Authenticate to a registry",
    define,
    refused: &[],
    arity: Arity::AtMost(1),
    run,
};

/// The verb.
pub(crate) static LOGOUT: Verb = Verb {
    name: "logout",
    spellings: &["sampan logout"],
    usage: "[SERVER]",
    about: "Log out from a registry",
    define: |command| command,
    refused: &[],
    arity: Arity::AtMost(1),
    run: run_logout,
};

fn define(command: Command) -> Command {
    command
        .arg(text("password", 'p', "string", "Password or Personal Access Token (PAT)"))
        .arg(switch("password-stdin", '\0', "Take the Password or Personal Access Token (PAT) from stdin"))
        .arg(text("username", 'u', "string", "Username"))
}

fn run(context: &mut Context, typed: &Typed) -> Result<u8, Failure> {
    let registry = registry(typed.argument(0))?;
    let (user, password) = credentials(context, typed)?;
    let engine = context.engine()?;
    let kept = engine.login(&registry, &user, &password).map_err(|error| Failure::of(&error))?;
    if let Kept::File(path) = kept {
        let _ = writeln!(
            io::stderr(),
            "\nWARNING! Your credentials are stored unencrypted in '{}'.\n\
             Configure a credential helper to remove this warning. See\n\
             https://docs.docker.com/go/credential-store/\n",
            path.display()
        );
    }
    context.line("Login Succeeded")?;
    Ok(0)
}

fn run_logout(context: &mut Context, typed: &Typed) -> Result<u8, Failure> {
    let registry = registry(typed.argument(0))?;
    let shown = if registry == DEFAULT_REGISTRY { "https://index.docker.io/v1/" } else { &registry };
    if context.engine()?.logout(&registry).map_err(|error| Failure::of(&error))? {
        context.line(&format!("Removing login credentials for {shown}"))?;
    } else {
        context.line(&format!("Not logged in to {shown}"))?;
    }
    Ok(0)
}

/// The registry as in references: people also type URLs, and the hub has several names.
fn registry(typed: Option<&str>) -> Result<String, Failure> {
    let Some(typed) = typed.filter(|typed| !typed.is_empty()) else { return Ok(DEFAULT_REGISTRY.into()) };
    let bare = typed.strip_prefix("https://").or_else(|| typed.strip_prefix("http://")).unwrap_or(typed);
    let host = bare.split('/').next().unwrap_or_default();
    match host {
        "docker.io" | "index.docker.io" | "registry-1.docker.io" => Ok(DEFAULT_REGISTRY.into()),
        _ if host.is_empty() || host.contains(|c: char| c.is_whitespace() || c == '@' || c.is_control()) => {
            Err(Failure::new(format!("{typed:?} is no registry; give it as host or host:port")))
        }
        host => Ok(host.to_ascii_lowercase()),
    }
}

fn credentials(context: &Context, typed: &Typed) -> Result<(String, String), Failure> {
    let user = typed.text("username").filter(|user| !user.is_empty());
    let password = typed.text("password").filter(|password| !password.is_empty());
    if typed.is_on("password-stdin") {
        if password.is_some() {
            return Err(Failure::new("--password and --password-stdin are mutually exclusive"));
        }
        let user = user.ok_or_else(|| Failure::new("Must provide --username with --password-stdin"))?;
        return Ok((user.to_owned(), from_stdin()?));
    }
    if password.is_some() {
        let _ = writeln!(
            io::stderr(),
            "WARNING! Using --password via the CLI is insecure. Use --password-stdin."
        );
    }
    if let (Some(user), Some(password)) = (user, password) {
        return Ok((user.to_owned(), password.to_owned()));
    }
    if !io::stdin().is_terminal() {
        return Err(Failure::new("Cannot perform an interactive login from a non TTY device")
            .with_hint("send the password: sampan login --username USER --password-stdin"));
    }
    let user = match user {
        Some(user) => user.to_owned(),
        None => asked(context, "Username: ", true)?,
    };
    let password = match password {
        Some(password) => password.to_owned(),
        None => asked(context, "Password: ", false)?,
    };
    if user.is_empty() || password.is_empty() {
        return Err(Failure::new("username and password are both needed"));
    }
    Ok((user, password))
}

fn from_stdin() -> Result<String, Failure> {
    let mut text = String::new();
    io::stdin()
        .take(PASSWORD_MAX)
        .read_to_string(&mut text)
        .map_err(|error| Failure::new(format!("cannot read the password from standard input: {error}")))?;
    let password = text.trim_end_matches(['\n', '\r']);
    if password.is_empty() {
        return Err(Failure::new("the password on standard input is empty"));
    }
    Ok(password.to_owned())
}

/// Asks on the terminal; without echo, nobody sees the answer.
fn asked(context: &Context, question: &str, echo: bool) -> Result<String, Failure> {
    context.print(question)?;
    let stdin = io::stdin();
    let before = tcgetattr(&stdin).ok().filter(|_| !echo);
    if let Some(before) = &before {
        let mut hidden = before.clone();
        hidden.local_modes.remove(LocalModes::ECHO);
        // A terminal that cannot hide it is not used.
        tcsetattr(&stdin, OptionalActions::Flush, &hidden)
            .map_err(|error| Failure::new(format!("cannot hide the password: {error}")))?;
    }
    let mut line = String::new();
    let read = stdin.lock().take(PASSWORD_MAX).read_line(&mut line);
    if let Some(before) = before {
        let _ = tcsetattr(&stdin, OptionalActions::Flush, &before);
        context.line("")?;
    }
    read.map_err(|error| Failure::new(format!("cannot read from the terminal: {error}")))?;
    Ok(line.trim_end_matches(['\n', '\r']).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn registries_are_known_by_urls_and_old_names() {
        for (typed, is) in [
            (None, "docker.io"),
            (Some("https://index.docker.io/v1/"), "docker.io"),
            (Some("registry-1.docker.io"), "docker.io"),
            (Some("https://Reg.example:5000/v2/"), "reg.example:5000"),
            (Some("localhost:5000"), "localhost:5000"),
        ] {
            assert_eq!(registry(typed).unwrap(), is);
        }
        for typed in ["https://", "a b", "user@host"] {
            assert!(registry(Some(typed)).is_err(), "{typed}");
        }
    }
}
