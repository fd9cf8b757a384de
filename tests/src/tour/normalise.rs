//! The one place that knows what of the output differs from run to run and from machine to machine.
//!
//! Each kind becomes an example of itself, of one width, so that the recording reads as a session and tables stay
//! tables:
//!
//! * ids (12 or 64 hexadecimal digits): `1a1a...` for the first that is seen, `2b2b...` for the second;
//! * times: noon of the first of January 2026; durations before "ago" and after "Up": five seconds;
//! * sizes that are not zero: `1.2MB`; milliseconds: `1.0 ms`; percentages between 0 and 100: `50%`;
//! * addresses: subnets in the order in which they are seen, `172.17.0`, `172.18.0`; of links, `02:42:ac:11:00:02`;
//! * the columns of `top`; in `info` and `version`, what is the machine's; the version of busybox;
//! * directories of the instance, version and build of the program.

use super::table;

const RFC_3339: &str = "2026-01-01T12:00:00.000000000Z";
const LOCAL: &str = "2026-01-01 12:00:00 +0000 UTC";
const DURATION: &str = "5 seconds";
const SIZE: &str = "1.2MB";
const LINK_ADDRESS: &str = "02:42:ac:11:00:02";
/// Columns of `top`, and an example of their cells.
const OF_PROCESSES: [(&str, &str); 4] = [("PID", "1234"), ("PPID", "1233"), ("C", "0"), ("STIME", "12:00")];
/// The first line of a shell of busybox, up to its version.
const SHELL: &str = "BusyBox v";
/// Lines of `info` and `version` that tell of the machine: what stands before the colon.
const OF_THE_MACHINE: [&str; 12] = [
    "Storage Driver",
    "Cgroup Driver",
    "Cgroup Version",
    "Kernel Version",
    "Kernel",
    "Operating System",
    "OS/Arch",
    "Architecture",
    "CPUs",
    "Total Memory",
    "Name",
    "ID",
];

/// What is known beforehand: texts and what stands for them, the longest first.
#[derive(Debug, Clone, Default)]
pub struct Facts(pub Vec<(String, String)>);

/// Replaces, and remembers what it has replaced by what.
#[derive(Debug, Default)]
pub struct Normaliser {
    facts: Facts,
    ids: Vec<String>,
    subnets: Vec<String>,
}

impl Normaliser {
    /// For one visit.
    #[must_use]
    pub fn new(facts: Facts) -> Self {
        Self { facts, ..Self::default() }
    }

    /// The lines as one text with line ends.
    #[must_use]
    pub fn normalise(&mut self, lines: &[String]) -> String {
        let lines = table::change(lines, |heading, text| match heading {
            Some(heading) => match OF_PROCESSES.iter().find(|(name, _)| *name == heading) {
                Some((_, example)) => (*example).to_owned(),
                None => self.line(text),
            },
            None if text.starts_with(SHELL) => "BusyBox (of the machine) built-in shell (ash)".to_owned(),
            None => self.line(text),
        });
        lines.iter().map(|line| line.trim_end().to_owned() + "\n").collect()
    }

    fn line(&mut self, line: &str) -> String {
        let mut line = line.to_owned();
        for (from, to) in &self.facts.0 {
            line = line.replace(from, to);
        }
        if let Some((key, value)) = line.split_once(':')
            && OF_THE_MACHINE.contains(&key.trim())
            && !value.trim().is_empty()
        {
            let blanks = value.len() - value.trim_start().len();
            return format!("{key}:{}(of the machine)", " ".repeat(blanks));
        }
        let mut out = String::new();
        let mut rest = line.as_str();
        while let Some(letter) = rest.chars().next() {
            let in_word = out.ends_with(|before: char| before.is_alphanumeric());
            let (length, text) = if in_word { None } else { self.example(rest, &out) }
                .unwrap_or_else(|| (letter.len_utf8(), letter.to_string()));
            out.push_str(&text);
            rest = &rest[length..];
        }
        out
    }

    /// What stands at the beginning of `rest`, if it is one of the kinds: its length, and the example for it.
    fn example(&mut self, rest: &str, before: &str) -> Option<(usize, String)> {
        self.id(rest)
            .or_else(|| time(rest))
            .or_else(|| duration(rest, before))
            .or_else(|| self.address(rest))
            .or_else(|| measure(rest))
    }

    fn id(&mut self, rest: &str) -> Option<(usize, String)> {
        let length = run(rest, |byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        if !matches!(length, 12 | 64) || rest[length..].starts_with(|next: char| next.is_alphanumeric()) {
            return None;
        }
        let short = &rest[..12];
        let known = self.ids.iter().position(|id| id == short);
        let place = known.unwrap_or_else(|| {
            self.ids.push(short.to_owned());
            self.ids.len() - 1
        });
        let pair = format!("{}{}", (place + 1) % 10, (b'a' + (place % 6) as u8) as char);
        Some((length, pair.repeat(length / 2)))
    }

    fn address(&mut self, rest: &str) -> Option<(usize, String)> {
        if rest.starts_with("02:42:") || rest.starts_with("fe80::42:") {
            let length = run(rest, |byte| byte.is_ascii_hexdigit() || byte == b':');
            let link = rest.starts_with("fe80");
            return Some((length, if link { "fe80::42:acff:fe11:2" } else { LINK_ADDRESS }.to_owned()));
        }
        let length = run(rest, |byte| byte.is_ascii_digit() || byte == b'.');
        let parts: Vec<&str> = rest[..length].split('.').collect();
        let ["172", second, third, last] = parts[..] else { return None };
        let subnet = format!("{second}.{third}");
        let known = self.subnets.iter().position(|one| *one == subnet);
        let place = known.unwrap_or_else(|| {
            self.subnets.push(subnet);
            self.subnets.len() - 1
        });
        Some((length, format!("172.{}.0.{last}", 17 + place)))
    }
}

/// How many bytes at the beginning `is` holds for.
fn run(text: &str, is: impl Fn(u8) -> bool) -> usize {
    text.bytes().take_while(|byte| is(*byte)).count()
}

/// Whether the text has the pattern's digits (`0`) and other letters, and where it ends.
fn matches(text: &str, pattern: &str) -> Option<usize> {
    let fits = text.len() >= pattern.len()
        && pattern.bytes().zip(text.bytes()).all(|(wanted, byte)| match wanted {
            b'0' => byte.is_ascii_digit(),
            _ => byte == wanted,
        });
    fits.then_some(pattern.len())
}

fn time(rest: &str) -> Option<(usize, String)> {
    if rest.starts_with("0001-") {
        return None;
    }
    if let Some(length) = matches(rest, "0000-00-00T00:00:00") {
        let end = length + run(&rest[length..], |byte| byte.is_ascii_digit() || byte == b'.');
        let zone = rest[end..].starts_with('Z').then_some(1).or_else(|| matches(&rest[end..], "+00:00"))?;
        return Some((end + zone, RFC_3339.to_owned()));
    }
    matches(rest, "0000-00-00 00:00:00 +0000 UTC").map(|length| (length, LOCAL.to_owned()))
}

/// Docker's durations: `Less than a second`, `About an hour`, `3 weeks`.
fn duration(rest: &str, before: &str) -> Option<(usize, String)> {
    let fixed = ["Less than a second", "About a minute", "About an hour"];
    let length = fixed.iter().find(|text| rest.starts_with(**text)).map(|text| text.len()).or_else(|| {
        let digits = run(rest, |byte| byte.is_ascii_digit());
        let units = ["second", "minute", "hour", "day", "week", "month", "year"];
        let unit = units.iter().find(|unit| {
            digits > 0 && rest[digits..].strip_prefix(' ').is_some_and(|after| after.starts_with(**unit))
        })?;
        let end = digits + 1 + unit.len();
        Some(end + usize::from(rest[end..].starts_with('s')))
    })?;
    let told = rest[length..].starts_with(" ago") || before.ends_with("Up ");
    told.then(|| (length, DURATION.to_owned()))
}

/// Sizes, milliseconds, percentages.
fn measure(rest: &str) -> Option<(usize, String)> {
    let number = run(rest, |byte| byte.is_ascii_digit() || byte == b'.');
    let value: f64 = rest.get(..number)?.parse().ok()?;
    let after = &rest[number..];
    if after.starts_with(" ms") {
        return Some((number + 3, "1.0 ms".to_owned()));
    }
    if after.starts_with('%') {
        return (value > 0.0 && value < 100.0).then(|| (number + 1, "50%".to_owned()));
    }
    let units = [" KiB", " MiB", " GiB", "KiB", "MiB", "GiB", "kB", "MB", "GB", "B"];
    let unit = units.iter().find(|unit| after.starts_with(**unit))?;
    let ends = !after[unit.len()..].starts_with(|next: char| next.is_alphanumeric());
    (ends && value > 0.0).then(|| (number + unit.len(), SIZE.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn normalised(line: &str) -> String {
        Normaliser::default().normalise(&[line.to_owned()]).trim_end().to_owned()
    }

    #[test]
    fn every_kind_has_its_example() {
        for (line, expected) in [
            ("x 0123456789ab y", "x 1a1a1a1a1a1a y"),
            ("2026-11-28T10:21:41.221331044Z up", "2026-01-01T12:00:00.000000000Z up"),
            ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"),
            ("2026-11-28 10:08:45 +0000 UTC", "2026-01-01 12:00:00 +0000 UTC"),
            ("Up Less than a second", "Up 5 seconds"),
            ("Exited (3) About a minute ago", "Exited (3) 5 seconds ago"),
            ("waits 10 seconds for it", "waits 10 seconds for it"),
            ("1.98MB, 0B, 484 KiB (9%) (100%)", "1.2MB, 0B, 1.2MB (50%) (100%)"),
            ("First 239.0 ms", "First 1.0 ms"),
            ("eth0 172.18.0.5/16 172.18.0.1 172.19.0.1", "eth0 172.17.0.5/16 172.17.0.1 172.18.0.1"),
            ("mac 02:42:ac:11:00:0a", "mac 02:42:ac:11:00:02"),
            (" Kernel Version: 6.18", " Kernel Version: (of the machine)"),
            ("8 items, 5Bees", "8 items, 5Bees"),
        ] {
            assert_eq!(normalised(line), expected, "{line}");
        }
    }

    #[test]
    fn one_id_stays_one_id() {
        let long = "ab".repeat(32);
        let line = format!("{long} {} cdcdcdcdcdcd", &long[..12]);
        assert_eq!(normalised(&line), format!("{} 1a1a1a1a1a1a 2b2b2b2b2b2b", "1a".repeat(32)));
    }

    #[test]
    fn facts_and_tables() {
        let facts = Facts(vec![("/tmp/x/data".into(), "/var/lib/sampan".into())]);
        let lines = ["PID       CMD", "77        sleep /tmp/x/data"].map(String::from);
        let text = Normaliser::new(facts).normalise(&lines);
        assert_eq!(text, "PID       CMD\n1234      sleep /var/lib/sampan\n");
    }
}
