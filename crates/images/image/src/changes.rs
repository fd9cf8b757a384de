//! `import --change`: the Dockerfile instructions that only touch the configuration.

use spec::image::{Empty, ExecutionConfig, Healthcheck};

/// An instruction that cannot be applied.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("cannot apply the change {instruction:?}: {problem}")]
pub struct ChangeError {
    /// As typed.
    pub instruction: String,
    /// What is wrong with it.
    pub problem: String,
}

/// Applies instructions one after the other, each seeing the environment that those before it left.
pub(crate) fn apply(config: &mut ExecutionConfig, instructions: &[String]) -> Result<(), ChangeError> {
    for instruction in instructions {
        apply_one(config, instruction.trim())
            .map_err(|problem| ChangeError { instruction: instruction.clone(), problem })?;
    }
    Ok(())
}

fn apply_one(config: &mut ExecutionConfig, instruction: &str) -> Result<(), String> {
    let (name, rest) = instruction.split_once(char::is_whitespace).unwrap_or((instruction, ""));
    let rest = rest.trim();
    let name = name.to_ascii_uppercase();
    if rest.is_empty() {
        return Err(format!("{name} needs an argument"));
    }
    match name.as_str() {
        "CMD" => config.cmd = command(rest),
        "ENTRYPOINT" => config.entrypoint = command(rest),
        "ENV" => {
            for (key, value) in pairs(rest, &config.env)? {
                config.env.retain(|one| one.split('=').next() != Some(key.as_str()));
                config.env.push(format!("{key}={value}"));
            }
        }
        "LABEL" => config.labels.extend(pairs(rest, &config.env)?),
        "EXPOSE" => {
            for port in words(rest, &config.env)? {
                expose(config, &port)?;
            }
        }
        "VOLUME" => {
            let paths = match serde_json::from_str::<Vec<String>>(rest) {
                Ok(paths) => paths,
                Err(_) => words(rest, &config.env)?,
            };
            config.volumes.extend(paths.into_iter().map(|path| (path, Empty {})));
        }
        "USER" => config.user = one_word(rest, &config.env)?,
        "WORKDIR" => {
            let path = one_word(rest, &config.env)?;
            config.working_dir = join(&config.working_dir, &path);
        }
        "STOPSIGNAL" => config.stop_signal = Some(one_word(rest, &config.env)?),
        "ONBUILD" => config.on_build.push(rest.to_owned()),
        "HEALTHCHECK" => config.healthcheck = Some(healthcheck(rest)?),
        _ => {
            return Err(format!(
                "{name} is not one of CMD, ENTRYPOINT, ENV, EXPOSE, HEALTHCHECK, LABEL, ONBUILD, STOPSIGNAL, USER, VOLUME, WORKDIR"
            ));
        }
    }
    Ok(())
}

/// The exec form (a JSON list), or the shell form.
fn command(text: &str) -> Vec<String> {
    serde_json::from_str(text).unwrap_or_else(|_| vec!["/bin/sh".into(), "-c".into(), text.into()])
}

fn one_word(text: &str, env: &[String]) -> Result<String, String> {
    let mut all = words(text, env)?;
    match (all.len(), all.pop()) {
        (1, Some(word)) => Ok(word),
        _ => Err("it takes one argument".into()),
    }
}

/// `key=value …`, or the older `key value`.
fn pairs(text: &str, env: &[String]) -> Result<Vec<(String, String)>, String> {
    let first = text.split_whitespace().next().unwrap_or_default();
    if !first.contains('=') {
        let (key, value) = text.split_once(char::is_whitespace).ok_or("it needs a name and a value")?;
        let value = words(&format!("\"{}\"", value.trim().replace('"', "\\\"")), env)?;
        return Ok(vec![(key.to_owned(), value.concat())]);
    }
    let split = |word: String| match word.split_once('=') {
        Some(("", _)) | None => Err(format!("{word:?} is not name=value")),
        Some((key, value)) => Ok((key.to_owned(), value.to_owned())),
    };
    words(text, env)?.into_iter().map(split).collect()
}

fn expose(config: &mut ExecutionConfig, text: &str) -> Result<(), String> {
    let (ports, protocol) = text.split_once('/').unwrap_or((text, "tcp"));
    let protocol = protocol.to_ascii_lowercase();
    let bad = || format!("{text:?} is not port[-port][/tcp|/udp|/sctp]");
    if !matches!(protocol.as_str(), "tcp" | "udp" | "sctp") {
        return Err(bad());
    }
    let (first, last) = ports.split_once('-').unwrap_or((ports, ports));
    let (first, last): (u16, u16) = (first.parse().map_err(|_| bad())?, last.parse().map_err(|_| bad())?);
    if first > last {
        return Err(bad());
    }
    config.exposed_ports.extend((first..=last).map(|port| (format!("{port}/{protocol}"), Empty {})));
    Ok(())
}

fn join(base: &str, path: &str) -> String {
    let joined = if path.starts_with('/') { path.to_owned() } else { format!("{base}/{path}") };
    let mut parts: Vec<&str> = Vec::new();
    for part in joined.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            other => parts.push(other),
        }
    }
    format!("/{}", parts.join("/"))
}

fn healthcheck(text: &str) -> Result<Healthcheck, String> {
    let mut check = Healthcheck::default();
    let mut rest = text;
    while let Some(option) = rest.strip_prefix("--") {
        let (option, after) = option.split_once(char::is_whitespace).ok_or("it needs NONE or CMD")?;
        let (name, value) = option.split_once('=').ok_or_else(|| format!("--{option} needs a value"))?;
        match name {
            "interval" => check.interval = nanoseconds(value)?,
            "timeout" => check.timeout = nanoseconds(value)?,
            "start-period" => check.start_period = nanoseconds(value)?,
            "start-interval" => check.start_interval = nanoseconds(value)?,
            "retries" => check.retries = value.parse().map_err(|_| format!("{value:?} is no count"))?,
            _ => return Err(format!("unknown option --{name}")),
        }
        rest = after.trim_start();
    }
    let (kind, command) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
    check.test = match (kind.to_ascii_uppercase().as_str(), command.trim()) {
        ("NONE", "") => vec!["NONE".into()],
        ("CMD", command) if !command.is_empty() => match serde_json::from_str::<Vec<String>>(command) {
            Ok(words) => [vec!["CMD".to_owned()], words].concat(),
            Err(_) => vec!["CMD-SHELL".into(), command.into()],
        },
        _ => return Err("it needs NONE or CMD and a command".into()),
    };
    Ok(check)
}

/// Go's durations: `1m30s`, `500ms`, `1.5h`.
fn nanoseconds(text: &str) -> Result<u64, String> {
    let bad = || format!("{text:?} is no duration such as 30s or 1m30s");
    let mut total = 0.0f64;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').ok_or_else(bad)?;
        let number: f64 = rest[..digits].parse().map_err(|_| bad())?;
        let unit_len = rest[digits..].find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len() - digits);
        let unit = match &rest[digits..digits + unit_len] {
            "ns" => 1.0,
            "us" | "µs" => 1e3,
            "ms" => 1e6,
            "s" => 1e9,
            "m" => 60e9,
            "h" => 3600e9,
            _ => return Err(bad()),
        };
        total += number * unit;
        rest = &rest[digits + unit_len..];
    }
    if text.is_empty() || total > 9e18 { Err(bad()) } else { Ok(total as u64) }
}

/// Splits into words as the Dockerfile frontend does: quotes, backslashes, `$name`, `${name}`, `${name:-default}`,
/// `${name:+alternative}`.
fn words(text: &str, env: &[String]) -> Result<Vec<String>, String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut chars = text.chars().peekable();
    let mut quote: Option<char> = None;
    while let Some(c) = chars.next() {
        match (c, quote) {
            ('\'' | '"', None) => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (c, Some(open)) if c == open => quote = None,
            ('\\', None) => word.get_or_insert_default().extend(chars.next()),
            ('\\', Some('"')) => {
                let next = chars.next().ok_or("a backslash at the end")?;
                let word = word.get_or_insert_default();
                if !matches!(next, '"' | '$' | '\\') {
                    word.push('\\');
                }
                word.push(next);
            }
            ('$', None | Some('"')) => {
                let value = variable(&mut chars, env)?;
                word.get_or_insert_default().push_str(&value);
            }
            (c, None) if c.is_whitespace() => words.extend(word.take()),
            (c, _) => word.get_or_insert_default().push(c),
        }
    }
    if quote.is_some() {
        return Err("a quote is not closed".into());
    }
    words.extend(word);
    Ok(words)
}

fn variable(chars: &mut std::iter::Peekable<std::str::Chars<'_>>, env: &[String]) -> Result<String, String> {
    let lookup = |name: &str| -> Option<String> {
        let prefix = format!("{name}=");
        env.iter().find_map(|one| one.strip_prefix(&prefix)).map(str::to_owned)
    };
    let name_char = |c: &char| c.is_ascii_alphanumeric() || *c == '_';
    if chars.next_if_eq(&'{').is_none() {
        let mut name = String::new();
        while let Some(c) = chars.next_if(name_char) {
            name.push(c);
        }
        return Ok(if name.is_empty() { "$".into() } else { lookup(&name).unwrap_or_default() });
    }
    let mut inside = String::new();
    loop {
        match chars.next() {
            Some('}') => break,
            Some(c) => inside.push(c),
            None => return Err("${ is not closed".into()),
        }
    }
    if let Some((name, default)) = inside.split_once(":-") {
        return Ok(lookup(name).filter(|value| !value.is_empty()).unwrap_or_else(|| default.into()));
    }
    if let Some((name, alternative)) = inside.split_once(":+") {
        return Ok(lookup(name)
            .filter(|value| !value.is_empty())
            .map(|_| alternative.into())
            .unwrap_or_default());
    }
    if !inside.is_empty() && inside.chars().all(|c| name_char(&c)) {
        return Ok(lookup(&inside).unwrap_or_default());
    }
    Err(format!("${{{inside}}} is not supported"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(instructions: &[&str]) -> Result<ExecutionConfig, String> {
        let mut config = ExecutionConfig::default();
        let instructions: Vec<String> = instructions.iter().map(|&one| one.to_owned()).collect();
        apply(&mut config, &instructions).map_err(|error| error.to_string())?;
        Ok(config)
    }

    #[test]
    fn every_instruction_changes_its_field() {
        let config = after(&[
            "ENV A=1 B=\"two words\" C='$A'",
            "env D $A and $B",
            "ENV A=${X:-3}",
            "CMD [\"sleep\", \"1\"]",
            "ENTRYPOINT exec top",
            "EXPOSE 80 53/udp 8000-8002",
            "LABEL a.b=c",
            "VOLUME [\"/data\"]",
            "VOLUME /x /y",
            "USER $A:0",
            "WORKDIR /srv",
            "WORKDIR www/../app",
            "STOPSIGNAL SIGQUIT",
            "ONBUILD RUN make",
            "HEALTHCHECK --interval=1m30s --retries=2 CMD curl -f localhost",
        ])
        .unwrap();
        assert_eq!(config.env, ["B=two words", "C=$A", "D=1 and two words", "A=3"]);
        assert_eq!(config.cmd, ["sleep", "1"]);
        assert_eq!(config.entrypoint, ["/bin/sh", "-c", "exec top"]);
        let ports: Vec<&str> = config.exposed_ports.keys().map(String::as_str).collect();
        assert_eq!(ports, ["53/udp", "80/tcp", "8000/tcp", "8001/tcp", "8002/tcp"]);
        assert_eq!(config.labels["a.b"], "c");
        assert_eq!(config.volumes.len(), 3);
        assert_eq!((config.user.as_str(), config.working_dir.as_str()), ("3:0", "/srv/app"));
        assert_eq!(config.stop_signal.as_deref(), Some("SIGQUIT"));
        let check = config.healthcheck.unwrap();
        assert_eq!((check.interval, check.retries), (90_000_000_000, 2));
        assert_eq!(check.test, ["CMD-SHELL", "curl -f localhost"]);
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (instruction, problem) in [
            ("RUN make", "RUN is not one of"),
            ("CMD", "needs an argument"),
            ("EXPOSE 80/icmp", "is not port"),
            ("EXPOSE 9-8", "is not port"),
            ("ENV 'a=b", "quote is not closed"),
            ("ENV a=b c", "is not name=value"),
            ("USER a b", "takes one argument"),
            ("HEALTHCHECK --interval=x CMD y", "is no duration"),
            ("ENV a=${b", "is not closed"),
        ] {
            let error = after(&[instruction]).unwrap_err();
            assert!(error.contains(problem), "{error}");
        }
    }
}
