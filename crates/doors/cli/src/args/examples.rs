//! Examples for the helps of verbs: what people come for first.

/// By the verb's last spelling without the program's name: what is typed, and what it does.
const EXAMPLES: &[(&str, &[(&str, &str)])] = &[
    ("attach", &[("sampan attach web", "see what it prints from now on; ctrl-p ctrl-q leaves it running")]),
    ("commit", &[("sampan commit web web:changed", "keep its files as an image")]),
    (
        "container prune",
        &[("sampan container prune --filter until=24h", "remove what was made before yesterday")],
    ),
    (
        "context create",
        &[("sampan context create far --docker host=ssh://me@far", "a name for the machine `far`")],
    ),
    ("context use", &[("sampan context use default", "work on this machine again")]),
    (
        "cp",
        &[
            ("sampan cp web:/etc/nginx .", "a directory out of a container"),
            ("sampan cp site/. web:/usr/share/nginx/html", "the files of a directory into one"),
        ],
    ),
    ("create", &[("sampan create --name web -p 8080:80 nginx", "ready for `sampan start web`")]),
    ("diff", &[("sampan diff web", "what it has added, changed and deleted")]),
    ("events", &[("sampan events --since 10m --filter container=web", "what happened to one container")]),
    (
        "exec",
        &[
            ("sampan exec -it web sh", "a shell in a running container"),
            ("sampan exec -u root web id", "a command as somebody else"),
        ],
    ),
    ("export", &[("sampan export -o web.tar web", "its files as an archive")]),
    (
        "images",
        &[("sampan images --filter dangling=true -q", "images without a name, to be handed to `sampan rmi`")],
    ),
    ("import", &[("sampan import root.tar mine:1", "a root file system as an image")]),
    ("inspect", &[("sampan inspect -f '{{.NetworkSettings.IPAddress}}' web", "one value of the document")]),
    ("kill", &[("sampan kill -s HUP web", "another signal than KILL")]),
    ("load", &[("sampan load -i images.tar", "images that `save` has written")]),
    (
        "login",
        &[("sampan login -u me --password-stdin registry.example < token", "nothing in the shell's history")],
    ),
    (
        "logs",
        &[
            ("sampan logs -f --tail 20 web", "the last lines, and what comes"),
            ("sampan logs --since 10m web", "of the last ten minutes"),
        ],
    ),
    (
        "network create",
        &[("sampan network create --subnet 10.5.0.0/24 back", "its members find each other by name")],
    ),
    ("port", &[("sampan port web 80", "where port 80 of it is published")]),
    (
        "ps",
        &[
            ("sampan ps -a --filter status=exited", "those that have ended"),
            ("sampan ps --format 'table {{.Names}}\\t{{.Ports}}'", "a table of your own"),
        ],
    ),
    ("pull", &[("sampan pull registry.example/team/tool:1.0", "from another registry than the hub")]),
    ("push", &[("sampan push registry.example/team/tool:1.0", "tag it so first: `sampan tag`")]),
    ("rm", &[("sampan rm -f web", "stop and remove it")]),
    ("rmi", &[("sampan rmi nginx:1.25", "a name, and the image with its last name")]),
    (
        "run",
        &[
            ("sampan run --rm -it debian bash", "a shell in a new container that is removed at the end"),
            ("sampan run -d --name web -p 8080:80 nginx", "a server in the background"),
            ("sampan run --rm -v \"$PWD:/src\" -w /src node npm test", "a command on your own files"),
            (
                "sampan run -d --restart unless-stopped --memory 512m app",
                "comes back after failures and boots",
            ),
        ],
    ),
    ("save", &[("sampan save -o images.tar nginx redis", "for `load` on another machine")]),
    ("search", &[("sampan search --filter is-official=true --limit 5 nginx", "official images of the hub")]),
    ("start", &[("sampan start -ai shell", "start it again and sit in front of it")]),
    ("stats", &[("sampan stats --no-stream", "once, for scripts")]),
    ("stop", &[("sampan stop -t 60 db", "give it a minute before it is killed")]),
    ("system prune", &[("sampan system prune -a --volumes", "everything that is not used")]),
    ("tag", &[("sampan tag tool registry.example/team/tool:1.0", "a second name, for `push`")]),
    ("update", &[("sampan update --memory 1g --cpus 2 web", "other limits while it runs")]),
    ("volume create", &[("sampan volume create --label team=a data", "for `run -v data:/var/lib/data`")]),
    ("wait", &[("sampan wait job", "its exit code when it ends")]),
];

/// The examples of a verb, by its last spelling (`sampan container ls`).
pub(crate) fn examples(spelling: &str) -> &'static [(&'static str, &'static str)] {
    let name = spelling.strip_prefix("sampan ").unwrap_or(spelling);
    EXAMPLES.iter().find(|(verb, _)| *verb == name).map_or(&[], |(_, examples)| examples)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::{Entry, Group, Verb};
    use crate::table;

    fn verbs() -> Vec<&'static Verb> {
        let in_group = |group: &'static Group| group.verbs.iter().map(|entry| entry.verb).collect();
        let all = table::COMMON.iter().chain(table::GROUPS).chain(table::VERBS);
        all.flat_map(|entry| match entry {
            Entry::Verb(verb) => vec![*verb],
            Entry::Group(group) => in_group(group),
        })
        .collect()
    }

    /// As a shell splits, without escapes.
    fn split(text: &str) -> Vec<std::ffi::OsString> {
        let (mut words, mut word, mut quote) = (Vec::new(), String::new(), None);
        for letter in text.chars() {
            match (quote, letter) {
                (Some(open), letter) if open == letter => quote = None,
                (None, '\'' | '"') => quote = Some(letter),
                (None, ' ') => words.push(std::mem::take(&mut word)),
                (_, letter) => word.push(letter),
            }
        }
        words.push(word);
        words.into_iter().filter(|word| !word.is_empty()).map(Into::into).collect()
    }

    #[test]
    fn examples_belong_to_verbs_and_are_understood() {
        for (name, examples) in EXAMPLES {
            let spelling = format!("sampan {name}");
            let found = verbs().into_iter().find(|verb| verb.spellings.last() == Some(&spelling.as_str()));
            let verb = found.unwrap_or_else(|| panic!("no verb is spelled {spelling}"));
            for (typed, _) in *examples {
                let rest = typed.strip_prefix(&spelling).unwrap_or_else(|| panic!("{typed}"));
                let words = split(rest.split('<').next().unwrap_or_default());
                if let Err(error) = crate::args::parse_verb(verb, &spelling, &words) {
                    panic!("{typed}: {error}");
                }
            }
        }
    }
}
