//! Which of several images runs here (containerd's platform rules, in short).

use spec::image::{Descriptor, Platform};

/// A text is no platform.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "invalid platform {text:?}: expected os/architecture or os/architecture/variant, such as linux/arm64"
)]
pub struct InvalidPlatform {
    /// The text as it came.
    pub text: String,
}

/// The platform of this program, in Go's names.
#[must_use]
pub fn host_platform() -> Platform {
    let architecture = match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        "x86" => "386",
        "powerpc64" => "ppc64le",
        other => other,
    };
    Platform { architecture: architecture.into(), os: "linux".into(), variant: None, os_version: None }
}

/// Parses `os/architecture[/variant]`, or an architecture or an operating system alone, as `--platform` takes it.
///
/// # Errors
/// When it has an empty or a fourth part, or strange characters.
pub fn parse_platform(text: &str) -> Result<Platform, InvalidPlatform> {
    let invalid = || InvalidPlatform { text: text.chars().take(200).collect() };
    let lower = text.to_ascii_lowercase();
    let parts: Vec<&str> = lower.split('/').collect();
    let plain = |part: &&str| {
        !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_'))
    };
    if !parts.iter().all(plain) {
        return Err(invalid());
    }
    let host = host_platform();
    let (os, architecture, variant) = match parts[..] {
        ["linux"] => ("linux", host.architecture.as_str(), None),
        [architecture] => ("linux", architecture, None),
        [os, architecture] => (os, architecture, None),
        [os, architecture, variant] => (os, architecture, Some(variant.to_owned())),
        _ => return Err(invalid()),
    };
    let platform = Platform { architecture: architecture.into(), os: os.into(), variant, os_version: None };
    Ok(normal(&platform))
}

/// One spelling for each platform.
fn normal(platform: &Platform) -> Platform {
    let variant = platform.variant.as_deref().unwrap_or_default();
    let (architecture, variant) = match (platform.architecture.as_str(), variant) {
        ("x86_64" | "x86-64" | "amd64", "v1" | "") => ("amd64", ""),
        ("x86_64" | "x86-64", other) => ("amd64", other),
        ("aarch64" | "arm64", "8" | "v8" | "") => ("arm64", ""),
        ("aarch64", other) => ("arm64", other),
        ("i386" | "i686" | "x86", _) => ("386", ""),
        ("armhf", _) | ("arm", "" | "7") => ("arm", "v7"),
        ("armel", _) | ("arm", "6") => ("arm", "v6"),
        ("arm", "5") => ("arm", "v5"),
        (architecture, variant) => (architecture, variant),
    };
    Platform {
        architecture: architecture.into(),
        os: platform.os.clone(),
        variant: (!variant.is_empty()).then(|| variant.into()),
        os_version: None,
    }
}

/// How well something for `have` serves who wants `want`: smaller is better, `None` not at all.
pub(crate) fn rank(want: &Platform, have: &Platform) -> Option<u32> {
    let (want, have) = (normal(want), normal(have));
    if want.os != have.os {
        return None;
    }
    let number = |platform: &Platform, fallback: u32| -> u32 {
        let digits = platform.variant.as_deref().and_then(|variant| variant.strip_prefix('v'));
        digits.and_then(|digits| digits.parse().ok()).unwrap_or(fallback)
    };
    match (want.architecture.as_str(), have.architecture.as_str()) {
        // Newer variants run what was built for older ones.
        ("arm", "arm") => number(&want, 7).checked_sub(number(&have, 7)),
        ("arm64", "arm64") => number(&want, 8).checked_sub(number(&have, 8)),
        ("amd64", "amd64") => number(&want, 1).checked_sub(number(&have, 1)),
        ("amd64", "386") => Some(100),
        ("arm64", "arm") => Some(100 + 8_u32.saturating_sub(number(&have, 7))),
        (a, b) if a == b && want.variant == have.variant => Some(0),
        (a, b) if a == b && want.variant.is_none() => Some(1),
        _ => None,
    }
}

/// The entry of an index that serves `want` best; the first of equals.
pub(crate) fn choose<'a>(want: &Platform, entries: &'a [Descriptor]) -> Option<&'a Descriptor> {
    let ranked = entries.iter().filter_map(|entry| {
        // An index of one image need not say what it is for.
        let rank = match &entry.platform {
            Some(platform) => rank(want, platform)?,
            None => 1000,
        };
        Some((rank, entry))
    });
    ranked.min_by_key(|(rank, _)| *rank).map(|(_, entry)| entry)
}

/// The platforms that an index offers, for people; attestations left out.
pub(crate) fn offered(entries: &[Descriptor]) -> Vec<String> {
    let known = entries.iter().filter_map(|entry| entry.platform.as_ref()).filter(|one| one.os != "unknown");
    let mut texts: Vec<String> = known.map(crate::model::platform_text).collect();
    texts.sort();
    texts.dedup();
    texts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn platform(text: &str) -> Platform {
        parse_platform(text).unwrap()
    }

    #[test]
    fn spellings_of_one_platform_are_equal() {
        for (typed, text) in [
            ("linux/x86_64", "linux/amd64"),
            ("linux/arm64/v8", "linux/arm64"),
            ("arm", "linux/arm/v7"),
            ("Linux/ARMHF", "linux/arm/v7"),
            ("linux/386", "linux/386"),
            ("windows/amd64", "windows/amd64"),
        ] {
            assert_eq!(crate::model::platform_text(&platform(typed)), text);
        }
        for text in ["", "/", "linux/", "a/b/c/d", "linux/a b"] {
            assert!(parse_platform(text).is_err(), "{text}");
        }
    }

    #[test]
    fn older_variants_serve_and_newer_do_not() {
        let rank = |want: &str, have: &str| rank(&platform(want), &platform(have));
        assert_eq!(rank("linux/amd64", "linux/amd64"), Some(0));
        assert_eq!(rank("linux/arm/v7", "linux/arm/v6"), Some(1));
        assert_eq!(rank("linux/arm/v6", "linux/arm/v7"), None);
        assert!(rank("linux/arm64", "linux/arm/v7") < rank("linux/arm64", "linux/arm/v5"));
        assert_eq!(rank("linux/amd64", "linux/arm64"), None);
        assert_eq!(rank("linux/amd64", "windows/amd64"), None);
        assert_eq!(rank("linux/amd64", "linux/amd64/v3"), None);
    }
}
