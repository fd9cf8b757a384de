//! `version`: of this program. Touches nothing of the instance.

use crate::VERSION;
use crate::args::{Arity, Typed, Verb, text};
use crate::context::Context;
use crate::failure::Failure;
use crate::program;
use crate::render::render_document;
use clap::Command;
use docker_model::{SystemVersion, VersionComponent, VersionPlatform};
use serde::Serialize;

/// The verb.
pub(crate) static VERSION_VERB: Verb = Verb {
    name: "version",
    spellings: &["sampan version"],
    usage: "[OPTIONS]",
    about: "Show the version information",
    define,
    refused: &[],
    arity: Arity::None,
    run,
};

fn define(command: Command) -> Command {
    command.arg(text("format", 'f', "string", "Format output: 'json' or a Go template"))
}

/// `version --format json`.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Versions {
    client: Client,
    server: SystemVersion,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Client {
    platform: VersionPlatform,
    version: String,
    api_version: String,
    #[serde(rename = "DefaultAPIVersion")]
    default_api_version: String,
    git_commit: String,
    go_version: String,
    os: String,
    arch: String,
    build_time: String,
    context: String,
}

/// GOARCH of this program.
fn architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}

/// The engine in this process, in Docker's words.
pub(super) fn server(build: &str) -> SystemVersion {
    let details = [("GitCommit", build)];
    SystemVersion {
        platform: VersionPlatform { name: "Sampan".to_owned() },
        components: vec![VersionComponent {
            name: "Engine".to_owned(),
            version: VERSION.to_owned(),
            details: details.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect(),
        }],
        version: program::called().stands_for().unwrap_or(VERSION).to_owned(),
        // There is no server yet whose API could have a version.
        api_version: String::new(),
        min_api_version: String::new(),
        git_commit: build.to_owned(),
        go_version: String::new(),
        os: std::env::consts::OS.to_owned(),
        arch: architecture().to_owned(),
        kernel_version: rustix::system::uname().release().to_string_lossy().into_owned(),
        build_time: String::new(),
    }
}

fn run(context: &mut Context, typed: &Typed) -> Result<u8, Failure> {
    let server = server(context.build());
    let target = context.target()?;
    match typed.text("format").unwrap_or_default() {
        "" if !target.is_local() => context.print(&client_part(&server, &target.context))?,
        "" => context.print(&plain(&server, &target.context))?,
        format => {
            let client = Client {
                platform: server.platform.clone(),
                version: server.version.clone(),
                api_version: server.api_version.clone(),
                default_api_version: server.api_version.clone(),
                git_commit: server.git_commit.clone(),
                go_version: String::new(),
                os: server.os.clone(),
                arch: server.arch.clone(),
                build_time: String::new(),
                context: target.context.clone(),
            };
            let document =
                serde_json::to_string(&Versions { client, server }).map_err(|error| Failure::of(&error))?;
            context.print(&render_document(format, &document).map_err(Failure::from)?)?;
        }
    }
    // The client is here whatever was asked for.
    target.require_local().map(|()| 0)
}

fn client_part(server: &SystemVersion, name: &str) -> String {
    let SystemVersion { version, git_commit, os, arch, .. } = server;
    format!(
        "Client: Sampan\n Version:           {version}\n Build:             {git_commit}\n \
         OS/Arch:           {os}/{arch}\n Context:           {name}\n"
    )
}

fn plain(server: &SystemVersion, name: &str) -> String {
    let SystemVersion { version, git_commit, os, arch, kernel_version, .. } = server;
    let client = client_part(server, name);
    format!(
        "{client}\nServer: none (sampan works without a daemon)\n Engine:\n  Version:          {version}\n  \
         Build:            {git_commit}\n  OS/Arch:          {os}/{arch}\n  Kernel:           {kernel_version}\n"
    )
}
