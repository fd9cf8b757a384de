//! `WWW-Authenticate` (RFC 9110 section 11.6.1), as far as registries use it.

/// What a registry asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Challenge {
    /// A token from a token server (distribution, spec/auth/token.md).
    Bearer {
        /// The token server.
        realm: String,
        /// Who shall accept the token.
        service: Option<String>,
        /// What it shall be good for.
        scope: Option<String>,
        /// Why the last one was not good enough.
        error: Option<String>,
    },
    /// User and password (RFC 7617).
    Basic,
    /// Something else.
    Other(String),
}

/// Parses one header; several challenges may stand in it, or in several headers.
pub(crate) fn parse(header: &str) -> Vec<Challenge> {
    let mut challenges = Vec::new();
    let mut rest = header.trim();
    while !rest.is_empty() {
        let end = rest.find(|c: char| c.is_whitespace() || c == ',').unwrap_or(rest.len());
        let (scheme, after) = rest.split_at(end);
        let (parameters, after) = parameters(after.trim_start());
        if !scheme.is_empty() {
            challenges.push(challenge(scheme, &parameters));
        }
        rest = after.trim_start_matches(|c: char| c == ',' || c.is_whitespace());
    }
    challenges
}

/// The one to answer: a token is preferred to a password.
pub(crate) fn choose(challenges: Vec<Challenge>) -> Option<Challenge> {
    let rank = |challenge: &Challenge| match challenge {
        Challenge::Bearer { .. } => 0,
        Challenge::Basic => 1,
        Challenge::Other(_) => 2,
    };
    challenges.into_iter().min_by_key(rank)
}

fn challenge(scheme: &str, parameters: &[(String, String)]) -> Challenge {
    let take = |name: &str| parameters.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone());
    match scheme.to_ascii_lowercase().as_str() {
        "bearer" => Challenge::Bearer {
            realm: take("realm").unwrap_or_default(),
            service: take("service"),
            scope: take("scope"),
            error: take("error"),
        },
        "basic" => Challenge::Basic,
        _ => Challenge::Other(scheme.chars().take(40).collect()),
    }
}

/// `name=value` or `name="value"`, separated by commas; ends where another scheme begins.
fn parameters(mut rest: &str) -> (Vec<(String, String)>, &str) {
    let mut found = Vec::new();
    loop {
        rest = rest.trim_start_matches(|c: char| c == ',' || c.is_whitespace());
        let end = rest
            .find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')))
            .unwrap_or(rest.len());
        let (name, after) = rest.split_at(end);
        let Some(value) = after.trim_start().strip_prefix('=') else { return (found, rest) };
        if name.is_empty() {
            return (found, "");
        }
        let (value, after) = value_of(value.trim_start());
        found.push((name.to_ascii_lowercase(), value));
        rest = after;
    }
}

fn value_of(text: &str) -> (String, &str) {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find(|c: char| c == ',' || c.is_whitespace()).unwrap_or(text.len());
        return (text[..end].to_owned(), &text[end..]);
    };
    let mut value = String::new();
    let mut chars = quoted.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return (value, &quoted[at + 1..]),
            '\\' => value.extend(chars.next().map(|(_, escaped)| escaped)),
            _ => value.push(c),
        }
    }
    (value, "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hubs_challenge() {
        let header = r#"Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:library/nginx:pull,push""#;
        let parsed = parse(header);
        assert_eq!(
            parsed,
            [Challenge::Bearer {
                realm: "https://auth.docker.io/token".into(),
                service: Some("registry.docker.io".into()),
                scope: Some("repository:library/nginx:pull,push".into()),
                error: None,
            }]
        );
    }

    #[test]
    fn several_challenges_and_strange_ones() {
        let all =
            parse(r#"Negotiate, basic realm="a \"b\"", BEARER realm=https://x/t , error=invalid_token"#);
        assert_eq!(all.len(), 3);
        assert_eq!(all[0], Challenge::Other("Negotiate".into()));
        assert!(matches!(choose(all), Some(Challenge::Bearer { realm, .. }) if realm == "https://x/t"));
        assert_eq!(choose(parse("Basic")), Some(Challenge::Basic));
        assert_eq!(choose(parse("")), None);
    }

    proptest::proptest! {
        #[test]
        fn no_header_makes_it_stumble(header in ".{0,200}") {
            let _ = parse(&header);
        }
    }
}
