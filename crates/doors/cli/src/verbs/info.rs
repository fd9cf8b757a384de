//! `info`: the instance and its host.

use crate::args::{Arity, Typed, Verb, text};
use crate::client::local::from_engine_system::info;
use crate::context::Context;
use crate::failure::Failure;
use crate::program;
use crate::render::render_document;
use crate::render::units::bytes_size;
use clap::Command;
use docker_model::SystemInfo;
use std::fmt::Write;

/// The verb.
pub(crate) static INFO: Verb = Verb {
    name: "info",
    spellings: &["sampan system info", "sampan info"],
    usage: "[OPTIONS]",
    about: "Display system-wide information",
    define,
    refused: &[],
    arity: Arity::None,
    run,
};

fn define(command: Command) -> Command {
    command.arg(text("format", 'f', "string", "Format output: 'json' or a Go template"))
}

fn run(context: &mut Context, typed: &Typed) -> Result<u8, Failure> {
    let engine = context.engine()?;
    let seen = engine.info().map_err(|error| Failure::of(&error))?;
    let now = jiff::Timestamp::now().to_string();
    let mut wire = info(&seen, now);
    if let Some(version) = program::called().stands_for() {
        version.clone_into(&mut wire.server_version);
    }
    match typed.text("format").unwrap_or_default() {
        "" => {
            context.print(&plain(&wire, &seen, &context.context_name()))?;
            for warning in wire.warnings.iter().flatten() {
                eprintln!("WARNING: {warning}");
            }
        }
        format => {
            let document = serde_json::to_string(&wire).map_err(|error| Failure::of(&error))?;
            context.print(&render_document(format, &document).map_err(Failure::from)?)?;
        }
    }
    Ok(0)
}

/// Docker's layout.
fn plain(wire: &SystemInfo, seen: &engine::system::SystemInfo, name: &str) -> String {
    let mut text =
        format!("Client: Sampan\n Version:    {}\n Context:    {name}\n\nServer:\n", wire.server_version);
    let mut line = |key: &str, value: &str| {
        // Writing to a String cannot fail.
        let _ = if key.starts_with(' ') && value.is_empty() {
            writeln!(text, " {key}")
        } else {
            writeln!(text, " {key}: {value}")
        };
    };
    line("Containers", &wire.containers.to_string());
    line(" Running", &wire.containers_running.to_string());
    line(" Paused", &wire.containers_paused.to_string());
    line(" Stopped", &wire.containers_stopped.to_string());
    line("Images", &wire.images.to_string());
    line("Server Version", &format!("{} (in this process, no daemon)", wire.server_version));
    line("Storage Driver", &wire.driver);
    line("Logging Driver", &wire.logging_driver);
    line("Cgroup Driver", &wire.cgroup_driver);
    line("Cgroup Version", &wire.cgroup_version);
    line("Plugins", "");
    line(" Volume", &wire.plugins.volume.join(" "));
    line(" Network", &wire.plugins.network.join(" "));
    line(" Log", &wire.plugins.log.join(" "));
    line("Runtimes", &wire.runtimes.keys().cloned().collect::<Vec<_>>().join(" "));
    line("Default Runtime", &wire.default_runtime);
    line("Security Options", "");
    for option in &wire.security_options {
        for (index, part) in option.split(',').enumerate() {
            let (key, value) = part.split_once('=').unwrap_or(("", part));
            match index {
                0 => line(&format!(" {value}"), ""),
                _ => line(&format!("  {}", capitalised(key)), value),
            }
        }
    }
    line("Kernel Version", &wire.kernel_version);
    line("Operating System", &wire.operating_system);
    line("OSType", &wire.os_type);
    line("Architecture", &wire.architecture);
    line("CPUs", &wire.ncpu.to_string());
    line("Total Memory", &bytes_size(u64::try_from(wire.mem_total).unwrap_or(0)));
    line("Name", &wire.name);
    line("ID", &wire.id);
    line("Sampan Root Dir", &wire.docker_root_dir);
    line("Sampan Exec Dir", &seen.exec_root.display().to_string());
    if !seen.insecure_registries.is_empty() {
        line("Insecure Registries", "");
        seen.insecure_registries.iter().for_each(|host| line(&format!(" {host}"), ""));
    }
    if !seen.registry_mirrors.is_empty() {
        line("Registry Mirrors", "");
        seen.registry_mirrors.iter().for_each(|host| line(&format!(" {host}"), ""));
    }
    line("Live Restore Enabled", &wire.live_restore_enabled.to_string());
    // Keys without a value end with the colon and nothing.
    text.replace(": \n", ":\n")
}

fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
