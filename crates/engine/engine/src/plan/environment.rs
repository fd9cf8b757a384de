//! Environment variables.

/// What `PATH` is when nobody says.
pub(crate) const DEFAULT_PATH: &str = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

fn key(variable: &str) -> &str {
    variable.split_once('=').map_or(variable, |(key, _)| key)
}

/// `overrides` on top of `base`: a variable that is there is replaced in its place, a new one appended; one without
/// `=` is removed, as in Docker.
#[must_use]
pub fn merge(base: &[String], overrides: &[String]) -> Vec<String> {
    let mut merged: Vec<String> = base.to_vec();
    for variable in overrides {
        let place = merged.iter().position(|present| key(present) == key(variable));
        match (place, variable.contains('=')) {
            (Some(place), true) => merged[place].clone_from(variable),
            (Some(place), false) => drop(merged.remove(place)),
            (None, true) => merged.push(variable.clone()),
            (None, false) => {}
        }
    }
    merged
}

/// A container's variables in Docker's order: what was asked for, then what the image has besides.
#[must_use]
pub(crate) fn of_container(image: &[String], request: &[String]) -> Vec<String> {
    let mut env = merge(&[], request);
    let asked = |variable: &&String| request.iter().any(|other| key(other) == key(variable));
    env.extend(image.iter().filter(|variable| !asked(variable)).cloned());
    env
}

/// What the process gets: Docker's defaults, then the container's, then `HOME` if nobody set it.
#[must_use]
pub fn of_process(env: &[String], hostname: &str, tty: bool, home: &str) -> Vec<String> {
    let mut base = vec![DEFAULT_PATH.to_owned(), format!("HOSTNAME={hostname}")];
    if tty {
        base.push("TERM=xterm".into());
    }
    let mut env = merge(&base, env);
    if !env.iter().any(|variable| key(variable) == "HOME") {
        env.push(format!("HOME={home}"));
    }
    env
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owned(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    #[test]
    fn later_ones_win_in_their_place() {
        assert_eq!(merge(&owned(&["A=1", "B=2"]), &owned(&["A=3", "C=4", "B", "D"])), owned(&["A=3", "C=4"]));
    }

    #[test]
    fn what_was_asked_for_comes_first() {
        let image = owned(&["PATH=/bin", "A=1", "B=1"]);
        assert_eq!(
            of_container(&image, &owned(&["Z=1", "A=2", "B", "Z=2"])),
            owned(&["Z=2", "A=2", "PATH=/bin"])
        );
        assert_eq!(of_container(&image, &[]), image);
    }

    #[test]
    fn defaults_of_docker() {
        let env = of_process(&owned(&["X=1", "PATH=/bin"]), "host", true, "/root");
        assert_eq!(env, owned(&["PATH=/bin", "HOSTNAME=host", "TERM=xterm", "X=1", "HOME=/root"]));
        assert_eq!(of_process(&owned(&["HOME=/x"]), "h", false, "/root").last().unwrap(), "HOME=/x");
    }
}
