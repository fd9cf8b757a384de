//! The words of Docker 28 that may follow `docker`: who types one that is not here made no typing mistake.

/// Commands, and commands of nouns. What the verb table has as well is found there first.
const COMMANDS: &[&str] = &[
    "attach",
    "build",
    "builder",
    "buildx",
    "checkpoint",
    "commit",
    "compose",
    "config",
    "container",
    "context",
    "cp",
    "create",
    "diff",
    "events",
    "exec",
    "export",
    "history",
    "image",
    "images",
    "import",
    "info",
    "inspect",
    "kill",
    "load",
    "login",
    "logout",
    "logs",
    "manifest",
    "network",
    "node",
    "pause",
    "plugin",
    "port",
    "ps",
    "pull",
    "push",
    "rename",
    "restart",
    "rm",
    "rmi",
    "run",
    "save",
    "search",
    "secret",
    "service",
    "stack",
    "start",
    "stats",
    "stop",
    "swarm",
    "system",
    "tag",
    "top",
    "trust",
    "unpause",
    "update",
    "version",
    "volume",
    "wait",
    "container commit",
    "container cp",
    "container diff",
    "container export",
    "container stats",
    "container update",
    "image build",
    "image history",
    "image push",
    "image save",
    "network connect",
    "network create",
    "network disconnect",
    "network inspect",
    "network ls",
    "network prune",
    "network rm",
    "system dial-stdio",
    "volume update",
];

/// Whether Docker has it.
pub(crate) fn has(words: &str) -> bool {
    COMMANDS.contains(&words)
}

/// What to do instead, where people will ask.
pub(crate) fn advice(command: &str) -> Option<&'static str> {
    match command {
        "compose" => Some(
            "until it can read Compose files: start each service with 'run', and join them with 'network create' and 'run --network'",
        ),
        "build" | "builder" | "buildx" => Some(
            "until it can build: make the image with 'buildah build' or another builder, and hand it over as an archive ('load') or through a registry ('pull')",
        ),
        "swarm" | "node" | "service" | "stack" | "config" | "secret" => {
            Some("it belongs to Swarm, and sampan runs containers on one machine")
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dockers_commands_are_told_from_typing_mistakes() {
        assert!(has("build") && has("container cp"));
        assert!(advice("compose").is_some() && advice("ps").is_none());
        assert!(!has("biuld") && !has("container cpp") && !has("system check"));
    }
}
