//! `port`: published ports of a container.

use crate::args::{Arity, Typed, Verb};
use crate::context::Context;
use crate::failure::Failure;

/// The verb.
pub(crate) static PORT: Verb = Verb {
    name: "port",
    spellings: &["sampan container port", "sampan port"],
    usage: "CONTAINER [PRIVATE_PORT[/PROTO]]",
    about: "List port mappings or a specific mapping for the container",
    define: |command| command,
    refused: &[],
    arity: Arity::Between(1, 2),
    run,
};

fn run(context: &mut Context, typed: &Typed) -> Result<u8, Failure> {
    let name = typed.argument(0).unwrap_or_default();
    let ports = context.client()?.inspect_container(name, false)?.network_settings.ports;
    let lines = |port: &str, prefix: &str| -> String {
        let bindings = ports.get(port).into_iter().flatten().flatten();
        bindings.map(|binding| format!("{prefix}{}:{}\n", binding.host_ip, binding.host_port)).collect()
    };
    let Some(wanted) = typed.argument(1) else {
        let text: String = ports.keys().map(|port| lines(port, &format!("{port} -> "))).collect();
        context.print(&text)?;
        return Ok(0);
    };
    let asked = wanted;
    let wanted = if wanted.contains('/') { wanted.to_owned() } else { format!("{wanted}/tcp") };
    match lines(&wanted, "") {
        text if text.is_empty() => {
            Err(Failure::new(format!("No public port '{asked}' published for {name}")))
        }
        text => context.print(&text).map(|()| 0),
    }
}
